#include "harness/data/prepare/split_rows.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "harness/core/rng.h"
#include "harness/core/status.h"

namespace sft::data {
namespace {

uint64_t OrderOf(const PrepareState& state, uint32_t row, uint64_t salt) {
  const uint64_t seed = static_cast<uint64_t>(state.options.seed);
  return SplitMix64(state.hash[row] ^ SplitMix64(seed ^ salt));
}

}  // namespace

absl::Status Subsample(PrepareState& state, std::vector<uint32_t>& rows) {
  const size_t wanted = static_cast<size_t>(state.options.subsample);
  if (wanted == 0) return absl::OkStatus();
  if (wanted > rows.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "subsample = ", wanted, ", but ", rows.size(), " rows are left"));
  }
  std::map<uint32_t, std::vector<uint32_t>> strata;
  for (const uint32_t row : rows) strata[state.label[row]].push_back(row);
  // Largest remainders; the earlier label where they are equal.
  std::vector<std::tuple<uint64_t, uint32_t>> remainders;
  std::map<uint32_t, size_t> quota;
  size_t given = 0;
  for (const auto& [label, members] : strata) {
    const uint64_t product = uint64_t{members.size()} * wanted;
    quota[label] = product / rows.size();
    given += quota[label];
    remainders.emplace_back(rows.size() - product % rows.size(), label);
  }
  std::sort(remainders.begin(), remainders.end());
  for (size_t i = 0; given < wanted; ++i, ++given) {
    ++quota[std::get<1>(remainders[i])];
  }
  std::vector<uint32_t> kept;
  for (auto& [label, members] : strata) {
    std::vector<std::pair<uint64_t, uint32_t>> order;
    for (const uint32_t row : members) {
      order.emplace_back(OrderOf(state, row, 1), row);
    }
    std::sort(order.begin(), order.end());
    for (size_t i = 0; i < order.size(); ++i) {
      if (i < quota[label]) {
        kept.push_back(order[i].second);
      } else {
        state.Drop(order[i].second, CheckId::kNotSampled);
      }
    }
  }
  std::sort(kept.begin(), kept.end());
  rows = std::move(kept);
  return absl::OkStatus();
}

std::array<std::vector<uint32_t>, kSplits> SplitRows(
    PrepareState& state, const std::vector<uint32_t>& rows,
    const std::array<double, kSplits>& shares) {
  absl::flat_hash_map<uint32_t, uint32_t> sizes, firsts;
  for (const uint32_t row : rows) {
    ++sizes[state.Group(row)];
    firsts.try_emplace(state.Group(row), row);
  }
  // Groups by the label of their first row; large ones first, for small ones
  // even out what they leave; then in an order of the seed's.
  std::vector<std::tuple<uint32_t, uint32_t, uint64_t, uint32_t>> groups;
  for (const uint32_t row : rows) {
    const uint32_t group = state.Group(row);
    if (firsts[group] != row) continue;
    groups.emplace_back(state.label[row], ~sizes[group], OrderOf(state, row, 2),
                        group);
  }
  std::sort(groups.begin(), groups.end());
  absl::flat_hash_map<uint32_t, uint8_t> side;
  std::array<double, kSplits> all{}, mine{};
  double all_rows = 0, my_rows = 0;
  uint32_t label = kNoRow;
  for (const auto& [group_label, inverse_size, order, group] : groups) {
    if (group_label != label) {
      label = group_label;
      mine = {};
      my_rows = 0;
    }
    const double size = static_cast<double>(~inverse_size);
    int best = 0;
    double best_lack = -1e300;
    for (int s = 0; s < kSplits; ++s) {
      if (shares[s] <= 0) continue;
      // What the split lacks within the label; a little, what it lacks of all
      // rows, so that many small labels do not all round to the same side.
      const double overall = shares[s] * (all_rows + size) - all[s];
      const double lack = shares[s] * (my_rows + size) - mine[s] +
                          0.25 * std::clamp(overall, -2.0, 2.0);
      if (lack > best_lack) best = s, best_lack = lack;
    }
    mine[best] += size;
    all[best] += size;
    my_rows += size;
    all_rows += size;
    side[group] = static_cast<uint8_t>(best);
  }
  std::array<std::vector<uint32_t>, kSplits> splits;
  for (const uint32_t row : rows) {
    splits[side[state.Group(row)]].push_back(row);
  }
  return splits;
}

}  // namespace sft::data
