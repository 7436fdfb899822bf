// Packing from a histogram of lengths: rows of one length are alike, so packs
// come in groups and the time depends on the number of lengths, not of rows.
// Shortest-pack-first and longest-pack-first histogram packing (Krell et al.,
// arXiv 2107.02027, listings SPFHP and LPFHP), non-negative least squares
// histogram packing (NNLSHP, nnls_packing.h), and first-fit and best-fit
// decreasing, whose packs are those of PackLengths row by row.
#ifndef METHODS_HISTOGRAM_PACKING_H_
#define METHODS_HISTOGRAM_PACKING_H_

#include <cstdint>
#include <vector>

#include "methods/packer.h"

namespace sft::methods {

struct LengthRun {
  int64_t length = 0;
  int64_t rows = 0;
};

// `count` packs, each of these rows, longest first.
struct HistogramPack {
  std::vector<LengthRun> runs;
  int64_t rows = 0;  // of one pack: the sum over its runs
  int64_t count = 0;

  // Rows that are no longer than those before.
  void Append(int64_t length, int64_t more);
};

// counts_by_length[l] rows have l tokens; rows of none are left out, and none
// has more than `capacity`. The strategy is one with IsHistogramStrategy and
// CheckPacking good. Packs hold at most `max_per_pack` rows (0 = no bound; of
// nnlshp always at most 3).
std::vector<HistogramPack> PackHistogram(
    const std::vector<int64_t>& counts_by_length, int64_t capacity,
    PackStrategy strategy, int64_t max_per_pack);

// False of next_fit and wrapped, which depend on the order of the rows.
bool IsHistogramStrategy(PackStrategy strategy);

}  // namespace sft::methods

#endif  // METHODS_HISTOGRAM_PACKING_H_
