#include "methods/nnls.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>

namespace sft::methods {
namespace {

using Vector = std::vector<double>;

// A column nearer than this to the span of the passive ones is dependent
// (square of the sine): the Gram matrix knows no less.
constexpr double kDependent = 1e-10;
// Gradients below this share of the largest at x = 0 are rounding.
constexpr double kGradientTolerance = 1e-11;

double Dot(const double* a, const double* b, int64_t n) {
  // Four sums in fixed order: the compiler may not regroup one.
  double sum[4] = {0, 0, 0, 0};
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (int64_t k = 0; k < 4; ++k) sum[k] += a[i + k] * b[i + k];
  }
  for (; i < n; ++i) sum[0] += a[i] * b[i];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

// Upper triangular R, column by column.
class Triangle {
 public:
  int64_t size() const { return static_cast<int64_t>(columns_.size()); }

  // R^T y = g, in place.
  void SolveTransposed(Vector& g) const {
    for (int64_t j = 0; j < size(); ++j) {
      const Vector& column = columns_[j];
      g[j] = (g[j] - Dot(column.data(), g.data(), j)) / column[j];
    }
  }
  // R x = y, in place.
  void Solve(Vector& y) const {
    for (int64_t j = size() - 1; j >= 0; --j) {
      const Vector& column = columns_[j];
      y[j] /= column[j];
      for (int64_t i = 0; i < j; ++i) y[i] -= column[i] * y[j];
    }
  }
  void Append(Vector column) { columns_.push_back(std::move(column)); }
  void PopBack() { columns_.pop_back(); }

  // Takes column k out; Givens rotations make the rest triangular again.
  void Erase(int64_t k) {
    columns_.erase(columns_.begin() + k);
    std::vector<std::pair<double, double>> rotations;
    for (int64_t j = k; j < size(); ++j) {
      Vector& column = columns_[j];
      for (int64_t i = k; i < j; ++i) {
        const auto [c, s] = rotations[i - k];
        const double upper = column[i], lower = column[i + 1];
        column[i] = c * upper + s * lower;
        column[i + 1] = c * lower - s * upper;
      }
      // Not hypot, which libraries round differently.
      const double length =
          std::sqrt(column[j] * column[j] + column[j + 1] * column[j + 1]);
      rotations.emplace_back(column[j] / length, column[j + 1] / length);
      column[j] = length;
      column.pop_back();
    }
  }

 private:
  std::vector<Vector> columns_;
};

class Solver {
 public:
  Solver(const SparseColumns& a, const Vector& b)
      : a_(a), b_(b), place_(a.columns(), -1), barred_(a.columns(), false) {
    result_.x.assign(a.columns(), 0);
  }

  NnlsResult Solve() {
    Vector residual = b_;
    const double largest = LargestGradient(residual).second;
    const double tolerance = kGradientTolerance * std::max(largest, 0.0);
    while (result_.iterations < 3 * a_.columns()) {
      const auto [column, gradient] = LargestGradient(residual);
      if (column < 0 || gradient <= tolerance) {
        result_.converged = true;
        break;
      }
      ++result_.iterations;
      if (!Enter(column)) {
        barred_[column] = true;
        continue;
      }
      std::fill(barred_.begin(), barred_.end(), false);
      MoveToSolution();
      residual = Residual();
    }
    for (int64_t p = 0; p < factor_.size(); ++p) {
      result_.x[passive_[p]] = x_[p];
    }
    result_.residual_norm =
        std::sqrt(Dot(residual.data(), residual.data(), a_.rows()));
    return std::move(result_);
  }

 private:
  double ColumnDot(int64_t column, const Vector& dense) const {
    double sum = 0;
    for (const auto* e = a_.begin(column); e != a_.end(column); ++e) {
      sum += e->second * dense[e->first];
    }
    return sum;
  }

  // The column outside P along which the residual falls fastest, or -1.
  std::pair<int64_t, double> LargestGradient(const Vector& residual) const {
    std::pair<int64_t, double> best = {-1, 0};
    for (int64_t c = 0; c < a_.columns(); ++c) {
      if (place_[c] >= 0 || barred_[c]) continue;
      const double gradient = ColumnDot(c, residual);
      if (gradient > best.second) best = {c, gradient};
    }
    return best;
  }

