#include "harness/spec/plan_shard.h"

#include <set>
#include <string>

#include "absl/strings/numbers.h"
#include "harness/core/status.h"

namespace sft::spec {

absl::StatusOr<Shard> ParseShard(std::string_view text) {
  const size_t slash = text.find('/');
  uint32_t number = 0, of = 0;
  if (slash == std::string_view::npos ||
      !absl::SimpleAtoi(ToAbsl(text.substr(0, slash)), &number) ||
      !absl::SimpleAtoi(ToAbsl(text.substr(slash + 1)), &of) || number < 1 ||
      number > of) {
    return absl::InvalidArgumentError(
        absl::StrCat("shard '", ToAbsl(text), "': wanted one such as 2/3"));
  }
  return Shard{number, of};
}

RunPlan ShardOf(const RunPlan& plan, const Shard& shard) {
  std::set<std::string> read;     // untuned runs that some run needs
  std::set<std::string> members;  // of this shard
  size_t place = 0;
  for (const PlannedRun& run : plan.runs) {
    if (IsUntuned(run)) continue;
    read.insert(run.untuned_id);
    if (place++ % shard.of != shard.number - 1) continue;
    members.insert(run.run_id);
    members.insert(run.untuned_id);
  }
  for (const PlannedRun& run : plan.runs) {
    if (!IsUntuned(run) || read.count(run.run_id) != 0) continue;
    if (place++ % shard.of == shard.number - 1) members.insert(run.run_id);
  }
  RunPlan part = plan;
  part.runs.clear();
  for (const PlannedRun& run : plan.runs) {
    if (members.count(run.run_id) != 0) part.runs.push_back(run);
  }
  return part;
}

}  // namespace sft::spec
