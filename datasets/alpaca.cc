// Instructions with answers in Alpaca's three fields (Taori et al. 2023):
// instruction, input ("" where there is none), output. Rows of one instruction
// and input fall on one side of the split.
#include <string>
#include <utility>
#include <vector>

#include "datasets/loading.h"
#include "datasets/registry.h"
#include "harness/core/status.h"
#include "harness/data/clean_text.h"

namespace sft::datasets {
namespace {

struct AlpacaSet {
  const char* name;
  const char* file;
  int64_t validation_rows;
  int64_t test_rows;
  // The first two keep theirs, as records made with them had them: equal rows
  // fall on one side of the split.
  bool drop_duplicates;
  const char* licence;
  const char* source;
  const char* summary;
};
constexpr char kDemoLicence[] = "Apache-2.0 (repository); Alpaca CC BY-NC 4.0";
constexpr char kDemoSummary[] =
    "single-turn English instructions with long answers";
constexpr AlpacaSet kSets[] = {
    {"alpaca", "assets:data/alpaca_en_demo/alpaca_en_demo.json", 100, 99, false,
     kDemoLicence, "LLaMA-Factory demo set; PyPI llamafactory 0.9.5",
     kDemoSummary},
    {"alpaca_jsonl", "data:instruct/alpaca_en_demo.jsonl", 100, 99, false,
     kDemoLicence, "LLaMA-Factory demo set as JSON lines; SFTBENCH_DATA",
     kDemoSummary},
    {"alpaca_en", "data:instruct/alpaca_en_demo.jsonl", 100, 300, true,
     kDemoLicence, "LLaMA-Factory demo set as JSON lines; SFTBENCH_DATA",
     "the rows of alpaca_jsonl with 300 of them to test on"},
    {"gpteacher_roleplay", "data:instruct/gpteacher_roleplay.jsonl.gz", 200,
     300, true, "MIT (answers by GPT-4)",
     "GPTeacher role-play, deduplicated by AlpacaDataCleaned; SFTBENCH_DATA",
     "role-play: speak as a person or thing in a scene"},
    {"alpaca_cleaned", "data:instruct/alpaca_data_cleaned.json", 500, 1000,
     true, "CC BY-NC 4.0 (answers by text-davinci-003)",
     "AlpacaDataCleaned (Ruebsamen 2023), alpaca_data_cleaned.json; "
     "SFTBENCH_DATA",
     "Alpaca's instructions with faulty rows mended or taken out"}};

// The three fields of a record as a row; the error says which one is missing.
absl::StatusOr<data::KeyedRow> RowOf(const data::JsonRecord& record) {
  SFT_ASSIGN_OR_RETURN(std::string prompt,
                       data::JsonText(record.value, "instruction"));
  SFT_ASSIGN_OR_RETURN(
      const std::string input,
      data::JsonText(record.value, "input", /*optional=*/true));
  SFT_ASSIGN_OR_RETURN(const std::string output,
                       data::JsonText(record.value, "output"));
  if (!input.empty()) prompt += "\n\n" + input;
  if (data::CollapseSpace(prompt).empty() ||
      data::CollapseSpace(output).empty()) {
    return absl::InvalidArgumentError("empty instruction or output");
  }
  data::KeyedRow row;
  row.row.turns = {{"user", prompt}, {"assistant", output}};
  row.key = std::move(prompt);
  return row;
}

data::DatasetRow MakeRow(const AlpacaSet& set) {
  data::DatasetRow row;
  row.name = set.name;
  row.task.name = row.name;
  row.task.kind = "instruction";
  row.task.metrics = {"validation_loss"};
  row.task.default_form = "chat";
  row.licence = set.licence;
  row.source = set.source;
  row.summary = set.summary;
  row.files = {set.file};
  row.load =
      [&set](const data::DataFolders& folders) -> absl::StatusOr<data::Splits> {
    SFT_ASSIGN_OR_RETURN(LoadedRows rows,
                         LoadJsonRows(set.file, folders, RowOf));
    if (set.drop_duplicates) {
      return OwnSplits(std::move(rows), set.validation_rows, set.test_rows,
                       set.name);
    }
    SFT_ASSIGN_OR_RETURN(
        data::Splits splits,
        data::SplitByHash(std::move(rows.rows), set.validation_rows,
                          set.test_rows, set.name));
    splits.refused = std::move(rows.refused);
    return splits;
  };
  return row;
}

}  // namespace

std::vector<data::DatasetRow> AlpacaDatasets() {
  std::vector<data::DatasetRow> rows;
  for (const AlpacaSet& set : kSets) rows.push_back(MakeRow(set));
  return rows;
}

}  // namespace sft::datasets
