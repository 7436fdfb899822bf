#include "harness/core/thread_waiting.h"

#include <cstdlib>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sft {
namespace {

constexpr char kSpinVariable[] = "GOMP_SPINCOUNT";
constexpr const char* kWaitVariables[] = {"OMP_WAIT_POLICY", kSpinVariable};
constexpr char kNoSpins[] = "0";

}  // namespace

bool SetThreadWaiting(bool crowded) {
  if (!crowded) return false;
  for (const char* variable : kWaitVariables) {
    if (std::getenv(variable) != nullptr) return false;
  }
  return setenv(kSpinVariable, kNoSpins, 1) == 0;
}

std::string ThreadWaiting() {
  std::vector<std::string> said;
  for (const char* variable : kWaitVariables) {
    if (const char* value = std::getenv(variable)) {
      said.push_back(absl::StrCat(variable, "=", value));
    }
  }
  return said.empty() ? "default" : absl::StrJoin(said, " ");
}

}  // namespace sft