  Vector Residual() const {
    Vector residual = b_;
    for (int64_t p = 0; p < factor_.size(); ++p) {
      Subtract(passive_[p], x_[p], residual);
    }
    return residual;
  }
  void Subtract(int64_t column, double times, Vector& from) const {
    for (const auto* e = a_.begin(column); e != a_.end(column); ++e) {
      from[e->first] -= e->second * times;
    }
  }

  // The unconstrained solution over the passive columns.
  Vector LeastSquares() const {
    Vector s(factor_.size(), 0), residual = b_;
    for (int pass = 0; pass < 2; ++pass) {
      Vector step(factor_.size());
      for (int64_t p = 0; p < factor_.size(); ++p) {
        step[p] = ColumnDot(passive_[p], residual);
      }
      factor_.SolveTransposed(step);
      factor_.Solve(step);
      for (int64_t p = 0; p < factor_.size(); ++p) {
        s[p] += step[p];
        Subtract(passive_[p], step[p], residual);
      }
    }
    return s;
  }

  // False, with nothing changed, if `column` depends on the passive ones or
  // would not become positive.
  bool Enter(int64_t column) {
    Vector dense(a_.rows(), 0);
    Subtract(column, -1, dense);
    Vector r(factor_.size());
    for (int64_t p = 0; p < factor_.size(); ++p) {
      r[p] = ColumnDot(passive_[p], dense);
    }
    factor_.SolveTransposed(r);
    const double whole = ColumnDot(column, dense);
    const double rest = whole - Dot(r.data(), r.data(), factor_.size());
    if (rest <= kDependent * whole) return false;
    r.push_back(std::sqrt(rest));
    factor_.Append(std::move(r));
    passive_.push_back(column);
    solution_ = LeastSquares();
    if (solution_.back() <= 0) {
      factor_.PopBack();
      passive_.pop_back();
      return false;
    }
    place_[column] = factor_.size() - 1;
    x_.push_back(0);
    return true;
  }

  // From x_ towards solution_; what reaches zero on the way leaves P.
  void MoveToSolution() {
    while (true) {
      double share = 1;
      int64_t first = -1;
      for (int64_t p = 0; p < factor_.size(); ++p) {
        if (solution_[p] > 0) continue;
        const double reach = x_[p] / (x_[p] - solution_[p]);
        if (first < 0 || reach < share) {
          share = reach;
          first = p;
        }
      }
      if (first < 0) break;
      for (int64_t p = 0; p < factor_.size(); ++p) {
        x_[p] += share * (solution_[p] - x_[p]);
      }
      x_[first] = 0;
      for (int64_t p = factor_.size() - 1; p >= 0; --p) {
        if (x_[p] <= 0) Leave(p);
      }
      solution_ = LeastSquares();
    }
    x_ = solution_;
  }

  void Leave(int64_t p) {
    place_[passive_[p]] = -1;
    passive_.erase(passive_.begin() + p);
    x_.erase(x_.begin() + p);
    factor_.Erase(p);
    for (; p < factor_.size(); ++p) place_[passive_[p]] = p;
  }

  const SparseColumns& a_;
  const Vector& b_;
  std::vector<int64_t> place_;  // in P, or -1
  std::vector<bool> barred_;    // until P changes
  std::vector<int64_t> passive_;
  Triangle factor_;
  Vector x_, solution_;  // of the passive columns
  NnlsResult result_;
};

}  // namespace

void SparseColumns::Add(const std::vector<Entry>& column) {
  for (const Entry& entry : column) {
    TORCH_CHECK(entry.first >= 0 && entry.first < rows_, "row ", entry.first,
                " of a matrix with ", rows_);
  }
  entries_.insert(entries_.end(), column.begin(), column.end());
  begin_.push_back(static_cast<int64_t>(entries_.size()));
}

NnlsResult SolveNnls(const SparseColumns& a, const std::vector<double>& b) {
  TORCH_CHECK(static_cast<int64_t>(b.size()) == a.rows(), b.size(),
              " values for ", a.rows(), " rows");
  return Solver(a, b).Solve();
}

}  // namespace sft::methods
