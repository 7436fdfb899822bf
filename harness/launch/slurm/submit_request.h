// What of a sweep is asked to go to Slurm, and how.
#ifndef HARNESS_LAUNCH_SLURM_SUBMIT_REQUEST_H_
#define HARNESS_LAUNCH_SLURM_SUBMIT_REQUEST_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "harness/launch/recording_options.h"
#include "harness/launch/slurm/job_script.h"
#include "harness/record/run_paths.h"

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

  // With the name that they have where none is given.
  SlurmOptions NamedOptions() const;
};

inline SlurmOptions SubmitRequest::NamedOptions() const {
  SlurmOptions named = slurm;
  if (named.job_name.empty()) {
    named.job_name = absl::StrCat("sftbench-", digest);
  }
  return named;
}

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_SLURM_SUBMIT_REQUEST_H_
