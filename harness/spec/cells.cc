#include "harness/spec/cells.h"

#include <algorithm>
#include <utility>

#include "harness/core/status.h"
#include "harness/spec/run_config.h"

namespace sft::spec {
namespace {

// Axes that move together: one for a grid axis, several for a zip group.
using AxisGroup = std::vector<SpecAxis>;

absl::Status TooMany(const ExperimentSpec& spec) {
  return InputError(spec.path, absl::StrCat("spans more than ", kMaxCells,
                                            " cells; split it"));
}

// Every cell once for each value of `group`.
absl::Status Multiply(const ExperimentSpec& spec, const AxisGroup& group,
                      std::vector<Cell>& cells) {
  const size_t n = group[0].values.size();
  if (cells.size() > kMaxCells / n) return TooMany(spec);
  std::vector<Cell> product;
  product.reserve(cells.size() * n);
  for (const Cell& cell : cells) {
    for (size_t i = 0; i < n; ++i) {
      Cell& copy = product.emplace_back(cell);
      for (const SpecAxis& axis : group) copy[axis.name] = axis.values[i].text;
    }
  }
  cells = std::move(product);
  return absl::OkStatus();
}

bool Matches(const SpecCase& one, const Cell& cell,
             const CellResolver& resolver) {
  for (const auto& [name, wanted] : one.when) {
    if (!resolver.Applies(cell, name)) return false;
    const std::string value = resolver.Value(cell, name);
    if (std::find(wanted.begin(), wanted.end(), value) == wanted.end()) {
      return false;
    }
  }
  return true;
}

absl::Status ApplyCase(const ExperimentSpec& spec, const SpecCase& one,
                       const CellResolver& resolver, std::vector<Cell>& cells) {
  std::vector<Cell> out;
  bool matched = false;
  for (const Cell& cell : cells) {
    std::vector<Cell> mine = {cell};
    if (Matches(one, cell, resolver)) {
      matched = true;
      for (const auto& [name, value] : one.set) mine[0][name] = value.text;
      for (const SpecAxis& axis : one.grid) {
        SFT_RETURN_IF_ERROR(Multiply(spec, {axis}, mine));
      }
    }
    if (out.size() + mine.size() > kMaxCells) return TooMany(spec);
    std::move(mine.begin(), mine.end(), std::back_inserter(out));
  }
  if (!matched) {
    return InputError(absl::StrCat(spec.path, ":", one.line),
                      "no cell of the spec matches this case");
  }
  cells = std::move(out);
  return absl::OkStatus();
}

// An option written for no method of the plan is a slip of the pen.
absl::Status CheckUsed(const ExperimentSpec& spec,
                       const std::vector<Cell>& cells,
                       const CellResolver& resolver) {
  std::map<std::string, int> written;  // name -> line
  const auto add_axes = [&](const std::vector<SpecAxis>& axes) {
    for (const SpecAxis& axis : axes) written.emplace(axis.name, axis.line);
  };
  const auto add_set = [&](const std::map<std::string, SpecValue>& set) {
    for (const auto& [name, value] : set) written.emplace(name, value.line);
  };
  add_set(spec.set);
  add_axes(spec.grid);
  for (const auto& group : spec.zip) add_axes(group);
  for (const SpecCase& one : spec.cases) {
    add_set(one.set);
    add_axes(one.grid);
  }
  for (const auto& entry : written) {
    const std::string& name = entry.first;
    const bool used =
        std::any_of(cells.begin(), cells.end(), [&](const Cell& cell) {
          return cell.count(name) != 0 && resolver.Applies(cell, name);
        });
    if (!used) {
      return InputError(
          absl::StrCat(spec.path, ":", entry.second),
          absl::StrCat("option ", name, " belongs to no method of this spec"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

CellResolver::CellResolver(const SpecTables& tables)
    : tables_(tables), defaults_(PrintFields(RunConfig())) {}

std::vector<const MethodSpecRow*> CellResolver::Rows(const Cell& cell) const {
  std::vector<const MethodSpecRow*> rows;
  const auto find = [&](const std::vector<MethodSpecRow>& table,
                        const std::string& field) {
    const auto it = cell.find(field);
    const std::string& name =
        it != cell.end() ? it->second : defaults_.at(field);
    for (const MethodSpecRow& row : table) {
      if (row.name == name) rows.push_back(&row);
    }
  };
  find(tables_.update_methods, "method");
  find(tables_.batching_methods, "batching");
  return rows;
}

bool CellResolver::Applies(const Cell& cell, const std::string& name) const {
  if (defaults_.count(name) != 0) return true;
  for (const MethodSpecRow* row : Rows(cell)) {
    for (const FieldSpec& option : row->options) {
      if (option.name == name) return true;
    }
  }
  return false;
}

std::string CellResolver::Value(const Cell& cell,
                                const std::string& name) const {
  if (!Applies(cell, name)) return "";
  if (const auto it = cell.find(name); it != cell.end()) return it->second;
  if (const auto it = defaults_.find(name); it != defaults_.end()) {
    return it->second;
  }
  return Options(cell).at(name);
}

std::map<std::string, std::string> CellResolver::Options(
    const Cell& cell) const {
  std::map<std::string, std::string> options;
  for (const MethodSpecRow* row : Rows(cell)) {
    for (const FieldSpec& option : row->options) {
      const auto it = cell.find(option.name);
      options[option.name] =
          it != cell.end() ? it->second : option.default_text;
    }
  }
  return options;
}

absl::StatusOr<std::vector<Cell>> ExpandCells(const ExperimentSpec& spec,
                                              const CellResolver& resolver) {
  std::vector<Cell> cells(1);
  for (const auto& [name, value] : spec.set) cells[0][name] = value.text;
  for (const SpecAxis& axis : spec.grid) {
    SFT_RETURN_IF_ERROR(Multiply(spec, {axis}, cells));
  }
  for (const AxisGroup& group : spec.zip) {
    SFT_RETURN_IF_ERROR(Multiply(spec, group, cells));
  }
  for (const SpecCase& one : spec.cases) {
    SFT_RETURN_IF_ERROR(ApplyCase(spec, one, resolver, cells));
  }
  SFT_RETURN_IF_ERROR(CheckUsed(spec, cells, resolver));
  return cells;
}

std::vector<std::string> AxisNames(const ExperimentSpec& spec) {
  std::vector<std::string> names;
  const auto add = [&](const std::vector<SpecAxis>& axes) {
    for (const SpecAxis& axis : axes) {
      if (std::find(names.begin(), names.end(), axis.name) == names.end()) {
        names.push_back(axis.name);
      }
    }
  };
  add(spec.grid);
  for (const AxisGroup& group : spec.zip) add(group);
  for (const SpecCase& one : spec.cases) {
    add(one.grid);
    // What a case sets differs between cells too.
    for (const auto& [name, value] : one.set) {
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        names.push_back(name);
      }
    }
  }
  return names;
}

}  // namespace sft::spec
