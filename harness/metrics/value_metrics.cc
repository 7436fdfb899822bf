#include "harness/metrics/value_metrics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "harness/metrics/sums.h"

namespace sft::metrics {
namespace {

double MeanOf(const Values& values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(values.size());
}

// From 1 on, by size.
Values RanksOf(const Values& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return values[a] < values[b]; });
  Values ranks(values.size());
  for (size_t first = 0; first < order.size();) {
    size_t end = first;
    while (end < order.size() && values[order[end]] == values[order[first]]) {
      ++end;
    }
    // The mean of first + 1 to end.
    const double rank = (static_cast<double>(first + end) + 1) / 2;
    for (; first < end; ++first) ranks[order[first]] = rank;
  }
  return ranks;
}

double Correlation(const Values& x, const Values& y) {
  const double mx = MeanOf(x), my = MeanOf(y);
  double xx = 0, yy = 0, xy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mx) * (x[i] - mx);
    yy += (y[i] - my) * (y[i] - my);
    xy += (x[i] - mx) * (y[i] - my);
  }
  if (!(xx > 0 && yy > 0)) return 0;
  return std::clamp(xy / std::sqrt(xx) / std::sqrt(yy), -1.0, 1.0);
}

std::optional<double> NumberIn(const std::string& line) {
  double value = 0;
  const absl::string_view text = absl::StripAsciiWhitespace(line);
  if (!absl::SimpleAtod(text, &value) || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

MetricScore Pearson(const Values& predictions, const Values& references) {
  MetricScore score;
  score.value = Correlation(predictions, references);
  const double center = MeanOf(references);
  for (size_t i = 0; i < references.size(); ++i) {
    const double x = predictions[i] - center, y = references[i] - center;
    score.sums.insert(score.sums.end(), {1, x, y, x * x, y * y, x * y});
  }
  return score;
}

MetricScore Spearman(const Values& predictions, const Values& references) {
  return Pearson(RanksOf(predictions), RanksOf(references));
}

MetricScore MeanSquaredError(const Values& predictions,
                             const Values& references) {
  MetricScore score;
  for (size_t i = 0; i < references.size(); ++i) {
    const double error = predictions[i] - references[i];
    score.items.push_back(error * error);
  }
  score.value = MeanOf(score.items);
  return score;
}

double CorrelationOfSums(const std::vector<double>& s) {
  const double n = s[0];
  if (n <= 0) return 0;
  const double xx = s[3] - s[1] * s[1] / n, yy = s[4] - s[2] * s[2] / n;
  // What rounding leaves of a side that is constant is no spread.
  constexpr double kRounding = 1e-12;
  if (xx <= kRounding * s[3] || yy <= kRounding * s[4]) return 0;
  const double r = (s[5] - s[1] * s[2] / n) / std::sqrt(xx) / std::sqrt(yy);
  return std::clamp(r, -1.0, 1.0);
}

absl::StatusOr<MetricScore> ScoreNumbers(ValueScorer scorer,
                                         const std::vector<TextItem>& items) {
  Values predictions, references;
  for (size_t i = 0; i < items.size(); ++i) {
    const std::optional<double> wanted = NumberIn(items[i].references[0]);
    if (!wanted) {
      return absl::InvalidArgumentError(
          absl::StrCat("reference ", i + 1, ": '",
                       items[i].references[0].substr(0, 60), "' is no number"));
    }
    references.push_back(*wanted);
    predictions.push_back(NumberIn(items[i].hypothesis).value_or(0));
  }
  return scorer(predictions, references);
}

}  // namespace sft::metrics
