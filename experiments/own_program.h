// This program, as another process is to find and to know it.
#ifndef EXPERIMENTS_OWN_PROGRAM_H_
#define EXPERIMENTS_OWN_PROGRAM_H_

#include <string>

#include "absl/status/statusor.h"

namespace sft::experiments {

// The file that this process was started from.
absl::StatusOr<std::string> OwnPath();
// SHA-256 of it: another build is another digest.
absl::StatusOr<std::string> OwnDigest();

}  // namespace sft::experiments

#endif  // EXPERIMENTS_OWN_PROGRAM_H_
