#include "harness/launch/config_parts.h"

#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "harness/core/status.h"

namespace sft::launch {
namespace {

using FieldNames = std::set<std::string_view>;

// Neither rows nor batches nor tensors follow from these.
const FieldNames& Steering() {
  static const auto& names =
      *new FieldNames{"learning_rate",    "beta1",           "beta2",
                      "epsilon",          "weight_decay",    "decay",
                      "schedule",         "warmup_ratio",    "neftune_alpha",
                      "eval_every_steps", "generate_samples"};
  return names;
}

// What only the arithmetic of a step depends on.
const FieldNames& Arithmetic() {
  static const auto& names =
      *new FieldNames{"method", "optimizer", "max_grad_norm",           "dtype",
                      "device", "threads",   "activation_checkpointing"};
  return names;
}

const FieldNames& Batches() {
  static const auto& names = *new FieldNames{"batching",
                                             "budget.steps",
                                             "budget.target_tokens",
                                             "budget.epochs",
                                             "budget.wall_seconds",
                                             "batch_size",
                                             "gradient_accumulation_steps"};
  return names;
}

// Of rows, what changes no tensor. The names of data sets decide an encoder's
// head.
const FieldNames& RowForm() {
  static const auto& names = *new FieldNames{"max_length",
                                             "prompt_form",
                                             "loss_on_prompt",
                                             "loss_on",
                                             "system_prompt",
                                             "bos",
                                             "min_row_tokens",
                                             "max_row_tokens",
                                             "train_limit",
                                             "validation_limit",
                                             "test_limit",
                                             "limit_from",
                                             "sample_seed",
                                             "heldout_tokens",
                                             "heldout_window",
                                             "heldout_stride",
                                             "score_end_of_turn",
                                             "replay.from",
                                             "replay.share",
                                             "curve",
                                             "rewind",
                                             "at_points",
                                             "distance"};
  return names;
}

std::string TextWithout(spec::RunConfig config,
                        const std::vector<const FieldNames*>& left_out) {
  std::string text;
  const auto visitor = [&](std::string_view name, auto& value, const Limits&,
                           std::string_view) {
    for (const FieldNames* names : left_out) {
      if (names->contains(name)) return;
    }
    absl::StrAppend(&text, ToAbsl(name), " = ", CanonicalText(value), "\n");
  };
  config.VisitFields(visitor);
  for (const auto& [name, json] : config.user_data) {
    absl::StrAppend(&text, "data.", name, " = ", json, "\n");
  }
  return text;
}

// The config's options of one of its methods.
template <class Row>
std::string OptionsText(const Row* row, const spec::RunConfig& config) {
  std::string text;
  if (row == nullptr) return text;
  for (const FieldSpec& option : row->options) {
    const auto value = config.method_options.find(option.name);
    if (value == config.method_options.end()) continue;
    absl::StrAppend(&text, option.name, " = ", value->second, "\n");
  }
  return text;
}

const FieldNames& SeedAlone() {
  static const auto& names = *new FieldNames{"seed"};
  return names;
}

}  // namespace

std::string ReadingPart(const Workbench& bench, const spec::RunConfig& config) {
  const train::BatchingMethodRow* batching =
      bench.FindBatchingMethod(config.batching);
  const bool whole = batching != nullptr && batching->takes_whole_rows(config);
  const train::UpdateMethodRow* method = bench.FindUpdateMethod(config.method);
  train::CalibrationRows rows;
  if (method != nullptr && method->calibration) {
    rows = method->calibration(config);
  }
  return absl::StrCat(TextWithout(config, {&Steering(), &Arithmetic(),
                                           &Batches(), &SeedAlone()}),
                      whole ? "whole rows\n" : "",
                      rows.rows == 0 ? ""
                                     : absl::StrCat("calibration = ", rows.set,
                                                    ", ", rows.rows, "\n"));
}

std::string BatchingPart(const Workbench& bench,
                         const spec::RunConfig& config) {
  return absl::StrCat(
      TextWithout(config, {&Steering(), &Arithmetic()}),
      OptionsText(bench.FindBatchingMethod(config.batching), config));
}

std::string ModelPart(const Workbench& bench, const spec::RunConfig& config) {
  return absl::StrCat(
      TextWithout(config, {&Steering(), &Batches(), &RowForm()}),
      OptionsText(bench.FindUpdateMethod(config.method), config));
}

std::string RulesPart(const spec::RunConfig& config) {
  std::string text = TextWithout(config, {&Steering(), &SeedAlone()});
  for (const auto& [name, value] : config.method_options) {
    absl::StrAppend(&text, name, " = ", value, "\n");
  }
  return text;
}

}  // namespace sft::launch
