// Rows of one prompt: with several labels (a conflict), or with the same label
// and answer (a duplicate); all of them fall on one side of a split. Hashes
// find them, the texts are compared.
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "harness/core/rng.h"
#include "harness/core/status.h"
#include "harness/data/prepare/checks.h"

namespace sft::data {

absl::Status FindLabelConflicts(PrepareState& state) {
  const auto agree = [&state](uint32_t a, uint32_t b) {
    return state.label[a] == state.label[b] &&
           (!state.options.one_answer || state.answer[a] == state.answer[b]);
  };
  const uint32_t n = static_cast<uint32_t>(state.rows.size());
  absl::flat_hash_map<uint64_t, uint32_t> first;
  // First row of a text -> the first row with another label.
  absl::flat_hash_map<uint32_t, uint32_t> conflict;
  for (uint32_t i = 0; i < n; ++i) {
    if (!state.Fine(i)) continue;
    const auto [it, fresh] = first.try_emplace(state.hash[i], i);
    if (fresh) continue;
    SFT_ASSIGN_OR_RETURN(const bool same,
                         SameText(state.rows, it->second, state.rows, i));
    if (!same) continue;
    state.Join(i, it->second);
    if (!agree(it->second, i)) {
      conflict.try_emplace(it->second, i);
    }
  }
  if (conflict.empty()) return absl::OkStatus();
  const bool drop = state.options.label_conflicts == "drop";
  for (uint32_t i = 0; i < n; ++i) {
    if (!state.Fine(i)) continue;
    const uint32_t begin = first[state.hash[i]];
    const auto it = conflict.find(begin);
    if (it == conflict.end()) continue;
    if (i != begin) {
      SFT_ASSIGN_OR_RETURN(const bool same,
                           SameText(state.rows, begin, state.rows, i));
      if (!same) continue;
    }
    const uint32_t other = agree(i, begin) ? it->second : begin;
    if (drop) {
      state.Drop(i, CheckId::kLabelConflict, other);
    } else {
      state.Flag(i, CheckId::kLabelConflict);
    }
  }
  return absl::OkStatus();
}

absl::Status FindExactDuplicates(PrepareState& state) {
  absl::flat_hash_map<uint64_t, uint32_t> first;
  for (uint32_t i = 0; i < state.rows.size(); ++i) {
    if (!state.Fine(i)) continue;
    const uint64_t key = SplitMix64(state.hash[i] ^ state.label[i]) ^
                         SplitMix64(state.answer[i]);
    const auto [it, fresh] = first.try_emplace(key, i);
    if (fresh || state.label[it->second] != state.label[i]) continue;
    SFT_ASSIGN_OR_RETURN(const TableRow row, state.rows.Get(i));
    SFT_ASSIGN_OR_RETURN(const TableRow before, state.rows.Get(it->second));
    if (SameColumns(row.text, before.text) &&
        SameColumns(row.answer, before.answer)) {
      state.Drop(i, CheckId::kExactDuplicate, it->second);
    }
  }
  return absl::OkStatus();
}

}  // namespace sft::data
