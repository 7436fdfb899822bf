// The texts of the 15-task continual-learning benchmark (Razdaibiedina et al.
// 2023) as O-LoRA ships them: small train parts and test sets of AG News,
// Amazon, IMDB, SST-2, MNLI, RTE, QQP, BoolQ, CB, COPA and WiC, objects of
// {label, sentence} whose sentence is a small prompt, beside a list of labels.
// Test sets are as they are there; validation rows are taken out of the train
// rows by text.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "datasets/loading.h"
#include "datasets/pairs.h"
#include "datasets/registry.h"
#include "datasets/rows.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/data/clean_text.h"
#include "harness/formats/json.h"

namespace sft::datasets {
namespace {

using Texts = absl::StatusOr<PairedTexts>;

struct OloraSet {
  const char* name;
  const char* stem;   // of its files below data:olora_cl/
  const char* train;  // the rest of the file's name
  const char* test;   // "" if there is none
  std::vector<std::string> file_labels;
  std::vector<std::string> words;  // asked for instead
  int64_t validation_rows;
  int64_t test_rows;  // taken from the train rows where there is no test file
  Texts (*texts)(const std::string& sentence);
  const char* summary;
};

// What stands behind each of `marks`, in their order, the first one at the
// beginning; white space collapsed, none of it empty.
absl::StatusOr<std::vector<std::string>> Fields(
    const std::string& sentence, const std::vector<std::string>& marks) {
  std::vector<std::string> fields;
  size_t begin = 0;
  for (size_t i = 0; i < marks.size(); ++i) {
    const size_t at = sentence.find(marks[i], begin);
    if (at == std::string::npos || (i == 0 && at != 0)) {
      return absl::InvalidArgumentError(
          absl::StrCat("no '", absl::StrReplaceAll(marks[i], {{"\n", "\\n"}}),
                       "' where it is wanted"));
    }
    if (i > 0) fields.push_back(sentence.substr(begin, at - begin));
    begin = at + marks[i].size();
  }
  fields.push_back(sentence.substr(begin));
  for (std::string& field : fields) {
    field = data::CollapseSpace(field);
    if (field.empty()) return absl::InvalidArgumentError("an empty text");
  }
  return fields;
}

PairedTexts Single(const char* before, const std::string& text,
                   const char* after) {
  return {absl::StrCat(before, text, after), text, ""};
}

// A backslash stands for a line break in AG News.
Texts AgNews(const std::string& sentence) {
  SFT_ASSIGN_OR_RETURN(const auto f,
                       Fields(absl::StrReplaceAll(sentence, {{"\\", " "}}),
                              {"Title: ", "\nText: "}));
  return Single("News: ", absl::StrCat(f[0], ". ", f[1]), "\nTopic:");
}
Texts Amazon(const std::string& sentence) {
  SFT_ASSIGN_OR_RETURN(const auto f, Fields(sentence, {"Title: ", "\nText: "}));
  return Single("Review: ", absl::StrCat(f[0], ". ", f[1]), "\nRating:");
}
Texts Imdb(const std::string& sentence) {
  const std::string text =
      data::CollapseSpace(absl::StrReplaceAll(sentence, {{"<br />", " "}}));
  if (text.empty()) return absl::InvalidArgumentError("an empty text");
  return Single("Review: ", text, "\nSentiment:");
}
Texts Sst2(const std::string& sentence) {
  SFT_ASSIGN_OR_RETURN(const auto f, Fields(sentence, {"Text: "}));
  return Single("Review: ", f[0], "\nSentiment:");
}
Texts Entailment(const std::string& sentence) {
  SFT_ASSIGN_OR_RETURN(const auto f,
                       Fields(sentence, {"sentence 1: ", "\nsentence 2: "}));
  return EntailmentPair(f[0], f[1]);
}
Texts Paraphrase(const std::string& sentence) {
  SFT_ASSIGN_OR_RETURN(const auto f, Fields(sentence, {"first sentence: ",
                                                       "\nsecond sentence: "}));
  return ParaphrasePair(f[0], f[1]);
}
Texts Passage(const std::string& sentence) {
  SFT_ASSIGN_OR_RETURN(const auto f,
                       Fields(sentence, {"question: ", "\npassage: "}));
  return PassagePair(f[0], f[1]);
}
Texts WordSense(const std::string& sentence) {
  SFT_ASSIGN_OR_RETURN(const auto f, Fields(sentence, {"word: ", "\n", "\n"}));
  return WordSensePair(f[0], f[1], f[2]);
}
Texts Cause(const std::string& sentence) {
  SFT_ASSIGN_OR_RETURN(
      const auto f,
      Fields(sentence, {"Which sentence is the ", " of \"",
                        "\"? Choose one between A and B.\nA: ", "\nB: "}));
  if (f[0] != "cause" && f[0] != "effect") {
    return absl::InvalidArgumentError(
        absl::StrCat("the '", f[0], "' of, wanted cause or effect"));
  }
  return CausePair(f[0], f[1], f[2], f[3]);
}

const std::vector<OloraSet>& Sets() {
  static const auto& sets = *new std::vector<OloraSet>{
      {"rte",
       "rte",
       "_train.jsonl.gz",
       "_test.jsonl",
       {"entailment", "contradiction"},
       {"yes", "no"},
       200,
       0,
       Entailment,
       "whether one text follows from another, 2 classes"},
      {"mnli",
       "mnli",
       "_train.jsonl.gz",
       "_test.jsonl.gz",
       {"entailment", "contradiction", "neutral"},
       {"yes", "no", "maybe"},
       300,
       0,
       Entailment,
       "whether a hypothesis follows from a premise, 3 classes"},
      {"qqp",
       "qqp",
       "_train.jsonl.gz",
       "_test.jsonl.gz",
       {"True", "False"},
       {"yes", "no"},
       200,
       0,
       Paraphrase,
       "whether two questions mean the same, 2 classes"},
      {"boolq",
       "boolq",
       "_train.jsonl.gz",
       "_test.jsonl.gz",
       {"True", "False"},
       {"yes", "no"},
       200,
       0,
       Passage,
       "yes or no questions about a passage"},
      {"cb",
       "cb",
       "_train.jsonl",
       "_test.jsonl",
       {"entailment", "contradiction", "neutral"},
       {"yes", "no", "maybe"},
       30,
       0,
       Entailment,
       "whether a clause's content is held true, 3 classes"},
      {"copa",
       "copa",
       "_train.jsonl",
       "_test.jsonl",
       {"A", "B"},
       {"A", "B"},
       50,
       0,
       Cause,
       "which of two is the cause or the effect"},
      {"wic",
       "wic",
       "_train.jsonl.gz",
       "_test.jsonl",
       {"True", "False"},
       {"yes", "no"},
       200,
       0,
       WordSense,
       "whether a word has one sense in two sentences"},
      {"amazon",
       "amazon",
       "_train.jsonl.gz",
       "_test.jsonl.gz",
       {"very negative", "negative", "neutral", "positive", "very positive"},
       {"terrible", "bad", "okay", "good", "great"},
       500,
       0,
       Amazon,
       "stars of a product review, 5 classes"},
      {"olora_imdb",
       "imdb",
       "_train.jsonl.gz",
       "",
       {"Bad", "Good"},
       {"negative", "positive"},
       200,
       300,
       Imdb,
       "sentiment of long reviews, 2 classes; test rows of ours"},
      {"olora_sst2",
       "sst2",
       "_train.jsonl.gz",
       "_test.jsonl",
       {"Bad", "Good"},
       {"negative", "positive"},
       200,
       0,
       Sst2,
       "sentiment of phrases and sentences of reviews, 2,000 to train on"},
      {"olora_agnews",
       "agnews",
       "_train.jsonl.gz",
       "_test.jsonl.gz",
       {"World", "Sports", "Business", "Science or Technology"},
       {"World", "Sports", "Business", "Technology"},
       400,
       0,
       AgNews,
       "topic of a news item by title and description, 4 classes"}};
  return sets;
}

std::string FileOf(const OloraSet& set, const char* rest) {
  return absl::StrCat("data:olora_cl/", set.stem, rest);
}

// The labels of the set's list are those that the table knows.
absl::Status CheckLabels(const OloraSet& set,
                         const data::DataFolders& folders) {
  SFT_ASSIGN_OR_RETURN(
      const std::string path,
      data::ResolveDataFile(FileOf(set, "_labels.json"), folders));
  SFT_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, 1 << 20));
  const absl::StatusOr<nlohmann::json> list = formats::ParseJson(text);
  if (!list.ok()) return InputError(path, ToStd(list.status().message()));
  std::vector<std::string> found, wanted = set.file_labels;
  for (const nlohmann::json& label : *list) {
    if (label.is_string()) found.push_back(label.get<std::string>());
  }
  std::sort(found.begin(), found.end());
  std::sort(wanted.begin(), wanted.end());
  if (!list->is_array() || found != wanted) {
    return InputError(
        path, absl::StrCat("the labels are '", absl::StrJoin(found, "', '"),
                           "', wanted '", absl::StrJoin(wanted, "', '"), "'"));
  }
  return absl::OkStatus();
}

