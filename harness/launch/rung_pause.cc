#include "harness/launch/rung_pause.h"

#include <algorithm>

#include "harness/core/status.h"
#include "harness/search/standings.h"

namespace sft::launch {
namespace {

int64_t TargetsOfStep(const std::vector<Example>& examples,
                      const train::PlannedStep& step) {
  int64_t targets = 0;
  for (const data::MicroBatchPlan& micro : step.micro_batches) {
    for (const data::Piece& piece : micro.pieces) {
      targets += train::PieceTargets(examples, piece);
    }
  }
  return targets;
}

}  // namespace

absl::StatusOr<PausePoint> PausePointOf(const spec::RunPlan& plan, int rung,
                                        const PlannedRound& planned,
                                        int64_t taken) {
  SFT_ASSIGN_OR_RETURN(const search::Search search, search::Search::Of(plan));
  PausePoint pause;
  if (rung >= search.rungs()) return pause;
  pause.rung = rung;
  pause.rungs = search.rungs();
  pause.steps = std::ssize(planned.steps.steps);
  const double wanted =
      search.ShareOf(rung) * static_cast<double>(planned.steps.target_tokens);
  int64_t targets = 0;
  // Shares are sums of fractions: what is a whole number of tokens may come
  // out next to it.
  while (pause.step < pause.steps &&
         static_cast<double>(targets) < wanted * (1 - 1e-9)) {
    targets += TargetsOfStep(
        planned.examples, planned.steps.steps[static_cast<size_t>(pause.step)]);
    ++pause.step;
  }
  // There must be something left: steps differ in tokens, and the last one may
  // hold more than its share.
  pause.step = std::min(pause.step, pause.steps - 1);
  if (pause.step < 1) {
    return absl::FailedPreconditionError(
        absl::StrCat("rung ", rung, " of ", pause.rungs, ": the budget is ",
                     pause.steps, " steps, too few for it"));
  }
  if (taken > pause.step) {
    return absl::FailedPreconditionError(absl::StrCat(
        "rung ", rung, " ends after step ", pause.step,
        ", and the run's checkpoint is behind step ", taken,
        ": the record of that rung is gone; remove the run's folder below "
        "work/ to begin it anew"));
  }
  return pause;
}

std::string PauseText(const PausePoint& pause) {
  return absl::StrCat("rung ", pause.rung, " of ", pause.rungs, ", step ",
                      pause.step, " of ", pause.steps);
}

}  // namespace sft::launch
