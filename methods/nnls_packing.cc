#include "methods/nnls_packing.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>

#include "methods/nnls.h"

namespace sft::methods {
namespace {

// The paper's weights: a pad in place of a row of at most 8 tokens is cheap,
// so that such lengths may be used as padding.
constexpr int64_t kShortLength = 8;
constexpr double kShortWeight = 0.09;

double WeightOf(int64_t length) {
  return length <= kShortLength ? kShortWeight : 1.0;
}

// Every descending list of at most `depth` lengths with this sum.
void ListWays(int64_t sum, int64_t longest, int64_t depth,
              std::vector<int64_t>& way,
              std::vector<std::vector<int64_t>>& ways) {
  if (sum == 0) {
    ways.push_back(way);
    return;
  }
  if (depth == 0) return;
  // The first of `depth` descending parts is at least their mean.
  for (int64_t length = std::min(sum, longest); length * depth >= sum;
       --length) {
    way.push_back(length);
    ListWays(sum - length, length, depth - 1, way, ways);
    way.pop_back();
  }
}

std::vector<double> LeastSquaresCounts(
    const std::vector<std::vector<int64_t>>& ways,
    const std::vector<int64_t>& counts_by_length, int64_t capacity) {
  SparseColumns a(capacity);
  std::vector<SparseColumns::Entry> column;
  for (const auto& way : ways) {
    column.clear();
    for (int64_t length : way) {
      const double weight = WeightOf(length);
      if (!column.empty() && column.back().first == length - 1) {
        column.back().second += weight;
      } else {
        column.emplace_back(length - 1, weight);
      }
    }
    a.Add(column);
  }
  std::vector<double> b(capacity);
  for (int64_t length = 1; length <= capacity; ++length) {
    b[length - 1] =
        WeightOf(length) * static_cast<double>(counts_by_length[length]);
  }
  return SolveNnls(a, b).x;
}

// Packs of the rows that there are: where a way asks for more rows of a length
// than are left, its last packs have a pad there.
class RowsLeft {
 public:
  explicit RowsLeft(const std::vector<int64_t>& counts_by_length)
      : left_(counts_by_length) {}

  int64_t operator[](int64_t length) const { return left_[length]; }

  void Fill(const std::vector<int64_t>& way, int64_t packs,
            std::vector<HistogramPack>& out) {
    // filled[i]: the first so many packs have a row at place i.
    std::vector<int64_t> filled;
    for (int64_t length : way) {
      filled.push_back(std::min(packs, left_[length]));
      left_[length] -= filled.back();
    }
    for (int64_t begin = 0; begin < packs;) {
      HistogramPack pack;
      int64_t end = packs;
      for (size_t i = 0; i < way.size(); ++i) {
        if (filled[i] <= begin) continue;
        pack.Append(way[i], 1);
        end = std::min(end, filled[i]);
      }
      if (pack.rows == 0) return;  // all pads
      pack.count = end - begin;
      out.push_back(std::move(pack));
      begin = end;
    }
  }

 private:
  std::vector<int64_t> left_;
};

}  // namespace

std::vector<HistogramPack> PackByLeastSquares(
    const std::vector<int64_t>& counts_by_length, int64_t capacity,
    int64_t max_per_pack) {
  TORCH_CHECK(capacity <= kMaxLeastSquaresCapacity, "packs of ", capacity,
              " tokens have too many ways to be filled");
  const int64_t depth = max_per_pack > 0
                            ? std::min(max_per_pack, kMaxLeastSquaresDepth)
                            : kMaxLeastSquaresDepth;
  std::vector<int64_t> counts = counts_by_length;
  counts.resize(capacity + 1, 0);
  counts[0] = 0;

  std::vector<std::vector<int64_t>> ways;
  std::vector<int64_t> way;
  ListWays(capacity, capacity, depth, way, ways);
  const std::vector<double> x = LeastSquaresCounts(ways, counts, capacity);

  std::vector<HistogramPack> packs;
  RowsLeft left(counts);
  for (size_t i = 0; i < ways.size(); ++i) {
    left.Fill(ways[i], std::llrint(x[i]), packs);
  }
  for (int64_t length = capacity; length > 0; --length) {
    // The listing's packs of two for what is over, the second often a pad.
    const int64_t rows = left[length], rest = capacity - length;
    if (rest == 0 || depth == 1) {
      left.Fill({length}, rows, packs);
    } else if (rest == length) {
      left.Fill({length, length}, (rows + 1) / 2, packs);
    } else {
      left.Fill({std::max(length, rest), std::min(length, rest)}, rows, packs);
    }
  }
  return packs;
}

}  // namespace sft::methods
