// Multiple choice by likelihood: the prompt of LLM-Adapters (Hu et al. 2023)
// taken apart into question and choices, and HellaSwag's validation set in the
// six-line form that llama.cpp reads. The choices are continuations of the
// prompt, so that no model has to know what "answer2" means.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "datasets/choices.h"
#include "datasets/loading.h"
#include "datasets/registry.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"

namespace sft::datasets {
namespace {

constexpr char kHellaSwag[] = "data:hellaswag/val.txt.gz";

// An instruction taken apart.
struct Question {
  std::string text;
  std::vector<std::string> choices;
  int64_t label = 0;
};

// Without what joins it to its neighbours: a space before it, and a blank line
// or a space behind it. Spaces of its own stay, for lm-evaluation-harness
// scores them too.
std::string Unjoined(std::string_view text) {
  if (Stripped(text).empty()) return "";
  if (text.starts_with(' ')) text.remove_prefix(1);
  if (text.ends_with("\n\n")) {
    text.remove_suffix(2);
  } else if (text.ends_with(' ')) {
    text.remove_suffix(1);
  }
  return std::string(text);
}

// "<before>QUESTION\n\nAnswer1: ... Answer2: ...\n\nAnswer format:
// answer1/answer2" with `word` "Answer", and "answer": "answer2".
absl::StatusOr<Question> TakeApart(const data::JsonRecord& record,
                                   const std::string& before,
                                   const std::string& word) {
  SFT_ASSIGN_OR_RETURN(const std::string text,
                       data::JsonText(record.value, "instruction"));
  SFT_ASSIGN_OR_RETURN(const std::string answer,
                       data::JsonText(record.value, "answer"));
  constexpr char kFormat[] = "Answer format: ";
  const size_t format_at = text.rfind(kFormat);
  if (!absl::StartsWith(text, before) || format_at == std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat(
        "no instruction of the form '", before, "... ", kFormat, "...'"));
  }
  const std::vector<std::string> names =
      absl::StrSplit(text.substr(format_at + sizeof(kFormat) - 1), '/');
  Question out;
  out.label = -1;
  size_t begin = before.size();
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == answer) out.label = static_cast<int64_t>(i);
    const std::string mark = absl::StrCat(word, i + 1, ":");
    const size_t at = text.find(mark, begin);
    if (at == std::string::npos || at > format_at) {
      return absl::InvalidArgumentError(
          absl::StrCat("no '", mark, "' among ", names.size(), " choices"));
    }
    std::string part = Unjoined(text.substr(begin, at - begin));
    if (i == 0) {
      out.text = std::move(part);
    } else {
      out.choices.push_back(std::move(part));
    }
    begin = at + mark.size();
  }
  out.choices.push_back(Unjoined(text.substr(begin, format_at - begin)));
  if (out.label < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the answer '", answer, "' is none of ", names.size(), " choices"));
  }
  return out;
}

absl::StatusOr<data::KeyedRow> AnswerRow(const data::JsonRecord& record) {
  SFT_ASSIGN_OR_RETURN(
      Question question,
      TakeApart(record, "Please choose the correct answer to the question: ",
                "Answer"));
  return ChoiceRow(QuestionPrompt(question.text), std::move(question.choices),
                   question.label);
}

absl::StatusOr<data::KeyedRow> SolutionRow(const data::JsonRecord& record) {
  SFT_ASSIGN_OR_RETURN(
      Question question,
      TakeApart(record, "Please choose the correct solution to the question: ",
                "Solution"));
  return ChoiceRow(QuestionPrompt(question.text), std::move(question.choices),
                   question.label);
}

absl::StatusOr<data::KeyedRow> BlankRow(const data::JsonRecord& record) {
  SFT_ASSIGN_OR_RETURN(
      Question question,
      TakeApart(record,
                "Please choose the correct answer to fill in the blank to "
                "complete the given sentence: ",
                "Option"));
  return BlankChoiceRow(question.text, std::move(question.choices),
                        question.label);
}

absl::StatusOr<data::KeyedRow> TrueFalseRow(const data::JsonRecord& record) {
  constexpr char kBefore[] =
      "Please answer the following question with true or false, question: ";
  constexpr char kAfter[] = "\n\nAnswer format: true/false";
  SFT_ASSIGN_OR_RETURN(const std::string text,
                       data::JsonText(record.value, "instruction"));
  SFT_ASSIGN_OR_RETURN(const std::string answer,
                       data::JsonText(record.value, "answer"));
  if (!absl::StartsWith(text, kBefore) || !absl::EndsWith(text, kAfter)) {
    return absl::InvalidArgumentError(
        absl::StrCat("no instruction of the form '", kBefore, "...'"));
  }
  if (answer != "true" && answer != "false") {
    return absl::InvalidArgumentError(
        absl::StrCat("the answer '", answer, "', wanted true or false"));
  }
  const size_t begin = sizeof(kBefore) - 1;
  return ChoiceRow(QuestionPrompt(Stripped(text.substr(
                       begin, text.size() - begin - (sizeof(kAfter) - 1)))),
                   {"yes", "no"}, answer == "true" ? 0 : 1);
}

