#include "methods/packer.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <deque>
#include <map>
#include <string>

#include "harness/core/status.h"
#include "methods/histogram_packing.h"
#include "methods/nnls_packing.h"

namespace sft::methods {
namespace {

using Bins = std::vector<std::vector<data::Piece>>;

std::vector<data::Piece> CutRows(const std::vector<int64_t>& lengths,
                                 int64_t capacity, PackOverflow overflow,
                                 PackResult& result) {
  std::vector<data::Piece> pieces;
  for (size_t row = 0; row < lengths.size(); ++row) {
    const int64_t length = lengths[row];
    const int64_t index = static_cast<int64_t>(row);
    if (length <= 0) continue;
    if (length <= capacity) {
      pieces.push_back({index, 0, length});
    } else if (overflow == PackOverflow::kTruncate) {
      pieces.push_back({index, 0, capacity});
      ++result.truncated_rows;
      result.truncated_tokens += length - capacity;
    } else {
      ++result.split_rows;
      for (int64_t begin = 0; begin < length; begin += capacity) {
        pieces.push_back({index, begin, std::min(capacity, length - begin)});
      }
    }
  }
  return pieces;
}

void SortDecreasing(std::vector<data::Piece>& pieces) {
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](const data::Piece& a, const data::Piece& b) {
                     return a.length > b.length;
                   });
}

// A tournament over bins by free space: the first bin with enough of it.
class FreeSpaceTree {
 public:
  FreeSpaceTree(size_t bins, int64_t capacity) {
    while (leaves_ < bins) leaves_ *= 2;
    free_.assign(2 * leaves_, capacity);
  }
  size_t FirstFit(int64_t length) const {
    size_t node = 1;
    while (node < leaves_) {
      node *= 2;
      if (free_[node] < length) ++node;
    }
    return node - leaves_;
  }
  void Take(size_t bin, int64_t length) { Set(bin, FreeOf(bin) - length); }
  // Nothing fits any more.
  void Close(size_t bin) { Set(bin, 0); }

 private:
  int64_t FreeOf(size_t bin) const { return free_[bin + leaves_]; }
  void Set(size_t bin, int64_t free) {
    size_t node = bin + leaves_;
    free_[node] = free;
    for (node /= 2; node > 0; node /= 2) {
      free_[node] = std::max(free_[2 * node], free_[2 * node + 1]);
    }
  }

  size_t leaves_ = 1;
  std::vector<int64_t> free_;
};

bool IsFull(const std::vector<data::Piece>& bin, int64_t max_per_pack) {
  return max_per_pack > 0 && static_cast<int64_t>(bin.size()) >= max_per_pack;
}

Bins FirstFit(const std::vector<data::Piece>& pieces, int64_t capacity,
              int64_t max_per_pack) {
  Bins bins;
  // Never more bins than pieces, so a fit always exists.
  FreeSpaceTree free(pieces.size(), capacity);
  for (const data::Piece& piece : pieces) {
    const size_t bin = free.FirstFit(piece.length);
    free.Take(bin, piece.length);
    if (bin == bins.size()) bins.emplace_back();
    bins[bin].push_back(piece);
    if (IsFull(bins[bin], max_per_pack)) free.Close(bin);
  }
  return bins;
}

// The bin with the least free space that suffices; of several, the one that
// has had this space longest (TRL's order).
Bins BestFit(const std::vector<data::Piece>& pieces, int64_t capacity,
             int64_t max_per_pack) {
  Bins bins;
  std::map<int64_t, std::deque<size_t>> by_space;
  for (const data::Piece& piece : pieces) {
    size_t bin = bins.size();
    int64_t space = capacity;
    const auto it = by_space.lower_bound(piece.length);
    if (it == by_space.end()) {
      bins.emplace_back();
    } else {
      space = it->first;
      bin = it->second.front();
      it->second.pop_front();
      if (it->second.empty()) by_space.erase(it);
    }
    bins[bin].push_back(piece);
    if (space > piece.length && !IsFull(bins[bin], max_per_pack)) {
      by_space[space - piece.length].push_back(bin);
    }
  }
  return bins;
}

Bins NextFit(const std::vector<data::Piece>& pieces, int64_t capacity,
             int64_t max_per_pack) {
  Bins bins;
  int64_t space = 0;
  for (const data::Piece& piece : pieces) {
    if (bins.empty() || piece.length > space ||
        IsFull(bins.back(), max_per_pack)) {
      bins.emplace_back();
      space = capacity;
    }
    bins.back().push_back(piece);
    space -= piece.length;
  }
  return bins;
}

