// A part of a plan, for people who start a sweep by hand on several machines.
#ifndef HARNESS_SPEC_PLAN_SHARD_H_
#define HARNESS_SPEC_PLAN_SHARD_H_

#include <cstddef>
#include <string_view>

#include "absl/status/statusor.h"
#include "harness/spec/run_plan.h"

namespace sft::spec {

struct Shard {
  size_t number = 1;  // from 1 to `of`
  size_t of = 1;
};
// "2/3".
absl::StatusOr<Shard> ParseShard(std::string_view text);

// Every `of`-th tuned run in the plan's order, with the untuned runs that these
// need: the shards of a plan hold all of its tuned runs, each once. Of untuned
// runs that no run needs, likewise.
RunPlan ShardOf(const RunPlan& plan, const Shard& shard);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_PLAN_SHARD_H_
