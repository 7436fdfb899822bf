#include "harness/text/byte_trie.h"

#include <algorithm>

namespace sft::text {

// A base with a free slot for every label: the first fit among so many slots,
// else behind all of them. What was looked at in vain is not looked at again.
int32_t ByteTrie::PlaceFor(const std::vector<unsigned char>& labels) {
  constexpr size_t kTries = 4096;
  const auto is_free = [this](size_t slot) {
    return slot >= slots_.size() || slots_[slot].check < 0;
  };
  while (!is_free(first_free_)) ++first_free_;
  size_t base = first_free_ > labels.front() ? first_free_ - labels.front() : 1;
  const auto fits = [&](unsigned char label) { return is_free(base + label); };
  size_t tries = 0;
  while (!std::all_of(labels.begin(), labels.end(), fits)) {
    ++base;
    if (++tries < kTries) continue;
    first_free_ = base + labels.front();
    base = std::max(base, slots_.size());
    break;
  }
  if (base + 256 > slots_.size()) slots_.resize(base + 256);
  return static_cast<int32_t>(base);
}

ByteTrie::ByteTrie(std::vector<Entry> entries) {
  std::stable_sort(
      entries.begin(), entries.end(),
      [](const Entry& a, const Entry& b) { return a.first < b.first; });
  if (entries.empty()) return;
  slots_.resize(257);
  slots_[0].check = 0;
  std::vector<Branch> open = {{0, 0, entries.size(), 0}};
  std::vector<unsigned char> labels;
  std::vector<size_t> starts;
  while (!open.empty()) {
    const Branch branch = open.back();
    open.pop_back();
    size_t i = branch.begin;
    // Sorted: the text that ends here stands first, and its equals behind it.
    while (i < branch.end && entries[i].first.size() == branch.depth) {
      Slot& slot = slots_[static_cast<size_t>(branch.node)];
      if (slot.id < 0) slot.id = entries[i].second;
      ++i;
    }
    labels.clear();
    starts.clear();
    for (; i < branch.end; ++i) {
      const auto label =
          static_cast<unsigned char>(entries[i].first[branch.depth]);
      if (labels.empty() || labels.back() != label) {
        labels.push_back(label);
        starts.push_back(i);
      }
    }
    if (labels.empty()) continue;
    const int32_t base = PlaceFor(labels);
    slots_[static_cast<size_t>(branch.node)].base = base;
    for (unsigned char label : labels) {
      slots_[static_cast<size_t>(base + label)].check = branch.node;
    }
    for (size_t k = labels.size(); k-- > 0;) {
      const size_t end = k + 1 < starts.size() ? starts[k + 1] : branch.end;
      open.push_back({base + labels[k], starts[k], end, branch.depth + 1});
    }
  }
}

}  // namespace sft::text
