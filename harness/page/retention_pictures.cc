// What is retained on the way: at the points of a curve, a mean over seeds with
// its interval (the table "curve"), else after each round.
#include <algorithm>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "harness/analysis/comparison_families.h"
#include "harness/analysis/task_columns.h"
#include "harness/analysis/way_points.h"
#include "harness/page/pictures.h"

namespace sft::page {
namespace {

constexpr int64_t kMostRounds = 1000;

// The steps of the points of a cell's curve, the base's and the end's too.
std::vector<double> StepsOfCurve(const analysis::Results& results,
                                 const analysis::ResultCell& cell) {
  std::vector<double> steps;
  for (const size_t index : cell.runs) {
    const analysis::CollectedRun& run = results.runs[index];
    if (!run.ok()) continue;
    for (const auto& point : analysis::WayOf(*run.record, "curve")) {
      steps.push_back(point.at);
    }
    if (!steps.empty()) break;
  }
  return steps;
}

std::vector<Picture> AtPoints(const analysis::Results& results,
                              const analysis::Table& curve) {
  std::vector<Picture> pictures;
  for (size_t column = 0; column < curve.columns.size(); ++column) {
    const analysis::TableColumn& set = curve.columns[column];
    if (!set.has_interval) continue;
    Picture picture{.title = set.title,
                    .caption =
                        "Means over seeds with 95 % intervals, from the "
                        "table of points inside the round.",
                    .x = {"optimizer step of the round"},
                    .y = {set.title}};
    for (const size_t cell : DrawnCells(results, picture)) {
      const std::string label = LabelOf(results, cell);
      const std::vector<double> steps =
          StepsOfCurve(results, results.cells[cell]);
      PictureLine line{label, LookOf(results.cells[cell]), {}, {}};
      size_t point = 0;
      for (const auto& row : curve.rows) {
        if (row[0].text != label || point >= steps.size()) continue;
        const double step = steps[point++];
        if (!row[column].value.has_value()) continue;
        line.x_N.push_back(step);
        line.y_N.push_back(*row[column].value);
        if (!row[column].interval.has_value()) continue;
        picture.points.push_back({.label = label,
                                  .look = line.look,
                                  .x = step,
                                  .y = *row[column].value,
                                  .y_interval = row[column].interval});
      }
      if (!line.x_N.empty()) picture.lines.push_back(std::move(line));
    }
    if (!picture.lines.empty()) pictures.push_back(std::move(picture));
  }
  return pictures;
}

std::vector<Picture> AfterRounds(const analysis::Results& results) {
  std::vector<Picture> pictures;
  for (const std::string& task : analysis::RetainedTasks(results)) {
    const MetricRecord* metric = analysis::PrimaryMetric(results, task);
    if (metric == nullptr) continue;
    Picture picture{
        .title = absl::StrCat(task, " ", metric->name),
        .caption = absl::StrCat("Means over seeds; round 0 is the base model; ",
                                metric->higher_is_better ? "higher" : "lower",
                                " is better."),
        .x = {"round"},
        .y = {absl::StrCat(metric->name, " (", analysis::ScaleOf(metric->unit),
                           ")")}};
    for (const size_t cell : DrawnCells(results, picture)) {
      PictureLine line{
          LabelOf(results, cell), LookOf(results.cells[cell]), {}, {}};
      for (int64_t round = 0; round < kMostRounds; ++round) {
        const auto value = MeanOf(
            results, cell,
            [&](const record::RunRecord& record) -> std::optional<double> {
              for (const EvalRecord& eval : record.evals) {
                if (eval.task != task || eval.round != round ||
                    (eval.split != "test" && eval.split != "heldout")) {
                  continue;
                }
                const auto* found = analysis::FindMetric(&eval, metric->name);
                if (found != nullptr) return found->value;
              }
              return std::nullopt;
            });
        if (!value.has_value()) break;
        line.x_N.push_back(static_cast<double>(round));
        line.y_N.push_back(*value);
      }
      if (line.x_N.size() > 1) picture.lines.push_back(std::move(line));
    }
    if (!picture.lines.empty()) pictures.push_back(std::move(picture));
  }
  return pictures;
}

}  // namespace

std::vector<Picture> RetentionPictures(const PictureInput& input) {
  const analysis::Table* curve = TableWithRows(input, "curve");
  if (curve != nullptr) return AtPoints(input.report.results, *curve);
  return AfterRounds(input.report.results);
}

}  // namespace sft::page
