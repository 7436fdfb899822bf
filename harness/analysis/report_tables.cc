// The tables of a report: which columns there are, and what fills them.
#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "harness/analysis/cell_table.h"
#include "harness/analysis/report.h"
#include "harness/analysis/task_columns.h"
#include "harness/core/status.h"

namespace sft {
namespace {

std::optional<double> Lookup(const std::map<std::string, double>& values,
                             const std::string& name) {
  const auto it = values.find(name);
  if (it == values.end()) return std::nullopt;
  return it->second;
}

ValueOfRun Fact(const std::string& name) {
  return [name](const RunRecord& record) { return Lookup(record.facts, name); };
}

// The peak of the training where it is known, on the device if there is one.
std::optional<double> PeakMebibytes(const RunRecord& record) {
  for (const char* name : {"train_peak_device_bytes", "peak_device_bytes",
                           "train_peak_rss_bytes", "peak_rss_bytes"}) {
    const std::optional<double> bytes = Lookup(record.measured, name);
    if (bytes.has_value()) return *bytes / (1 << 20);
  }
  return std::nullopt;
}

std::optional<double> TokensPerSecond(const RunRecord& record) {
  const std::optional<double> tokens = Lookup(record.facts, "real_tokens");
  const std::optional<double> seconds =
      Lookup(record.measured, "train_wall_seconds");
  if (tokens.has_value() && seconds.has_value() && *tokens > 0 &&
      *seconds > 0) {
    return *tokens / *seconds;
  }
  const std::optional<double> rate =
      Lookup(record.measured, "real_tokens_per_second");
  return rate.has_value() && *rate > 0 ? rate : std::nullopt;
}

// "<task>/cross_entropy_change" of any record: what retaining is measured by.
std::vector<std::string> RetainedMeasures(const Results& results) {
  std::vector<std::string> tasks;
  std::set<std::string> known;
  for (const CollectedRun& run : results.runs) {
    for (const std::string& task : run.planned.config.retain) {
      if (known.insert(task).second) tasks.push_back(task);
    }
  }
  std::vector<std::string> measures;
  for (const std::string& task : tasks) {
    for (const CollectedRun& run : results.runs) {
      if (!run.record.has_value()) continue;
      const auto& forgetting = run.record->forgetting;
      const auto it =
          std::find_if(forgetting.begin(), forgetting.end(), [&](auto& one) {
            return absl::StartsWith(one.first, task + "/") &&
                   absl::EndsWith(one.first, "_change");
          });
      if (it == forgetting.end()) continue;
      measures.push_back(it->first);
      break;
    }
  }
  return measures;
}

// The untuned model is what others are held against: its change is 0.
ValueOfRun Change(const std::string& measure) {
  return [measure](const RunRecord& record) -> std::optional<double> {
    if (record.config.method == kUntuned) return 0.0;
    return Lookup(record.forgetting, measure);
  };
}

std::string StatusOf(const Results& results, const ResultCell& cell) {
  std::vector<std::pair<std::string, int>> counts;
  for (const size_t index : cell.runs) {
    const std::string& state = results.runs[index].state;
    const auto it =
        std::find_if(counts.begin(), counts.end(),
                     [&](const auto& one) { return one.first == state; });
    if (it == counts.end()) {
      counts.emplace_back(state, 1);
    } else {
      ++it->second;
    }
  }
  if (counts.size() == 1) return counts[0].first;
  std::string text;
  for (const auto& [state, n] : counts) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", n, " ", state);
  }
  return text;
}

void AddLabels(const Results& results, CellTable& table) {
  if (!results.select_by.empty()) {
    table.AddText("selected", "sel.", [](const ResultCell& cell) {
      return std::string(cell.is_selected ? "*" : "");
    });
  }
  std::vector<std::string> names = {"method", "batching"};
  names.insert(names.end(), results.axis_names.begin(),
               results.axis_names.end());
  for (const std::string& name : names) {
    table.AddText(name, name, [name](const ResultCell& cell) {
      // Nothing is batched for training where nothing is trained.
      if (cell.is_untuned && name == "batching") return std::string();
      const auto it = cell.axes.find(name);
      return it == cell.axes.end() ? std::string() : it->second;
    });
  }
}

std::string Label(const Results& results, const ResultCell& cell) {
  std::string label = cell.axes.at("method") + " " + cell.axes.at("batching");
  for (const std::string& name : results.axis_names) {
    const auto it = cell.axes.find(name);
    if (it == cell.axes.end()) continue;
    absl::StrAppend(&label, " ", name, "=", it->second);
  }
  return label;
}

}  // namespace

