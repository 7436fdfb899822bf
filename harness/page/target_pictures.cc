// Target against retention: the base model, each row's mean with an ellipse of
// one standard error over its seeds, and the score that the baseline reaches.
// Of seeds (x, y) with covariance C over n seeds the ellipse is of C / n.
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "harness/analysis/comparison.h"
#include "harness/analysis/comparison_families.h"
#include "harness/analysis/selection.h"
#include "harness/analysis/task_columns.h"
#include "harness/page/pictures.h"

namespace sft::page {
namespace {

constexpr size_t kMostTargetPictures = 6;
constexpr int kEllipseCorners = 48;
constexpr size_t kSeedsOfEllipse = 3;

struct Scored {
  std::vector<double> x_S, y_S;  // of the seeds that have both

  std::optional<PicturePoint> Mean() const {
    if (x_S.empty()) return std::nullopt;
    PicturePoint point;
    point.x = analysis::Mean(x_S);
    point.y = analysis::Mean(y_S);
    return point;
  }
};

std::optional<double> TestScore(const record::RunRecord& record,
                                const std::string& task,
                                const std::string& metric) {
  const auto* found =
      analysis::FindMetric(analysis::TestEval(record, task), metric);
  if (found == nullptr) return std::nullopt;
  return found->value;
}

Scored ScoredSeeds(const analysis::Results& results,
                   const analysis::ResultCell& cell, const std::string& target,
                   const std::string& target_metric, const std::string& kept,
                   const std::string& kept_metric) {
  Scored scored;
  for (const size_t index : cell.runs) {
    const analysis::CollectedRun& run = results.runs[index];
    if (!run.ok()) continue;
    const auto x = TestScore(*run.record, target, target_metric);
    const auto y = TestScore(*run.record, kept, kept_metric);
    if (!x.has_value() || !y.has_value()) continue;
    scored.x_S.push_back(*x);
    scored.y_S.push_back(*y);
  }
  return scored;
}

// By the eigenvectors of [[xx, xy], [xy, yy]].
PictureEllipse EllipseOf(const Scored& scored, const PictureLook& look) {
  const double n = static_cast<double>(scored.x_S.size());
  const double mean_x = analysis::Mean(scored.x_S);
  const double mean_y = analysis::Mean(scored.y_S);
  double xx = 0, xy = 0, yy = 0;
  for (size_t i = 0; i < scored.x_S.size(); ++i) {
    const double dx = scored.x_S[i] - mean_x, dy = scored.y_S[i] - mean_y;
    xx += dx * dx, xy += dx * dy, yy += dy * dy;
  }
  for (double* sum : {&xx, &xy, &yy}) *sum /= (n - 1) * n;
  const double half = (xx + yy) / 2;
  const double root = std::sqrt((xx - yy) * (xx - yy) / 4 + xy * xy);
  const double large = std::sqrt(std::max(half + root, 0.0));
  const double small = std::sqrt(std::max(half - root, 0.0));
  const double radians = std::atan2(2 * xy, xx - yy) / 2;
  PictureEllipse ellipse{look, {}, {}};
  for (int i = 0; i <= kEllipseCorners; ++i) {
    const double t = 2 * std::numbers::pi * i / kEllipseCorners;
    const double along = large * std::cos(t), across = small * std::sin(t);
    ellipse.x_N.push_back(mean_x + along * std::cos(radians) -
                          across * std::sin(radians));
    ellipse.y_N.push_back(mean_y + along * std::sin(radians) +
                          across * std::cos(radians));
  }
  return ellipse;
}

std::string AxisLabel(const std::string& task, const MetricRecord& metric) {
  return absl::StrCat(
      task, " ", metric.name, " (", analysis::ScaleOf(metric.unit), ", ",
      metric.higher_is_better ? "higher" : "lower", " is better)");
}

Picture OnePair(const analysis::Results& results, const std::string& target,
                const std::string& kept) {
  const MetricRecord x = *analysis::PrimaryMetric(results, target);
  const MetricRecord y = *analysis::PrimaryMetric(results, kept);
  Picture picture{
      .title = absl::StrCat(target, " against ", kept),
      .caption =
          "Means over seeds; the ringed point is the base model. An "
          "ellipse is one standard error of the mean over seeds, drawn "
          "from three seeds on; it is no test.",
      .x = {AxisLabel(target, x)},
      .y = {AxisLabel(kept, y)}};
  std::map<size_t, double> baselines;
  for (size_t i = 0; i < results.cells.size(); ++i) {
    const analysis::ResultCell& cell = results.cells[i];
    const Scored scored =
        ScoredSeeds(results, cell, target, x.name, kept, y.name);
    std::optional<PicturePoint> point = scored.Mean();
    if (!point.has_value()) continue;
    point->label = LabelOf(results, i);
    point->look = LookOf(cell);
    point->is_marked = cell.is_untuned;
    if (!cell.is_untuned && scored.x_S.size() >= kSeedsOfEllipse) {
      picture.ellipses.push_back(EllipseOf(scored, point->look));
    }
    picture.points.push_back(*std::move(point));
    const std::optional<size_t> baseline =
        analysis::BaselineCell(results, cell);
    if (!baseline.has_value()) continue;
    const Scored theirs = ScoredSeeds(results, results.cells[*baseline], target,
                                      x.name, kept, y.name);
    if (!theirs.x_S.empty()) baselines[*baseline] = analysis::Mean(theirs.x_S);
  }
  for (const auto& [cell, score] : baselines) {
    picture.levels.push_back(
        {absl::StrCat("as good as ", LabelOf(results, cell)), score});
  }
  return picture;
}

}  // namespace

std::vector<Picture> TargetPictures(const PictureInput& input) {
  const analysis::Results& results = input.report.results;
  std::vector<Picture> pictures;
  for (const std::string& target : analysis::EvaluatedTasks(results)) {
    for (const std::string& kept : analysis::RetainedTasks(results)) {
      if (analysis::PrimaryMetric(results, target) == nullptr ||
          analysis::PrimaryMetric(results, kept) == nullptr ||
          pictures.size() >= kMostTargetPictures) {
        continue;
      }
      Picture picture = OnePair(results, target, kept);
      if (picture.points.size() > 1) pictures.push_back(std::move(picture));
    }
  }
  return pictures;
}

}  // namespace sft::page
