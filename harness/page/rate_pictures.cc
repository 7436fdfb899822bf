// The validation measure by learning rate, a picture a method; and a word where
// the best rate is the first or last of its grid.
#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "harness/page/pictures.h"
#include "harness/record/validation_score.h"

namespace sft::page {
namespace {

constexpr char kRateAxis[] = "learning_rate";
constexpr char kUsualMeasure[] = "validation_loss";

struct RatePoint {
  double rate = 0, value = 0;
  size_t cell = 0;
};

// Cells that differ in their rate alone, by what else they are.
struct RateLine {
  std::string label;
  PictureLook look;
  bool higher_is_better = false;
  std::vector<RatePoint> points;
};

std::map<std::string, std::vector<RateLine>> RateLines(
    const analysis::Results& results, const std::string& measure) {
  std::map<std::string, std::map<std::string, RateLine>> by_method;
  for (size_t i = 0; i < results.cells.size(); ++i) {
    const analysis::ResultCell& cell = results.cells[i];
    const auto rate = cell.axes.find(kRateAxis);
    RatePoint point{.cell = i};
    if (cell.is_untuned || rate == cell.axes.end() ||
        !absl::SimpleAtod(rate->second, &point.rate) || point.rate <= 0) {
      continue;
    }
    bool higher = false;
    const auto value =
        MeanOf(results, i,
               [&](const record::RunRecord& record) -> std::optional<double> {
                 const auto score = record::ScoreOfValidation(record, measure);
                 if (!score.has_value()) return std::nullopt;
                 higher = score->higher_is_better;
                 return score->value;
               });
    if (!value.has_value()) continue;
    point.value = *value;
    std::string label;
    for (const auto& [name, text] : cell.axes) {
      if (name == kRateAxis || name == "method") continue;
      absl::StrAppend(&label, label.empty() ? "" : " ",
                      name == "batching" ? "" : absl::StrCat(name, "="), text);
    }
    RateLine& line = by_method[cell.axes.at("method")][label];
    line.label = label;
    line.look = LookOf(cell);
    line.higher_is_better = higher;
    line.points.push_back(point);
  }
  std::map<std::string, std::vector<RateLine>> lines;
  for (auto& [method, of_method] : by_method) {
    for (auto& [label, line] : of_method) {
      if (line.points.size() < 2) continue;
      std::sort(line.points.begin(), line.points.end(),
                [](const RatePoint& a, const RatePoint& b) {
                  return a.rate < b.rate;
                });
      lines[method].push_back(std::move(line));
    }
  }
  return lines;
}

size_t BestOf(const RateLine& line) {
  size_t best = 0;
  for (size_t i = 1; i < line.points.size(); ++i) {
    const double value = line.points[i].value;
    const double least = line.points[best].value;
    if (line.higher_is_better ? value > least : value < least) best = i;
  }
  return best;
}

}  // namespace

std::vector<Picture> RatePictures(const PictureInput& input) {
  const analysis::Results& results = input.report.results;
  const std::string measure =
      results.select_by.empty() ? kUsualMeasure : results.select_by;
  std::vector<Picture> pictures;
  for (const auto& [method, lines] : RateLines(results, measure)) {
    Picture picture{.title = absl::StrCat(method, ": learning rate"),
                    .caption =
                        "Means over seeds, of validation rows; the "
                        "ringed point is the best of its line.",
                    .x = {"learning rate", /*is_log=*/true},
                    .y = {measure}};
    for (const RateLine& line : lines) {
      const size_t best = BestOf(line);
      PictureLine drawn{line.label, line.look, {}, {}};
      for (size_t i = 0; i < line.points.size(); ++i) {
        drawn.x_N.push_back(line.points[i].rate);
        drawn.y_N.push_back(line.points[i].value);
        picture.points.push_back({.label = line.label,
                                  .look = line.look,
                                  .x = line.points[i].rate,
                                  .y = line.points[i].value,
                                  .is_marked = i == best});
      }
      picture.lines.push_back(std::move(drawn));
      if (best != 0 && best + 1 != line.points.size()) continue;
      absl::StrAppend(&picture.caption, " At the edge of the grid: the best ",
                      "rate of ", line.label, " is the ",
                      best == 0 ? "smallest" : "largest",
                      " that was tried, a better one may lie beyond.");
    }
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

}  // namespace sft::page
