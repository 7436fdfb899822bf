#include "harness/analysis/cost_tables.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "harness/analysis/rates.h"

namespace sft::analysis {
namespace {

constexpr double kMebibyte = 1 << 20;
using Bytes = std::map<std::string, int64_t>;

std::set<std::string> CategoriesOf(const Results& results,
                                   Bytes MemoryRecord::*const bytes) {
  std::set<std::string> names;
  for (const CollectedRun& run : results.runs) {
    if (!run.ok()) continue;
    for (const auto& [name, n] : run.record->memory.*bytes) names.insert(name);
  }
  return names;
}

ValueOfRun MebibytesOf(Bytes MemoryRecord::*const bytes,
                       const std::string& name) {
  return [bytes, name](const record::RunRecord& of) -> std::optional<double> {
    const auto it = (of.memory.*bytes).find(name);
    if (it == (of.memory.*bytes).end()) return std::nullopt;
    return static_cast<double>(it->second) / kMebibyte;
  };
}

std::optional<double> PredictedMebibytes(const record::RunRecord& record) {
  if (record.memory.predicted_bytes.empty()) return std::nullopt;
  double sum = 0;
  for (const auto& [name, bytes] : record.memory.predicted_bytes) {
    sum += static_cast<double>(bytes);
  }
  return sum / kMebibyte;
}

std::optional<double> MeasuredByPredicted(const record::RunRecord& record) {
  const auto predicted = PredictedMebibytes(record);
  const auto peak = PeakMebibytes(record);
  if (!predicted.has_value() || !peak.has_value() || *predicted <= 0) {
    return std::nullopt;
  }
  return *peak / *predicted;
}

ValueOfRun CountedFact(const std::string& name) {
  return [name](const record::RunRecord& record) {
    return Lookup(record.facts, name);
  };
}

// Of the clock: nothing where the run waited.
ValueOfRun Timed(const std::string& name, bool is_unlike) {
  return [=](const record::RunRecord& record) -> std::optional<double> {
    if (is_unlike || WaitedForProcessor(record)) return std::nullopt;
    return Lookup(record.measured, name);
  };
}

std::string SpacedName(std::string text) {
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

// Without rows that have no number.
Table WithNumbers(Table table) {
  std::erase_if(table.rows, [](const std::vector<TableCell>& row) {
    return std::none_of(row.begin(), row.end(), [](const TableCell& cell) {
      return cell.value.has_value();
    });
  });
  return table;
}

}  // namespace

std::optional<double> PeakMebibytes(const record::RunRecord& record) {
  for (const char* name : {"train_peak_device_bytes", "peak_device_bytes",
                           "train_peak_rss_bytes", "peak_rss_bytes"}) {
    const std::optional<double> bytes = Lookup(record.measured, name);
    if (bytes.has_value()) return *bytes / kMebibyte;
  }
  return std::nullopt;
}

void AddLabelColumns(const Results& results, CellTable& table) {
  std::vector<std::string> names = {"method", "batching"};
  names.insert(names.end(), results.axis_names.begin(),
               results.axis_names.end());
  for (const std::string& name : names) {
    const auto text = [name](const ResultCell& cell) {
      // Nothing is batched for training where nothing is trained.
      if (cell.is_untuned && name == "batching") return std::string();
      const auto it = cell.axes.find(name);
      return it == cell.axes.end() ? std::string() : it->second;
    };
    table.AddText(name, name, text, /*may_be_note=*/name == "batching");
  }
}

Table MemoryTable(const Results& results) {
  CellTable table(results);
  AddLabelColumns(results, table);
  table.AddNumber({.key = "peak_memory_mib", .title = "peak (MiB)"},
                  PeakMebibytes);
  table.AddNumber({.key = "predicted_mib", .title = "predicted (MiB)"},
                  PredictedMebibytes);
  table.AddNumber(
      {.key = "peak_by_predicted", .title = "peak / predicted", .digits = 2},
      MeasuredByPredicted);
  struct Side {
    const char* name;
    Bytes MemoryRecord::*bytes;
    bool is_detail;
  };
  for (const Side& side :
       {Side{"measured", &MemoryRecord::measured_bytes, false},
        Side{"predicted", &MemoryRecord::predicted_bytes, true}}) {
    for (const std::string& name : CategoriesOf(results, side.bytes)) {
      table.AddNumber({.key = absl::StrCat(side.name, "_", name, "_mib"),
                       .title = absl::StrCat(side.is_detail ? "predicted " : "",
                                             SpacedName(name), " (MiB)"),
                       .is_detail = side.is_detail},
                      MebibytesOf(side.bytes, name));
    }
  }
  Table made = WithNumbers(table.Take());
  made.title = "Memory";
  return made;
}

Table SpeedTable(const Results& results) {
  CellTable table(results);
  AddLabelColumns(results, table);
  const bool is_unlike = HasUnlikeProcessors(results);
  struct Counted {
    const char* fact;
    const char* title;
    int digits;
    bool is_detail;
  };
  for (const Counted& one : {Counted{"optimizer_steps", "steps", 0, false},
                             Counted{"sequences", "sequences", 0, true},
                             Counted{"real_tokens", "real tokens", 0, false},
                             Counted{"target_tokens", "target tokens", 0, true},
                             Counted{"padded_tokens", "padded tokens", 0, true},
                             Counted{"padding_fraction",
                                     "padding (0\xe2\x80\x93"
                                     "1)",
                                     3, true},
                             Counted{"packing.efficiency",
                                     "packing efficiency (0\xe2\x80\x93"
                                     "1)",
                                     3, true}}) {
    table.AddNumber({.key = one.fact,
                     .title = one.title,
                     .digits = one.digits,
                     .is_detail = one.is_detail},
                    CountedFact(one.fact));
  }
  table.AddCells({.key = "tokens_per_second", .title = "tokens/s"},
                 [&](size_t i) { return RateCell(results, i, is_unlike); });
  struct Clocked {
    const char* measured;
    const char* title;
    bool is_detail;
  };
  for (const Clocked& one :
       {Clocked{"target_tokens_per_second", "target tokens/s", false},
        Clocked{"computed_tokens_per_second", "tokens/s with pads", false},
        Clocked{"train_wall_seconds", "training (s)", false},
        Clocked{"train_cpu_seconds", "training, CPU (s)", true},
        Clocked{"eval_wall_seconds", "evaluation (s)", true},
        Clocked{"load_wall_seconds", "loading (s)", true},
        Clocked{"first_step_done_seconds", "to the first step (s)", true}}) {
    table.AddNumber({.key = one.measured,
                     .title = one.title,
                     .digits = 1,
                     .has_sd = true,
                     .is_detail = one.is_detail},
                    Timed(one.measured, is_unlike));
  }
  Table made = table.Take();
  // Of rows that trained.
  std::vector<std::vector<TableCell>> trained;
  for (size_t i = 0; i < made.rows.size(); ++i) {
    if (!results.cells[i].is_untuned) {
      trained.push_back(std::move(made.rows[i]));
    }
  }
  made.rows = std::move(trained);
  made = WithNumbers(std::move(made));
  made.title = "Speed";
  return made;
}

}  // namespace sft::analysis
