// Held-out text to measure forgetting on: 30 Wikipedia articles, one a line,
// and 300 web pages of C4, one a JSON line. Nothing is trained on them.
#include <string>
#include <utility>
#include <vector>

#include "datasets/registry.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/data/jsonl.h"

namespace sft::datasets {
namespace {

constexpr char kWiki[] = "assets:data/wiki_demo/wiki_demo.txt";
constexpr char kC4[] = "assets:data/c4_demo/c4_demo.jsonl";

absl::StatusOr<data::Splits> LoadWiki(const data::DataFolders& folders) {
  SFT_ASSIGN_OR_RETURN(const std::string path,
                       data::ResolveDataFile(kWiki, folders));
  SFT_ASSIGN_OR_RETURN(std::vector<std::string> lines, ReadLines(path));
  data::Splits splits;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    const std::string why = Utf8Complaint(lines[i]);
    if (why.empty()) {
      splits.documents.push_back(std::move(lines[i]));
    } else {
      splits.refused.push_back({absl::StrCat(path, ":", i + 1), why});
    }
  }
  if (splits.documents.empty()) return InputError(path, "no text");
  return splits;
}

absl::StatusOr<data::Splits> LoadC4(const data::DataFolders& folders) {
  SFT_ASSIGN_OR_RETURN(const std::string path,
                       data::ResolveDataFile(kC4, folders));
  SFT_ASSIGN_OR_RETURN(data::JsonTable table, data::ReadJsonl(path));
  data::Splits splits;
  splits.refused = std::move(table.refused);
  for (const data::JsonRecord& record : table.records) {
    absl::StatusOr<std::string> text = data::JsonText(record.value, "text");
    if (text.ok() && !text->empty()) {
      splits.documents.push_back(*std::move(text));
    } else {
      splits.refused.push_back(
          {record.where,
           text.ok() ? "empty text" : ToStd(text.status().message())});
    }
  }
  if (splits.documents.empty()) return InputError(path, "no text");
  return splits;
}

data::DatasetRow MakeRow(
    const std::string& name, const std::string& file,
    const std::string& licence, const std::string& summary,
    absl::StatusOr<data::Splits> (*load)(const data::DataFolders&)) {
  data::DatasetRow row;
  row.name = name;
  row.task.name = name;
  row.task.kind = "language_modeling";
  row.task.metrics = {"cross_entropy", "perplexity"};
  row.task.default_form = "plain";
  row.licence = licence;
  row.source = "LLaMA-Factory demo set; PyPI llamafactory 0.9.5";
  row.summary = summary;
  row.files = {file};
  row.load = load;
  return row;
}

}  // namespace

std::vector<data::DatasetRow> HeldoutDatasets() {
  return {MakeRow("wiki_demo", kWiki, "CC BY-SA (Wikipedia)",
                  "held-out text: 30 Wikipedia articles", LoadWiki),
          MakeRow("c4_demo", kC4, "ODC-BY (C4)",
                  "held-out text: 300 web pages of C4", LoadC4)};
}

}  // namespace sft::datasets
