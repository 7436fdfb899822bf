#include "harness/analysis/pivot.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "harness/analysis/cell_table.h"
#include "harness/analysis/observations.h"
#include "harness/analysis/pivot_entries.h"
#include "harness/analysis/task_columns.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"

namespace sft::analysis {
namespace {

using Key = std::vector<std::string>;

Key KeyOf(const std::map<std::string, std::string>& axes,
          const std::vector<std::string>& names) {
  Key key;
  for (const std::string& name : names) {
    const auto it = axes.find(name);
    key.push_back(it == axes.end() ? "" : it->second);
  }
  return key;
}

void AddOnce(const Key& key, std::vector<Key>& keys) {
  if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
    keys.push_back(key);
  }
}

// Is what trains nothing, and has no value of some axes, in this column, too?
bool StandsIn(const Key& own, const Key& col,
              const std::vector<std::string>& axes) {
  for (size_t i = 0; i < own.size(); ++i) {
    const bool has_none =
        own[i].empty() && axes[i] != kTaskAxis && axes[i] != kRoundAxis;
    if (!has_none && own[i] != col[i]) return false;
  }
  return true;
}

bool AreNumbers(const std::vector<Key>& keys, size_t at) {
  return std::all_of(keys.begin(), keys.end(), [at](const Key& key) {
    return key[at].empty() || PivotValue(key[at]).is_number;
  });
}

// Axis after axis: numbers in their order, other values as the spec has them;
// what has no value first or last.
void SortKeys(std::vector<Key>& keys, bool has_none_first) {
  if (keys.empty()) return;
  std::vector<std::map<std::string, double>> ranks(keys[0].size());
  for (size_t at = 0; at < ranks.size(); ++at) {
    const bool are_numbers = AreNumbers(keys, at);
    for (const Key& key : keys) {
      double rank = static_cast<double>(ranks[at].size());
      if (key[at].empty()) {
        constexpr double kEnd = std::numeric_limits<double>::infinity();
        rank = has_none_first ? -kEnd : kEnd;
      } else if (are_numbers && !absl::SimpleAtod(key[at], &rank)) {
        continue;
      }
      ranks[at].emplace(key[at], rank);
    }
  }
  std::stable_sort(keys.begin(), keys.end(), [&](const Key& a, const Key& b) {
    for (size_t at = 0; at < ranks.size(); ++at) {
      const double x = ranks[at][a[at]], y = ranks[at][b[at]];
      if (x != y) return x < y;
    }
    return false;
  });
}

class Pivot {
 public:
  Pivot(const PivotRequest& request, std::vector<PivotEntry> entries)
      : request_(request), entries_(std::move(entries)) {}

  absl::StatusOr<Table> Make() {
    for (const PivotEntry& entry : entries_) {
      AddOnce(KeyOf(entry.axes, request_.rows), rows_);
      if (!entry.is_untuned) AddOnce(KeyOf(entry.axes, request_.cols), cols_);
    }
    // What trains nothing has no value of most axes, and stands in all columns.
    for (const PivotEntry& entry : entries_) {
      const Key key = KeyOf(entry.axes, request_.cols);
      if (std::none_of(cols_.begin(), cols_.end(), [&](const Key& other) {
            return StandsIn(key, other, request_.cols);
          })) {
        cols_.insert(cols_.begin(), key);
      }
    }
    SortKeys(rows_, /*has_none_first=*/true);
    SortKeys(cols_, /*has_none_first=*/false);
    table_.title = absl::StrCat(absl::StrJoin(request_.cells, ", "), " by ",
                                absl::StrJoin(request_.rows, ", "),
                                request_.cols.empty() ? "" : " and ",
                                absl::StrJoin(request_.cols, ", "));
    for (const std::string& name : request_.rows) {
      table_.columns.push_back({.key = name, .title = name, .is_text = true});
    }
    for (const Key& row : rows_) {
      table_.rows.emplace_back();
      for (const std::string& text : row) {
        table_.rows.back().push_back({.text = text});
      }
    }
    for (const Key& col : cols_) {
      for (const std::string& what : request_.cells) {
        const absl::Status added = AddColumn(col, what);
        if (!added.ok()) return added;
      }
    }
    for (const auto& [what, direction] : directions_) {
      table_.notes.push_back(absl::StrCat(what, ": ", direction, "."));
    }
    return std::move(table_);
  }

