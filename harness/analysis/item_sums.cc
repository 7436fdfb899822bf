#include "harness/analysis/item_sums.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "harness/analysis/aggregate.h"

namespace sft::analysis {
namespace {

constexpr double kTolerance = 1e-6;  // of a value, relative above 1
// Far above any label set; bounds the columns of a record that is wrong.
constexpr int64_t kMaxLabels = int64_t{1} << 16;
constexpr size_t kSum = 0, kWeight = 1;  // columns of a mean

// Collects parts under the ids of their rows, or under their places where the
// record has no ids for them.
class RowParts {
 public:
  RowParts(const EvalRecord& eval, size_t n_items, ItemSums& out)
      : ids_(eval.row_ids), has_ids_(ids_.size() == n_items), out_(out) {}

  void Add(size_t item, size_t column, double amount) {
    const int64_t id = has_ids_ ? ids_[item] : static_cast<int64_t>(item);
    out_.rows[id].push_back({column, amount});
    out_.columns = std::max(out_.columns, column + 1);
  }

 private:
  const std::vector<int64_t>& ids_;
  const bool has_ids_;
  ItemSums& out_;
};

void AddSums(const EvalRecord& eval, const MetricRecord& metric,
             ItemSums& out) {
  const size_t columns = static_cast<size_t>(metric.sum_columns);
  const size_t n_items = metric.sums.size() / columns;
  RowParts parts(eval, n_items, out);
  for (size_t i = 0; i < n_items; ++i) {
    for (size_t c = 0; c < columns; ++c) {
      parts.Add(i, c, metric.sums[i * columns + c]);
    }
  }
}

// False if a label is none that a task has. -1 is an answer that is no label.
bool AddLabels(const EvalRecord& eval, ItemSums& out) {
  constexpr int64_t kColumns = metrics::kLabelColumns;
  const auto column = [](int64_t label, int64_t which) {
    return static_cast<size_t>((label + 1) * kColumns + which);
  };
  const size_t n_items = eval.references.size();
  if (eval.predictions.size() != n_items) return false;
  RowParts parts(eval, n_items, out);
  for (size_t i = 0; i < n_items; ++i) {
    const int64_t predicted = eval.predictions[i], wanted = eval.references[i];
    if (std::min(predicted, wanted) < -1 ||
        std::max(predicted, wanted) >= kMaxLabels) {
      return false;
    }
    parts.Add(i, column(wanted, 0), predicted == wanted ? 1 : 0);
    parts.Add(i, column(predicted, 1), 1);
    parts.Add(i, column(wanted, 2), 1);
  }
  out.columns += (kColumns - out.columns % kColumns) % kColumns;
  return true;
}

void AddMean(const EvalRecord& eval, const MetricRecord& metric,
             ItemSums& out) {
  const metrics::Metric* row = metrics::FindMetric(metric.name);
  const size_t n_items = metric.items.size();
  const MetricRecord* weights =
      row == nullptr ? nullptr : FindMetric(&eval, row->weights);
  if (weights != nullptr && weights->items.size() != n_items) weights = nullptr;
  RowParts parts(eval, n_items, out);
  for (size_t i = 0; i < n_items; ++i) {
    const double weight = weights == nullptr ? 1 : weights->items[i];
    parts.Add(i, kSum, metric.items[i] * weight);
    parts.Add(i, kWeight, weight);
  }
  out.is_mean = true;
}

// What a metric without items of its own is e to the power of.
const MetricRecord* ExponentOf(const EvalRecord& eval,
                               const MetricRecord& metric) {
  const metrics::Metric* row = metrics::FindMetric(metric.name);
  if (row == nullptr || row->exp_of.empty() || !metric.items.empty()) {
    return nullptr;
  }
  return FindMetric(&eval, row->exp_of);
}

}  // namespace

double ItemSums::Value(const std::vector<double>& sums) const {
  if (is_mean) {
    const double mean = sums[kWeight] > 0 ? sums[kSum] / sums[kWeight] : 0.0;
    return is_exp ? std::exp(mean) : mean;
  }
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (metric == nullptr) return kNone;
  return metrics::ValueOfSums(*metric, sums).value_or(kNone);
}

std::optional<ItemSums> SumsOfItems(const EvalRecord& eval,
                                    const MetricRecord& metric) {
  ItemSums out;
  out.metric = metrics::FindMetric(metric.name);
  if (out.metric != nullptr &&
      out.metric->sums.of == metrics::SumsOf::kLabels) {
    if (!AddLabels(eval, out)) return std::nullopt;
  } else if (metric.sum_columns > 0) {
    AddSums(eval, metric, out);
  } else if (const MetricRecord* exponent = ExponentOf(eval, metric)) {
    AddMean(eval, *exponent, out);
    out.is_exp = true;
  } else {
    AddMean(eval, metric, out);
  }
  if (out.rows.empty()) return std::nullopt;
  std::vector<double> sums(out.columns, 0.0);
  for (const auto& [id, parts] : out.rows) {
    for (const ItemPart& part : parts) sums[part.column] += part.amount;
  }
  const double gap = std::abs(out.Value(sums) - metric.value);
  if (!(gap <= kTolerance * std::max(1.0, std::abs(metric.value)))) {
    return std::nullopt;  // NaN too
  }
  return out;
}

}  // namespace sft::analysis
