#include "harness/spec/cells.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "harness/core/status.h"
#include "harness/spec/run_config.h"

namespace sft::spec {
namespace {

constexpr uint32_t kNoValue = CellTable::kNoValue;
constexpr size_t kMethodColumn = 0, kBatchingColumn = 1;  // columns
constexpr char kDrawColumn[] = "";  // the number of a draw, of no field

using CellRow = std::vector<uint32_t>;
// Values that a row may have of some columns.
struct CellMatch {
  std::vector<std::pair<size_t, std::vector<uint32_t>>> wanted;
};
// Axes that move together: one for a grid axis, several for a zip group.
struct AxisSteps {
  std::vector<size_t> columns;
  std::vector<std::vector<uint32_t>> steps;  // values of the columns, each step
};

// While the table is filled, kNoValue is what nothing was said of yet.
class CellExpander {
 public:
  CellExpander(const ExperimentSpec& spec, const SpecTables& tables,
               Complaints& complaints)
      : spec_(spec), complaints_(complaints) {
    AddColumn("method");
    AddColumn("batching");
    for (const auto& [name, value] : spec.set) AddColumn(name);
    for (const SpecAxis& axis : spec.grid) AddColumn(axis.name);
    for (const auto& group : spec.zip) {
      for (const SpecAxis& axis : group) AddColumn(axis.name);
    }
    for (const SpecCase& one : spec.cases) {
      for (const auto& [name, wanted] : one.when) AddColumn(name);
      for (const auto& [name, value] : one.set) AddColumn(name);
      for (const SpecAxis& axis : one.grid) AddColumn(axis.name);
    }
    for (const SpecExclusion& one : spec.exclude) {
      for (const auto& [name, wanted] : one.when) AddColumn(name);
    }
    if (HasDrawnAxis(spec_)) AddColumn(kDrawColumn);
    InternTexts();
    AddDefaults(tables);
  }

  CellTable Expand() {
    CellRow first(table_.columns.size(), kNoValue);
    for (const auto& [name, value] : spec_.set) {
      const size_t column = columns_.at(name);
      first[column] = Intern(column, value.text);
    }
    std::vector<uint32_t> rows = std::move(first);
    std::vector<AxisSteps> all;
    for (const SpecAxis& axis : spec_.grid) {
      if (!axis.is_drawn) all.push_back(AxesOf({&axis}));
    }
    for (const auto& group : spec_.zip) {
      std::vector<const SpecAxis*> axes;
      for (const SpecAxis& axis : group) axes.push_back(&axis);
      all.push_back(AxesOf(axes));
    }
    if (HasDrawnAxis(spec_)) all.push_back(Draws());
    bool fits = true;
    for (const AxisSteps& axes : all) fits = fits && Multiply(axes, rows);
    for (const SpecCase& one : spec_.cases) {
      fits = fits && ApplyCase(one, rows);
    }
    if (!fits) {
      complaints_.Add(spec_.path,
                      absl::StrCat("spans more than ", kMaxCells,
                                   " cells; fewer values an axis, exclude: "
                                   "and several specs make less of them"));
      return {};
    }
    CheckUsed(rows);
    FillIn(rows);
    LeaveOut(rows);
    table_.values = std::move(rows);
    DropRepeated();
    return std::move(table_);
  }

 private:
  size_t width() const { return table_.columns.size(); }

  void AddColumn(const std::string& name) {
    if (!columns_.emplace(name, width()).second) return;
    table_.columns.push_back({name, {}, false});
    known_.emplace_back();
  }

  uint32_t Intern(size_t column, const std::string& text) {
    std::vector<std::string>& texts = table_.columns[column].texts;
    const auto [it, is_new] =
        known_[column].emplace(text, static_cast<uint32_t>(texts.size()));
    if (is_new) texts.push_back(text);
    return it->second;
  }

