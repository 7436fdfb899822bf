// A sweep handed to Slurm: an array of its untuned runs, then arrays of the
// others, which start once those have ended, however that was: a task executes
// what it needs itself. Nothing stays behind to watch them.
#ifndef HARNESS_LAUNCH_SLURM_SUBMIT_H_
#define HARNESS_LAUNCH_SLURM_SUBMIT_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/launch/slurm/runs_to_send.h"
#include "harness/launch/slurm/submit_request.h"
#include "harness/spec/run_plan.h"

namespace sft::launch {

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

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_SLURM_SUBMIT_H_
