#include "harness/launch/run_needs.h"

#include "harness/core/status.h"
#include "harness/core/tensor_allocator.h"
#include "harness/launch/run_cost.h"

namespace sft::launch {
namespace {

// The config without the numbers that no tensor's size follows from.
std::string WhatTakesMemory(spec::RunConfig config) {
  const spec::RunConfig defaults;
  config.seed = defaults.seed;
  config.learning_rate = defaults.learning_rate;
  config.weight_decay = defaults.weight_decay;
  config.schedule = defaults.schedule;
  config.warmup_ratio = defaults.warmup_ratio;
  return config.CanonicalConfigText();
}

}  // namespace

absl::StatusOr<RunNeeds> NeedsPredictor::Of(const spec::RunConfig& config) {
  RunNeeds needs;
  needs.threads = static_cast<int>(config.threads);
  if (config.device != "cpu") return needs;
  const std::string key = WhatTakesMemory(config);
  auto found = bytes_.find(key);
  if (found == bytes_.end()) {
    int64_t bytes = 0;
    {
      // Of one run alone: rows are not held while runs take the memory.
      RunCosts costs(bench_);
      SFT_ASSIGN_OR_RETURN(const RunCost cost, costs.Of(config));
      bytes = cost.memory_bytes();
    }
    ReleaseFreeTensorMemory();  // it is the runs' that are to begin
    found = bytes_.emplace(key, bytes).first;
  }
  needs.bytes = found->second;
  return needs;
}

}  // namespace sft::launch