absl::StatusOr<data::Splits> Load(const OloraSet& set, const data::Task& task,
                                  const data::DataFolders& folders) {
  SFT_RETURN_IF_ERROR(CheckLabels(set, folders));
  const auto row_of =
      [&](const data::JsonRecord& record) -> absl::StatusOr<data::KeyedRow> {
    SFT_ASSIGN_OR_RETURN(const std::string name,
                         data::JsonText(record.value, "label"));
    const int64_t label = IndexOf(name, set.file_labels);
    if (label < 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "label '", name, "' is none of the task's ", set.file_labels.size()));
    }
    SFT_ASSIGN_OR_RETURN(const std::string sentence,
                         data::JsonText(record.value, "sentence"));
    SFT_ASSIGN_OR_RETURN(PairedTexts texts, set.texts(sentence));
    return PairRow(std::move(texts), task, label);
  };
  SFT_ASSIGN_OR_RETURN(LoadedRows train,
                       LoadJsonRows(FileOf(set, set.train), folders, row_of));
  if (*set.test == '\0') {
    return OwnSplits(std::move(train), set.validation_rows, set.test_rows,
                     task.name);
  }
  SFT_ASSIGN_OR_RETURN(LoadedRows test,
                       LoadJsonRows(FileOf(set, set.test), folders, row_of));
  return OfficialSplits(std::move(train), std::move(test), set.validation_rows,
                        task.name);
}

}  // namespace

std::vector<data::DatasetRow> OloraDatasets() {
  std::vector<data::DatasetRow> rows;
  for (const OloraSet& set : Sets()) {
    data::DatasetRow row;
    row.name = set.name;
    row.task.name = row.name;
    row.task.kind = "classification";
    row.task.labels = set.words;
    row.task.metrics = {"accuracy", "f1_macro"};
    row.task.default_form = "plain";
    row.licence =
        "repository MIT; the texts keep their makers' terms "
        "(research use)";
    row.source = "the O-LoRA repository's CL_Benchmark; SFTBENCH_DATA";
    row.summary = set.summary;
    row.files = {FileOf(set, set.train), FileOf(set, "_labels.json")};
    if (*set.test != '\0') row.files.push_back(FileOf(set, set.test));
    row.load = [&set, task = row.task](const data::DataFolders& folders) {
      return Load(set, task, folders);
    };
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace sft::datasets
