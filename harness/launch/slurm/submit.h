// A sweep handed to Slurm: an array of its untuned runs, then arrays of the
// others, which start once those have ended, however that was: a task executes
// what it needs itself. Nothing stays behind to watch them.
#ifndef HARNESS_LAUNCH_SLURM_SUBMIT_H_
#define HARNESS_LAUNCH_SLURM_SUBMIT_H_

#include <cstddef>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "harness/launch/recording_options.h"
#include "harness/launch/slurm/job_script.h"
#include "harness/launch/task_lines.h"
#include "harness/record/run_store.h"
#include "harness/search/standings.h"
#include "harness/spec/run_plan.h"

namespace sft::launch {

struct SubmitRequest {
  record::RunPaths paths;
  std::string manifest;                 // path below paths.out
  std::string digest;                   // its name
  std::vector<size_t> places;           // in the plan, of what is asked for
  std::string filter;                   // that chose these, as given
  std::vector<std::string> task_words;  // as JobScript takes them
  SlurmOptions slurm;
  int max_attempts = kDefaultAttempts;
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

// The script and the commands, as a script that could be run; nothing is
// written and no program asked but for its limits.
absl::StatusOr<std::string> DescribeSubmission(const spec::RunPlan& plan,
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

// Cancels what of this folder is in the queue; returns how many tasks. An error
// where nothing was ever submitted from it.
absl::StatusOr<size_t> CancelSubmitted(const std::string& dir);

struct WaitTimes {
  absl::Duration between = absl::Seconds(5);  // looks at the queue
  // A controller that is being restarted answers later.
  absl::Duration patience = absl::Minutes(30);
};
// Returns once no task of this folder is in the queue. `say` is told when Slurm
// does not answer, and when it does again; an error once it has not for longer
// than the patience.
absl::Status WaitForSubmitted(const std::string& dir, const WaitTimes& times,
                              const std::function<void(std::string)>& say);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_SLURM_SUBMIT_H_
