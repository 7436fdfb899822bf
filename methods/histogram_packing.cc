#include "methods/histogram_packing.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "methods/nnls_packing.h"

namespace sft::methods {
namespace {

constexpr int64_t kNone = std::numeric_limits<int64_t>::max();

// The smallest key by free space, and the smallest among spaces >= some length.
class KeyTree {
 public:
  explicit KeyTree(int64_t capacity) {
    while (leaves_ <= capacity) leaves_ *= 2;
    keys_.assign(2 * leaves_, kNone);
  }
  void Set(int64_t space, int64_t key) {
    int64_t node = space + leaves_;
    keys_[node] = key;
    for (node /= 2; node > 0; node /= 2) {
      keys_[node] = std::min(keys_[2 * node], keys_[2 * node + 1]);
    }
  }
  // A space >= `length` with the smallest key; -1 if all are empty.
  int64_t FirstFit(int64_t length) const {
    // Up from the leaf: subtrees to the right hold the larger spaces.
    int64_t node = length + leaves_, best = node;
    for (; node > 1; node /= 2) {
      if (node % 2 == 0 && keys_[node + 1] < keys_[best]) best = node + 1;
    }
    if (keys_[best] == kNone) return -1;
    while (best < leaves_) {
      best = keys_[2 * best] == keys_[best] ? 2 * best : 2 * best + 1;
    }
    return best - leaves_;
  }

 private:
  int64_t leaves_ = 1;
  std::vector<int64_t> keys_;
};

// Places rows, longest first, into groups of equal packs.
class GroupPacker {
 public:
  GroupPacker(int64_t capacity, PackStrategy strategy, int64_t max_per_pack)
      : capacity_(capacity),
        strategy_(strategy),
        max_per_pack_(max_per_pack > 0 ? max_per_pack : capacity),
        first_fit_(first_fit() ? capacity : 0) {}

  void Place(int64_t length, int64_t rows) {
    while (rows > 0) {
      const int64_t space = Find(length);
      if (space < 0) {
        rows -= OpenPacks(length, rows);
        continue;
      }
      auto& groups = by_space_.at(space);
      const auto it = newest() ? std::prev(groups.end()) : groups.begin();
      const int64_t key = it->first;
      Group group = std::move(it->second);
      groups.erase(it);
      const auto [repeat, packs] = Share(length, rows, space, group);
      rows -= repeat * packs;
      if (packs < group.count) {
        // The rest keeps its turn.
        Group rest = group;
        rest.count -= packs;
        groups.emplace(first_fit() ? key + packs : key, std::move(rest));
      }
      group.count = packs;
      group.Append(length, repeat);
      Refresh(space);
      Add(std::move(group), space - repeat * length, key);
    }
  }

  std::vector<HistogramPack> Take() {
    for (auto& [space, groups] : by_space_) {
      for (auto& [key, group] : groups) Close(key, std::move(group));
    }
    if (first_fit()) {
      std::sort(closed_.begin(), closed_.end(),
                [](const auto& a, const auto& b) { return a.first < b.first; });
    }
    std::vector<HistogramPack> packs;
    for (auto& [key, group] : closed_) packs.push_back(std::move(group));
    return packs;
  }

 private:
  using Group = HistogramPack;

  bool first_fit() const {
    return strategy_ == PackStrategy::kFirstFitDecreasing;
  }
  // LPFHP and SPFHP take of equal packs the one changed last, as the paper's
  // listings do; best fit the one changed first.
  bool newest() const {
    return strategy_ == PackStrategy::kLongestPackFirst || spreads();
  }
  // SPFHP gives each pack one row at a time; the others as many as fit, for
  // the pack just filled is their choice for the next row too.
  bool spreads() const { return strategy_ == PackStrategy::kShortestPackFirst; }

  // The free space of the packs that are next to take a row of this length.
  int64_t Find(int64_t length) const {
    if (first_fit()) return first_fit_.FirstFit(length);
    if (by_space_.empty()) return -1;
    if (spreads()) {
      const int64_t space = by_space_.rbegin()->first;
      return space >= length ? space : -1;
    }
    const auto it = by_space_.lower_bound(length);
    return it == by_space_.end() ? -1 : it->first;
  }

  // Rows a pack and packs, for a group with this space.
  std::pair<int64_t, int64_t> Share(int64_t length, int64_t rows, int64_t space,
                                    const Group& group) const {
    const int64_t room = max_per_pack_ - group.rows;
    const int64_t repeat =
        spreads() ? 1 : std::min({space / length, room, rows});
    return {repeat, std::min(group.count, rows / repeat)};
  }

  // New packs; returns how many rows they took.
  int64_t OpenPacks(int64_t length, int64_t rows) {
    Group group;
    group.count = kNone;
    const auto [repeat, packs] = Share(length, rows, capacity_, group);
    group.count = packs;
    group.Append(length, repeat);
    Add(std::move(group), capacity_ - repeat * length, opened_);
    opened_ += packs;
    return repeat * packs;
  }

  // `left`: the group's free space now.
  void Add(Group group, int64_t left, int64_t first_pack) {
    // First fit goes by the packs' own numbers, the others by time.
    const int64_t key = first_fit() ? first_pack : ++changes_;
    if (left == 0 || group.rows == max_per_pack_) {
      Close(key, std::move(group));
      return;
    }
    by_space_[left].emplace(key, std::move(group));
    Refresh(left);
  }

  void Close(int64_t key, Group group) {
    closed_.emplace_back(key, std::move(group));
  }

  void Refresh(int64_t space) {
    const auto it = by_space_.find(space);
    if (first_fit()) {
      first_fit_.Set(space,
                     it->second.empty() ? kNone : it->second.begin()->first);
    }
    if (it->second.empty()) by_space_.erase(it);
  }

  int64_t capacity_;
  PackStrategy strategy_;
  int64_t max_per_pack_;
  KeyTree first_fit_;
  // Free space -> key -> open packs.
  std::map<int64_t, std::map<int64_t, Group>> by_space_;
  std::vector<std::pair<int64_t, Group>> closed_;
  int64_t opened_ = 0;
  int64_t changes_ = 0;
};

}  // namespace

void HistogramPack::Append(int64_t length, int64_t more) {
  if (runs.empty() || runs.back().length != length) {
    runs.push_back({length, 0});
  }
  runs.back().rows += more;
  rows += more;
}

bool IsHistogramStrategy(PackStrategy strategy) {
  return strategy != PackStrategy::kNextFit &&
         strategy != PackStrategy::kWrapped;
}

std::vector<HistogramPack> PackHistogram(
    const std::vector<int64_t>& counts_by_length, int64_t capacity,
    PackStrategy strategy, int64_t max_per_pack) {
  TORCH_CHECK(IsHistogramStrategy(strategy),
              "a histogram has no order of rows, which this strategy goes by");
  const auto longest = static_cast<int64_t>(counts_by_length.size()) - 1;
  for (int64_t length = capacity + 1; length <= longest; ++length) {
    TORCH_CHECK(counts_by_length[length] == 0, "rows of ", length,
                " tokens for packs of ", capacity);
  }
  if (strategy == PackStrategy::kLeastSquares) {
    return PackByLeastSquares(counts_by_length, capacity, max_per_pack);
  }
  GroupPacker packer(capacity, strategy, max_per_pack);
  for (int64_t length = std::min(longest, capacity); length > 0; --length) {
    packer.Place(length, counts_by_length[length]);
  }
  return packer.Take();
}

}  // namespace sft::methods
