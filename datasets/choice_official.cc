// Multiple choice in the makers' own files, with their train sets: ARC and
// OpenBookQA (JSON lines of a stem and lettered choices), HellaSwag,
// WinoGrande, and PIQA with its labels in a file beside. The dev or test set
// that is public is the test set; validation rows are taken out of the train
// set by text.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "datasets/choices.h"
#include "datasets/loading.h"
#include "datasets/registry.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/text/unicode_class.h"

namespace sft::datasets {
namespace {

using nlohmann::json;

// {"question": {"stem", "choices": [{"text", "label": "A"}]}, "answerKey"}
absl::StatusOr<data::KeyedRow> StemRow(const data::JsonRecord& record) {
  const auto question = record.value.find("question");
  if (question == record.value.end() || !question->is_object()) {
    return absl::InvalidArgumentError("no object 'question'");
  }
  SFT_ASSIGN_OR_RETURN(const std::string stem, WrittenText(*question, "stem"));
  SFT_ASSIGN_OR_RETURN(const std::string answer,
                       data::JsonText(record.value, "answerKey"));
  const auto list = question->find("choices");
  if (list == question->end() || !list->is_array()) {
    return absl::InvalidArgumentError("no array 'choices'");
  }
  std::vector<std::string> choices;
  int64_t label = -1;
  for (const json& choice : *list) {
    if (!choice.is_object()) {
      return absl::InvalidArgumentError("a choice that is no object");
    }
    SFT_ASSIGN_OR_RETURN(std::string text, WrittenText(choice, "text"));
    SFT_ASSIGN_OR_RETURN(const std::string letter,
                         data::JsonText(choice, "label"));
    if (letter == answer) label = static_cast<int64_t>(choices.size());
    choices.push_back(std::move(text));
  }
  return ChoiceRow(QuestionPrompt(stem), std::move(choices), label);
}

// {"sentence", "option1", "option2", "answer": "1"}
absl::StatusOr<data::KeyedRow> BlankRow(const data::JsonRecord& record) {
  SFT_ASSIGN_OR_RETURN(const std::string sentence,
                       NonEmptyText(record.value, "sentence"));
  SFT_ASSIGN_OR_RETURN(std::string one, NonEmptyText(record.value, "option1"));
  SFT_ASSIGN_OR_RETURN(std::string two, NonEmptyText(record.value, "option2"));
  SFT_ASSIGN_OR_RETURN(const std::string answer,
                       data::JsonText(record.value, "answer"));
  return BlankChoiceRow(sentence, {std::move(one), std::move(two)},
                        answer == "1"   ? 0
                        : answer == "2" ? 1
                                        : -1);
}

void ReplaceAll(const std::string& what, const std::string& by,
                std::string& text) {
  for (size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

// As lm-evaluation-harness does with WikiHow's marks: " [title]" ends a
// sentence, other brackets go, two spaces become one.
std::string WithoutMarks(const std::string& marked) {
  std::string text = Stripped(marked);
  ReplaceAll(" [title]", ". ", text);
  std::string out;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t open = text.find('[', begin);
    const size_t close =
        open == std::string::npos ? open : text.find(']', open);
    if (close == std::string::npos) break;
    out += text.substr(begin, open - begin);
    begin = close + 1;
  }
  out += text.substr(begin);
  ReplaceAll("  ", " ", out);
  return out;
}

// The first letter large (if it is one of ASCII's), the others small.
std::string Capitalized(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = DecodeUtf8At(text, i);
    if (i == 0) {
      AppendUtf8(
          c.code_point < 128 ? absl::ascii_toupper(text[0]) : c.code_point,
          &out);
    } else {
      for (char32_t lower : text::LowerCase(c.code_point))
        AppendUtf8(lower, &out);
    }
    i += c.size_bytes;
  }
  return out;
}

// {"activity_label", "ctx_a", "ctx_b", "endings": [4 texts], "label": 0}
absl::StatusOr<data::KeyedRow> EndingRow(const data::JsonRecord& record) {
  SFT_ASSIGN_OR_RETURN(const std::string activity,
                       NonEmptyText(record.value, "activity_label"));
  SFT_ASSIGN_OR_RETURN(const std::string before,
                       data::JsonText(record.value, "ctx_a"));
  SFT_ASSIGN_OR_RETURN(const std::string last,
                       data::JsonText(record.value, "ctx_b"));
  const auto endings = record.value.find("endings");
  const auto label = record.value.find("label");
  if (endings == record.value.end() || !endings->is_array() ||
      label == record.value.end() || !label->is_number_integer()) {
    return absl::InvalidArgumentError(
        "wanted an array 'endings' and a whole number 'label'");
  }
  std::vector<std::string> choices;
  for (const json& ending : *endings) {
    if (!ending.is_string()) {
      return absl::InvalidArgumentError("an ending that is no string");
    }
    choices.push_back(WithoutMarks(ending.get<std::string>()));
  }
  return ChoiceRow(WithoutMarks(absl::StrCat(activity, ": ", before, " ",
                                             Capitalized(last))),
                   std::move(choices), label->get<int64_t>());
}

// 2: texts keep their spaces; HellaSwag's read as lm-evaluation-harness does.
constexpr int64_t kRevision = 2;

constexpr ChoiceSet kSets[] = {
    {"arc_easy_official", "data:arc/ARC-Easy-Train.jsonl",
     "data:arc/ARC-Easy-Test.jsonl", 200, StemRow, "CC BY-SA 4.0",
     "AI2 Reasoning Challenge (Clark et al. 2018)",
     "school science questions, the easier ones"},
    {"arc_challenge_official", "data:arc/ARC-Challenge-Train.jsonl",
     "data:arc/ARC-Challenge-Test.jsonl", 100, StemRow, "CC BY-SA 4.0",
     "AI2 Reasoning Challenge (Clark et al. 2018)",
     "school science questions, the harder ones"},
    {"openbookqa_official", "data:openbookqa/train.jsonl",
     "data:openbookqa/test.jsonl", 500, StemRow, "Apache-2.0",
     "OpenBookQA (Mihaylov et al. 2018), main part",
     "elementary science questions that need common knowledge"},
    {"winogrande_xl", "data:winogrande/train_xl.jsonl",
     "data:winogrande/dev.jsonl", 1000, BlankRow, "CC BY 4.0",
     "WinoGrande 1.1 (Sakaguchi et al. 2020)",
     "which of two names fills a blank"},
    {"hellaswag_official", "data:hellaswag/hellaswag_train.jsonl",
     "data:hellaswag/hellaswag_val.jsonl", 1000, EndingRow, "MIT",
     "HellaSwag (Zellers et al. 2019)",
     "how a description of an activity goes on"}};

constexpr char kPiqa[] = "data:piqa/";

// {"goal", "sol1", "sol2"}; the label of line n is line n of the other file.
absl::StatusOr<LoadedRows> PiqaRows(const std::string& part,
                                    const data::DataFolders& folders) {
  SFT_ASSIGN_OR_RETURN(
      const std::string path,
      data::ResolveDataFile(absl::StrCat(kPiqa, part, "-labels.lst"), folders));
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> labels, ReadLines(path));
  const auto row_of =
      [&labels](
          const data::JsonRecord& record) -> absl::StatusOr<data::KeyedRow> {
    SFT_ASSIGN_OR_RETURN(const std::string goal,
                         WrittenText(record.value, "goal"));
    SFT_ASSIGN_OR_RETURN(std::string one, WrittenText(record.value, "sol1"));
    SFT_ASSIGN_OR_RETURN(std::string two, WrittenText(record.value, "sol2"));
    const size_t line = static_cast<size_t>(record.number) - 1;
    const std::string label = line < labels.size() ? labels[line] : "";
    if (label != "0" && label != "1") {
      return absl::InvalidArgumentError(
          absl::StrCat("its label is '", label, "', wanted 0 or 1"));
    }
    return ChoiceRow(QuestionPrompt(goal), {std::move(one), std::move(two)},
                     label == "0" ? 0 : 1);
  };
  return LoadJsonRows(absl::StrCat(kPiqa, part, ".jsonl"), folders, row_of);
}

absl::StatusOr<data::Splits> LoadPiqa(const data::DataFolders& folders) {
  SFT_ASSIGN_OR_RETURN(LoadedRows test, PiqaRows("valid", folders));
  SFT_ASSIGN_OR_RETURN(LoadedRows train, PiqaRows("train", folders));
  return OfficialSplits(std::move(train), std::move(test), 1000,
                        "piqa_official");
}

}  // namespace

std::vector<data::DatasetRow> OfficialChoiceDatasets() {
  std::vector<data::DatasetRow> rows;
  for (const ChoiceSet& set : kSets) {
    rows.push_back(ChoiceDataset(
        set.name, {set.train, set.test}, set.licence,
        absl::StrCat(set.source, ", official files; SFTBENCH_DATA"),
        set.summary));
    rows.back().load = [&set](const data::DataFolders& folders) {
      return LoadChoiceSet(set, folders);
    };
    if (set.row_of != BlankRow) rows.back().revision = kRevision;
  }
  std::vector<std::string> files;
  for (const char* name :
       {"train.jsonl", "train-labels.lst", "valid.jsonl", "valid-labels.lst"}) {
    files.push_back(absl::StrCat(kPiqa, name));
  }
  rows.push_back(ChoiceDataset(
      "piqa_official", std::move(files), "its makers' terms (research use)",
      "PIQA (Bisk et al. 2020), official files; SFTBENCH_DATA",
      "which of two ways does an everyday job"));
  rows.back().load = LoadPiqa;
  rows.back().revision = kRevision;
  return rows;
}

}  // namespace sft::datasets
