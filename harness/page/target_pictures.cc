// Target against retention: the base model, each row's mean with an ellipse of
// one standard error over its seeds, and the score that the baseline reaches.
#include <cmath>
#include <map>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "harness/analysis/comparison.h"
#include "harness/analysis/comparison_families.h"
#include "harness/analysis/score_pairs.h"
#include "harness/analysis/selection.h"
#include "harness/analysis/task_columns.h"
#include "harness/page/pictures.h"

namespace sft::page {
namespace {

constexpr size_t kMostTargetPictures = 6;
constexpr int kEllipseCorners = 48;

// As a polygon.
PictureEllipse PolygonOf(const analysis::ErrorEllipse& of,
                         const PictureLook& look) {
  PictureEllipse ellipse{look, {}, {}};
  const double cosine = std::cos(of.radians), sine = std::sin(of.radians);
  for (int i = 0; i <= kEllipseCorners; ++i) {
    const double t = 2 * std::numbers::pi * i / kEllipseCorners;
    const double along = of.along * std::cos(t);
    const double across = of.across * std::sin(t);
    ellipse.x_N.push_back(of.x + along * cosine - across * sine);
    ellipse.y_N.push_back(of.y + along * sine + across * cosine);
  }
  return ellipse;
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
  std::vector<size_t> cells;
  for (size_t i = 0; i < results.cells.size(); ++i) {
    if (results.cells[i].is_untuned) cells.push_back(i);
  }
  const std::vector<size_t> tuned = DrawnCells(results, picture);
  cells.insert(cells.end(), tuned.begin(), tuned.end());
  const auto pairs_of = [&](size_t cell) {
    return analysis::ScorePairsOf(results, results.cells[cell],
                                  {target, x.name}, {kept, y.name});
  };
  std::map<size_t, double> baselines;
  for (const size_t i : cells) {
    const analysis::ResultCell& cell = results.cells[i];
    const analysis::ScorePairs pairs = pairs_of(i);
    if (pairs.x_S.empty()) continue;
    picture.points.push_back({.label = LabelOf(results, i),
                              .look = LookOf(cell),
                              .x = analysis::Mean(pairs.x_S),
                              .y = analysis::Mean(pairs.y_S),
                              .is_marked = cell.is_untuned});
    const auto ellipse = analysis::EllipseOf(pairs);
    if (!cell.is_untuned && ellipse.has_value()) {
      picture.ellipses.push_back(PolygonOf(*ellipse, LookOf(cell)));
    }
    const std::optional<size_t> baseline =
        analysis::BaselineCell(results, cell);
    if (!baseline.has_value()) continue;
    const analysis::ScorePairs theirs = pairs_of(*baseline);
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