  // Before rows are made of them: values of methods index their options.
  void InternTexts() {
    const auto set = [this](const std::map<std::string, SpecValue>& values) {
      for (const auto& [name, value] : values) {
        Intern(columns_.at(name), value.text);
      }
    };
    const auto axes = [this](const std::vector<SpecAxis>& all) {
      for (const SpecAxis& axis : all) {
        const size_t column = columns_.at(axis.name);
        for (const SpecValue& one : axis.values) Intern(column, one.text);
      }
    };
    set(spec_.set);
    axes(spec_.grid);
    for (const auto& group : spec_.zip) axes(group);
    for (const SpecCase& one : spec_.cases) {
      set(one.set);
      axes(one.grid);
    }
    const std::map<std::string, std::string> own = PrintFields(RunConfig());
    for (size_t c = 0; c < width(); ++c) {
      const auto it = own.find(table_.columns[c].name);
      table_.columns[c].is_option = it == own.end();
      own_default_.push_back(it == own.end() ? kNoValue
                                             : Intern(c, it->second));
    }
  }

  // The options that the cells' methods have, with their defaults.
  void AddDefaults(const SpecTables& tables) {
    by_method_.assign(width(), {});
    by_batching_.assign(width(), {});
    const auto add = [this](const std::vector<MethodSpecRow>& rows,
                            size_t column, std::vector<CellRow>& defaults) {
      const size_t n = table_.columns[column].texts.size();
      for (CellRow& of_column : defaults) of_column.assign(n, kNoValue);
      for (const MethodSpecRow& row : rows) {
        const auto value = known_[column].find(row.name);
        if (value == known_[column].end()) continue;
        for (const FieldSpec& option : row.options) {
          const auto at = columns_.find(option.name);
          if (at == columns_.end()) continue;
          defaults[at->second][value->second] =
              Intern(at->second, option.default_text);
        }
      }
    };
    add(tables.update_methods, kMethodColumn, by_method_);
    add(tables.batching_methods, kBatchingColumn, by_batching_);
  }

  uint32_t DefaultOf(const uint32_t* row, size_t column) const {
    if (own_default_[column] != kNoValue) return own_default_[column];
    const uint32_t method = Effective(row, kMethodColumn);
    const uint32_t of_method = by_method_[column][method];
    if (of_method != kNoValue) return of_method;
    return by_batching_[column][Effective(row, kBatchingColumn)];
  }
  // The value in effect, kNoValue where the field does not apply.
  uint32_t Effective(const uint32_t* row, size_t column) const {
    const uint32_t fallback = DefaultOf(row, column);
    return fallback == kNoValue || row[column] == kNoValue ? fallback
                                                           : row[column];
  }

  AxisSteps AxesOf(const std::vector<const SpecAxis*>& axes) {
    AxisSteps out;
    for (const SpecAxis* axis : axes) {
      out.columns.push_back(columns_.at(axis->name));
    }
    for (size_t i = 0; i < axes[0]->values.size(); ++i) {
      std::vector<uint32_t>& step = out.steps.emplace_back();
      for (size_t a = 0; a < axes.size(); ++a) {
        step.push_back(Intern(out.columns[a], axes[a]->values[i].text));
      }
    }
    return out;
  }

  // A step a draw: its number, and what the grid's axes have by it. The column
  // of the numbers is for cases, and goes when rows are filled in.
  AxisSteps Draws() {
    AxisSteps out;
    out.columns.push_back(columns_.at(kDrawColumn));
    for (int64_t i = 0; i < spec_.search.draws; ++i) {
      out.steps.push_back({Intern(out.columns[0], absl::StrCat(i))});
    }
    for (const SpecAxis& axis : spec_.grid) {
      // One that lost a value is in doubt.
      if (!axis.is_drawn || axis.values.size() != out.steps.size()) continue;
      out.columns.push_back(columns_.at(axis.name));
      for (size_t i = 0; i < out.steps.size(); ++i) {
        out.steps[i].push_back(Intern(out.columns.back(), axis.values[i].text));
      }
    }
    return out;
  }

