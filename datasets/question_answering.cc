// Extractive question answering: SQuAD v1.1 (Rajpurkar et al. 2016), XQuAD
// (Artetxe et al. 2020), which is a part of SQuAD's dev set in many languages,
// and SubjQA (Bjerva et al. 2020) over reviews. The files count answers'
// places in characters; rows hold them in bytes.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_join.h"
#include "datasets/loading.h"
#include "datasets/official.h"
#include "datasets/registry.h"
#include "datasets/rows.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/data/clean_text.h"
#include "harness/data/jsonl.h"
#include "harness/data/splits.h"
#include "harness/formats/json.h"

namespace sft::datasets {
namespace {

using Json = nlohmann::json;

// Whole articles fall on one side; at least these many questions.
constexpr int64_t kXquadValidationRows = 100, kXquadTestRows = 300;
constexpr int64_t kSquadValidationRows = 1000;

struct Answer {
  std::string text;
  int64_t character = 0;  // of the context, at which it begins
};

// The byte at which a character begins; nothing if the text is shorter.
std::optional<size_t> ByteOfCharacter(std::string_view text,
                                      int64_t character) {
  if (character < 0) return std::nullopt;
  size_t at = 0;
  for (; character > 0 && at < text.size(); --character) {
    at += DecodeUtf8At(text, at).size_bytes;
  }
  if (character > 0) return std::nullopt;
  return at;
}

// Why the answer does not stand at its place; "" if it does, with the byte.
std::string Misplaced(const std::string& context, const Answer& answer,
                      int64_t& byte) {
  const auto at = ByteOfCharacter(context, answer.character);
  if (!at || *at + answer.text.size() > context.size()) {
    return absl::StrCat("answer '", data::FirstWords(answer.text, 40),
                        "' at character ", answer.character,
                        " leaves the context of ", context.size(), " bytes");
  }
  if (context.compare(*at, answer.text.size(), answer.text) != 0) {
    return absl::StrCat("answer '", data::FirstWords(answer.text, 40),
                        "' does not stand at character ", answer.character,
                        ", where the context reads '",
                        data::FirstWords(context.substr(*at), 40), "'");
  }
  byte = static_cast<int64_t>(*at);
  return "";
}

// The key is question and context; id and place are the caller's.
absl::StatusOr<data::KeyedRow> MakeQuestion(
    std::string question, std::string context,
    const std::vector<Answer>& answers) {
  question = data::CollapseSpace(question);
  if (question.empty() || data::CollapseSpace(context).empty()) {
    return absl::InvalidArgumentError("empty question or context");
  }
  if (answers.empty()) {
    return absl::InvalidArgumentError("unanswerable: no answer is given");
  }
  std::vector<std::string> references;
  std::vector<int64_t> begins;
  for (const Answer& answer : answers) {
    if (data::CollapseSpace(answer.text).empty()) {
      return absl::InvalidArgumentError("an empty answer");
    }
    int64_t byte = 0;
    const std::string why = Misplaced(context, answer, byte);
    if (!why.empty()) return absl::InvalidArgumentError(why);
    references.push_back(answer.text);
    begins.push_back(byte);
  }
  data::KeyedRow row;
  row.key = absl::StrCat(question, "\n", context);
  row.row = GenerationRow(
      0,
      absl::StrCat("Context: ", context, "\nQuestion: ", question, "\nAnswer:"),
      std::move(references));
  row.row.text = std::move(question);
  row.row.text_pair = std::move(context);
  row.row.answer_begins = std::move(begins);
  return row;
}

absl::StatusOr<int64_t> Offset(const Json& value) {
  if (!value.is_number_integer() || value < 0 || value > (int64_t{1} << 31)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'answer_start' is no place in a text but ",
                     value.dump().substr(0, 40)));
  }
  return value.get<int64_t>();
}

