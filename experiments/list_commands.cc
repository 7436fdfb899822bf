// list: what the tables hold, tab-separated for pipes.

#include "absl/strings/str_join.h"
#include "experiments/command_line.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"
#include "harness/eval/metrics.h"

namespace sft {
namespace {

using Rows = std::vector<std::vector<std::string>>;

Rows MethodRows(const Workbench& bench) {
  Rows rows = {{"name", "axis", "options", "summary"}};
  auto add = [&rows](const auto& table, const char* axis) {
    for (const auto& row : table) {
      std::vector<std::string> options;
      for (const FieldSpec& option : row.options) {
        options.push_back(option.name + "=" + option.default_text);
      }
      rows.push_back({row.name, axis,
                      options.empty() ? "-" : absl::StrJoin(options, " "),
                      row.summary});
    }
  };
  add(bench.methods.update, "update");
  add(bench.methods.batching, "batching");
  return rows;
}

Rows DatasetRows(const Workbench& bench) {
  Rows rows = {{"name", "task", "on this machine", "licence", "summary"}};
  for (const DatasetRow& row : bench.datasets) {
    bool here = true;
    for (const std::string& file : row.files) {
      here = here && ResolveDataFile(file, bench.folders).ok();
    }
    rows.push_back({row.name, std::string(TaskKindName(row.task.kind)),
                    here ? "yes" : "no", row.licence, row.summary});
  }
  return rows;
}

Rows TaskRows(const Workbench& bench) {
  Rows rows = {{"name", "kind", "metrics", "labels"}};
  for (const DatasetRow& row : bench.datasets) {
    rows.push_back(
        {row.name, std::string(TaskKindName(row.task.kind)),
         absl::StrJoin(row.task.metrics, ","),
         row.task.labels.empty() ? "-" : absl::StrJoin(row.task.labels, ",")});
  }
  return rows;
}

Rows ModelRows(const Workbench& bench) {
  Rows rows = {{"name", "on this machine", "licence", "source", "summary"}};
  for (const ModelRow& row : ListedModels()) {
    const bool here = LocateModel(row.name, bench.folders.assets).ok();
    rows.push_back(
        {row.name, here ? "yes" : "no", row.licence, row.source, row.summary});
  }
  return rows;
}

Rows MetricRows(const Workbench&) {
  Rows rows = {{"name", "unit", "better", "signature"}};
  for (const MetricInfo& row : AllMetrics()) {
    rows.push_back({row.name, row.unit,
                    row.higher_is_better ? "higher" : "lower", row.signature});
  }
  return rows;
}

struct Listing {
  const char* name;
  Rows (*rows)(const Workbench&);
};
constexpr Listing kListings[] = {{"models", ModelRows},
                                 {"methods", MethodRows},
                                 {"datasets", DatasetRows},
                                 {"tasks", TaskRows},
                                 {"metrics", MetricRows}};

absl::StatusOr<int> RunList(const std::vector<std::string>& words) {
  std::vector<std::string> names;
  for (const Listing& listing : kListings) {
    names.push_back(listing.name);
    if (words[0] == listing.name) {
      PrintColumns(listing.rows(TheWorkbench()));
      return kExitGood;
    }
  }
  return absl::InvalidArgumentError(absl::StrCat("sftbench list: '", words[0],
                                                 "' is none of ",
                                                 absl::StrJoin(names, ", ")));
}

}  // namespace

std::vector<Command> ListCommands() {
  return {{.name = "list",
           .usage = "list models|methods|datasets|tasks|metrics",
           .summary = "What the tables of this program hold.",
           .help = "Columns on a terminal, tab-separated in a pipe.\n"
                   "  sftbench list methods",
           .flags = {},
           .min_words = 1,
           .max_words = 1,
           .run = RunList}};
}

}  // namespace sft
