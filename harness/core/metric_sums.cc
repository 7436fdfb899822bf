#include "harness/core/metric_sums.h"

#include <cmath>

namespace sft {
namespace {

constexpr int kBleuOrder = 4;
constexpr int kChrfOrder = 6;
constexpr double kChrfBeta = 2;

double SpanF1OfSums(const std::vector<double>& s) {
  const double spans = s[1] + s[2];
  return spans > 0 ? 2 * s[0] / spans : 0.0;
}

double MacroF1OfSums(const std::vector<double>& s) {
  double sum = 0;
  int64_t labels = 0;
  for (size_t i = 0; i < s.size(); i += kLabelColumns) {
    // 2 TP + FP + FN is predicted + present, above 0 for a label that occurs.
    const double either = s[i + 1] + s[i + 2];
    if (either <= 0) continue;
    sum += 2 * s[i] / either;
    ++labels;
  }
  return labels > 0 ? sum / static_cast<double>(labels) : 0.0;
}

double MccOfSums(const std::vector<double>& s) {
  double right = 0, all = 0;
  for (size_t i = 0; i < s.size(); i += kLabelColumns) {
    right += s[i];
    all += s[i + 2];
  }
  double both = right * all, predicted = all * all, present = all * all;
  for (size_t i = 0; i < s.size(); i += kLabelColumns) {
    both -= s[i + 1] * s[i + 2];
    predicted -= s[i + 1] * s[i + 1];
    present -= s[i + 2] * s[i + 2];
  }
  return predicted > 0 && present > 0 ? both / std::sqrt(predicted * present)
                                      : 0.0;
}

}  // namespace

double BleuOfSums(const std::vector<double>& s, bool effective_order) {
  if (s[2] <= 0) return 0.0;
  double log_sum = 0, smooth = 1;
  int order = kBleuOrder;
  for (int n = 0; n < kBleuOrder; ++n) {
    const double match = s[2 + 2 * n], total = s[3 + 2 * n];
    if (total <= 0) {
      if (!effective_order) return 0.0;
      order = n;
      break;
    }
    double precision = 100 * match / total;
    if (match <= 0) {
      smooth *= 2;
      precision = 100 / (smooth * total);
    }
    log_sum += std::log(precision);
  }
  const double brevity = s[0] < s[1] ? std::exp(1 - s[1] / s[0]) : 1.0;
  return brevity * std::exp(log_sum / order);
}

double ChrfOfSums(const std::vector<double>& s) {
  double precision = 0, recall = 0;
  int orders = 0;
  for (int n = 0; n < kChrfOrder; ++n) {
    const double made = s[3 * n], wanted = s[3 * n + 1], both = s[3 * n + 2];
    if (made <= 0 || wanted <= 0) continue;
    precision += both / made;
    recall += both / wanted;
    ++orders;
  }
  if (orders == 0) return 0.0;
  precision /= orders;
  recall /= orders;
  const double beta2 = kChrfBeta * kChrfBeta;
  const double below = beta2 * precision + recall;
  return below > 0 ? 100 * (1 + beta2) * precision * recall / below : 0.0;
}

std::vector<double> TotalSums(const std::vector<double>& sums,
                              int64_t columns) {
  std::vector<double> totals(static_cast<size_t>(columns), 0.0);
  for (size_t i = 0; i < sums.size(); ++i) totals[i % columns] += sums[i];
  return totals;
}

int64_t SumColumns(std::string_view metric) {
  if (metric == "span_f1" || metric == "span_f1_strict") return 3;
  if (metric == "bleu") return 2 + 2 * kBleuOrder;
  if (metric == "chrf") return 3 * kChrfOrder;
  return 0;
}

bool IsSumOfLabels(std::string_view metric) {
  return metric == "f1_macro" || metric == "mcc";
}

std::optional<double> ValueOfSums(std::string_view metric,
                                  const std::vector<double>& sums) {
  const int64_t given = static_cast<int64_t>(sums.size());
  if (IsSumOfLabels(metric)) {
    if (given % kLabelColumns != 0) return std::nullopt;
    return metric == "mcc" ? MccOfSums(sums) : MacroF1OfSums(sums);
  }
  const int64_t columns = SumColumns(metric);
  if (columns == 0 || given != columns) return std::nullopt;
  if (metric == "bleu") return BleuOfSums(sums);
  if (metric == "chrf") return ChrfOfSums(sums);
  return SpanF1OfSums(sums);
}

}  // namespace sft
