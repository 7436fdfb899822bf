#include "harness/launch/plan_rows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/launch/config_parts.h"
#include "harness/launch/run_evaluation.h"
#include "harness/launch/run_inputs.h"
#include "harness/spec/run_plan.h"

namespace sft::launch {
namespace {

int64_t TokensToScore(const RunInputs& inputs) {
  int64_t tokens = 0;
  for (const Measured& measured : inputs.measured) {
    tokens += TokensOf(measured.validation_examples) + measured.test_tokens;
  }
  return tokens;
}

int64_t TokensAtPoint(const RunInputs& inputs, const spec::RunConfig& config) {
  int64_t tokens = 0;
  for (const Measured& measured : inputs.measured) {
    switch (HowAtPoints(measured, config)) {
      case AtPoints::kNot:
        break;
      case AtPoints::kLoss:
        tokens += TokensOf(measured.validation_examples);
        break;
      case AtPoints::kScore:
        tokens += measured.test_tokens;
        break;
    }
  }
  return tokens;
}

int64_t ItemsToScore(const RunInputs& inputs) {
  int64_t items = 0;
  for (const Measured& measured : inputs.measured) {
    items += std::ssize(measured.input.rows) +
             std::ssize(measured.input.documents) +
             std::ssize(measured.validation_examples);
  }
  return items;
}

}  // namespace

RowShapes::RowShapes(const std::vector<Example>& examples) {
  for (const Example& example : examples) {
    head_ = example.head;
    ids_.push_back(example.row_id);
    lengths_.push_back(static_cast<int32_t>(example.input_ids.size()));
    const size_t before = runs_.size();
    for (size_t t = 0; t < example.labels.size(); ++t) {
      if (example.labels[t] == kNoLoss) continue;
      const auto at = static_cast<int32_t>(t);
      if (runs_.size() > before && runs_.back().end == at) {
        ++runs_.back().end;
      } else {
        runs_.push_back({at, at + 1});
      }
    }
    runs_of_row_.push_back(static_cast<int32_t>(runs_.size() - before));
  }
}

std::vector<Example> RowShapes::Examples() const {
  std::vector<Example> examples(ids_.size());
  size_t run = 0;
  for (size_t i = 0; i < examples.size(); ++i) {
    Example& example = examples[i];
    example.head = head_;
    example.row_id = ids_[i];
    const auto length = static_cast<size_t>(lengths_[i]);
    example.input_ids.assign(length, 0);
    example.labels.assign(length, kNoLoss);
    for (int32_t r = 0; r < runs_of_row_[i]; ++r, ++run) {
      std::fill(example.labels.begin() + runs_[run].begin,
                example.labels.begin() + runs_[run].end, 0);
    }
  }
  return examples;
}

absl::StatusOr<std::shared_ptr<const PlannedRows>> PlanRows::Of(
    const spec::RunConfig& config, const Tokenizer& tokenizer, HeadKind head) {
  const std::string part = ReadingPart(bench_, config);
  const auto known = read_.find(part);
  if (known != read_.end()) return known->second;
  absl::StatusOr<std::shared_ptr<const PlannedRows>> rows =
      Read(config, tokenizer, head);
  if (rows.ok() && !config.train.empty()) {
    // The untuned twin is measured on the same rows, and trains on none.
    auto measured = std::make_shared<PlannedRows>();
    measured->eval_tokens = (*rows)->eval_tokens;
    measured->point_tokens = (*rows)->point_tokens;
    measured->eval_items = (*rows)->eval_items;
    read_.emplace(ReadingPart(bench_, spec::UntunedConfig(config)),
                  std::move(measured));
  }
  return read_.emplace(part, std::move(rows)).first->second;
}

absl::StatusOr<std::shared_ptr<const PlannedRows>> PlanRows::Read(
    const spec::RunConfig& config, const Tokenizer& tokenizer, HeadKind head) {
  if (say_) {
    std::vector<std::string> names;
    for (const auto* sets : {&config.train, &config.evaluate, &config.retain}) {
      for (const std::string& name : *sets) {
        if (std::find(names.begin(), names.end(), name) == names.end()) {
          names.push_back(name);
        }
      }
    }
    say_(absl::StrCat("reading ", absl::StrJoin(names, ", "), " as ",
                      config.model, " does, at most ", config.max_length,
                      " tokens a row"));
  }
  SFT_ASSIGN_OR_RETURN(const RunInputs inputs,
                       ReadRunInputs(bench_, config, tokenizer, head));
  auto rows = std::make_shared<PlannedRows>();
  for (const TrainingSet& round : inputs.training) {
    rows->training.emplace_back(round.examples);
  }
  for (const std::vector<Example>& round : inputs.calibration) {
    rows->calibration_tokens += TokensOf(round);
  }
  rows->eval_tokens = TokensToScore(inputs);
  rows->point_tokens = TokensAtPoint(inputs, config);
  rows->eval_items = ItemsToScore(inputs);
  rows->notices = inputs.notices;
  return std::shared_ptr<const PlannedRows>(std::move(rows));
}

}  // namespace sft::launch
