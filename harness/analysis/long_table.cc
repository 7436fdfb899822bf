#include "harness/analysis/long_table.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "harness/analysis/cell_table.h"
#include "harness/analysis/observations.h"
#include "harness/analysis/report.h"

namespace sft::analysis {
namespace {

TableCell WholeNumber(int64_t value) {
  return NumberCell(static_cast<double>(value));
}

}  // namespace

Table LongTable(const Results& results) {
  Table table;
  table.title = "Every number of every run";
  const auto add_text = [&](const std::string& name) {
    table.columns.push_back({.key = name, .title = name, .is_text = true});
  };
  std::vector<std::string> names = {"method", "batching"};
  names.insert(names.end(), results.axis_names.begin(),
               results.axis_names.end());
  names.emplace_back("seed");
  add_text("run_id");
  add_text("status");
  if (!results.select_by.empty()) add_text("selected");
  for (const std::string& name : names) add_text(name);
  for (const char* name : {"kind", "task", "split"}) add_text(name);
  table.columns.push_back({.key = "round", .title = "round"});
  table.columns.push_back({.key = "point", .title = "point", .digits = 4});
  for (const char* name : {"name", "unit", "direction"}) add_text(name);
  table.columns.push_back({.key = "items", .title = "items"});
  table.columns.push_back({.key = "value", .title = "value", .digits = 6});
  add_text("signature");

  for (const ResultCell& cell : results.cells) {
    for (const size_t index : cell.runs) {
      const CollectedRun& run = results.runs[index];
      const auto axes = AxesOfRun(run);
      std::vector<TableCell> begin = {{.text = run.planned.run_id},
                                      {.text = run.state}};
      if (!results.select_by.empty()) {
        begin.push_back({.text = cell.is_selected ? "*" : ""});
      }
      for (const std::string& name : names) {
        const auto it = axes.find(name);
        begin.push_back({.text = it == axes.end() ? "" : it->second});
      }
      const std::vector<Observation> all = ObservationsOf(run);
      for (const Observation& one : all) {
        const bool is_metric = one.kind == "metric";
        std::vector<TableCell> row = begin;
        row.push_back({.text = one.kind});
        row.push_back({.text = one.task});
        row.push_back({.text = one.split});
        row.push_back(is_metric ? WholeNumber(one.round) : TableCell());
        row.push_back(is_metric ? TableCell{.value = one.point} : TableCell());
        row.push_back({.text = one.name});
        row.push_back({.text = one.unit});
        row.push_back({.text = !is_metric             ? ""
                               : one.higher_is_better ? "higher is better"
                                                      : "lower is better"});
        row.push_back(one.n_items > 0 ? WholeNumber(one.n_items) : TableCell());
        row.push_back({.value = one.value});
        row.push_back({.text = one.signature});
        table.rows.push_back(std::move(row));
      }
      if (all.empty()) {
        begin.resize(table.columns.size());
        table.rows.push_back(std::move(begin));
      }
    }
  }
  return table;
}

Table SeedTable(const Results& results) {
  Results by_run;
  by_run.select_by = results.select_by;
  by_run.axis_names = results.axis_names;
  by_run.axis_names.emplace_back("seed");
  by_run.axis_names.emplace_back("run_id");
  by_run.runs = results.runs;
  for (const ResultCell& cell : results.cells) {
    for (const size_t index : cell.runs) {
      ResultCell one = cell;
      one.runs = {index};
      one.axes["seed"] =
          cell.is_untuned
              ? ""
              : absl::StrCat(results.runs[index].planned.config.seed);
      one.axes["run_id"] = results.runs[index].planned.run_id;
      by_run.cells.push_back(std::move(one));
    }
  }
  by_run.IndexRuns();
  Table table = MainTable(by_run, {});
  table.title = "Every run";
  for (size_t i = 0; i < table.columns.size(); ++i) {
    table.columns[i].has_sd = false;
    if (table.columns[i].key == "run_id") table.columns[i].is_detail = true;
    if (table.columns[i].key != "seeds") continue;
    table.columns.erase(table.columns.begin() + static_cast<int64_t>(i));
    for (auto& row : table.rows) {
      row.erase(row.begin() + static_cast<int64_t>(i));
    }
    --i;
  }
  return table;
}

}  // namespace sft::analysis
