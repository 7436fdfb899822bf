// Another program's answer. It is started without a shell: its words reach it
// as they are.
#ifndef HARNESS_LAUNCH_PROGRAM_OUTPUT_H_
#define HARNESS_LAUNCH_PROGRAM_OUTPUT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace sft::launch {

struct ProgramOutput {
  int exit_status = 0;  // 128 + signal where one ended it
  std::string out;
  std::string error;
};

// words[0] is looked for in PATH: NotFound where it is not there. One that does
// not end in time is killed: DeadlineExceeded.
absl::StatusOr<ProgramOutput> OutputOf(const std::vector<std::string>& words,
                                       absl::Duration limit);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_PROGRAM_OUTPUT_H_
