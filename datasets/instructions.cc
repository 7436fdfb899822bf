// Instructions with answers, each set in the layout of its makers: one turn a
// row, an input or context behind the instruction. Rows of one prompt fall on
// one side of the split.
#include <string>
#include <utility>
#include <vector>

#include "datasets/loading.h"
#include "datasets/registry.h"
#include "harness/core/status.h"

namespace sft::datasets {
namespace {

// `input` may be empty, instruction and answer may not.
absl::StatusOr<data::KeyedRow> InstructionRow(std::string instruction,
                                              const std::string& input,
                                              std::string answer) {
  data::KeyedRow row;
  row.key = std::move(instruction);
  if (const std::string more = Stripped(input); !more.empty()) {
    row.key += "\n\n" + more;
  }
  row.row.turns = {{"user", row.key}, {"assistant", std::move(answer)}};
  return row;
}

// Self-Instruct (Wang et al. 2023): instruction, instances: [{input, output}].
absl::StatusOr<std::vector<data::KeyedRow>> NestedRows(
    const data::JsonRecord& record) {
  SFT_ASSIGN_OR_RETURN(const std::string instruction,
                       NonEmptyText(record.value, "instruction"));
  const auto instances = record.value.find("instances");
  if (instances == record.value.end() || !instances->is_array() ||
      instances->empty()) {
    return absl::InvalidArgumentError("no array 'instances' with a row in it");
  }
  std::vector<data::KeyedRow> rows;
  for (const nlohmann::json& instance : *instances) {
    if (!instance.is_object()) {
      return absl::InvalidArgumentError("an instance that is no object");
    }
    SFT_ASSIGN_OR_RETURN(const std::string input,
                         data::JsonText(instance, "input", /*optional=*/true));
    SFT_ASSIGN_OR_RETURN(std::string output, NonEmptyText(instance, "output"));
    SFT_ASSIGN_OR_RETURN(data::KeyedRow row,
                         InstructionRow(instruction, input, std::move(output)));
    rows.push_back(std::move(row));
  }
  return rows;
}

// One row of the fields with these names; no `input` field: null.
RowsOfJson FlatRow(const char* instruction, const char* input,
                   const char* answer) {
  return [=](const data::JsonRecord& record)
             -> absl::StatusOr<std::vector<data::KeyedRow>> {
    SFT_ASSIGN_OR_RETURN(std::string prompt,
                         NonEmptyText(record.value, instruction));
    std::string more;
    if (input != nullptr) {
      SFT_ASSIGN_OR_RETURN(more, data::JsonText(record.value, input, true));
    }
    SFT_ASSIGN_OR_RETURN(std::string output,
                         NonEmptyText(record.value, answer));
    SFT_ASSIGN_OR_RETURN(data::KeyedRow row,
                         InstructionRow(std::move(prompt), more, output));
    return std::vector<data::KeyedRow>{std::move(row)};
  };
}

// Test rows, all of them: 0 rows to train on.
constexpr int64_t kAll = -1;

data::DatasetRow MakeRow(const std::string& name, const std::string& file,
                         int64_t validation_rows, int64_t test_rows,
                         const std::string& licence, const std::string& source,
                         const std::string& summary, RowsOfJson rows_of) {
  data::DatasetRow row;
  row.name = name;
  row.task.name = name;
  row.task.kind = "instruction";
  row.task.metrics = {"validation_loss"};
  row.task.default_form = "chat";
  row.licence = licence;
  row.source = source;
  row.summary = summary;
  row.files = {file};
  row.load =
      [=](const data::DataFolders& folders) -> absl::StatusOr<data::Splits> {
    SFT_ASSIGN_OR_RETURN(LoadedRows rows,
                         LoadNestedRows(file, folders, rows_of));
    if (test_rows == kAll) return TestOnly(std::move(rows));
    return OwnSplits(std::move(rows), validation_rows, test_rows, name);
  };
  return row;
}

}  // namespace

std::vector<data::DatasetRow> InstructionDatasets() {
  return {
      MakeRow("self_instruct_seeds", "data:instruct/seed_tasks.jsonl", 25, 50,
              "Apache-2.0",
              "Self-Instruct (Wang et al. 2023), data/seed_tasks.jsonl; "
              "SFTBENCH_DATA",
              "175 tasks written by people, from which others were bred",
              NestedRows),
      MakeRow("user_oriented_instructions",
              "data:instruct/user_oriented_instructions.jsonl", 0, kAll,
              "Apache-2.0",
              "Self-Instruct (Wang et al. 2023), "
              "human_eval/user_oriented_instructions.jsonl; SFTBENCH_DATA",
              "252 expert-written tasks about products people use, to test on",
              NestedRows),
      MakeRow("dolly", "data:instruct/databricks-dolly-15k.jsonl", 500, 1000,
              "CC BY-SA 3.0",
              "databricks-dolly-15k (Conover et al. 2023); SFTBENCH_DATA",
              "instructions and answers by Databricks' staff, some about a "
              "given text",
              FlatRow("instruction", "context", "response")),
      MakeRow("gpt4all", "data:instruct/gpt4all_prompt_generations.jsonl", 500,
              1000, "Apache-2.0 (answers by gpt-3.5-turbo)",
              "GPT4All prompt generations (Anand et al. 2023), a JSON line a "
              "row of its Parquet files; SFTBENCH_DATA",
              "prompts of several collections with answers of gpt-3.5-turbo",
              FlatRow("prompt", nullptr, "response"))};
}

}  // namespace sft::datasets
