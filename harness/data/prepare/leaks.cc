// Rows that also occur in another file, such as the test set.
#include "absl/container/flat_hash_map.h"
#include "harness/core/status.h"
#include "harness/data/clean_text.h"
#include "harness/data/prepare/checks.h"
#include "harness/data/prepare/near_index.h"

namespace sft::data {

absl::Status FindLeaks(PrepareState& state) {
  if (state.against == nullptr) return absl::OkStatus();
  const RowSource& others = *state.against;
  const int64_t width = state.options.shingle_words;
  NearIndex index(others, state.options.near_duplicate_similarity, width);
  absl::flat_hash_map<uint64_t, uint32_t> first;
  for (uint32_t i = 0; i < others.size(); ++i) {
    SFT_ASSIGN_OR_RETURN(const TableRow row, others.Get(i));
    if (CollapseSpace(row.Text()).empty()) continue;
    if (!first.try_emplace(ColumnsHash(row.text), i).second) continue;
    const RowShingles shingles = ShinglesOf(row.text, width);
    if (!shingles.all.empty()) index.Insert(i, MinHash(shingles.all));
  }
  for (uint32_t i = 0; i < state.rows.size(); ++i) {
    if (!state.Fine(i)) continue;
    if (const auto it = first.find(state.hash[i]); it != first.end()) {
      SFT_ASSIGN_OR_RETURN(const bool same,
                           SameText(state.rows, i, others, it->second));
      if (same) {
        state.Drop(i, CheckId::kLeak, it->second);
        continue;
      }
    }
    if (state.words[i] == 0) continue;
    SFT_ASSIGN_OR_RETURN(const RowShingles shingles, ShinglesOfRow(state, i));
    SFT_ASSIGN_OR_RETURN(const std::vector<uint32_t> alike,
                         index.Find(state.signature[i], shingles));
    if (!alike.empty()) state.Drop(i, CheckId::kLeak, alike.front());
  }
  state.cut_queries += index.cut_queries();
  return absl::OkStatus();
}

}  // namespace sft::data
