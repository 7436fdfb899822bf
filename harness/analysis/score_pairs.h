// What a row reached on a task beside what it kept of another: the seeds that
// have both scores, their mean, and how sure it is. Of seeds (x, y) with
// covariance C over n seeds the mean's error is the ellipse of C / n.
#ifndef HARNESS_ANALYSIS_SCORE_PAIRS_H_
#define HARNESS_ANALYSIS_SCORE_PAIRS_H_

#include <optional>
#include <string>
#include <vector>

#include "harness/analysis/aggregate.h"

namespace sft::analysis {

struct TaskMetric {
  std::string task, metric;
};
struct ScorePairs {
  std::vector<double> x_S, y_S;  // as long as each other
};
// Of test rows; seeds that lack one of the two are left out.
ScorePairs ScorePairsOf(const Results& results, const ResultCell& cell,
                        const TaskMetric& x, const TaskMetric& y);

// One standard error: half axes along (cos, sin) of `radians` and across it.
struct ErrorEllipse {
  double x = 0, y = 0;  // the mean
  double along = 0, across = 0;
  double radians = 0;
};
// nullopt with fewer than three seeds.
std::optional<ErrorEllipse> EllipseOf(const ScorePairs& pairs);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_SCORE_PAIRS_H_