constexpr ChoiceSet kSets[] = {
    {"arc_easy", "data:commonsense/arc_easy_train.jsonl.gz",
     "data:commonsense/arc_easy_test.jsonl.gz", 200, AnswerRow, "CC BY-SA 4.0",
     "AI2 Reasoning Challenge (Clark et al. 2018)",
     "school science questions, the easier ones"},
    {"arc_challenge", "data:commonsense/arc_challenge_train.jsonl.gz",
     "data:commonsense/arc_challenge_test.jsonl", 100, AnswerRow,
     "CC BY-SA 4.0", "AI2 Reasoning Challenge (Clark et al. 2018)",
     "school science questions, the harder ones"},
    {"openbookqa", "data:commonsense/openbookqa_train.jsonl.gz",
     "data:commonsense/openbookqa_test.jsonl", 500, AnswerRow, "Apache-2.0",
     "OpenBookQA (Mihaylov et al. 2018)",
     "elementary science questions that need common knowledge"},
    {"boolq_closed", "data:commonsense/boolq_train.jsonl.gz",
     "data:commonsense/boolq_test.jsonl", 500, TrueFalseRow, "CC BY-SA 3.0",
     "BoolQ (Clark et al. 2019), dev set",
     "yes or no questions without their passage"},
    {"piqa", "", "data:commonsense/piqa_test.jsonl", 0, SolutionRow,
     "its makers' terms (research use)", "PIQA (Bisk et al. 2020), dev set",
     "which of two ways does an everyday job, to test on"},
    {"siqa", "", "data:commonsense/siqa_test.jsonl", 0, AnswerRow,
     "its makers' terms (research use)",
     "Social IQa (Sap et al. 2019), dev set",
     "what people do and feel, to test on"},
    {"winogrande", "", "data:commonsense/winogrande_test.jsonl", 0, BlankRow,
     "its makers' terms (research use)",
     "WinoGrande (Sakaguchi et al. 2020), dev set",
     "which of two names fills a blank, to test on"}};

// Six lines a task: context, index of the right ending from 0, four endings.
absl::StatusOr<data::Splits> LoadHellaSwag(const data::DataFolders& folders) {
  constexpr size_t kLines = 6;
  SFT_ASSIGN_OR_RETURN(const std::string path,
                       data::ResolveDataFile(kHellaSwag, folders));
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> lines, ReadLines(path));
  LoadedRows out;
  for (size_t i = 0; i < lines.size(); i += kLines) {
    const std::string where = absl::StrCat(path, ":", i + 1);
    std::string why;
    if (i + kLines > lines.size()) {
      why = absl::StrCat(lines.size() - i, " lines, wanted ", kLines);
    }
    for (size_t k = i; why.empty() && k < i + kLines; ++k) {
      why = Utf8Complaint(lines[k]);
    }
    if (why.empty() && (lines[i + 1].size() != 1 || lines[i + 1][0] < '0' ||
                        lines[i + 1][0] > '3')) {
      why = absl::StrCat("the right ending is '", lines[i + 1],
                         "', wanted 0 to 3");
    }
    absl::StatusOr<data::KeyedRow> row = absl::InvalidArgumentError(why);
    if (why.empty()) {
      std::vector<std::string> endings;
      for (size_t k = 2; k < kLines; ++k) {
        endings.push_back(Stripped(lines[i + k]));
      }
      row = ChoiceRow(Stripped(lines[i]), std::move(endings),
                      lines[i + 1][0] - '0');
    }
    AddRow(std::move(row), static_cast<int64_t>(i) + 1, where, out);
  }
  if (out.rows.empty()) return InputError(path, "no task of six lines");
  return TestOnly(std::move(out));
}

}  // namespace

std::vector<data::DatasetRow> ChoiceDatasets() {
  std::vector<data::DatasetRow> rows;
  for (const ChoiceSet& set : kSets) {
    std::vector<std::string> files = {set.test};
    if (*set.train != '\0') files.push_back(set.train);
    rows.push_back(ChoiceDataset(
        set.name, std::move(files), set.licence,
        absl::StrCat(set.source, ", LLM-Adapters' form; SFTBENCH_DATA"),
        set.summary));
    rows.back().load = [&set](const data::DataFolders& folders) {
      return LoadChoiceSet(set, folders);
    };
    // 2: solutions keep their spaces.
    if (set.row_of == SolutionRow) rows.back().revision = 2;
  }
  rows.push_back(
      ChoiceDataset("hellaswag", {kHellaSwag}, "MIT",
                    "HellaSwag (Zellers et al. 2019), validation set in "
                    "llama.cpp's form; SFTBENCH_DATA",
                    "how a description of an activity goes on, to test "
                    "on"));
  rows.back().load = LoadHellaSwag;
  return rows;
}

}  // namespace sft::datasets
