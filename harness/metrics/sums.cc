#include "harness/metrics/sums.h"

#include <cstddef>

namespace sft::metrics {

std::vector<double> TotalSums(const std::vector<double>& sums,
                              int64_t columns) {
  std::vector<double> totals(static_cast<size_t>(columns), 0.0);
  for (size_t i = 0; i < sums.size(); ++i) totals[i % columns] += sums[i];
  return totals;
}

}  // namespace sft::metrics
