#include "experiments/own_program.h"

#include <unistd.h>

#include "harness/core/digest.h"

namespace sft::experiments {

absl::StatusOr<std::string> OwnPath() {
  char path[4096];
  const ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
  if (n <= 0) return absl::InternalError("cannot find this program's path");
  return std::string(path, static_cast<size_t>(n));
}

absl::StatusOr<std::string> OwnDigest() {
  return Sha256OfFile("/proc/self/exe");
}

}  // namespace sft::experiments