PackResult Wrap(const std::vector<int64_t>& lengths, int64_t capacity) {
  PackResult result;
  int64_t space = 0;
  for (size_t row = 0; row < lengths.size(); ++row) {
    int64_t pieces = 0;
    for (int64_t begin = 0; begin < lengths[row]; ++pieces) {
      if (space == 0) {
        result.bins.emplace_back();
        space = capacity;
      }
      const int64_t take = std::min(space, lengths[row] - begin);
      result.bins.back().push_back({static_cast<int64_t>(row), begin, take});
      begin += take;
      space -= take;
    }
    result.split_rows += pieces > 1;
  }
  return result;
}

// The packs of the histogram, filled with pieces in their order.
Bins PackByHistogram(const std::vector<data::Piece>& pieces, int64_t capacity,
                     PackStrategy strategy, int64_t max_per_pack) {
  std::vector<std::vector<data::Piece>> of_length(capacity + 1);
  for (const data::Piece& piece : pieces)
    of_length[piece.length].push_back(piece);
  std::vector<int64_t> counts;
  for (const auto& alike : of_length) {
    counts.push_back(static_cast<int64_t>(alike.size()));
  }
  std::vector<size_t> next(capacity + 1, 0);
  Bins bins;
  for (const HistogramPack& pack :
       PackHistogram(counts, capacity, strategy, max_per_pack)) {
    for (int64_t i = 0; i < pack.count; ++i) {
      bins.emplace_back();
      for (const auto& [length, rows] : pack.runs) {
        for (int64_t r = 0; r < rows; ++r) {
          bins.back().push_back(of_length[length].at(next[length]++));
        }
      }
    }
  }
  return bins;
}

}  // namespace

const std::vector<NamedPackStrategy>& AllPackStrategies() {
  static const auto& all = *new std::vector<NamedPackStrategy>{
      {"ffd", PackStrategy::kFirstFitDecreasing},
      {"bfd", PackStrategy::kBestFitDecreasing},
      {"next_fit", PackStrategy::kNextFit},
      {"wrapped", PackStrategy::kWrapped},
      {"spfhp", PackStrategy::kShortestPackFirst},
      {"lpfhp", PackStrategy::kLongestPackFirst},
      {"nnlshp", PackStrategy::kLeastSquares}};
  return all;
}

std::vector<std::string> PackStrategyNames() {
  std::vector<std::string> names;
  for (const auto& [name, strategy] : AllPackStrategies()) {
    names.push_back(name);
  }
  return names;
}

absl::Status CheckPacking(PackStrategy strategy, int64_t capacity,
                          int64_t max_per_pack) {
  if (strategy == PackStrategy::kWrapped && max_per_pack > 0) {
    return InputError("pack.max_per_pack",
                      absl::StrCat(max_per_pack,
                                   " with strategy wrapped, which fills every "
                                   "pack: wanted 0"));
  }
  if (strategy == PackStrategy::kLeastSquares &&
      capacity > kMaxLeastSquaresCapacity) {
    return InputError(
        "max_length",
        absl::StrCat(capacity,
                     " with strategy nnlshp, whose ways to fill a "
                     "pack grow with its square: wanted at most ",
                     kMaxLeastSquaresCapacity, ", or lpfhp"));
  }
  return absl::OkStatus();
}

PackResult PackLengths(const std::vector<int64_t>& lengths, int64_t capacity,
                       PackStrategy strategy, PackOverflow overflow,
                       int64_t max_per_pack) {
  const absl::Status good = CheckPacking(strategy, capacity, max_per_pack);
  TORCH_CHECK(good.ok(), std::string(good.message()));
  if (strategy == PackStrategy::kWrapped) return Wrap(lengths, capacity);
  PackResult result;
  std::vector<data::Piece> pieces =
      CutRows(lengths, capacity, overflow, result);
  switch (strategy) {
    case PackStrategy::kFirstFitDecreasing:
      SortDecreasing(pieces);
      result.bins = FirstFit(pieces, capacity, max_per_pack);
      break;
    case PackStrategy::kBestFitDecreasing:
      SortDecreasing(pieces);
      result.bins = BestFit(pieces, capacity, max_per_pack);
      break;
    case PackStrategy::kNextFit:
      result.bins = NextFit(pieces, capacity, max_per_pack);
      break;
    default:
      result.bins = PackByHistogram(pieces, capacity, strategy, max_per_pack);
  }
  return result;
}

}  // namespace sft::methods
