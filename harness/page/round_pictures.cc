// R as a heat map: the score on each set after each round, a picture a cell.
#include <utility>

#include "absl/strings/str_cat.h"
#include "harness/analysis/sequence.h"
#include "harness/page/pictures.h"

namespace sft::page {
namespace {

constexpr size_t kMostHeatMaps = 12;

}  // namespace

std::vector<Picture> RoundPictures(const PictureInput& input) {
  const analysis::Results& results = input.report.results;
  std::vector<Picture> pictures;
  for (const size_t cell : ShownCells(results)) {
    const auto scores = analysis::ScoresOfCell(results, results.cells[cell]);
    if (!scores.has_value() || scores->stages.size() < 2) continue;
    if (pictures.size() >= kMostHeatMaps) break;
    const std::string salt =
        results.runs[results.cells[cell].runs[0]].planned.run_id;
    Picture picture{.title = LabelOf(results, cell),
                    .caption =
                        "Scores after each round, means over seeds; "
                        "colours compare within a column, the better "
                        "the darker.",
                    .x = {},
                    .y = {}};
    for (const analysis::ScoreColumn& column : scores->columns) {
      picture.heat_columns.push_back(
          absl::StrCat(column.task, " ", column.metric,
                       column.higher_is_better ? "" : " (lower is better)"));
    }
    for (size_t round = 0; round <= scores->stages.size(); ++round) {
      picture.heat_rows.push_back(
          round == 0 ? "base model"
                     : absl::StrCat(round, ": ", scores->stages[round - 1]));
      picture.heat.emplace_back();
      for (size_t j = 0; j < scores->columns.size(); ++j) {
        const auto value = analysis::ScoreAfter(*scores, round, j, salt);
        picture.heat.back().push_back(value.has_value()
                                          ? std::optional<double>(value->value)
                                          : std::nullopt);
      }
    }
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

}  // namespace sft::page
