// The cells that a spec's axes span, before they are resolved.
#ifndef HARNESS_SPEC_CELLS_H_
#define HARNESS_SPEC_CELLS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/spec/experiment_spec.h"

namespace sft::spec {

inline constexpr size_t kMaxCells = 100000;

// name -> canonical text of what the spec says about one cell.
using Cell = std::map<std::string, std::string>;

// Rows of the methods that a cell names (or the defaults), and a look-up that
// falls back on defaults.
class CellResolver {
 public:
  explicit CellResolver(const SpecTables& tables);
  // Does the field exist for the cell's methods?
  bool Applies(const Cell& cell, const std::string& name) const;
  // The value in effect, "" where the field does not apply.
  std::string Value(const Cell& cell, const std::string& name) const;
  // Options of the cell's methods, defaults filled in.
  std::map<std::string, std::string> Options(const Cell& cell) const;

 private:
  std::vector<const MethodSpecRow*> Rows(const Cell& cell) const;

  const SpecTables& tables_;
  std::map<std::string, std::string> defaults_;  // of RunConfig
};

// grid x zip x cases, the first axis slowest, in the order of the spec. Errors
// name options that no cell's method has, and cases that no cell matches.
absl::StatusOr<std::vector<Cell>> ExpandCells(const ExperimentSpec& spec,
                                              const CellResolver& resolver);

// Axis names in the order of the spec.
std::vector<std::string> AxisNames(const ExperimentSpec& spec);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_CELLS_H_
