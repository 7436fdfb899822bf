#include "methods/packer.h"

#include <algorithm>
#include <deque>
#include <map>
#include <numeric>

namespace sft {
namespace {

using Bins = std::vector<std::vector<Piece>>;

std::vector<Piece> CutRows(const std::vector<int64_t>& lengths,
                           int64_t capacity, PackOverflow overflow,
                           PackResult& result) {
  std::vector<Piece> pieces;
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

void SortDecreasing(std::vector<Piece>& pieces) {
  std::stable_sort(
      pieces.begin(), pieces.end(),
      [](const Piece& a, const Piece& b) { return a.length > b.length; });
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
  void Take(size_t bin, int64_t length) {
    size_t node = bin + leaves_;
    free_[node] -= length;
    for (node /= 2; node > 0; node /= 2) {
      free_[node] = std::max(free_[2 * node], free_[2 * node + 1]);
    }
  }

 private:
  size_t leaves_ = 1;
  std::vector<int64_t> free_;
};

Bins FirstFit(const std::vector<Piece>& pieces, int64_t capacity) {
  Bins bins;
  // Never more bins than pieces, so a fit always exists.
  FreeSpaceTree free(pieces.size(), capacity);
  for (const Piece& piece : pieces) {
    const size_t bin = free.FirstFit(piece.length);
    free.Take(bin, piece.length);
    if (bin == bins.size()) bins.emplace_back();
    bins[bin].push_back(piece);
  }
  return bins;
}

// The bin with the least free space that suffices; of several, the one that
// has had this space longest (TRL's order).
Bins BestFit(const std::vector<Piece>& pieces, int64_t capacity) {
  Bins bins;
  std::map<int64_t, std::deque<size_t>> by_space;
  for (const Piece& piece : pieces) {
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
    if (space > piece.length) by_space[space - piece.length].push_back(bin);
  }
  return bins;
}

Bins NextFit(const std::vector<Piece>& pieces, int64_t capacity) {
  Bins bins;
  int64_t space = 0;
  for (const Piece& piece : pieces) {
    if (bins.empty() || piece.length > space) {
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

}  // namespace

PackResult PackLengths(const std::vector<int64_t>& lengths, int64_t capacity,
                       PackStrategy strategy, PackOverflow overflow) {
  if (strategy == PackStrategy::kWrapped) return Wrap(lengths, capacity);
  PackResult result;
  std::vector<Piece> pieces = CutRows(lengths, capacity, overflow, result);
  switch (strategy) {
    case PackStrategy::kFirstFitDecreasing:
      SortDecreasing(pieces);
      result.bins = FirstFit(pieces, capacity);
      break;
    case PackStrategy::kBestFitDecreasing:
      SortDecreasing(pieces);
      result.bins = BestFit(pieces, capacity);
      break;
    default:
      result.bins = NextFit(pieces, capacity);
  }
  return result;
}

}  // namespace sft
