// Lengths to bins of at most `capacity` tokens. First-fit decreasing and
// best-fit decreasing in O(n log n) (Fewer Truncations, arXiv 2404.10830,
// algorithm 1); histogram packing (2107.02027, see histogram_packing.h);
// next-fit; and `wrapped`, which lays rows end to end and cuts where a bin is
// full. Decreasing orders are stable.
#ifndef METHODS_PACKER_H_
#define METHODS_PACKER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "harness/data/collator.h"

namespace sft::methods {

enum class PackStrategy {
  kFirstFitDecreasing,
  kBestFitDecreasing,
  kNextFit,
  kWrapped,
  kShortestPackFirst,  // SPFHP
  kLongestPackFirst,   // LPFHP
  kLeastSquares        // NNLSHP
};
// By name: ffd, bfd, next_fit, wrapped, spfhp, lpfhp, nnlshp.
struct NamedPackStrategy {
  const char* name;
  PackStrategy strategy;
};
const std::vector<NamedPackStrategy>& AllPackStrategies();
std::vector<std::string> PackStrategyNames();

// What becomes of a row longer than a bin; `wrapped` cuts anyhow.
enum class PackOverflow { kTruncate, kSplit };

struct PackResult {
  // Bins in order of creation; Piece::index is a place in `lengths`.
  std::vector<std::vector<data::Piece>> bins;
  int64_t truncated_rows = 0;
  int64_t truncated_tokens = 0;
  int64_t split_rows = 0;
};

// Why a strategy cannot have this capacity or bound: wrapped takes no bound,
// nnlshp no capacity above 1024.
absl::Status CheckPacking(PackStrategy strategy, int64_t capacity,
                          int64_t max_per_pack);

// Bins of at most `max_per_pack` pieces (0 = no bound; of nnlshp always at most
// 3). Rows of no token are left out. capacity > 0; CheckPacking must be good.
PackResult PackLengths(const std::vector<int64_t>& lengths, int64_t capacity,
                       PackStrategy strategy, PackOverflow overflow,
                       int64_t max_per_pack = 0);

}  // namespace sft::methods

#endif  // METHODS_PACKER_H_
