// Non-negative least squares: x >= 0 with the smallest |A x - b|, by the
// active-set method of Lawson and Hanson (Solving Least Squares Problems, 1974,
// algorithm NNLS), for an A of few entries a column. The passive columns P are
// kept as R with R^T R = A_P^T A_P, updated by one column at a time; one step
// of refinement gives back what squaring the condition number costs.
#ifndef METHODS_NNLS_H_
#define METHODS_NNLS_H_

#include <cstdint>
#include <utility>
#include <vector>

namespace sft::methods {

// A matrix by columns. A row stands at most once in a column.
class SparseColumns {
 public:
  using Entry = std::pair<int64_t, double>;  // row, value

  explicit SparseColumns(int64_t rows) : rows_(rows) {}
  void Add(const std::vector<Entry>& column);

  int64_t rows() const { return rows_; }
  int64_t columns() const { return static_cast<int64_t>(begin_.size()) - 1; }
  // Column `c` as [begin, end).
  const Entry* begin(int64_t c) const { return entries_.data() + begin_[c]; }
  const Entry* end(int64_t c) const { return entries_.data() + begin_[c + 1]; }

 private:
  int64_t rows_;
  std::vector<int64_t> begin_ = {0};
  std::vector<Entry> entries_;
};

struct NnlsResult {
  std::vector<double> x;
  double residual_norm = 0;
  int64_t iterations = 0;
  // False where the bound on iterations (3 a column, as Lawson and Hanson
  // have it) ended it: x is feasible then, but not the best.
  bool converged = false;
};

// b has one value a row of `a`. The same bits on every machine.
NnlsResult SolveNnls(const SparseColumns& a, const std::vector<double>& b);

}  // namespace sft::methods

#endif  // METHODS_NNLS_H_
