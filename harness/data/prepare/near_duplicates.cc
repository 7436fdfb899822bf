// A row goes if an earlier row that stays has its label and nearly its text.
// Each is compared with that row itself, so likeness does not creep along a
// chain. Rows that are alike but for the label stay, in one group.
#include "harness/core/status.h"
#include "harness/data/prepare/checks.h"
#include "harness/data/prepare/near_index.h"

namespace sft {

absl::Status FindNearDuplicates(PrepareState& state) {
  NearIndex index(state.rows, state.options.near_duplicate_similarity,
                  state.options.shingle_words);
  for (uint32_t i = 0; i < state.rows.size(); ++i) {
    if (!state.Fine(i) || state.words[i] == 0) continue;
    SFT_ASSIGN_OR_RETURN(const std::vector<uint64_t> shingles,
                         RowShingles(state, i));
    SFT_ASSIGN_OR_RETURN(const std::vector<uint32_t> alike,
                         index.Find(state.signature[i], shingles));
    for (const uint32_t other : alike) {
      state.Join(i, other);
      if (state.label[other] == state.label[i]) {
        state.Drop(i, CheckId::kNearDuplicate, other);
      }
    }
    if (state.Fine(i)) index.Insert(i, state.signature[i]);
  }
  state.cut_queries += index.cut_queries();
  return absl::OkStatus();
}

}  // namespace sft
