// NNLSHP, non-negative least squares histogram packing (Krell et al., arXiv
// 2107.02027, listing NNLSHP): of all ways to fill a pack exactly with at most
// three lengths, how many packs of each, x, so that w (A x - counts) is least
// squares small; rounded, with a pack for every row that this leaves over.
#ifndef METHODS_NNLS_PACKING_H_
#define METHODS_NNLS_PACKING_H_

#include <cstdint>
#include <vector>

#include "methods/histogram_packing.h"

namespace sft::methods {

inline constexpr int64_t kMaxLeastSquaresDepth = 3;
// Ways grow with the square of the capacity: 87,894 at 1024.
inline constexpr int64_t kMaxLeastSquaresCapacity = 1024;

// As PackHistogram. max_per_pack 0, or above 3, is 3.
std::vector<HistogramPack> PackByLeastSquares(
    const std::vector<int64_t>& counts_by_length, int64_t capacity,
    int64_t max_per_pack);

}  // namespace sft::methods

#endif  // METHODS_NNLS_PACKING_H_
