#include "harness/core/thread_waiting.h"

#include <cstdlib>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sft {
namespace {

constexpr char kSpinVariable[] = "GOMP_SPINCOUNT";
constexpr const char* kWaitVariables[] = {"OMP_WAIT_POLICY", kSpinVariable};
// Looks at the barrier, each with a pause of some dozen cycles: some tenths of
// a millisecond, longer than most serial parts between two loops.
constexpr char kSpins[] = "10000";
constexpr char kNoSpins[] = "0";

}  // namespace

bool SetThreadWaiting(bool crowded) {
  const std::string wanted = crowded ? kNoSpins : kSpins;
  for (const char* variable : kWaitVariables) {
    const char* value = std::getenv(variable);
    if (value == nullptr) continue;
    // The short spin may be ours, of the program's beginning.
    const bool is_ours = variable == kSpinVariable && crowded &&
                         std::string_view(value) == kSpins;
    if (!is_ours) return false;
  }
  return setenv(kSpinVariable, wanted.c_str(), 1) == 0;
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
