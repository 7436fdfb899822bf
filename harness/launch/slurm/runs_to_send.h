// Which runs of a plan are to be sent to Slurm, by what is recorded and queued,
// and the arrays of tasks that they make.
#ifndef HARNESS_LAUNCH_SLURM_RUNS_TO_SEND_H_
#define HARNESS_LAUNCH_SLURM_RUNS_TO_SEND_H_

#include <cstddef>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/launch/slurm/submit_request.h"
#include "harness/launch/task_lines.h"
#include "harness/record/run_store.h"
#include "harness/search/standings.h"
#include "harness/spec/run_plan.h"

namespace sft::launch {

// Places in the plan of what is to be sent, and how many are not.
struct RunsToSend {
  std::vector<size_t> untuned, tuned;
  std::map<int, std::vector<size_t>> rungs;  // of a search, by where they go
  size_t done = 0;                           // a final record stands
  size_t queued = 0;                         // in Slurm's queue now
  size_t failed = 0;                         // no attempt is left
  size_t others = 0;                         // not asked for
  size_t stopped = 0;                        // by the search
  size_t waiting = 0;                        // for the others of their rung
  size_t tuned_in_all() const;
};
// Ids of runs, as far as Slurm knows them.
struct RunsInSlurm {
  std::set<std::string> queued;
  std::set<std::string> timed_out;  // by accounting, where there is some
};
// A damaged record is an error: it must not pass for a run that is done.
// `standings`: of a plan with a search.
absl::StatusOr<RunsToSend> ChooseRuns(
    const spec::RunPlan& plan, const record::RunStore& store,
    const RunsInSlurm& in_slurm, const SubmitRequest& request,
    const std::vector<search::Standing>& standings = {});

// Arrays of one submission, in their order.
struct PlannedArray {
  TaskPlaces tasks;
  bool is_untuned = false;
  int rung = 0;
};
struct PlannedArrays {
  std::vector<PlannedArray> arrays;
  size_t left_out = 0;  // tasks for which there is no room
};
PlannedArrays CutIntoArrays(const RunsToSend& runs, size_t runs_per_task,
                            size_t array_size, size_t room);
inline constexpr size_t kUnlimitedTasks = std::numeric_limits<size_t>::max();

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_SLURM_RUNS_TO_SEND_H_
