// Which trained weights of a run are kept for `export`.
#ifndef HARNESS_LAUNCH_KEEP_WEIGHTS_H_
#define HARNESS_LAUNCH_KEEP_WEIGHTS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sft::launch {

enum class KeepWeights {
  kNone,
  kAdapters,  // of methods that train an adapter: a small part of the model
  kAll,
};

// "none", "adapters", "all".
const std::vector<std::string>& KeepWeightsNames();
std::string KeepWeightsName(KeepWeights keep);
std::optional<KeepWeights> ParseKeepWeights(std::string_view name);

// Whether those of a run are kept whose method trains an adapter or not.
bool KeepsWeights(KeepWeights keep, bool trains_adapter);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_KEEP_WEIGHTS_H_
