// Non-negative least squares against the conditions that only a solution meets
// (Lawson and Hanson 1974, theorem 23.4), and cases worked by hand.
#include "methods/nnls.h"

#include <cmath>

#include "harness/core/rng.h"
#include "tests/support/catch_torch.h"

namespace sft::methods::nnls_test {
namespace {

using Dense = std::vector<std::vector<double>>;  // columns

SparseColumns Sparse(const Dense& columns, int64_t rows) {
  SparseColumns out(rows);
  for (const auto& column : columns) {
    std::vector<SparseColumns::Entry> entries;
    for (int64_t r = 0; r < rows; ++r) {
      if (column[r] != 0) entries.emplace_back(r, column[r]);
    }
    out.Add(entries);
  }
  return out;
}

// x >= 0; no column's gradient is positive; it is zero where x is positive.
void CheckOptimal(const Dense& columns, const std::vector<double>& b) {
  const auto rows = static_cast<int64_t>(b.size());
  const NnlsResult got = SolveNnls(Sparse(columns, rows), b);
  REQUIRE(got.converged);
  REQUIRE(got.x.size() == columns.size());
  std::vector<double> residual = b;
  for (size_t c = 0; c < columns.size(); ++c) {
    for (int64_t r = 0; r < rows; ++r) residual[r] -= columns[c][r] * got.x[c];
  }
  double norm = 0, largest = 0;
  for (double value : residual) norm += value * value;
  CHECK(got.residual_norm == Approx(std::sqrt(norm)).margin(1e-9));
  for (double value : b) largest = std::max(largest, std::abs(value));
  for (size_t c = 0; c < columns.size(); ++c) {
    double gradient = 0;
    for (int64_t r = 0; r < rows; ++r) gradient += columns[c][r] * residual[r];
    // Sums of `rows` products of size `largest`, solved to about 1e-12.
    const double tolerance = 1e-9 * largest * static_cast<double>(rows);
    CHECK(got.x[c] >= 0);
    CHECK(gradient <= tolerance);
    if (got.x[c] > 0) CHECK(std::abs(gradient) <= tolerance);
  }
}

}  // namespace

TEST_CASE("least squares without negative values, worked by hand",
          "[methods][nnls]") {
  // The free solution is (2, -1).
  const NnlsResult a = SolveNnls(Sparse({{1, 0}, {0, 1}}, 2), {2, -1});
  CHECK(a.x == std::vector<double>{2, 0});
  CHECK(a.residual_norm == 1);
  // The free solution is (-2, 3); with x0 = 0, x1 = (1*1 + 2*4) / 5.
  const NnlsResult b = SolveNnls(Sparse({{1, 1}, {1, 2}}, 2), {1, 4});
  CHECK(b.x[0] == 0);
  CHECK(b.x[1] == Approx(1.8));
  // Two columns in one direction: one of them carries it all.
  const NnlsResult c = SolveNnls(Sparse({{1, 0}, {2, 0}}, 2), {4, 1});
  CHECK(c.x[0] + 2 * c.x[1] == Approx(4));
  CHECK(c.residual_norm == Approx(1));
}

TEST_CASE("nothing to gain and nothing to choose are solved by zeros",
          "[methods][nnls]") {
  CHECK(SolveNnls(Sparse({{1, 1}}, 2), {-1, -1}).x == std::vector<double>{0});
  CHECK(SolveNnls(Sparse({{1, 1}}, 2), {0, 0}).x == std::vector<double>{0});
  CHECK(SolveNnls(SparseColumns(2), {1, 2}).x.empty());
  SparseColumns columns(2);
  CHECK_THROWS_WITH(columns.Add({{2, 1.0}}), Catch::Contains("row 2"));
  CHECK_THROWS_WITH(SolveNnls(columns, {1}), Catch::Contains("1 values"));
}

TEST_CASE("random problems, wide, tall and of dependent columns, are solved",
          "[methods][nnls]") {
  Rng rng(5, Stream::kMethod, "nnls");
  for (int64_t rows : {1, 2, 7, 30}) {
    for (int64_t columns : {1, 5, 40, 200}) {
      INFO(rows << " by " << columns);
      Dense a(columns, std::vector<double>(rows));
      for (auto& column : a) {
        for (double& value : column) {
          // Small whole numbers, so that some columns depend on others.
          value = static_cast<double>(rng.Below(5)) - 2;
        }
      }
      std::vector<double> b(rows);
      for (double& value : b) value = 1000 * rng.Normal();
      CheckOptimal(a, b);
    }
  }
}

}  // namespace sft::methods::nnls_test