 private:
  absl::Status AddColumn(const Key& col, const std::string& what) {
    TableColumn column;
    std::vector<std::string> parts;
    for (size_t i = 0; i < col.size(); ++i) {
      if (col[i].empty()) continue;
      // A number alone says nothing.
      if (PivotValue(col[i]).is_number) parts.push_back(request_.cols[i]);
      parts.push_back(col[i]);
    }
    if (request_.cells.size() > 1 || parts.empty()) parts.push_back(what);
    column.key = absl::StrJoin(parts, "_");
    column.show_sign = what == kGainCell;
    std::set<std::string> units, metrics;
    std::vector<TableCell> cells;
    for (const Key& row : rows_) {
      std::vector<const PivotEntry*> found;
      for (const PivotEntry& entry : entries_) {
        const Key own = KeyOf(entry.axes, request_.cols);
        if (entry.what == what && KeyOf(entry.axes, request_.rows) == row &&
            (own == col ||
             (entry.is_untuned && StandsIn(own, col, request_.cols)))) {
          found.push_back(&entry);
        }
      }
      const std::string differs = WhatDiffers(found);
      if (!differs.empty()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "--cell ", what, ": the runs of ", absl::StrJoin(row, " "),
            col.empty() ? "" : " and ", absl::StrJoin(col, " "), " differ in ",
            differs,
            ", and no mean is taken over that: name it in --rows or --cols, or "
            "choose with --where ",
            differs.substr(0, differs.find(',')), "=VALUE"));
      }
      cells.push_back(CellOf(found, column));
      for (const PivotEntry* entry : found) {
        units.insert(entry->unit);
        metrics.insert(entry->metric);
        if (entry->higher_is_better.has_value()) {
          directions_[entry->metric] =
              *entry->higher_is_better ? "higher is better" : "lower is better";
        }
      }
    }
    if (std::all_of(cells.begin(), cells.end(), [](const TableCell& cell) {
          return !cell.value.has_value();
        })) {
      return absl::OkStatus();  // of two cells one has no such column
    }
    // A score is called by its metric, where that is one.
    const bool is_score = what == kScoreCell && metrics.size() == 1;
    if (is_score && parts.back() == what) parts.pop_back();
    column.title = absl::StrJoin(parts, " ");
    if (is_score) {
      absl::StrAppend(&column.title, parts.empty() ? "" : " ",
                      *metrics.begin());
    }
    if (what == kGainCell) column.title += " [95 %]";
    const bool has_unit = units.size() == 1 && !units.begin()->empty();
    if (has_unit) {
      absl::StrAppend(&column.title, " (", ScaleOf(*units.begin()), ")");
    }
    for (const std::string& unit : units) {
      if (!unit.empty()) {
        column.digits = std::max(column.digits, DigitsOf(unit));
      }
    }
    if (!has_unit && column.digits == 0) column.digits = DigitsFor(cells);
    for (size_t i = 0; i < cells.size(); ++i) {
      table_.rows[i].push_back(std::move(cells[i]));
    }
    table_.columns.push_back(std::move(column));
    return absl::OkStatus();
  }

  // Of numbers that a record has no unit of.
  static int DigitsFor(const std::vector<TableCell>& cells) {
    double largest = 0;
    bool is_whole = true;
    for (const TableCell& cell : cells) {
      if (!cell.value.has_value() || !std::isfinite(*cell.value)) continue;
      largest = std::max(largest, std::abs(*cell.value));
      is_whole = is_whole && *cell.value == std::round(*cell.value);
    }
    if (is_whole || largest >= 1000) return 0;
    return largest >= 100 ? 1 : 4;
  }

  TableCell CellOf(const std::vector<const PivotEntry*>& found,
                   TableColumn& column) const {
    if (found.empty()) return {};
    if (found[0]->gain != nullptr) {
      column.has_interval = true;
      TableCell cell = GainCell(*found[0]->gain);
      if (IsDecided(*found[0]->gain)) cell.mark = kDiffersMark;
      return cell;
    }
    std::vector<double> values;
    for (const PivotEntry* entry : found) values.push_back(entry->value);
    TableCell cell = NumberCell(Mean(values));
    if (values.size() > 1) {
      cell.sd = SampleStdDev(values);
      column.has_sd = true;
    }
    return cell;
  }

  // Names of what is not one within a cell, but for seeds.
  static std::string WhatDiffers(const std::vector<const PivotEntry*>& found) {
    std::map<std::string, std::set<std::string>> values;
    std::set<size_t> cells;
    for (const PivotEntry* entry : found) {
      cells.insert(entry->cell);
      for (const auto& [name, value] : entry->axes) values[name].insert(value);
    }
    std::vector<std::string> names;
    for (const auto& [name, all] : values) {
      const bool counts =
          name == kTaskAxis || name == kRoundAxis || cells.size() > 1;
      if (all.size() > 1 && name != kSeedAxis && counts) names.push_back(name);
    }
    if (names.empty() && cells.size() > 1) names.emplace_back("their config");
    return absl::StrJoin(names, ", ");
  }

  const PivotRequest& request_;
  const std::vector<PivotEntry> entries_;
  std::vector<Key> rows_, cols_;
  std::map<std::string, std::string> directions_;
  Table table_;
};

