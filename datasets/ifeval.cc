// IFEval (Zhou et al. 2023): instructions whose keeping a program can check,
// with GPT-4's answers as responses. The checks' arguments stand in the
// official input_data.jsonl: {key, prompt, instruction_id_list, kwargs};
// without it, many can be read off the prompt. Evaluation only: nothing is
// trained on.
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "datasets/loading.h"
#include "datasets/registry.h"
#include "datasets/stated_constraints.h"
#include "harness/core/status.h"

namespace sft::datasets {
namespace {

using nlohmann::json;

constexpr char kOfficial[] = "data:instruct/ifeval_input_data.jsonl";
constexpr char kResponses[] = "data:instruct/ifeval_prompts_gpt4.jsonl.gz";

// [{"id": ..., "kwargs": {...}}, ...]; arguments that are null are left out,
// for one of the published forms names every argument in every row.
absl::StatusOr<std::string> ConstraintsOf(const json& record) {
  const auto ids = record.find("instruction_id_list");
  const auto kwargs = record.find("kwargs");
  for (const auto& at : {ids, kwargs}) {
    if (at == record.end() || !at->is_array()) {
      return absl::InvalidArgumentError(
          "wanted arrays 'instruction_id_list' and 'kwargs'");
    }
  }
  if (ids->empty() || ids->size() != kwargs->size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(ids->size(), " instruction ids with ", kwargs->size(),
                     " sets of arguments"));
  }
  json constraints = json::array();
  for (size_t i = 0; i < ids->size(); ++i) {
    const json& given = (*kwargs)[i];
    if (!(*ids)[i].is_string() || !(given.is_object() || given.is_null())) {
      return absl::InvalidArgumentError(absl::StrCat(
          "instruction ", i + 1, " is no id with an object of arguments"));
    }
    json arguments = json::object();
    if (given.is_object()) {
      for (const auto& [name, value] : given.items()) {
        if (!value.is_null()) arguments[name] = value;
      }
    }
    constraints.push_back({{"id", (*ids)[i]}, {"kwargs", arguments}});
  }
  return constraints.dump();
}

absl::StatusOr<data::KeyedRow> ResponseRow(const data::JsonRecord& record) {
  data::KeyedRow row;
  SFT_ASSIGN_OR_RETURN(row.key, NonEmptyText(record.value, "prompt"));
  SFT_ASSIGN_OR_RETURN(std::string response,
                       NonEmptyText(record.value, "response"));
  row.row.turns = {{"user", row.key}, {"assistant", std::move(response)}};
  return row;
}

absl::StatusOr<data::KeyedRow> StatedRow(const data::JsonRecord& record) {
  SFT_ASSIGN_OR_RETURN(data::KeyedRow row, ResponseRow(record));
  const json constraints = StatedConstraints(row.key);
  if (constraints.empty()) {
    return absl::InvalidArgumentError(
        "no constraint can be read off its wording");
  }
  row.row.constraints = constraints.dump();
  return row;
}

absl::StatusOr<data::Splits> LoadStated(const data::DataFolders& folders) {
  SFT_ASSIGN_OR_RETURN(LoadedRows rows,
                       LoadJsonRows(kResponses, folders, StatedRow));
  return TestOnly(std::move(rows));
}

absl::StatusOr<data::Splits> LoadOfficial(const data::DataFolders& folders) {
  // Before the responses, for it is the file that may be missing.
  SFT_RETURN_IF_ERROR(data::ResolveDataFile(kOfficial, folders).status());
  SFT_ASSIGN_OR_RETURN(LoadedRows responses,
                       LoadJsonRows(kResponses, folders, ResponseRow));
  absl::flat_hash_map<std::string, const data::KeyedRow*> by_prompt;
  for (const data::KeyedRow& row : responses.rows) by_prompt[row.key] = &row;
  const auto row_of =
      [&](const data::JsonRecord& record) -> absl::StatusOr<data::KeyedRow> {
    data::KeyedRow row;
    SFT_ASSIGN_OR_RETURN(row.key, NonEmptyText(record.value, "prompt"));
    SFT_ASSIGN_OR_RETURN(row.row.constraints, ConstraintsOf(record.value));
    const auto found = by_prompt.find(row.key);
    if (found == by_prompt.end()) {
      return absl::InvalidArgumentError("its prompt has no response");
    }
    row.row.turns = found->second->row.turns;
    return row;
  };
  SFT_ASSIGN_OR_RETURN(LoadedRows rows,
                       LoadJsonRows(kOfficial, folders, row_of));
  rows.refused.insert(rows.refused.end(), responses.refused.begin(),
                      responses.refused.end());
  return TestOnly(std::move(rows));
}

data::DatasetRow MakeRow(
    const std::string& name, std::vector<std::string> files,
    const std::string& summary,
    absl::StatusOr<data::Splits> (*load)(const data::DataFolders&)) {
  data::DatasetRow row;
  row.name = name;
  row.task.name = name;
  row.task.kind = "instruction";
  row.task.metrics = {"validation_loss"};
  row.task.default_form = "chat";
  row.task.max_new_tokens = 512;
  row.licence = "Apache-2.0; responses by GPT-4, no licence stated";
  row.source = "IFEval (Zhou et al. 2023); SFTBENCH_DATA";
  row.summary = summary;
  row.files = std::move(files);
  row.load = load;
  return row;
}

}  // namespace

std::vector<data::DatasetRow> IfevalDatasets() {
  return {
      MakeRow("ifeval", {kOfficial, kResponses},
              "prompts with verifiable constraints, to test on", LoadOfficial),
      MakeRow("ifeval_stated", {kResponses},
              "IFEval's prompts with those constraints that can be read "
              "off their wording, to test on",
              LoadStated)};
}

}  // namespace sft::datasets
