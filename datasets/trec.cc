// TREC's questions by the kind of answer they ask for (Li and Roth 2002), the
// six coarse classes: lines of "COARSE:fine question".
#include <string>
#include <vector>

#include "datasets/loading.h"
#include "datasets/registry.h"
#include "datasets/rows.h"
#include "harness/core/status.h"
#include "harness/data/clean_text.h"

namespace sft::datasets {
namespace {

constexpr char kTrain[] = "data:trec/train.txt";
constexpr char kTest[] = "data:trec/test.txt";
constexpr int64_t kValidationRows = 500;

absl::StatusOr<data::KeyedRow> RowOf(const std::string& line,
                                     const data::Task& task) {
  const size_t colon = line.find(':');
  const size_t space = line.find(' ');
  if (colon == std::string::npos || space == std::string::npos ||
      space < colon) {
    return absl::InvalidArgumentError("no 'COARSE:fine question'");
  }
  const std::string coarse = line.substr(0, colon);
  const int64_t label =
      IndexOf(coarse, {"ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM"});
  if (label < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "class '", coarse, "', wanted ABBR, DESC, ENTY, HUM, LOC or NUM"));
  }
  const std::string text = data::CollapseSpace(line.substr(space));
  if (text.empty()) return absl::InvalidArgumentError("empty question");
  data::KeyedRow row;
  row.row = ClassificationRow(0, "Question: ", text, "\nType:", task, label);
  row.key = text;
  return row;
}

absl::StatusOr<data::Splits> Load(const data::DataFolders& folders,
                                  const data::Task& task) {
  const auto row_of = [&task](const std::string& line) {
    return RowOf(line, task);
  };
  SFT_ASSIGN_OR_RETURN(LoadedRows test, LoadLineRows(kTest, folders, row_of));
  SFT_ASSIGN_OR_RETURN(LoadedRows train, LoadLineRows(kTrain, folders, row_of));
  return OfficialSplits(std::move(train), std::move(test), kValidationRows,
                        task.name);
}

}  // namespace

std::vector<data::DatasetRow> TrecDatasets() {
  data::DatasetRow row;
  row.name = "trec";
  row.task.name = row.name;
  row.task.kind = "classification";
  row.task.labels = {"abbreviation", "description", "entity",
                     "human",        "location",    "number"};
  row.task.metrics = {"accuracy", "f1_macro"};
  row.task.default_form = "plain";
  row.licence = "none stated (research use)";
  row.source = "Li and Roth 2002, TREC-6; SFTBENCH_DATA";
  row.summary = "what kind of thing a question asks for, 6 classes";
  row.files = {kTrain, kTest};
  row.load = [task = row.task](const data::DataFolders& folders) {
    return Load(folders, task);
  };
  return {row};
}

}  // namespace sft::datasets
