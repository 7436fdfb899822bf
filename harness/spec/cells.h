// The cells that a spec's axes span, before they are runs: a table of small
// numbers, for there may be very many, and they say the same few things.
#ifndef HARNESS_SPEC_CELLS_H_
#define HARNESS_SPEC_CELLS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "harness/spec/complaints.h"
#include "harness/spec/experiment_spec.h"

namespace sft::spec {

inline constexpr size_t kMaxCells = 1000000;

// A field that a spec names, with each value that any cell has of it.
struct CellColumn {
  std::string name;
  std::vector<std::string> texts;  // canonical, none twice
  bool is_option = false;          // of a method, no field of every run
};

// A cell is a row: of each column the place of its value in the column's
// texts, or kNoValue where the cell's methods have no such field.
struct CellTable {
  static constexpr uint32_t kNoValue = UINT32_MAX;

  std::vector<CellColumn> columns;  // "method" and "batching" are the first
  std::vector<uint32_t> values;     // row by row

  size_t size() const {
    return columns.empty() ? 0 : values.size() / columns.size();
  }
  absl::Span<const uint32_t> row(size_t cell) const {
    return {values.data() + cell * columns.size(), columns.size()};
  }
  // nullptr where the cell has no such field.
  const std::string* Text(size_t cell, size_t column) const {
    const uint32_t value = row(cell)[column];
    return value == kNoValue ? nullptr : &columns[column].texts[value];
  }
  // columns.size() if the spec does not name it.
  size_t ColumnOf(const std::string& name) const;
};

// grid x zip x cases, the first axis slowest, in the order of the spec, without
// what `exclude` leaves out; defaults where a cell says nothing of a column,
// and no cell twice. It complains of options that no cell's method has, and of
// cases and exclusions that no cell matches.
CellTable ExpandCells(const ExperimentSpec& spec, const SpecTables& tables,
                      Complaints& complaints);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_CELLS_H_