  // Every row once for each step; false if they are too many.
  bool Multiply(const AxisSteps& axes, std::vector<uint32_t>& rows) const {
    const size_t n = rows.size() / width();
    if (n > kMaxCells / axes.steps.size()) return false;
    std::vector<uint32_t> product;
    product.reserve(rows.size() * axes.steps.size());
    for (size_t r = 0; r < n; ++r) {
      const auto begin = rows.begin() + r * width();
      for (const std::vector<uint32_t>& step : axes.steps) {
        product.insert(product.end(), begin, begin + width());
        uint32_t* copy = &product[product.size() - width()];
        for (size_t a = 0; a < step.size(); ++a) {
          copy[axes.columns[a]] = step[a];
        }
      }
    }
    rows = std::move(product);
    return true;
  }

  // A value that no cell can have matches none.
  CellMatch MatchOf(const SpecMatch& when) const {
    CellMatch match;
    for (const auto& [name, texts] : when) {
      const size_t column = columns_.at(name);
      std::vector<uint32_t> wanted;
      for (const std::string& text : texts) {
        const auto it = known_[column].find(text);
        if (it != known_[column].end()) wanted.push_back(it->second);
      }
      match.wanted.emplace_back(column, std::move(wanted));
    }
    return match;
  }
  bool Matches(const CellMatch& match, const uint32_t* row) const {
    for (const auto& [column, wanted] : match.wanted) {
      const uint32_t value = Effective(row, column);
      if (value == kNoValue ||
          std::find(wanted.begin(), wanted.end(), value) == wanted.end()) {
        return false;
      }
    }
    return true;
  }
  // Does what was refused leave open whether a cell would match?
  bool InDoubt(const SpecMatch& when) const {
    return std::any_of(when.begin(), when.end(), [this](const auto& one) {
      return spec_.Doubts(one.first);
    });
  }

  bool ApplyCase(const SpecCase& one, std::vector<uint32_t>& rows) {
    const CellMatch match = MatchOf(one.when);
    std::vector<std::pair<size_t, uint32_t>> set;
    for (const auto& [name, value] : one.set) {
      const size_t column = columns_.at(name);
      set.emplace_back(column, Intern(column, value.text));
    }
    std::vector<AxisSteps> grid;
    std::vector<AxisSteps> drawn;  // one axis each, a step a draw
    for (const SpecAxis& axis : one.grid) {
      (axis.is_drawn ? drawn : grid).push_back(AxesOf({&axis}));
    }
    std::vector<uint32_t> out;
    out.reserve(rows.size());
    bool matched = false;
    for (size_t at = 0; at < rows.size(); at += width()) {
      const auto begin = rows.begin() + at;
      if (!Matches(match, &rows[at])) {
        out.insert(out.end(), begin, begin + width());
      } else {
        matched = true;
        std::vector<uint32_t> mine(begin, begin + width());
        for (const auto& [column, value] : set) mine[column] = value;
        for (const AxisSteps& axis : drawn) {
          const size_t draw = mine[columns_.at(kDrawColumn)];
          if (draw >= axis.steps.size()) continue;
          mine[axis.columns[0]] = axis.steps[draw][0];
        }
        for (const AxisSteps& axes : grid) {
          if (!Multiply(axes, mine)) return false;
        }
        out.insert(out.end(), mine.begin(), mine.end());
      }
      if (out.size() / width() > kMaxCells) return false;
    }
    if (matched) {
      matched_.push_back(&one);
    } else if (!InDoubt(one.when)) {
      complaints_.Add(absl::StrCat(spec_.path, ":", one.line),
                      "no cell of the spec matches this case");
    }
    rows = std::move(out);
    return true;
  }

