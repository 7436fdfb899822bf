// A table with a row a cell, built column by column.
#ifndef HARNESS_ANALYSIS_CELL_TABLE_H_
#define HARNESS_ANALYSIS_CELL_TABLE_H_

#include <functional>
#include <optional>
#include <string>

#include "harness/analysis/aggregate.h"
#include "harness/analysis/tables.h"

namespace sft::analysis {

using IntervalOfCell = std::function<std::optional<Interval>(size_t)>;
using ValueOfRun =
    std::function<std::optional<double>(const record::RunRecord&)>;

class CellTable {
 public:
  explicit CellTable(const Results& results);

  void AddText(const std::string& key, const std::string& title,
               const std::function<std::string(const ResultCell&)>& text,
               bool may_be_note = false);
  // Mean and s.d. over the seeds that are ok; an interval by cell, if given.
  void AddNumber(TableColumn column, const ValueOfRun& value_of,
                 const IntervalOfCell& interval_of = {});
  // By index of the cell.
  void AddCells(TableColumn column,
                const std::function<TableCell(size_t)>& cell_of);

  // Changes the cells of the column that was added last, by index of the row.
  void ChangeLast(const std::function<void(size_t, TableCell&)>& change);

  Table Take() { return std::move(table_); }

 private:
  const Results& results_;
  Table table_;
};

// Empty for NaN.
TableCell NumberCell(double value);
// What people call a cell: method, batching, and what else varies.
std::string CellLabel(const Results& results, const ResultCell& cell);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_CELL_TABLE_H_
