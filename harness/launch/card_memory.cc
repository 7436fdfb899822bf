#include "harness/launch/card_memory.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "harness/core/status.h"
#include "harness/launch/program_output.h"
#include "harness/measure/machine_facts.h"

namespace sft::launch {
namespace {

constexpr absl::Duration kDriverLimit = absl::Seconds(10);

}  // namespace

int64_t CardMemoryBytes() {
  const std::vector<std::string> cards =
      measure::VisibleCards(std::getenv("CUDA_VISIBLE_DEVICES"));
  if (cards.empty()) return 0;
  const auto said =
      OutputOf({"nvidia-smi", absl::StrCat("--id=", absl::StrJoin(cards, ",")),
                "--query-gpu=memory.total", "--format=csv,noheader,nounits"},
               kDriverLimit);
  if (!said.ok() || said->exit_status != 0) return 0;
  return LeastCardBytes(said->out);
}

int64_t LeastCardBytes(std::string_view answer) {
  int64_t least = 0;
  for (const absl::string_view line :
       absl::StrSplit(ToAbsl(answer), '\n', absl::SkipWhitespace())) {
    int64_t mebibytes = 0;
    if (!absl::SimpleAtoi(line, &mebibytes) || mebibytes <= 0) return 0;
    const int64_t bytes = mebibytes << 20;
    least = least == 0 ? bytes : std::min(least, bytes);
  }
  return least;
}

}  // namespace sft::launch