// The array at `key`; the error says that there is none.
absl::StatusOr<const Json*> ArrayAt(const Json& object, const char* key) {
  const auto it = object.is_object() ? object.find(key) : object.end();
  if (it == object.end() || !it->is_array()) {
    return absl::InvalidArgumentError(absl::StrCat("no array '", key, "'"));
  }
  return &*it;
}

// SQuAD's "qas" entry.
absl::StatusOr<data::KeyedRow> SquadQuestion(const Json& question,
                                             const std::string& context) {
  SFT_ASSIGN_OR_RETURN(const Json* const list, ArrayAt(question, "answers"));
  SFT_ASSIGN_OR_RETURN(std::string text, data::JsonText(question, "question"));
  std::vector<Answer> answers;
  for (const Json& answer : *list) {
    if (!answer.is_object() || !answer.contains("answer_start")) {
      return absl::InvalidArgumentError("an answer without 'answer_start'");
    }
    Answer a;
    SFT_ASSIGN_OR_RETURN(a.text, data::JsonText(answer, "text"));
    SFT_ASSIGN_OR_RETURN(a.character, Offset(answer["answer_start"]));
    answers.push_back(std::move(a));
  }
  return MakeQuestion(std::move(text), context, answers);
}

// A line of SubjQA: answers {text: [...], answer_start: [...]}.
absl::StatusOr<data::KeyedRow> SubjqaQuestion(const Json& record) {
  SFT_ASSIGN_OR_RETURN(std::string question,
                       data::JsonText(record, "question"));
  SFT_ASSIGN_OR_RETURN(std::string context, data::JsonText(record, "context"));
  const auto found = record.find("answers");
  if (found == record.end()) {
    return absl::InvalidArgumentError("no 'answers'");
  }
  SFT_ASSIGN_OR_RETURN(const Json* const texts, ArrayAt(*found, "text"));
  SFT_ASSIGN_OR_RETURN(const Json* const starts,
                       ArrayAt(*found, "answer_start"));
  if (texts->size() != starts->size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        texts->size(), " answers, but ", starts->size(), " places"));
  }
  std::vector<Answer> answers;
  for (size_t i = 0; i < texts->size(); ++i) {
    if (!(*texts)[i].is_string()) {
      return absl::InvalidArgumentError("an answer that is no string");
    }
    Answer answer;
    answer.text = (*texts)[i].get<std::string>();
    SFT_ASSIGN_OR_RETURN(answer.character, Offset((*starts)[i]));
    answers.push_back(std::move(answer));
  }
  return MakeQuestion(std::move(question), std::move(context), answers);
}

struct Questions : LoadedRows {
  // The title of the article that each context is from.
  absl::flat_hash_map<std::string, std::string> article_of;
};

// One article; `where` names it.
absl::Status ReadArticle(const Json& article, const std::string& where,
                         const std::string& title, int64_t& id,
                         Questions& out) {
  SFT_ASSIGN_OR_RETURN(const Json* const paragraphs,
                       ArrayAt(article, "paragraphs"));
  for (size_t p = 0; p < paragraphs->size(); ++p) {
    const Json& paragraph = (*paragraphs)[p];
    const std::string here = absl::StrCat(where, ", paragraph ", p + 1);
    const auto questions = ArrayAt(paragraph, "qas");
    absl::StatusOr<std::string> context =
        questions.ok() ? data::JsonText(paragraph, "context")
                       : questions.status();
    if (!context.ok()) {
      out.refused.push_back({here, ToStd(context.status().message())});
      continue;
    }
    out.article_of.emplace(*context, title);
    for (size_t q = 0; q < (*questions)->size(); ++q) {
      AddRow(SquadQuestion((**questions)[q], *context), ++id,
             absl::StrCat(here, ", question ", q + 1), out);
    }
  }
  return absl::OkStatus();
}

