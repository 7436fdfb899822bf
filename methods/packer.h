// Lengths to bins of at most `capacity` tokens: integers only. First-fit
// decreasing and best-fit decreasing in O(n log n) (Fewer Truncations,
// arXiv 2404.10830, algorithm 1); next-fit; and `wrapped`, which lays rows end
// to end and cuts where a bin is full. Decreasing orders are stable.
#ifndef METHODS_PACKER_H_
#define METHODS_PACKER_H_

#include <cstdint>
#include <vector>

#include "harness/data/collator.h"

namespace sft {

enum class PackStrategy {
  kFirstFitDecreasing,
  kBestFitDecreasing,
  kNextFit,
  kWrapped
};
// What becomes of a row longer than a bin; `wrapped` cuts anyhow.
enum class PackOverflow { kTruncate, kSplit };

struct PackResult {
  // Bins in order of creation; Piece::index is a place in `lengths`.
  std::vector<std::vector<Piece>> bins;
  int64_t truncated_rows = 0;
  int64_t truncated_tokens = 0;
  int64_t split_rows = 0;
};

// Rows of no token are left out. capacity > 0.
PackResult PackLengths(const std::vector<int64_t>& lengths, int64_t capacity,
                       PackStrategy strategy, PackOverflow overflow);

}  // namespace sft

#endif  // METHODS_PACKER_H_
