#include "harness/page/pictures.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "harness/analysis/cell_table.h"
#include "harness/analysis/statistics.h"
#include "harness/analysis/task_columns.h"

namespace sft::page {

namespace {

constexpr size_t kMostDrawn = 40;

}  // namespace

const std::vector<PictureRow>& AllPictures() {
  static const auto& rows = *new std::vector<PictureRow>{
      {"forest", "Paired differences", "comparisons with an interval",
       ForestPictures},
      {"target", "Target against retention", "a scored task and a retained one",
       TargetPictures},
      {"front", "Front of score and retention",
       "several rows with a common seed, and a retained task", FrontPictures},
      {"rewind", "Rewound weights", "points (rewind)", RewindPictures},
      {"loss", "Training loss", "steps of training", LossPictures},
      {"retention", "Retention", "a retained set", RetentionPictures},
      {"rates", "Learning rates", "several learning rates", RatePictures},
      {"rounds", "Scores after each round", "several rounds", RoundPictures},
      {"memory", "Memory", "measured memory", MemoryPictures},
      {"throughput", "Throughput", "measured rates of runs that did not wait",
       ThroughputPictures},
      {"packing", "How full batches are", "counts of tokens", PackingPictures}};
  return rows;
}

PictureLook LookOf(const analysis::ResultCell& cell) {
  return {cell.axes.at("method"),
          cell.is_untuned ? std::string() : cell.axes.at("batching")};
}

std::string LabelOf(const analysis::Results& results, size_t cell) {
  return analysis::CellLabel(results, results.cells[cell]);
}

std::string AxisLabel(const std::string& task, const MetricRecord& metric) {
  return absl::StrCat(
      task, " ", metric.name, " (", analysis::ScaleOf(metric.unit), ", ",
      metric.higher_is_better ? "higher" : "lower", " is better)");
}

std::optional<double> MeanOf(
    const analysis::Results& results, size_t cell,
    const std::function<std::optional<double>(const record::RunRecord& record)>&
        value) {
  std::vector<double> values;
  for (const size_t index : results.cells[cell].runs) {
    const analysis::CollectedRun& run = results.runs[index];
    if (!run.ok()) continue;
    const std::optional<double> one = value(*run.record);
    if (one.has_value()) values.push_back(*one);
  }
  if (values.empty()) return std::nullopt;
  return analysis::Mean(values);
}

std::vector<size_t> ShownCells(const analysis::Results& results) {
  std::vector<size_t> all, selected;
  for (size_t i = 0; i < results.cells.size(); ++i) {
    if (results.cells[i].is_untuned) continue;
    all.push_back(i);
    if (results.cells[i].is_selected) selected.push_back(i);
  }
  return selected.empty() ? all : selected;
}

std::vector<size_t> DrawnCells(const analysis::Results& results,
                               Picture& picture) {
  std::vector<size_t> cells = ShownCells(results);
  if (cells.size() > kMostDrawn) {
    absl::StrAppend(&picture.caption, " The first ", kMostDrawn, " of ",
                    cells.size(), " rows.");
    cells.resize(kMostDrawn);
  }
  return cells;
}

const analysis::TableCell* CellAt(const analysis::Table& table, size_t row,
                                  const std::string& key) {
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].key == key) return &table.rows[row][i];
  }
  return nullptr;
}

const analysis::Table* TableWithRows(const PictureInput& input,
                                     const std::string& name) {
  for (const analysis::Table& table : input.tables) {
    if (table.name == name && !table.rows.empty()) return &table;
  }
  return nullptr;
}

}  // namespace sft::page