// A file in SQuAD's official layout.
absl::StatusOr<Questions> ReadSquad(const std::string& file,
                                    const data::DataFolders& folders) {
  SFT_ASSIGN_OR_RETURN(const std::string path,
                       data::ResolveDataFile(file, folders));
  SFT_ASSIGN_OR_RETURN(const std::string text,
                       ReadFile(path, data::kMaxJsonFileBytes));
  const absl::StatusOr<Json> json =
      formats::ParseJson(WithoutByteOrderMark(text));
  if (!json.ok()) return InputError(path, ToStd(json.status().message()));
  const auto articles = ArrayAt(*json, "data");
  if (!articles.ok()) {
    return InputError(
        path, ToStd(articles.status().message()) + ", as SQuAD's files have");
  }
  Questions out;
  int64_t id = 0;
  for (size_t a = 0; a < (*articles)->size(); ++a) {
    const Json& article = (**articles)[a];
    const std::string where = absl::StrCat(path, ": article ", a + 1);
    const auto title = data::JsonText(article, "title");
    const absl::Status status = ReadArticle(
        article, where, title.ok() ? *title : absl::StrCat("article ", a + 1),
        id, out);
    if (!status.ok()) out.refused.push_back({where, ToStd(status.message())});
  }
  if (out.rows.empty()) {
    return InputError(out.refused.empty() ? path : out.refused[0].where,
                      absl::StrCat(out.refused.empty() ? "no questions"
                                                       : out.refused[0].reason,
                                   " (", out.refused.size(), " refused)"));
  }
  return out;
}

// Rows of one article fall on one side; within it they are shuffled.
absl::StatusOr<data::Splits> SplitByArticle(Questions questions,
                                            int64_t validation_rows,
                                            int64_t test_rows,
                                            const std::string& name) {
  std::vector<data::KeyedRow> rows =
      data::DropDuplicates(std::move(questions.rows), questions.refused);
  for (data::KeyedRow& row : rows)
    row.key = questions.article_of[row.row.text_pair];
  SFT_ASSIGN_OR_RETURN(data::Splits splits,
                       data::SplitGroupsByHash(std::move(rows), validation_rows,
                                               test_rows, name));
  for (auto* side : {&splits.train, &splits.validation, &splits.test}) {
    std::vector<data::KeyedRow> keyed;
    for (data::Row& row : *side) {
      std::string prompt = row.turns[0].content;
      keyed.push_back({std::move(row), std::move(prompt), ""});
    }
    *side = InOrderOfHash(std::move(keyed));
  }
  splits.refused = std::move(questions.refused);
  return splits;
}

absl::StatusOr<data::Splits> LoadXquad(const std::string& file,
                                       const data::DataFolders& folders,
                                       const std::string& name) {
  SFT_ASSIGN_OR_RETURN(Questions questions, ReadSquad(file, folders));
  return SplitByArticle(std::move(questions), kXquadValidationRows,
                        kXquadTestRows, name);
}

// SQuAD's own test set is not public: its dev set is the test set here.
absl::StatusOr<data::Splits> LoadSquad(const std::vector<std::string>& files,
                                       const data::DataFolders& folders,
                                       const std::string& name) {
  SFT_ASSIGN_OR_RETURN(Questions train, ReadSquad(files[0], folders));
  SFT_ASSIGN_OR_RETURN(Questions test, ReadSquad(files[1], folders));
  RefuseSeen(test.rows, "test", train.rows, train.refused);
  SFT_ASSIGN_OR_RETURN(
      data::Splits splits,
      SplitByArticle(std::move(train), kSquadValidationRows, 0, name));
  splits.test = InOrderOfHash(std::move(test.rows));
  splits.refused.insert(splits.refused.end(), test.refused.begin(),
                        test.refused.end());
  return splits;
}

