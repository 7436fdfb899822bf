#include "harness/launch/slurm/deciding_job.h"

#include <algorithm>
#include <utility>

#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/launch/slurm/runs_to_send.h"
#include "harness/launch/slurm/slurm_programs.h"
#include "harness/launch/slurm/submissions.h"

namespace sft::launch {
namespace {

// It reads records and calls sbatch: what a training run needs would keep it
// waiting, and a card idle.
SlurmOptions OptionsOfDecidingJob(const SubmitRequest& request) {
  SlurmOptions options = request.NamedOptions();
  options.gpus.clear();
  options.gres.clear();
  options.nodelist.clear();
  options.cpus_per_task = 1;
  return options;
}

bool IsAnyOnItsWay(const spec::RunPlan& plan,
                   const std::vector<search::Standing>& standings) {
  const auto search = search::Search::WithRungs(plan);
  const int last = search.ok() && *search ? (*search)->rungs() : 0;
  return std::any_of(
      standings.begin(), standings.end(), [last](const search::Standing& one) {
        return one.verdict == search::Standing::Verdict::kGoesTo &&
               one.rung < last;
      });
}

}  // namespace

bool WantsDecision(const spec::RunPlan& plan, const SubmitRequest& request,
                   const std::vector<search::Standing>& standings) {
  return !request.decide_words.empty() && request.decisions > 0 &&
         IsAnyOnItsWay(plan, standings);
}

size_t RoomForTasks(size_t room, bool wants_decision) {
  return wants_decision && room != kUnlimitedTasks && room > 1 ? room - 1
                                                               : room;
}

std::vector<std::string> DecidingWords(const SubmitRequest& request,
                                       std::vector<std::string> after) {
  const SlurmFolder folder{request.paths.out};
  ArrayJob job;
  job.script = folder.DecideScript(request.digest);
  job.count = 1;
  job.log = folder.Logs();
  job.after = std::move(after);
  return SbatchWords(OptionsOfDecidingJob(request), job);
}

absl::StatusOr<std::string> SendDecidingJob(
    const SubmitRequest& request, const std::set<std::string>& after) {
  const SlurmFolder folder{request.paths.out};
  SFT_RETURN_IF_ERROR(WriteFileAtomically(
      folder.DecideScript(request.digest),
      PlainScript(request.decide_words, request.slurm.setup)));
  Submission submission;
  submission.manifest = request.manifest;
  submission.filter = request.filter;
  submission.count = 1;
  SFT_ASSIGN_OR_RETURN(
      submission.job_id,
      Sbatch(DecidingWords(request, {after.begin(), after.end()})));
  SFT_RETURN_IF_ERROR(WriteSubmission(folder, submission));
  return submission.job_id;
}

}  // namespace sft::launch
