#include "harness/launch/keep_weights.h"

#include <cstddef>

namespace sft::launch {

const std::vector<std::string>& KeepWeightsNames() {
  static const auto& names =  // in the order of the values
      *new std::vector<std::string>{"none", "adapters", "all"};
  return names;
}

std::string KeepWeightsName(KeepWeights keep) {
  return KeepWeightsNames()[static_cast<size_t>(keep)];
}

std::optional<KeepWeights> ParseKeepWeights(std::string_view name) {
  for (const KeepWeights keep :
       {KeepWeights::kNone, KeepWeights::kAdapters, KeepWeights::kAll}) {
    if (KeepWeightsName(keep) == name) return keep;
  }
  return std::nullopt;
}

bool KeepsWeights(KeepWeights keep, bool trains_adapter) {
  return keep == KeepWeights::kAll ||
         (keep == KeepWeights::kAdapters && trains_adapter);
}

}  // namespace sft::launch
