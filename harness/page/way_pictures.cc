// Two pictures of a target against what is retained, each from its table: the
// paths of rewound weights, and who is on the front.
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "harness/analysis/comparison_families.h"
#include "harness/analysis/way_points.h"
#include "harness/page/pictures.h"

namespace sft::page {
namespace {

constexpr size_t kMostFrontPictures = 6;

// The column of a rewound path's target loss, by the set's name.
std::string LossKey(const analysis::Results& results,
                    const analysis::ResultCell& cell) {
  const spec::RunConfig& config = results.runs[cell.runs[0]].planned.config;
  return absl::StrCat(analysis::TargetOf(config), "_validation_loss");
}

void AddPath(const PictureInput& input, const analysis::Table& table,
             size_t cell, const std::string& kept, Picture& picture) {
  const analysis::Results& results = input.report.results;
  const std::string label = LabelOf(results, cell);
  const std::string key = LossKey(results, results.cells[cell]);
  PictureLine path{label, LookOf(results.cells[cell]), {}, {}};
  for (size_t row = 0; row < table.rows.size(); ++row) {
    if (table.rows[row][0].text != label) continue;
    const analysis::TableCell* x = CellAt(table, row, key);
    const analysis::TableCell* y = CellAt(table, row, kept);
    if (x == nullptr || y == nullptr || x == y || !x->value.has_value() ||
        !y->value.has_value()) {
      continue;
    }
    path.x_N.push_back(*x->value);
    path.y_N.push_back(*y->value);
    const analysis::TableCell* reported = CellAt(table, row, "reported");
    const bool is_base = path.x_N.size() == 1;
    picture.points.push_back(
        {.label = absl::StrCat(label, " at ", table.rows[row][1].text),
         .look = path.look,
         .x = *x->value,
         .y = *y->value,
         .is_marked =
             is_base || (reported != nullptr && reported->text == "*")});
  }
  if (path.x_N.size() > 1) picture.lines.push_back(std::move(path));
}

// Of tasks and what they are scored by, as the table of fronts names them.
std::map<std::string, std::string> AxisLabels(
    const analysis::Results& results) {
  std::map<std::string, std::string> labels;
  for (const auto& tasks :
       {analysis::EvaluatedTasks(results), analysis::RetainedTasks(results)}) {
    for (const std::string& task : tasks) {
      const MetricRecord* metric = analysis::PrimaryMetric(results, task);
      if (metric == nullptr) continue;
      labels[absl::StrCat(task, " ", metric->name)] = AxisLabel(task, *metric);
    }
  }
  return labels;
}

}  // namespace

std::vector<Picture> RewindPictures(const PictureInput& input) {
  const analysis::Table* table = TableWithRows(input, "rewind");
  if (table == nullptr) return {};
  const analysis::Results& results = input.report.results;
  std::vector<Picture> pictures;
  for (const analysis::TableColumn& column : table->columns) {
    if (!column.has_interval) continue;
    Picture picture{
        .title = absl::StrCat("Rewound: ", column.title),
        .caption =
            "From the base model (ringed) to the end, alpha growing; "
            "ringed too is the smallest alpha within one standard error "
            "of the end's loss.",
        .x = {"target's validation loss (nats/token, lower is better)"},
        .y = {column.title}};
    for (const size_t cell : DrawnCells(results, picture)) {
      if (column.key == LossKey(results, results.cells[cell])) continue;
      AddPath(input, *table, cell, column.key, picture);
    }
    if (!picture.lines.empty()) pictures.push_back(std::move(picture));
  }
  return pictures;
}

std::vector<Picture> FrontPictures(const PictureInput& input) {
  const analysis::Table* table = TableWithRows(input, "fronts");
  if (table == nullptr) return {};
  const analysis::Results& results = input.report.results;
  std::map<std::string, PictureLook> looks;
  for (size_t i = 0; i < results.cells.size(); ++i) {
    looks[LabelOf(results, i)] = LookOf(results.cells[i]);
  }
  const std::map<std::string, std::string> axes = AxisLabels(results);
  std::vector<std::pair<std::string, Picture>> by_pair;
  for (size_t row = 0; row < table->rows.size(); ++row) {
    const auto text_of = [&](const char* key) {
      return CellAt(*table, row, key)->text;
    };
    const auto number_of = [&](const char* key) {
      return CellAt(*table, row, key)->value.value_or(analysis::kNaN);
    };
    const std::string pair =
        absl::StrCat(text_of("task"), " and ", text_of("retained"));
    if (by_pair.empty() || by_pair.back().first != pair) {
      by_pair.push_back(
          {pair,
           {.title = absl::StrCat("Front: ", pair),
            .caption =
                "Means over seeds; ringed rows are on the front: no other is "
                "as good in both, in memory and in undisturbed speed, and "
                "better in one. Beside them the share of draws of seeds and "
                "items in which they are on it.",
            .x = {axes.at(text_of("task"))},
            .y = {axes.at(text_of("retained"))}}});
    }
    const std::string label = text_of("row");
    by_pair.back().second.points.push_back(
        {.label = label,
         .look = looks[label],
         .x = number_of("score"),
         .y = number_of("kept"),
         .is_marked = text_of("front") == "*",
         .text = analysis::FixedText(number_of("membership"), 2, false)});
  }
  std::vector<Picture> pictures;
  for (auto& [pair, picture] : by_pair) {
    if (pictures.size() == kMostFrontPictures) {
      absl::StrAppend(&pictures.back().caption, " More are in the table.");
      break;
    }
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

}  // namespace sft::page
