// A sweep handed to Slurm: an array of its untuned runs, then arrays of the
// others, which start once those have ended, however that was: a task executes
// what it needs itself. Nothing stays behind to watch them.
#ifndef HARNESS_LAUNCH_SLURM_SUBMIT_H_
#define HARNESS_LAUNCH_SLURM_SUBMIT_H_

#include <cstddef>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/launch/slurm/job_script.h"
#include "harness/launch/slurm/slurm_text.h"
#include "harness/record/run_store.h"
#include "harness/search/standings.h"
#include "harness/spec/run_plan.h"

namespace sft::launch {

struct SubmitRequest {
  record::RunPaths paths;
  std::string manifest;                 // path below paths.out
  std::string digest;                   // its name
  std::vector<std::string> task_words;  // as JobScript takes them
  SlurmOptions slurm;
  int max_attempts = 2;
  std::string only;  // "failed", "missing", "timeout"; "" = all of these
  // Of a plan with a search: what a job executes once the arrays of a rung have
  // ended, to send the next one; and how many such jobs may still follow each
  // other, so that a site on which no task gets anywhere is not asked for ever.
  std::vector<std::string> decide_words;
  int decisions = 0;
};

// Places in the plan of what is to be sent, and how many are not.
struct RunsToSend {
  std::vector<size_t> untuned, tuned;
  std::map<int, std::vector<size_t>> rungs;  // of a search, by where they go
  size_t done = 0;                           // a final record stands
  size_t queued = 0;                         // in Slurm's queue now
  size_t failed = 0;                         // no attempt is left
  size_t others = 0;   // not of the kind that was asked for
  size_t stopped = 0;  // by the search
  size_t waiting = 0;  // for the others of their rung
  size_t tuned_in_all() const;
};
// `standings`: of a plan with a search.
RunsToSend ChooseRuns(const spec::RunPlan& plan, const record::RunStore& store,
                      const std::set<std::string>& queued,
                      const SubmitRequest& request,
                      const std::vector<search::Standing>& standings = {});

// Arrays of one submission, in their order.
struct PlannedArray {
  std::vector<std::vector<size_t>> tasks;  // places of the runs of each
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

// The script and the commands, as a script that could be run; nothing is
// written and no program asked but for its limits.
std::string DescribeSubmission(const spec::RunPlan& plan,
                               const SubmitRequest& request);

struct SubmittedArray {
  std::string job_id;
  size_t tasks = 0;
};
struct SubmitSummary {
  RunsToSend runs;
  std::vector<SubmittedArray> arrays;
  size_t left_out = 0;
  std::string deciding_job;  // that sends the next rung; "" = none is needed
};
absl::StatusOr<SubmitSummary> SubmitSweep(const spec::RunPlan& plan,
                                          const SubmitRequest& request);

// Cancels what of this folder is in the queue; returns how many tasks.
absl::StatusOr<size_t> CancelSubmitted(const std::string& dir);
// How many tasks of this folder are in the queue.
absl::StatusOr<size_t> CountSubmitted(const std::string& dir);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_SLURM_SUBMIT_H_
