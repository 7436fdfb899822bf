// A metric as a function of sums over items: what drawing items anew, or
// swapping them between two models, needs to give its value again.
#ifndef HARNESS_ANALYSIS_ITEM_SUMS_H_
#define HARNESS_ANALYSIS_ITEM_SUMS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "harness/core/records.h"
#include "harness/metrics/metrics.h"

namespace sft::analysis {

// `amount` of one item, added to a column of the sums.
struct ItemPart {
  size_t column = 0;
  double amount = 0;
  bool operator==(const ItemPart&) const = default;
};

struct ItemSums {
  const metrics::Metric* metric = nullptr;  // its row, if it has one
  bool is_mean = false;  // of items, weighted: columns are sum and weight
  bool is_exp = false;   // the value is e to the power of that mean
  size_t columns = 0;
  // By row id. Items of one row are one: they are no independent draws.
  std::map<int64_t, std::vector<ItemPart>> rows;

  // Of sums with `columns` columns, or more where another side has more labels.
  double Value(const std::vector<double>& sums) const;
};

// As the metric's row says: from the predictions, from the sums of the record,
// as the mean of the items, weighted where the evaluation has their weights, or
// as e to the power of another metric.
// nullopt if that is not the recorded value: then the record does not keep what
// its metric is made of.
std::optional<ItemSums> SumsOfItems(const EvalRecord& eval,
                                    const MetricRecord& metric);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_ITEM_SUMS_H_
