// SST-2 (Socher et al. 2013) as GLUE has it: phrases to train on, whole
// sentences to test. GLUE's dev set is the test set (its own test labels are
// not public); the validation rows are taken out of the train set by text.
#include <string>
#include <utility>
#include <vector>

#include "datasets/official.h"
#include "datasets/registry.h"
#include "datasets/rows.h"
#include "harness/core/status.h"
#include "harness/data/clean_text.h"
#include "harness/data/splits.h"
#include "harness/data/tsv.h"

namespace sft::datasets {
namespace {

constexpr char kTrain[] = "data:sst2/glue_train.tsv.gz";
constexpr char kDev[] = "data:sst2/glue_dev.tsv";
constexpr int64_t kValidationRows = 1000;

absl::StatusOr<std::vector<data::KeyedRow>> ReadRows(
    const std::string& file, const data::DataFolders& folders,
    const data::Task& task, std::vector<data::RefusedRow>& refused) {
  SFT_ASSIGN_OR_RETURN(const std::string path,
                       data::ResolveDataFile(file, folders));
  SFT_ASSIGN_OR_RETURN(data::TextTable table,
                       data::ReadTsv(path, {.header = true, .columns = 2}));
  refused.insert(refused.end(), table.refused.begin(), table.refused.end());
  std::vector<data::KeyedRow> rows;
  for (const data::TextRecord& record : table.records) {
    const std::string where = absl::StrCat(path, ":", record.line);
    const int64_t label = IndexOf(record.fields[1], {"0", "1"});
    const std::string text = data::CollapseSpace(record.fields[0]);
    if (label < 0 || text.empty()) {
      refused.push_back({where, label < 0 ? "a label that is neither 0 nor 1"
                                          : "empty text"});
      continue;
    }
    rows.push_back({ClassificationRow(record.line, "Review: ", text,
                                      "\nSentiment:", task, label),
                    text, where});
  }
  return rows;
}

absl::StatusOr<data::Splits> Load(const data::DataFolders& folders,
                                  const data::Task& task) {
  std::vector<data::RefusedRow> refused;
  SFT_ASSIGN_OR_RETURN(std::vector<data::KeyedRow> test,
                       ReadRows(kDev, folders, task, refused));
  SFT_ASSIGN_OR_RETURN(std::vector<data::KeyedRow> train,
                       ReadRows(kTrain, folders, task, refused));
  RefuseSeen(test, "test", train, refused);
  SFT_ASSIGN_OR_RETURN(
      data::Splits splits,
      data::SplitByHash(std::move(train), kValidationRows, 0, task.name));
  for (data::KeyedRow& row : test) splits.test.push_back(std::move(row.row));
  splits.refused = std::move(refused);
  return splits;
}

}  // namespace

std::vector<data::DatasetRow> Sst2Datasets() {
  data::DatasetRow row;
  row.name = "sst2";
  row.task.name = row.name;
  row.task.kind = "classification";
  row.task.labels = {"negative", "positive"};
  row.task.metrics = {"accuracy", "f1_macro"};
  row.task.default_form = "plain";
  row.licence = "none stated (research use)";
  row.source = "Socher et al. 2013, GLUE's form; SFTBENCH_DATA";
  row.summary = "sentiment of phrases and sentences of reviews, 2 classes";
  row.files = {kTrain, kDev};
  row.load = [task = row.task](const data::DataFolders& folders) {
    return Load(folders, task);
  };
  return {row};
}

}  // namespace sft::datasets
