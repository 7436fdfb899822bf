// A row goes if an earlier row that stays has its label, nearly its prompt and
// nearly its answer, column by column. Each is compared with that row itself,
// so likeness does not creep along a chain. Rows that are alike but for the
// label stay, in one group.
#include "harness/core/status.h"
#include "harness/core/stop_point.h"
#include "harness/data/prepare/checks.h"
#include "harness/data/prepare/near_index.h"

namespace sft::data {
namespace {

absl::StatusOr<bool> NearlySameAnswer(const PrepareState& state,
                                      const TableRow& row, uint32_t other) {
  if (row.answer.empty()) return true;
  SFT_ASSIGN_OR_RETURN(const TableRow theirs, state.rows.Get(other));
  if (SameColumns(row.answer, theirs.answer)) return true;
  const int64_t width = state.options.shingle_words;
  const RowShingles a = ShinglesOf(row.answer, width);
  const RowShingles b = ShinglesOf(theirs.answer, width);
  return !a.all.empty() && !b.all.empty() &&
         Similarity(a, b) >= state.options.near_duplicate_similarity;
}

}  // namespace

absl::Status FindNearDuplicates(PrepareState& state) {
  NearIndex index(state.rows, state.options.near_duplicate_similarity,
                  state.options.shingle_words);
  for (uint32_t i = 0; i < state.rows.size(); ++i) {
    if (!state.Fine(i) || state.words[i] == 0) continue;
    StopPoint();
    SFT_ASSIGN_OR_RETURN(const TableRow row, state.rows.Get(i));
    const RowShingles shingles =
        ShinglesOf(row.text, state.options.shingle_words);
    SFT_ASSIGN_OR_RETURN(const std::vector<uint32_t> alike,
                         index.Find(state.signature[i], shingles));
    for (const uint32_t other : alike) {
      state.Join(i, other);
      if (state.label[other] != state.label[i]) continue;
      SFT_ASSIGN_OR_RETURN(const bool same,
                           NearlySameAnswer(state, row, other));
      if (same) state.Drop(i, CheckId::kNearDuplicate, other);
    }
    if (state.Fine(i)) index.Insert(i, state.signature[i]);
  }
  state.cut_queries += index.cut_queries();
  return absl::OkStatus();
}

}  // namespace sft::data