// Train, validation and test file of each domain.
absl::StatusOr<data::Splits> LoadSubjqa(const std::vector<std::string>& files,
                                        const data::DataFolders& folders) {
  OfficialRows rows;
  std::vector<data::KeyedRow>* const splits[] = {&rows.train, &rows.validation,
                                                 &rows.test};
  for (size_t i = 0; i < files.size(); ++i) {
    SFT_ASSIGN_OR_RETURN(const std::string path,
                         data::ResolveDataFile(files[i], folders));
    SFT_ASSIGN_OR_RETURN(data::JsonTable table, data::ReadJsonl(path));
    LoadedRows questions;
    for (const data::JsonRecord& record : table.records) {
      AddRow(SubjqaQuestion(record.value), record.number, record.where,
             questions);
    }
    std::vector<data::KeyedRow>& split = *splits[i % 3];
    for (data::KeyedRow& row : questions.rows) split.push_back(std::move(row));
    for (const auto* refused : {&table.refused, &questions.refused}) {
      rows.refused.insert(rows.refused.end(), refused->begin(), refused->end());
    }
  }
  if (rows.train.empty() || rows.test.empty()) {
    return InputError(files[0], absl::StrCat("no answerable questions (",
                                             rows.refused.size(), " refused)"));
  }
  return KeptApart(std::move(rows));
}

data::DatasetRow MakeRow(const std::string& name,
                         std::vector<std::string> files) {
  data::DatasetRow row;
  row.name = name;
  row.task.name = name;
  row.task.kind = "question_answering";
  row.task.metrics = {"squad_f1", "exact_match"};
  row.task.default_form = "plain";
  row.task.max_new_tokens = 32;
  row.task.stop_strings = {"\n"};
  row.files = std::move(files);
  return row;
}

data::DatasetRow Xquad(const std::string& name, const std::string& code,
                       const std::string& language) {
  data::DatasetRow row =
      MakeRow(name, {absl::StrCat("data:xquad/xquad.", code, ".json")});
  row.licence = "CC BY-SA 4.0";
  row.source = "Artetxe et al. 2020, split by article; SFTBENCH_DATA";
  row.summary =
      "spans of Wikipedia paragraphs that answer questions, " + language;
  row.load = [file = row.files[0], name](const data::DataFolders& folders) {
    return LoadXquad(file, folders, name);
  };
  return row;
}

data::DatasetRow Subjqa(const std::string& name,
                        const std::vector<std::string>& domains) {
  std::vector<std::string> files;
  for (const std::string& domain : domains) {
    for (const char* split : {"train.jsonl.gz", "dev.jsonl", "test.jsonl"}) {
      files.push_back(absl::StrCat("data:subjqa/", domain, "_", split));
    }
  }
  data::DatasetRow row = MakeRow(name, std::move(files));
  row.licence = "none stated (Amazon and Yelp reviews, research use)";
  row.source = "Bjerva et al. 2020; SFTBENCH_DATA";
  row.summary =
      "spans of reviews that answer questions: " + absl::StrJoin(domains, ", ");
  row.load = [files = row.files](const data::DataFolders& folders) {
    return LoadSubjqa(files, folders);
  };
  return row;
}

}  // namespace

std::vector<data::DatasetRow> QuestionAnsweringDatasets() {
  data::DatasetRow squad = MakeRow(
      "squad", {"data:squad/train-v1.1.json", "data:squad/dev-v1.1.json"});
  squad.licence = "CC BY-SA 4.0";
  squad.source = "Rajpurkar et al. 2016, v1.1; SFTBENCH_DATA";
  squad.summary = "spans of Wikipedia paragraphs that answer questions";
  squad.load = [files = squad.files,
                name = squad.name](const data::DataFolders& folders) {
    return LoadSquad(files, folders, name);
  };
  return {std::move(squad),
          Xquad("xquad", "en", "English"),
          Xquad("xquad_de", "de", "German"),
          Subjqa("subjqa", {"electronics", "restaurants"}),
          Subjqa("subjqa_electronics", {"electronics"}),
          Subjqa("subjqa_restaurants", {"restaurants"})};
}

}  // namespace sft::datasets
