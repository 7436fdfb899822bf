#include "harness/analysis/score_pairs.h"

#include <algorithm>
#include <cmath>

#include "harness/analysis/statistics.h"
#include "harness/analysis/task_columns.h"

namespace sft::analysis {
namespace {

constexpr size_t kSeedsOfEllipse = 3;

std::optional<double> TestScoreOf(const record::RunRecord& record,
                                  const TaskMetric& of) {
  const MetricRecord* found = FindMetric(TestEval(record, of.task), of.metric);
  if (found == nullptr) return std::nullopt;
  return found->value;
}

}  // namespace

ScorePairs ScorePairsOf(const Results& results, const ResultCell& cell,
                        const TaskMetric& x, const TaskMetric& y) {
  ScorePairs pairs;
  for (const size_t index : cell.runs) {
    const CollectedRun& run = results.runs[index];
    if (!run.ok()) continue;
    const std::optional<double> one = TestScoreOf(*run.record, x);
    const std::optional<double> other = TestScoreOf(*run.record, y);
    if (!one.has_value() || !other.has_value()) continue;
    pairs.x_S.push_back(*one);
    pairs.y_S.push_back(*other);
  }
  return pairs;
}

// By the eigenvalues and the first eigenvector of [[xx, xy], [xy, yy]].
std::optional<ErrorEllipse> EllipseOf(const ScorePairs& pairs) {
  if (pairs.x_S.size() < kSeedsOfEllipse) return std::nullopt;
  const double n = static_cast<double>(pairs.x_S.size());
  ErrorEllipse ellipse{.x = Mean(pairs.x_S), .y = Mean(pairs.y_S)};
  double xx = 0, xy = 0, yy = 0;
  for (size_t i = 0; i < pairs.x_S.size(); ++i) {
    const double dx = pairs.x_S[i] - ellipse.x, dy = pairs.y_S[i] - ellipse.y;
    xx += dx * dx, xy += dx * dy, yy += dy * dy;
  }
  for (double* sum : {&xx, &xy, &yy}) *sum /= (n - 1) * n;
  const double half = (xx + yy) / 2;
  const double root = std::sqrt((xx - yy) * (xx - yy) / 4 + xy * xy);
  ellipse.along = std::sqrt(std::max(half + root, 0.0));
  ellipse.across = std::sqrt(std::max(half - root, 0.0));
  ellipse.radians = std::atan2(2 * xy, xx - yy) / 2;
  return ellipse;
}

}  // namespace sft::analysis
