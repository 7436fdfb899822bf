// Instructions with answers in Alpaca's three fields (Taori et al. 2023): the
// demo set of LLaMA-Factory, as its JSON array and as JSON lines. Rows of one
// instruction and input fall on one side of the split.
#include <string>
#include <utility>
#include <vector>

#include "datasets/registry.h"
#include "harness/core/status.h"
#include "harness/data/clean_text.h"
#include "harness/data/jsonl.h"
#include "harness/data/splits.h"

namespace sft {
namespace {

constexpr int64_t kValidationRows = 100;
constexpr int64_t kTestRows = 99;

// The three fields of a record as a row; the error says which one is missing.
absl::StatusOr<KeyedRow> RowOf(const JsonRecord& record) {
  SFT_ASSIGN_OR_RETURN(std::string prompt,
                       JsonText(record.value, "instruction"));
  SFT_ASSIGN_OR_RETURN(const std::string input,
                       JsonText(record.value, "input", /*optional=*/true));
  SFT_ASSIGN_OR_RETURN(const std::string output,
                       JsonText(record.value, "output"));
  if (!input.empty()) prompt += "\n\n" + input;
  if (CollapseSpace(prompt).empty() || CollapseSpace(output).empty()) {
    return absl::InvalidArgumentError("empty instruction or output");
  }
  KeyedRow row;
  row.row.id = record.number;
  row.row.turns = {{"user", prompt}, {"assistant", output}};
  row.key = std::move(prompt);
  row.where = record.where;
  return row;
}

absl::StatusOr<Splits> Load(const DataFolders& folders, const std::string& file,
                            const std::string& name) {
  SFT_ASSIGN_OR_RETURN(const std::string path, ResolveDataFile(file, folders));
  const bool lines = path.find(".jsonl") != std::string::npos;
  SFT_ASSIGN_OR_RETURN(JsonTable table,
                       lines ? ReadJsonl(path) : ReadJsonArray(path));
  std::vector<RefusedRow> refused = std::move(table.refused);
  std::vector<KeyedRow> rows;
  for (const JsonRecord& record : table.records) {
    absl::StatusOr<KeyedRow> row = RowOf(record);
    if (row.ok()) {
      rows.push_back(*std::move(row));
    } else {
      refused.push_back({record.where, ToStd(row.status().message())});
    }
  }
  SFT_ASSIGN_OR_RETURN(
      Splits splits,
      SplitByHash(std::move(rows), kValidationRows, kTestRows, name));
  splits.refused = std::move(refused);
  return splits;
}

DatasetRow MakeRow(const std::string& name, const std::string& source,
                   const std::string& file) {
  DatasetRow row;
  row.name = name;
  row.task.name = name;
  row.task.kind = TaskKind::kInstruction;
  row.task.metrics = {"validation_loss"};
  row.task.default_form = "chat";
  row.licence = "Apache-2.0 (repository); Alpaca CC BY-NC 4.0";
  row.source = source;
  row.summary = "single-turn English instructions with long answers";
  row.files = {file};
  row.load = [file, name](const DataFolders& folders) {
    return Load(folders, file, name);
  };
  return row;
}

}  // namespace

std::vector<DatasetRow> AlpacaDatasets() {
  return {MakeRow("alpaca", "LLaMA-Factory demo set; PyPI llamafactory 0.9.5",
                  "assets:data/alpaca_en_demo/alpaca_en_demo.json"),
          MakeRow("alpaca_jsonl",
                  "LLaMA-Factory demo set as JSON lines; SFTBENCH_DATA",
                  "data:instruct/alpaca_en_demo.jsonl")};
}

}  // namespace sft
