// The job that sends the next rung of a search: `submit` of the same manifest,
// once the arrays of a rung have ended. An array of one task, so that it is
// found and cancelled as others are.
#ifndef HARNESS_LAUNCH_SLURM_DECIDING_JOB_H_
#define HARNESS_LAUNCH_SLURM_DECIDING_JOB_H_

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/launch/slurm/submit_request.h"
#include "harness/search/standings.h"
#include "harness/spec/run_plan.h"

namespace sft::launch {

// While anything of a plan's `standings` is on its way to a rung that is not
// the last.
bool WantsDecision(const spec::RunPlan& plan, const SubmitRequest& request,
                   const std::vector<search::Standing>& standings);

// Tasks that may still be sent, of `room` places: arrays that took all of them
// would leave none for the job that decides.
size_t RoomForTasks(size_t room, bool wants_decision);

// The words of sbatch for it, once the jobs `after` have ended.
std::vector<std::string> DecidingWords(const SubmitRequest& request,
                                       std::vector<std::string> after);

// Submits it and notes that; returns its id.
absl::StatusOr<std::string> SendDecidingJob(const SubmitRequest& request,
                                            const std::set<std::string>& after);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_SLURM_DECIDING_JOB_H_
