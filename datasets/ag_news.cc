// AG News (Zhang et al. 2015): topic of a news item by its description, since
// the part of the train set at hand has no titles. The test set is the
// official one; the validation rows are taken out of the train set by text.
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_replace.h"
#include "datasets/registry.h"
#include "datasets/rows.h"
#include "harness/core/status.h"
#include "harness/data/clean_text.h"
#include "harness/data/csv.h"
#include "harness/data/splits.h"
#include "harness/data/tsv.h"

namespace sft::datasets {
namespace {

constexpr char kTrain[] = "data:ag_news/train_part.tsv.gz";
constexpr char kTest[] = "data:ag_news/test.csv";
constexpr int64_t kValidationRows = 500;

// A backslash stands for a line break in the source.
std::string Description(const std::string& text) {
  return data::CollapseSpace(absl::StrReplaceAll(text, {{"\\", " "}}));
}

// Adds the row, or says in `refused` why not.
void Add(const std::string& where, int64_t line, const std::string& text,
         int64_t label, const data::Task& task,
         std::vector<data::KeyedRow>& rows,
         std::vector<data::RefusedRow>& refused) {
  if (label < 0 || text.empty()) {
    refused.push_back({where, label < 0 ? "an unknown label" : "empty text"});
    return;
  }
  rows.push_back(
      {ClassificationRow(line, "News: ", text, "\nTopic:", task, label), text,
       where});
}

absl::StatusOr<data::Splits> Load(const data::DataFolders& folders,
                                  const data::Task& task) {
  std::vector<data::RefusedRow> refused;
  SFT_ASSIGN_OR_RETURN(const std::string test_path,
                       data::ResolveDataFile(kTest, folders));
  data::CsvOptions csv;
  csv.header = false;
  csv.columns = 3;  // class from 1, title, description
  SFT_ASSIGN_OR_RETURN(const data::TextTable test,
                       data::ReadCsv(test_path, csv));
  refused = test.refused;
  std::vector<data::KeyedRow> tested;
  for (const data::TextRecord& record : test.records) {
    Add(absl::StrCat(test_path, ":", record.line), record.line,
        Description(record.fields[2]),
        IndexOf(record.fields[0], {"1", "2", "3", "4"}), task, tested, refused);
  }
  SFT_ASSIGN_OR_RETURN(const std::string train_path,
                       data::ResolveDataFile(kTrain, folders));
  SFT_ASSIGN_OR_RETURN(
      const data::TextTable train,
      data::ReadTsv(train_path, {.header = false, .columns = 2}));
  refused.insert(refused.end(), train.refused.begin(), train.refused.end());
  absl::flat_hash_set<std::string> test_texts;
  for (const data::KeyedRow& row : tested) test_texts.insert(row.key);
  std::vector<data::KeyedRow> rows;
  for (const data::TextRecord& record : train.records) {
    const std::string where = absl::StrCat(train_path, ":", record.line);
    const std::string text = Description(record.fields[0]);
    if (test_texts.contains(text)) {
      refused.push_back({where, "its text is in the test set"});
      continue;
    }
    Add(where, record.line, text,
        IndexOf(record.fields[1], {"World", "Sports", "Business", "Sci/Tech"}),
        task, rows, refused);
  }
  rows = data::DropDuplicates(std::move(rows), refused);
  SFT_ASSIGN_OR_RETURN(
      data::Splits splits,
      data::SplitByHash(std::move(rows), kValidationRows, 0, task.name));
  for (data::KeyedRow& row : tested) splits.test.push_back(std::move(row.row));
  splits.refused = std::move(refused);
  return splits;
}

}  // namespace

std::vector<data::DatasetRow> AgNewsDatasets() {
  data::DatasetRow row;
  row.name = "ag_news";
  row.task.name = row.name;
  row.task.kind = "classification";
  // "Technology" for Sci/Tech: one token like the others.
  row.task.labels = {"World", "Sports", "Business", "Technology"};
  row.task.metrics = {"accuracy", "f1_macro"};
  row.task.default_form = "plain";
  row.licence = "none stated (non-commercial research use)";
  row.source = "Zhang et al. 2015, 10,001 of the train rows; SFTBENCH_DATA";
  row.summary = "topic of a news item by its description, 4 classes";
  row.files = {kTrain, kTest};
  row.load = [task = row.task](const data::DataFolders& folders) {
    return Load(folders, task);
  };
  return {row};
}

}  // namespace sft::datasets
