#include "harness/launch/text_rules.h"

#include <algorithm>
#include <string>
#include <vector>

#include "harness/core/status.h"
#include "harness/data/added_ids.h"
#include "harness/data/render/render.h"

namespace sft::launch {
namespace {

// Rows that are tried before all are.
constexpr size_t kFirstRows = 32;

// Why none of the data set's training rows can be trained on; OK if one can, or
// if others say what is wrong with it.
absl::Status CheckRows(const Workbench& bench, const spec::RunConfig& config,
                       const data::DatasetRow& row,
                       const Tokenizer& tokenizer) {
  data::RenderOptions options;
  options.form = config.prompt_form;
  options.max_length = config.max_length;
  options.loss_on = config.loss_on;
  options.system_prompt = config.system_prompt;
  SFT_ASSIGN_OR_RETURN(const std::string form,
                       data::EffectiveForm(row.task, tokenizer, options));
  if (form != "chat") return absl::OkStatus();
  const absl::StatusOr<data::Splits> splits = row.load(bench.folders);
  if (!splits.ok() || splits->train.empty()) return absl::OkStatus();
  const std::vector<data::Row>& rows = splits->train;
  const std::vector<data::Row> first(
      rows.begin(), rows.begin() + std::min(kFirstRows, rows.size()));
  if (data::RenderRows(first, row.task, tokenizer, options).ok()) {
    return absl::OkStatus();
  }
  return data::RenderRows(rows, row.task, tokenizer, options).status();
}

}  // namespace

std::optional<spec::Finding> BosExists(const CellFacts& facts) {
  const auto added = data::AddedIdsOf(*facts.model.tokenizer, facts.config.bos);
  if (added.ok()) return std::nullopt;
  return spec::Finding{
      "bos",
      "its tokenizer has no token that begins a text; auto adds "
      "what it prescribes"};
}

std::optional<spec::Finding> ChatsArePlaced(const CellFacts& facts) {
  for (const data::DatasetRow* row : facts.train) {
    const absl::Status status =
        CheckRows(facts.bench, facts.config, *row, *facts.model.tokenizer);
    if (!status.ok()) {
      return spec::Finding{"prompt_form", ToStd(status.message())};
    }
  }
  return std::nullopt;
}

}  // namespace sft::launch
