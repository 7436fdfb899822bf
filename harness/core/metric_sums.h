// Metrics that are no mean over items, from sums over items: how a resampled
// value is had without the texts. Scales are those of the metrics themselves.
#ifndef HARNESS_CORE_METRIC_SUMS_H_
#define HARNESS_CORE_METRIC_SUMS_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace sft {

// Columns of MetricRecord::sums of the named metric, 0 if it keeps none:
// span_f1, span_f1_strict: spans right, predicted, true;
// bleu: hypothesis and reference length, then for n = 1..4 the n-grams that
// match and those there are (smoothing exp, arXiv 1804.08771);
// chrf: for n = 1..6 the n-grams of hypothesis, of reference, common ones
// (Popovic, 2015; beta 2).
int64_t SumColumns(std::string_view metric);

// The two metrics of text over their columns, 0..100. With `effective_order`,
// as sacreBLEU scores single sentences, BLEU's n ends where n-grams do;
// without, it is 0 there.
double BleuOfSums(const std::vector<double>& sums,
                  bool effective_order = false);
double ChrfOfSums(const std::vector<double>& sums);

// Each column's total over items of `columns` sums.
std::vector<double> TotalSums(const std::vector<double>& sums, int64_t columns);

// Columns of a label of f1_macro and mcc, whose sums are counted from the
// predictions and references of a record: items right, predicted, present.
inline constexpr int64_t kLabelColumns = 3;
bool IsSumOfLabels(std::string_view metric);

// The value of `sums`, SumColumns(metric) of them or kLabelColumns a label;
// nullopt for another metric or number. Labels that do not occur do not count;
// mcc is 0 where either side has one label only (Gorodkin, 2004).
std::optional<double> ValueOfSums(std::string_view metric,
                                  const std::vector<double>& sums);

}  // namespace sft

#endif  // HARNESS_CORE_METRIC_SUMS_H_
