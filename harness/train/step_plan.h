// Every optimizer step of a round, known before the first one is taken: rows
// in shuffled passes, cut to the budget, grouped into micro-batches. Resuming
// is then an index into the plan.
#ifndef HARNESS_TRAIN_STEP_PLAN_H_
#define HARNESS_TRAIN_STEP_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/data/collator.h"
#include "harness/spec/run_config.h"

namespace sft::train {

struct PlannedStep {
  std::vector<data::MicroBatchPlan> micro_batches;
  int64_t pass = 0;  // over the rows, from 0
};

struct StepPlan {
  std::vector<PlannedStep> steps;
  // The steps are an upper bound: the round ends after this many seconds.
  double wall_seconds = 0;  // 0 = no bound

  // Rows as given to the collator, pass after pass, and what they hold.
  std::vector<int64_t> rows_per_pass;
  int64_t rows = 0;           // counted once a pass
  int64_t target_tokens = 0;  // of the planned steps
  int64_t real_tokens = 0;    // of the planned steps
  // Micro-batches without any target (possible where rows are split): they
  // would move nothing, and are left out.
  int64_t left_out_micro_batches = 0;

  // Over the row ids of every pass: equal for all batching methods under a
  // budget of target tokens or epochs.
  std::string data_order_sha256;
  // Over every step, micro-batch and piece.
  std::string plan_sha256;
};

// Rows of pass p are all rows in an order drawn from the data-order stream,
// salted by round and pass. Budgets: target_tokens = rows are taken in that
// order, pass after pass, until their targets reach it (the row that reaches
// it included); epochs = that share of the rows, rounded up to whole rows;
// steps = passes until there are enough, then cut; wall_seconds = a bound of
// 1000 passes or a million rows. A pass's last step may hold fewer
// micro-batches. Errors: no rows, no budget, rows without any target.
absl::StatusOr<StepPlan> PlanSteps(const spec::RunConfig& config,
                                   const std::vector<Example>& examples,
                                   const data::Collator& collator,
                                   int64_t round);

// Targets of a piece as the collators count them: under a next-token head its
// first token has no predecessor in the batch and is none.
int64_t PieceTargets(const std::vector<Example>& examples,
                     const data::Piece& piece);

}  // namespace sft::train

#endif  // HARNESS_TRAIN_STEP_PLAN_H_