  // An option written for no method of the plan is a slip of the pen.
  void CheckUsed(const std::vector<uint32_t>& rows) {
    std::vector<size_t> options;
    std::vector<bool> used(width(), false);
    for (size_t c = 0; c < width(); ++c) {
      if (table_.columns[c].is_option) options.push_back(c);
    }
    for (size_t at = 0; at < rows.size(); at += width()) {
      for (const size_t c : options) {
        if (used[c] || rows[at + c] == kNoValue) continue;
        used[c] = Effective(&rows[at], c) != kNoValue;
      }
    }
    const auto check = [&](const std::string& name, int line) {
      const size_t column = columns_.at(name);
      if (!table_.columns[column].is_option || used[column]) return;
      if (spec_.Doubts("method") || spec_.Doubts("batching")) return;
      used[column] = true;  // said once
      complaints_.Add(
          absl::StrCat(spec_.path, ":", line),
          absl::StrCat("option ", name, " belongs to no method of this spec"));
    };
    const auto check_axes = [&](const std::vector<SpecAxis>& axes) {
      for (const SpecAxis& axis : axes) check(axis.name, axis.line);
    };
    const auto check_set = [&](const std::map<std::string, SpecValue>& set) {
      for (const auto& [name, value] : set) check(name, value.line);
    };
    check_set(spec_.set);
    check_axes(spec_.grid);
    for (const auto& group : spec_.zip) check_axes(group);
    for (const SpecCase* one : matched_) {
      check_set(one->set);
      check_axes(one->grid);
    }
  }

  void FillIn(std::vector<uint32_t>& rows) const {
    CellRow filled(width());
    for (size_t at = 0; at < rows.size(); at += width()) {
      for (size_t c = 0; c < width(); ++c) {
        filled[c] = Effective(&rows[at], c);
      }
      std::copy(filled.begin(), filled.end(), rows.begin() + at);
    }
  }

  void MoveRow(size_t from, size_t to, std::vector<uint32_t>& rows) const {
    if (from == to) return;
    std::copy_n(rows.begin() + from, width(), rows.begin() + to);
  }

  void LeaveOut(std::vector<uint32_t>& rows) {
    if (spec_.exclude.empty()) return;
    std::vector<CellMatch> matches;
    for (const SpecExclusion& one : spec_.exclude) {
      matches.push_back(MatchOf(one.when));
    }
    std::vector<bool> matched(matches.size(), false);
    size_t kept = 0;
    for (size_t at = 0; at < rows.size(); at += width()) {
      bool out = false;
      for (size_t m = 0; m < matches.size(); ++m) {
        if (!Matches(matches[m], &rows[at])) continue;
        matched[m] = out = true;
      }
      if (out) continue;
      MoveRow(at, kept, rows);
      kept += width();
    }
    rows.resize(kept);
    for (size_t m = 0; m < matches.size(); ++m) {
      const SpecExclusion& one = spec_.exclude[m];
      if (matched[m] || InDoubt(one.when)) continue;
      complaints_.Add(absl::StrCat(spec_.path, ":", one.line),
                      "exclude: no cell of the spec matches this entry");
    }
    if (rows.empty()) {
      complaints_.Add(absl::StrCat(spec_.path, ":", spec_.exclude[0].line),
                      "exclude: leaves no cell of the spec");
    }
  }

  // Where options were dropped, cells may have become the same.
  void DropRepeated() {
    std::vector<uint32_t>& values = table_.values;
    absl::flat_hash_set<absl::Span<const uint32_t>> seen;
    seen.reserve(values.size() / width());
    size_t kept = 0;
    for (size_t at = 0; at < values.size(); at += width()) {
      // Rows that are kept stay where they are.
      MoveRow(at, kept, values);
      const absl::Span<const uint32_t> row(values.data() + kept, width());
      if (seen.insert(row).second) kept += width();
    }
    values.resize(kept);
  }

  const ExperimentSpec& spec_;
  Complaints& complaints_;
  CellTable table_;
  std::map<std::string, size_t> columns_;
  std::vector<absl::flat_hash_map<std::string, uint32_t>> known_;
  CellRow own_default_;               // of columns that are no options
  std::vector<CellRow> by_method_;    // column, method -> default
  std::vector<CellRow> by_batching_;  // column, batching -> default
  std::vector<const SpecCase*> matched_;
};

}  // namespace

size_t CellTable::ColumnOf(const std::string& name) const {
  size_t column = 0;
  while (column < columns.size() && columns[column].name != name) ++column;
  return column;
}

CellTable ExpandCells(const ExperimentSpec& spec, const SpecTables& tables,
                      Complaints& complaints) {
  return CellExpander(spec, tables, complaints).Expand();
}

}  // namespace sft::spec
