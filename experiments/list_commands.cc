// list: what the tables hold, tab-separated for pipes.

#include <cmath>
#include <cstdio>

#include "absl/strings/str_join.h"
#include "experiments/command_line.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"
#include "harness/metrics/metrics.h"
#include "harness/spec/experiment_spec.h"
#include "harness/spec/run_config.h"
#include "harness/train/optimizers/registry.h"

namespace sft::experiments {
namespace {

using Rows = std::vector<std::vector<std::string>>;

// "a.b=1 a.c=x"; "-" of none.
std::string DefaultsText(const std::vector<FieldSpec>& options) {
  if (options.empty()) return "-";
  return absl::StrJoin(
      options, " ", [](std::string* out, const FieldSpec& option) {
        absl::StrAppend(out, option.name, "=", option.default_text);
      });
}

Rows MethodRows(const launch::Workbench& bench) {
  Rows rows = {{"name", "axis", "options", "summary"}};
  auto add = [&rows](const auto& table, const char* axis) {
    for (const auto& row : table) {
      rows.push_back({row.name, axis, DefaultsText(row.options), row.summary});
    }
  };
  add(bench.methods.update, "update");
  add(bench.methods.batching, "batching");
  return rows;
}

Rows OptimizerRows(const launch::Workbench&) {
  constexpr int64_t kWeights = 1 << 20;  // of one parameter, f32
  Rows rows = {{"name", "state bytes a weight", "state lies", "summary"}};
  for (const train::OptimizerRow& row : train::AllOptimizers()) {
    rows.push_back({row.name,
                    absl::StrFormat("%.2f", static_cast<double>(row.state_bytes(
                                                kWeights, sizeof(float))) /
                                                kWeights),
                    row.state_device, row.summary});
  }
  return rows;
}

Rows SearchRows(const launch::Workbench& bench) {
  Rows rows = {{"name", "options", "summary"}};
  for (const spec::MethodSpecRow& row : bench.Tables().searches) {
    rows.push_back({row.name, DefaultsText(row.options), row.summary});
  }
  return rows;
}

// Where a spec says a field's value.
std::string PlaceOf(const std::string& name) {
  if (name == "evaluate") return "evaluate: {tasks: }";
  if (name == "retain") return "evaluate: {retain: }";
  if (name == "model" || name == "train") return "the top";
  if (name.rfind("budget.", 0) == 0) {
    return absl::StrCat("budget: {", name.substr(7), ": }");
  }
  return "set, grid, cases";
}

std::string AllowedText(const FieldSpec& field) {
  static constexpr const char* kTypes[] = {"true, false", "whole number",
                                           "number", "text", "list of names"};
  if (!field.limits.choices.empty()) {
    return absl::StrJoin(field.limits.choices, ", ");
  }
  std::string text = kTypes[static_cast<int>(field.type)];
  if (std::isfinite(field.limits.min)) {
    absl::StrAppend(&text, " from ", CanonicalText(field.limits.min));
  }
  if (std::isfinite(field.limits.max)) {
    absl::StrAppend(&text, " to ", CanonicalText(field.limits.max));
  }
  return text;
}

// Every field of a run, and with its method's name every option of one.
Rows FieldRows(const launch::Workbench& bench) {
  Rows rows = {{"name", "default", "allowed", "stands under", "meaning"}};
  const spec::SpecTables tables = bench.Tables();
  std::map<std::string, std::vector<std::string>> methods;  // of an option
  for (const auto* table : {&tables.update_methods, &tables.batching_methods}) {
    for (const spec::MethodSpecRow& row : *table) {
      for (const FieldSpec& option : row.options) {
        methods[option.name].push_back(row.name);
      }
    }
  }
  const auto add = [&](const FieldSpec& field, const std::string& of) {
    const std::string& value = field.default_text;
    rows.push_back({field.name, value.empty() ? "-" : value, AllowedText(field),
                    PlaceOf(field.name),
                    of.empty() ? field.help : field.help + " (" + of + ")"});
  };
  const std::map<std::string, FieldSpec> known = spec::KnownFields(tables);
  for (const FieldSpec& field : DescribeFields<spec::RunConfig>()) {
    add(known.at(field.name), "");
  }
  for (const auto& [name, field] : known) {
    const auto of = methods.find(name);
    if (of != methods.end()) add(field, absl::StrJoin(of->second, ", "));
  }
  return rows;
}

Rows DatasetRows(const launch::Workbench& bench) {
  Rows rows = {{"name", "task", "on this machine", "licence", "summary"}};
  for (const data::DatasetRow& row : bench.datasets) {
    const bool here = data::IsHere(row, bench.folders);
    rows.push_back({row.name, row.task.kind, here ? "yes" : "no", row.licence,
                    row.summary});
  }
  return rows;
}

Rows TaskRows(const launch::Workbench& bench) {
  Rows rows = {{"name", "kind", "metrics", "labels"}};
  for (const data::DatasetRow& row : bench.datasets) {
    rows.push_back(
        {row.name, row.task.kind, absl::StrJoin(row.task.metrics, ","),
         row.task.labels.empty() ? "-" : absl::StrJoin(row.task.labels, ",")});
  }
  return rows;
}

Rows ModelRows(const launch::Workbench& bench) {
  Rows rows = {{"name", "on this machine", "licence", "source", "summary"}};
  for (const model::ModelRow& row : model::ListedModels()) {
    const bool here = model::LocateModel(row.name, bench.folders.assets).ok();
    rows.push_back(
        {row.name, here ? "yes" : "no", row.licence, row.source, row.summary});
  }
  return rows;
}

Rows MetricRows(const launch::Workbench&) {
  Rows rows = {{"name", "unit", "better", "signature"}};
  for (const metrics::Metric& row : metrics::AllMetrics()) {
    rows.push_back({row.name, row.unit,
                    row.higher_is_better ? "higher" : "lower", row.signature});
  }
  return rows;
}

struct Listing {
  const char* name;
  const char* row;  // what one of them is called
  Rows (*rows)(const launch::Workbench&);
};
constexpr Listing kListings[] = {{"models", "model", ModelRows},
                                 {"methods", "method", MethodRows},
                                 {"optimizers", "optimizer", OptimizerRows},
                                 {"fields", "field", FieldRows},
                                 {"datasets", "data set", DatasetRows},
                                 {"tasks", "task", TaskRows},
                                 {"metrics", "metric", MetricRows},
                                 {"searches", "search", SearchRows}};

// The row of that name below its header.
absl::StatusOr<Rows> RowNamed(const Listing& listing, const std::string& name) {
  const Rows rows = listing.rows(TheWorkbench());
  std::vector<std::string> names;
  for (size_t i = 1; i < rows.size(); ++i) {
    if (rows[i][0] == name) return Rows{rows[0], rows[i]};
    names.push_back(rows[i][0]);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "sftbench list: no ", listing.row, " is called '", name, "'",
      DidYouMean(name, names,
                 absl::StrCat("; see 'sftbench list ", listing.name, "'"))));
}

// A method's options, each with what it may be.
Rows OptionRows(const launch::Workbench& bench, const std::string& method) {
  Rows rows = {{"option", "default", "allowed", "meaning"}};
  const auto add = [&](const auto& table) {
    for (const auto& row : table) {
      if (row.name != method) continue;
      for (const FieldSpec& option : row.options) {
        const std::string& value = option.default_text;
        rows.push_back({option.name, value.empty() ? "-" : value,
                        AllowedText(option), option.help});
      }
    }
  };
  add(bench.methods.update);
  add(bench.methods.batching);
  return rows;
}

struct ListFlags {
  std::string kind;
  std::string name;
};

void DeclareList(CLI::App& app, ListFlags& flags) {
  std::vector<std::string> kinds;
  for (const Listing& listing : kListings) kinds.push_back(listing.name);
  app.add_option("KIND", flags.kind, "what to list")
      ->required()
      ->check(OneOf(kinds));
  app.add_option("NAME", flags.name, "the one row of it; without it, all");
}

absl::StatusOr<int> RunList(const ListFlags& flags) {
  const launch::Workbench& bench = TheWorkbench();
  for (const Listing& listing : kListings) {
    if (flags.kind != listing.name) continue;
    if (flags.name.empty()) {
      PrintColumns(listing.rows(bench));
      continue;
    }
    SFT_ASSIGN_OR_RETURN(const Rows row, RowNamed(listing, flags.name));
    if (flags.kind != "methods") {
      PrintColumns(row);
      continue;
    }
    printf("%s (%s): %s\n", row[1][0].c_str(), row[1][1].c_str(),
           row[1][3].c_str());
    const Rows options = OptionRows(bench, flags.name);
    if (options.size() == 1) {
      printf("It has no options.\n");
      continue;
    }
    printf("\n");
    PrintColumns(options);
  }
  return kExitGood;
}

}  // namespace

std::vector<Command> ListCommands() {
  return {MakeCommand(
      {.name = "list",
       .usage = "list models|methods|optimizers|fields|datasets|tasks|metrics|"
                "searches [NAME]",
       .summary = "What there is, to write a spec from.",
       .help = R"(
models      what 'model' may name, beside a folder or a .gguf file
methods     values of 'method' and 'batching', with their options
optimizers  values of 'optimizer', and what each keeps of a weight
fields      whatever a spec may set or vary: default, allowed values, and under
            which key it stands
datasets    what 'train' may name, and whether its files are here
tasks       what 'evaluate' may name: kind, metrics, labels
metrics     unit, direction, and how each is computed
searches    kinds of search:, with their options
With a NAME its row alone; of a method each option with default, allowed values
and meaning. Columns on a terminal, tab-separated in a pipe.
  sftbench list fields
  sftbench list methods lora
)"},
      DeclareList, RunList)};
}

}  // namespace sft::experiments
