// Among rows that are nearly alike, those whose label two thirds or more of
// the others, and at least two of them, do not have.
#include <algorithm>
#include <map>

#include "harness/data/prepare/checks.h"

namespace sft::data {

absl::Status FindLabelNoise(PrepareState& state) {
  auto votes = [&state](uint32_t row) {
    const CheckId reason = static_cast<CheckId>(state.reason[row]);
    return state.Fine(row) || reason == CheckId::kExactDuplicate ||
           reason == CheckId::kNearDuplicate;
  };
  const uint32_t n = static_cast<uint32_t>(state.rows.size());
  std::vector<uint32_t> sizes(n, 0);
  for (uint32_t i = 0; i < n; ++i) {
    if (votes(i)) ++sizes[state.Group(i)];
  }
  // Group -> votes for each label, of the groups large enough.
  absl::flat_hash_map<uint32_t, std::map<uint32_t, uint32_t>> counts;
  for (uint32_t i = 0; i < n; ++i) {
    if (votes(i) && sizes[state.Group(i)] > 2) {
      ++counts[state.Group(i)][state.label[i]];
    }
  }
  for (uint32_t i = 0; i < n; ++i) {
    if (!state.Fine(i) || sizes[state.Group(i)] <= 2) continue;
    const uint32_t others = sizes[state.Group(i)] - 1;
    for (const auto& [label, count] : counts[state.Group(i)]) {
      if (label != state.label[i] && count >= 2 && 3 * count >= 2 * others) {
        state.Flag(i, CheckId::kLabelNoise);
        break;
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace sft::data
