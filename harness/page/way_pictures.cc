// Two pictures of target loss against what is retained, each from its table:
// the paths of rewound weights, and the front.
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "harness/analysis/way_points.h"
#include "harness/page/pictures.h"

namespace sft::page {
namespace {

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

}  // namespace

std::vector<Picture> RewindPictures(const PictureInput& input) {
  const analysis::Table* table = ShownTable(input.report, "rewind");
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
  const analysis::Table* table = ShownTable(input.report, "front");
  if (table == nullptr) return {};
  const analysis::Results& results = input.report.results;
  std::map<std::string, PictureLook> looks;
  for (size_t i = 0; i < results.cells.size(); ++i) {
    looks[LabelOf(results, i)] = LookOf(results.cells[i]);
  }
  std::vector<std::pair<std::string, Picture>> by_set;
  for (size_t row = 0; row < table->rows.size(); ++row) {
    const analysis::TableCell* loss = CellAt(*table, row, "loss");
    const analysis::TableCell* kept = CellAt(*table, row, "kept");
    const analysis::TableCell* front = CellAt(*table, row, "front");
    if (loss == nullptr || kept == nullptr || !loss->value.has_value() ||
        !kept->value.has_value()) {
      continue;
    }
    const std::string set = CellAt(*table, row, "set")->text;
    if (by_set.empty() || by_set.back().first != set) {
      by_set.push_back(
          {set,
           {.title = absl::StrCat("Front: ", set),
            .caption = "Means with 95 % intervals; ringed points are on the "
                       "front: no other row of their model and target is as "
                       "good in both and better in one.",
            .x = {absl::StrCat(CellAt(*table, row, "target")->text,
                               " (nats/token, lower is better)")},
            .y = {absl::StrCat(set, " (", CellAt(*table, row, "unit")->text,
                               ", ", CellAt(*table, row, "direction")->text,
                               ")")}}});
    }
    const std::string& label = table->rows[row][0].text;
    by_set.back().second.points.push_back(
        {.label = label,
         .look = looks[label],
         .x = *loss->value,
         .y = *kept->value,
         .x_interval = loss->interval,
         .y_interval = kept->interval,
         .is_marked = front != nullptr && front->text == "*"});
  }
  std::vector<Picture> pictures;
  for (auto& [set, picture] : by_set) pictures.push_back(std::move(picture));
  return pictures;
}

}  // namespace sft::page
