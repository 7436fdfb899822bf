#include "harness/analysis/cell_table.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sft::analysis {

CellTable::CellTable(const Results& results) : results_(results) {
  table_.rows.resize(results.cells.size());
}

void CellTable::AddText(
    const std::string& key, const std::string& title,
    const std::function<std::string(const ResultCell&)>& text,
    bool may_be_note) {
  table_.columns.push_back({.key = key,
                            .title = title,
                            .is_text = true,
                            .may_be_note = may_be_note});
  for (size_t i = 0; i < results_.cells.size(); ++i) {
    table_.rows[i].push_back({.text = text(results_.cells[i])});
  }
}

void CellTable::AddNumber(TableColumn column, const ValueOfRun& value_of,
                          const IntervalOfCell& interval_of) {
  for (size_t i = 0; i < results_.cells.size(); ++i) {
    std::vector<double> values;
    for (const size_t index : results_.cells[i].runs) {
      const CollectedRun& run = results_.runs[index];
      if (!run.ok()) continue;
      const std::optional<double> value = value_of(*run.record);
      if (value.has_value()) values.push_back(*value);
    }
    TableCell cell;
    if (!values.empty()) {
      cell.value = Mean(values);
      if (column.has_sd && values.size() > 1) cell.sd = SampleStdDev(values);
      if (interval_of) cell.interval = interval_of(i);
    }
    table_.rows[i].push_back(std::move(cell));
  }
  table_.columns.push_back(std::move(column));
}

void CellTable::AddCells(TableColumn column,
                         const std::function<TableCell(size_t)>& cell_of) {
  for (size_t i = 0; i < results_.cells.size(); ++i) {
    table_.rows[i].push_back(cell_of(i));
  }
  table_.columns.push_back(std::move(column));
}

void CellTable::ChangeLast(
    const std::function<void(size_t, TableCell&)>& change) {
  for (size_t i = 0; i < table_.rows.size(); ++i) {
    change(i, table_.rows[i].back());
  }
}

std::string CellLabel(const Results& results, const ResultCell& cell) {
  std::string label = cell.axes.at("method");
  // Nothing is batched for training where nothing is trained.
  if (!cell.is_untuned) label += " " + cell.axes.at("batching");
  for (const std::string& name : results.axis_names) {
    const auto it = cell.axes.find(name);
    if (it == cell.axes.end()) continue;
    absl::StrAppend(&label, " ", name, "=", it->second);
  }
  return label;
}

TableCell NumberCell(double value) {
  TableCell cell;
  if (!std::isnan(value)) cell.value = value;
  return cell;
}

}  // namespace sft::analysis
