#include "harness/launch/slurm/slurm_programs.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "harness/core/status.h"
#include "harness/launch/program_output.h"

namespace sft::launch {
namespace {

// A controller that is away is given up by Slurm's own programs before.
constexpr absl::Duration kAnswerLimit = absl::Minutes(2);

// Its standard output; an error where it ends with another status than 0.
absl::StatusOr<std::string> AnswerOf(const std::vector<std::string>& words) {
  absl::StatusOr<ProgramOutput> output = OutputOf(words, kAnswerLimit);
  if (absl::IsNotFound(output.status())) {
    return absl::NotFoundError(absl::StrCat(
        words[0], ": is not in PATH; wanted a machine of a Slurm cluster"));
  }
  if (!output.ok()) return output.status();
  if (output->exit_status != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        words[0], " ended with ", output->exit_status, ": ",
        absl::StrReplaceAll(absl::StripAsciiWhitespace(output->error),
                            {{"\n", "; "}})));
  }
  return std::move(output->out);
}

}  // namespace

SlurmLimits ReadSlurmLimits() {
  SlurmLimits limits;
  if (const auto text = AnswerOf({"scontrol", "show", "config"}); text.ok()) {
    limits = ParseSlurmConfig(*text);
  }
  const char* user = getenv("USER");
  if (user == nullptr) return limits;
  const auto text =
      AnswerOf({"sacctmgr", "-n", "-P", "show", "assoc",
                absl::StrCat("user=", user), "format=maxsubmitjobs"});
  const size_t most = text.ok() ? ParseMaxSubmitJobs(*text) : 0;
  if (most > 0 && (limits.jobs == 0 || most < limits.jobs)) limits.jobs = most;
  return limits;
}

absl::StatusOr<std::string> Sbatch(const std::vector<std::string>& words) {
  SFT_ASSIGN_OR_RETURN(const std::string text, AnswerOf(words));
  const std::string id = ParseJobId(text);
  if (!id.empty()) return id;
  return absl::InternalError(absl::StrCat("sbatch named no job: '", text, "'"));
}

absl::StatusOr<SlurmQueue> ReadSlurmQueue() {
  SFT_ASSIGN_OR_RETURN(const std::string text,
                       AnswerOf({"squeue", "--noheader", "--array",
                                 absl::StrCat("--user=", geteuid()),
                                 absl::StrCat("--format=", kSqueueFormat)}));
  return SlurmQueue{ParseQueue(text), CountLines(text)};
}

std::map<SlurmTask, std::string> ReadSlurmAccounting(
    const std::vector<std::string>& job_ids) {
  if (job_ids.empty()) return {};
  const auto text =
      AnswerOf({"sacct", "-X", "-n", "-P", "-j", absl::StrJoin(job_ids, ","),
                "-o", "jobid,state,exitcode"});
  if (!text.ok()) return {};
  return ParseAccounting(*text);
}

absl::Status CancelSlurmJobs(const std::vector<std::string>& job_ids) {
  std::vector<std::string> words = {"scancel"};
  words.insert(words.end(), job_ids.begin(), job_ids.end());
  return AnswerOf(words).status();
}

void RequeueThisSlurmJob(int limit) {
  const std::string job = ThisSlurmJob([](const char* n) { return getenv(n); });
  if (job.empty() || limit <= 0) return;
  int restarts = 0;  // Slurm sets the number from the first restart on
  if (const char* count = getenv("SLURM_RESTART_COUNT"); count != nullptr) {
    (void)absl::SimpleAtoi(count, &restarts);
  }
  if (restarts >= limit) {
    fprintf(stderr,
            "put back %d times already: 'sftbench submit' sends it again\n",
            restarts);
    return;
  }
  const absl::Status status = AnswerOf({"scontrol", "requeue", job}).status();
  fprintf(stderr, "%s\n",
          status.ok() ? "put back into Slurm's queue"
                      : std::string(status.message()).c_str());
}

}  // namespace sft::launch
