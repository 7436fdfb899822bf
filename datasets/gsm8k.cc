// GSM8K (Cobbe et al. 2021): word problems with worked answers that end in
// "#### 18". The calculator's notes ("<<16-3=13>>") are left out; the final
// number is what an answer is judged by.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_replace.h"
#include "datasets/loading.h"
#include "datasets/registry.h"
#include "harness/core/status.h"

namespace sft::datasets {
namespace {

constexpr char kTrain[] = "data:gsm8k/train.jsonl.gz";
constexpr char kTest[] = "data:gsm8k/test.jsonl";
constexpr int64_t kValidationRows = 300;

std::string WithoutNotes(const std::string& answer) {
  std::string out;
  size_t begin = 0;
  while (true) {
    const size_t open = answer.find("<<", begin);
    const size_t close =
        open == std::string::npos ? open : answer.find(">>", open);
    if (close == std::string::npos) return out + answer.substr(begin);
    out += answer.substr(begin, open - begin);
    begin = close + 2;
  }
}

absl::StatusOr<data::KeyedRow> RowOf(const data::JsonRecord& record) {
  SFT_ASSIGN_OR_RETURN(std::string question,
                       NonEmptyText(record.value, "question"));
  SFT_ASSIGN_OR_RETURN(const std::string answer,
                       NonEmptyText(record.value, "answer"));
  constexpr char kMark[] = "#### ";
  const size_t mark = answer.rfind(kMark);
  std::string number;
  if (mark != std::string::npos) {
    number = Stripped(answer.substr(mark + sizeof(kMark) - 1));
    number = absl::StrReplaceAll(number, {{",", ""}, {"$", ""}});
  }
  if (number.empty() ||
      number.find_first_not_of("0123456789.-") != std::string::npos) {
    return absl::InvalidArgumentError("the answer ends in no '#### NUMBER'");
  }
  data::KeyedRow row;
  row.row.turns = {{"user", absl::StrCat("Question: ", question, "\nAnswer:")},
                   {"assistant", WithoutNotes(answer)}};
  row.row.references = {std::move(number)};
  row.key = std::move(question);
  return row;
}

absl::StatusOr<data::Splits> Load(const data::DataFolders& folders) {
  SFT_ASSIGN_OR_RETURN(LoadedRows test, LoadJsonRows(kTest, folders, RowOf));
  SFT_ASSIGN_OR_RETURN(LoadedRows train, LoadJsonRows(kTrain, folders, RowOf));
  return OfficialSplits(std::move(train), std::move(test), kValidationRows,
                        "gsm8k");
}

}  // namespace

std::vector<data::DatasetRow> Gsm8kDatasets() {
  data::DatasetRow row;
  row.name = "gsm8k";
  row.task.name = row.name;
  row.task.kind = "generation";
  row.task.metrics = {"final_number"};
  row.task.default_form = "plain";
  row.task.max_new_tokens = 200;
  row.task.stop_strings = {"\nQuestion:"};
  row.licence = "MIT";
  row.source = "GSM8K (Cobbe et al. 2021); SFTBENCH_DATA";
  row.summary = "word problems of school arithmetic with worked answers";
  row.files = {kTrain, kTest};
  row.load = Load;
  return {row};
}

}  // namespace sft::datasets