// What may be an axis: first what varies, then the rest of the config.
absl::Status CheckAxes(const Results& results,
                       const std::vector<std::string>& names,
                       const char* flag) {
  std::vector<std::string> varying = {"method", "batching"};
  varying.insert(varying.end(), results.axis_names.begin(),
                 results.axis_names.end());
  varying.insert(varying.end(), {kSeedAxis, kTaskAxis, kRoundAxis});
  std::set<std::string> all(varying.begin(), varying.end());
  for (const CollectedRun& run : results.runs) {
    for (const auto& [name, value] : AxesOfRun(run)) all.insert(name);
  }
  for (const std::string& name : names) {
    if (all.contains(name)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        flag, " ", name, ": no axis of these runs; wanted one of ",
        absl::StrJoin(varying, ", "), ", or a field of their config",
        DidYouMean(name, {all.begin(), all.end()})));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Table> PivotTable(const Results& results,
                                 const std::vector<Comparison>& comparisons,
                                 const PivotRequest& request) {
  std::vector<std::string> conditions;
  for (const QueryCondition& one : request.where) {
    conditions.push_back(one.name);
  }
  SFT_RETURN_IF_ERROR(CheckAxes(results, request.rows, "--rows"));
  SFT_RETURN_IF_ERROR(CheckAxes(results, request.cols, "--cols"));
  SFT_RETURN_IF_ERROR(CheckAxes(results, conditions, "--where"));
  PivotEntries list(results, comparisons, request);
  for (const std::string& what : request.cells) {
    if (list.names.contains(what)) continue;
    if (what == kGainCell && list.HasAxis(kSeedAxis)) {
      return absl::InvalidArgumentError(
          "--cell gain: it is of all seeds at once; leave seed out of --rows "
          "and --cols");
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "--cell ", what, ": no number of these runs; wanted one of ",
        absl::StrJoin(list.usual, ", "),
        ", or any other of 'report --table long'",
        DidYouMean(what, {list.names.begin(), list.names.end()})));
  }
  if (!results.select_by.empty()) {
    // What a validation measure has chosen stands for its method, unless the
    // table tells the others apart.
    const auto every = Pivot(request, list.entries).Make();
    if (every.ok()) return every;
    std::erase_if(list.entries, [&](const PivotEntry& entry) {
      return !entry.is_untuned && !results.cells[entry.cell].is_selected;
    });
    absl::StatusOr<Table> chosen =
        Pivot(request, std::move(list.entries)).Make();
    if (chosen.ok()) {
      chosen->notes.push_back(absl::StrCat("Of each group the row selected by ",
                                           results.select_by, "."));
    }
    return chosen;
  }
  return Pivot(request, std::move(list.entries)).Make();
}

}  // namespace sft::analysis