Table MainTable(const Results& results,
                const std::vector<Comparison>& comparisons) {
  CellTable table(results);
  AddLabels(results, table);
  table.AddCells({.key = "seeds", .title = "seeds"}, [&](size_t i) {
    const std::vector<size_t>& runs = results.cells[i].runs;
    return NumberCell(static_cast<double>(
        std::count_if(runs.begin(), runs.end(),
                      [&](size_t r) { return results.runs[r].ok(); })));
  });
  const std::vector<std::string> tasks = EvaluatedTasks(results);
  const auto prefix = [&](const std::string& task) {
    return tasks.size() == 1 ? std::string() : task + " ";
  };
  for (const std::string& task : tasks) {
    AddTaskColumns(results, task, prefix(task), comparisons, table);
  }
  for (const std::string& measure : RetainedMeasures(results)) {
    TableColumn column;
    column.key = measure;
    std::replace(column.key.begin(), column.key.end(), '/', '_');
    const size_t slash = measure.rfind('/');
    std::string name = measure.substr(slash + 1);
    name = name.substr(0, name.size() - std::string("_change").size());
    std::replace(name.begin(), name.end(), '_', ' ');
    column.title = "\xce\x94 " + name + " " + measure.substr(0, slash);
    if (name == "cross entropy") column.title += " (nats/token)";
    column.digits = 4;
    column.has_sd = true;
    column.show_sign = true;
    table.AddNumber(std::move(column), Change(measure));
  }
  table.AddNumber({.key = "peak_memory_mib", .title = "peak memory (MiB)"},
                  PeakMebibytes);
  table.AddNumber({.key = "trainable_parameters", .title = "trainable params"},
                  Fact("trainable_parameters"));
  table.AddNumber({.key = "optimizer_steps", .title = "steps"},
                  Fact("optimizer_steps"));
  table.AddNumber({.key = "real_tokens", .title = "real tokens"},
                  Fact("real_tokens"));
  table.AddNumber({.key = "target_tokens", .title = "target tokens"},
                  Fact("target_tokens"));
  table.AddNumber({.key = "tokens_per_second", .title = "tokens/s"},
                  TokensPerSecond);
  for (const std::string& task : tasks) {
    AddMcNemarColumn(results, task, prefix(task), comparisons, table);
  }
  table.AddText("status", "status", [&](const ResultCell& cell) {
    return StatusOf(results, cell);
  });
  return table.Take();
}

Table ComparisonTable(const Results& results,
                      const std::vector<Comparison>& comparisons) {
  Table table;
  table.title = "Paired comparisons";
  table.columns = {
      {.key = "row", .title = "row", .is_text = true},
      {.key = "against", .title = "against", .is_text = true},
      {.key = "task", .title = "task", .is_text = true},
      {.key = "metric", .title = "metric", .is_text = true},
      {.key = "items", .title = "items"},
      {.key = "seeds", .title = "seeds"},
      {.key = "gain",
       .title = "gain [95 %]",
       .digits = 4,
       .has_interval = true,
       .show_sign = true},
      {.key = "unit", .title = "unit", .is_text = true},
      {.key = "effect_size",
       .title = "effect size",
       .digits = 2,
       .show_sign = true},
      {.key = "wins", .title = "wins"},
      {.key = "losses", .title = "losses"},
      {.key = "mcnemar_p", .title = "McNemar p", .is_p_value = true},
      {.key = "permutation_p", .title = "permutation p", .is_p_value = true},
      {.key = "holm_p", .title = "Holm p", .is_p_value = true},
      {.key = "smallest_detectable", .title = "detectable", .digits = 4},
  };
  const auto optional = [](const auto& value) {
    return value.has_value() ? NumberCell(static_cast<double>(*value))
                             : TableCell();
  };
  for (const Comparison& one : comparisons) {
    table.rows.push_back({{.text = Label(results, results.cells[one.cell])},
                          {.text = one.against},
                          {.text = one.task},
                          {.text = one.metric},
                          NumberCell(static_cast<double>(one.n_items)),
                          NumberCell(static_cast<double>(one.n_seeds)),
                          GainCell(one),
                          {.text = one.unit},
                          NumberCell(one.effect_size),
                          optional(one.wins),
                          optional(one.losses),
                          optional(one.mcnemar_p),
                          NumberCell(one.permutation_p),
                          NumberCell(one.holm_p),
                          NumberCell(one.smallest_detectable)});
  }
  return table;
}

}  // namespace sft
