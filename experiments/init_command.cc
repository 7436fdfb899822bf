// init: a spec to begin with, for a kind of task.

#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "experiments/command_line.h"
#include "harness/core/status.h"
#include "harness/data/tasks/task_kind.h"
#include "harness/spec/run_config.h"
#include "harness/spec/user_data.h"

namespace sft::experiments {
namespace {

// The first listed set of a kind whose files are here, else the first; nullptr
// if none is listed.
const data::DatasetRow* StarterSet(const launch::Workbench& bench,
                                   const data::TaskKindRow& kind) {
  const data::DatasetRow* first = nullptr;
  for (const data::DatasetRow& row : bench.datasets) {
    if (&data::KindRow(row.task.kind) != &kind) continue;
    if (data::IsHere(row, bench.folders)) return &row;
    if (first == nullptr) first = &row;
  }
  return first;
}

// Kinds that are trained on, that a user's own file may be of and that a listed
// set is of.
std::vector<const data::TaskKindRow*> StarterKinds() {
  std::vector<const data::TaskKindRow*> kinds;
  for (const data::TaskKindRow& row : data::AllTaskKinds()) {
    if (row.user.has_value() && !row.is_text &&
        StarterSet(TheWorkbench(), row) != nullptr) {
      kinds.push_back(&row);
    }
  }
  return kinds;
}

struct InitFlags {
  std::string task;
};

void DeclareInit(CLI::App& app, InitFlags& flags) {
  std::vector<std::string> names;
  for (const data::TaskKindRow* row : StarterKinds()) {
    names.push_back(row->name);
  }
  app.add_option("TASK", flags.task, "a kind of task; without it, all")
      ->check(OneOf(names));
}

// "{text: COLUMN, label: COLUMN}", what a file of the kind must hold.
std::string ColumnsOf(const data::TaskKindRow& kind) {
  const data::UserParts parts = kind.user->parts(spec::UserData(), {});
  std::vector<std::string> names = parts.prompt;
  if (!parts.label.empty()) names.push_back(parts.label);
  // Of several, one is wanted.
  if (!parts.answer.empty()) names.push_back(parts.answer.front());
  return absl::StrCat("{", absl::StrJoin(names, ": COLUMN, "), ": COLUMN}");
}

std::string StarterSpec(const launch::Workbench& bench,
                        const data::TaskKindRow& kind,
                        const data::DatasetRow& set) {
  const data::DatasetRow* text =
      StarterSet(bench, data::KindRow("language_modeling"));
  const std::string note =
      data::IsHere(set, bench.folders)
          ? "# 'sftbench list datasets' shows what there is"
          : absl::StrCat("# is not here; 'sftbench list datasets ", set.name,
                         "'\n#   says where its files are from");
  return absl::StrCat(
      R"(# )", kind.name, ": ", kind.summary, R"(.
#   sftbench check FILE            all that is wrong with this file
#   sftbench run FILE --dry-run    the runs, and what they cost
#   sftbench run FILE --out DIR    runs them; killed, the same goes on
#   sftbench report DIR            the table
question: does low-rank tuning reach full fine-tuning here?
# A listed name, a folder with config.json, or a .gguf file.
model: )",
      spec::RunConfig().model, R"(

train: [)",
      set.name, "]  ", note, R"(
evaluate:
  tasks: [)",
      set.name, "]  # on test rows: ", absl::StrJoin(set.task.metrics, ", "),
      text == nullptr
          ? ""
          : absl::StrCat("\n  retain: [", text->name,
                         "]  # held-out text: what the model forgets"),
      R"(
# Your own file instead, under a name for train: and tasks: above.
# data:
#   name: mine
#   path: mine.jsonl  # or csv, tsv, json, parquet, .gz, .zst, a folder
#   task: )",
      kind.name, R"(
#   columns: )",
      ColumnsOf(kind), R"(

# Of each run: the same rows for every method. Or steps, epochs, wall_seconds.
budget: {target_tokens: 2000}
# What all cells have; 'sftbench list fields' shows all there is.
set:
  batch_size: 8
  max_length: 512
  test_limit: 200
  validation_limit: 100
# What varies: every combination is a cell, a run each.
grid:
  method: [full, lora]
  batching: [padded]  # or padding_free, packed
  seed: {range: [0, 3]}  # 0, 1, 2: from three on, a method is judged
# What varies for some of them: learning rates of each method's own.
cases:
  - when: {method: full}
    grid: {learning_rate: {logspace: [1.0e-5, 1.0e-4, 3]}}
  - when: {method: lora}
    set: {lora.rank: 16, lora.alpha: 32}
    grid: {learning_rate: {logspace: [1.0e-4, 1.0e-3, 3]}}
# Cells to leave out:
# exclude:
#   - {method: full, learning_rate: 1.0e-4}
# What the others are compared with, and which rate stands for a method.
baseline: {method: full}
select: {by: validation_loss, per: [method]}
)");
}

absl::StatusOr<int> RunInit(const InitFlags& flags) {
  std::vector<std::vector<std::string>> table = {{"task", "summary"}};
  for (const data::TaskKindRow* row : StarterKinds()) {
    table.push_back({row->name, row->summary});
    if (row->name != flags.task) continue;
    const launch::Workbench& bench = TheWorkbench();
    fputs(StarterSpec(bench, *row, *StarterSet(bench, *row)).c_str(), stdout);
    return kExitGood;
  }
  PrintColumns(table);
  return kExitGood;
}

}  // namespace

std::vector<Command> InitCommands() {
  return {MakeCommand({.name = "init",
                       .usage = "init [TASK]",
                       .summary = "A spec to begin with, for a kind of task.",
                       .help = R"(
Prints a spec with comments that 'check' accepts: two methods, learning rates
of each one's own, three seeds. Without TASK, the kinds of tasks.
  sftbench init classification > my.yaml
  sftbench check my.yaml
)"},
                      DeclareInit, RunInit)};
}

}  // namespace sft::experiments
