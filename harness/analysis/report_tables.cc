// The tables of a report: which columns there are, and what fills them.
#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "absl/strings/match.h"
#include "harness/analysis/report.h"
#include "harness/core/status.h"

namespace sft {
namespace {

using ValueOfRun = std::function<std::optional<double>(const RunRecord&)>;

// Builds a table column by column.
class CellTable {
 public:
  explicit CellTable(const Results& results) : results_(results) {
    table_.rows.resize(results.cells.size());
  }

  void AddText(const std::string& key, const std::string& title,
               const std::function<std::string(const ResultCell&)>& text) {
    table_.columns.push_back({.key = key, .title = title, .is_text = true});
    for (size_t i = 0; i < results_.cells.size(); ++i) {
      table_.rows[i].push_back({.text = text(results_.cells[i])});
    }
  }

  // Mean and s.d. over the seeds that are ok.
  void AddNumber(TableColumn column, const ValueOfRun& value_of) {
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
      }
      table_.rows[i].push_back(std::move(cell));
    }
    table_.columns.push_back(std::move(column));
  }

  void AddCells(TableColumn column,
                const std::function<TableCell(size_t)>& cell_of) {
    for (size_t i = 0; i < results_.cells.size(); ++i) {
      table_.rows[i].push_back(cell_of(i));
    }
    table_.columns.push_back(std::move(column));
  }

  Table Take() { return std::move(table_); }

 private:
  const Results& results_;
  Table table_;
};

std::optional<double> Lookup(const std::map<std::string, double>& values,
                             const std::string& name) {
  const auto it = values.find(name);
  if (it == values.end()) return std::nullopt;
  return it->second;
}

ValueOfRun Fact(const std::string& name) {
  return [name](const RunRecord& record) { return Lookup(record.facts, name); };
}

ValueOfRun Metric(const std::string& task, const std::string& split,
                  const std::string& name) {
  return [=](const RunRecord& record) -> std::optional<double> {
    const MetricRecord* metric =
        FindMetric(LastEval(record, task, split), name);
    if (metric == nullptr) return std::nullopt;
    return metric->value;
  };
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

// "accuracy" and "f1_macro" of a task's test rows, and its validation loss.
void AddTask(const Results& results, const std::string& task, bool is_only,
             CellTable& table) {
  const std::string primary = PrimaryMetric(results, task);
  const auto add = [&](const std::string& split, const std::string& name,
                       const std::string& title, int digits) {
    const bool any = std::any_of(
        results.runs.begin(), results.runs.end(), [&](const CollectedRun& run) {
          return run.record.has_value() &&
                 Metric(task, split, name)(*run.record).has_value();
        });
    if (!any) return;
    TableColumn column;
    column.key = task + "_" + name;
    column.title = is_only ? title : task + " " + title;
    column.digits = digits;
    column.has_sd = true;
    table.AddNumber(std::move(column), Metric(task, split, name));
  };
  if (!primary.empty()) {
    add("test", primary, primary, primary == "accuracy" ? 3 : 4);
  }
  if (primary != "f1_macro") add("test", "f1_macro", "macro F1", 3);
  if (primary != "validation_loss") {
    add("validation", "validation_loss", "validation loss", 4);
  }
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

TableCell Number(double value) {
  TableCell cell;
  if (!std::isnan(value)) cell.value = value;
  return cell;
}

}  // namespace

Table MainTable(const Results& results,
                const std::vector<Comparison>& comparisons) {
  CellTable table(results);
  AddLabels(results, table);
  table.AddCells({.key = "seeds", .title = "seeds"}, [&](size_t i) {
    const std::vector<size_t>& runs = results.cells[i].runs;
    return Number(static_cast<double>(
        std::count_if(runs.begin(), runs.end(),
                      [&](size_t r) { return results.runs[r].ok(); })));
  });
  const std::vector<std::string> tasks = EvaluatedTasks(results);
  for (const std::string& task : tasks) {
    AddTask(results, task, tasks.size() == 1, table);
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
    const auto find = [&](size_t i) -> const Comparison* {
      for (const Comparison& one : comparisons) {
        if (one.cell == i && one.task == task && one.against == "untuned" &&
            one.mcnemar_p.has_value()) {
          return &one;
        }
      }
      return nullptr;
    };
    bool any = false;
    for (size_t i = 0; i < results.cells.size(); ++i) any = any || find(i);
    if (!any) continue;
    TableColumn column;
    column.key = task + "_mcnemar_p";
    column.title = (tasks.size() == 1 ? "" : task + " ") +
                   std::string("McNemar p vs untuned (wins/losses)");
    column.is_p_value = true;
    table.AddCells(std::move(column), [&](size_t i) {
      TableCell cell;
      if (const Comparison* one = find(i); one != nullptr) {
        cell.value = *one->mcnemar_p;
        cell.note = absl::StrCat(*one->wins, "/", *one->losses);
      }
      return cell;
    });
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
      {.key = "difference",
       .title = "difference",
       .digits = 4,
       .show_sign = true},
      {.key = "low", .title = "95 % from", .digits = 4, .show_sign = true},
      {.key = "high", .title = "to", .digits = 4, .show_sign = true},
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
    return value.has_value() ? Number(static_cast<double>(*value))
                             : TableCell();
  };
  for (const Comparison& one : comparisons) {
    table.rows.push_back({{.text = Label(results, results.cells[one.cell])},
                          {.text = one.against},
                          {.text = one.task},
                          {.text = one.metric},
                          Number(static_cast<double>(one.n_items)),
                          Number(static_cast<double>(one.n_seeds)),
                          Number(one.difference),
                          Number(one.interval.low),
                          Number(one.interval.high),
                          Number(one.effect_size),
                          optional(one.wins),
                          optional(one.losses),
                          optional(one.mcnemar_p),
                          Number(one.permutation_p),
                          Number(one.holm_p),
                          Number(one.smallest_detectable)});
  }
  return table;
}

}  // namespace sft
