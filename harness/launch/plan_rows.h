// The rows of a plan's runs: read and tokenized once for all cells that read
// them alike, and kept as lengths and targets, from which batches are planned.
#ifndef HARNESS_LAUNCH_PLAN_ROWS_H_
#define HARNESS_LAUNCH_PLAN_ROWS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/core/tokenizer.h"
#include "harness/launch/workbench.h"
#include "harness/spec/run_config.h"

namespace sft::launch {

// Examples without their tokens: how long each is, and where its targets are.
class RowShapes {
 public:
  explicit RowShapes(const std::vector<Example>& examples);
  // Of the same lengths and targets; every token and label is 0.
  std::vector<Example> Examples() const;

 private:
  struct Run {  // of targets, in the row's tokens
    int32_t begin = 0, end = 0;
  };
  HeadKind head_ = HeadKind::kNextToken;
  std::vector<int64_t> ids_;
  std::vector<int32_t> lengths_;
  std::vector<int32_t> runs_of_row_;
  std::vector<Run> runs_;
};

struct PlannedRows {
  std::vector<RowShapes> training;  // a round each
  int64_t calibration_tokens = 0;   // of all rounds
  int64_t eval_tokens = 0;          // that one evaluation reads
  int64_t point_tokens = 0;         // that a point of a curve reads
  int64_t eval_items = 0;           // that it scores
  // What is cut, left out or looks wrong, a line each.
  std::vector<std::string> notices;
};

class PlanRows {
 public:
  // `say` is told what is about to be read.
  PlanRows(const Workbench& bench, std::function<void(const std::string&)> say)
      : bench_(bench), say_(std::move(say)) {}

  // Of the config, as a head of this kind reads them. What is wrong with them
  // is the error that the run would end with.
  absl::StatusOr<std::shared_ptr<const PlannedRows>> Of(
      const spec::RunConfig& config, const Tokenizer& tokenizer, HeadKind head);

 private:
  absl::StatusOr<std::shared_ptr<const PlannedRows>> Read(
      const spec::RunConfig& config, const Tokenizer& tokenizer, HeadKind head);

  const Workbench& bench_;
  std::function<void(const std::string&)> say_;
  std::map<std::string, absl::StatusOr<std::shared_ptr<const PlannedRows>>>
      read_;  // by ReadingPart
};

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_PLAN_ROWS_H_
