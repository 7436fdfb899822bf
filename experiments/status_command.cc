#include "experiments/status_command.h"

#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "experiments/planned_sweep.h"
#include "harness/analysis/run_status.h"
#include "harness/core/display_width.h"
#include "harness/core/status.h"
#include "harness/formats/json.h"
#include "harness/launch/progress_screen.h"
#include "harness/launch/progress_view.h"
#include "harness/launch/slurm/submissions.h"

namespace sft::experiments {
namespace {

constexpr absl::Duration kWatchPause = absl::Seconds(2);

struct StatusFlags {
  std::string folder;
  bool watch = false;
  bool json = false;
};

void DeclareStatus(CLI::App& app, StatusFlags& flags) {
  app.add_option("DIR", flags.folder, "the --out of a run")->required();
  app.add_flag("--watch", flags.watch,
               "again every 2 seconds, until all is settled or Ctrl-C");
  app.add_flag("--json", flags.json, "one JSON object");
}

nlohmann::json StatusJson(const analysis::StatusTable& table) {
  nlohmann::json runs = nlohmann::json::array();
  for (const analysis::RunState& run : table.runs) {
    nlohmann::json one = {{"run_id", run.run_id},
                          {"state", run.state},
                          {"axes", run.axes},
                          {"detail", run.detail}};
    if (run.progress.has_value()) {
      const record::RunProgress& progress = run.progress->progress;
      one["phase"] = progress.phase;
      one["step"] = progress.step;
      one["steps"] = progress.steps;
      one["seconds_left"] = progress.seconds_left;
      one["said_at"] = absl::FormatTime(absl::RFC3339_sec, run.progress->when,
                                        absl::UTCTimeZone());
    }
    runs.push_back(std::move(one));
  }
  return {{"runs", std::move(runs)},          {"done", table.done},
          {"failed", table.failed},           {"running", table.running},
          {"interrupted", table.interrupted}, {"waiting", table.waiting},
          {"stopped", table.stopped}};
}

// What is at work and what went wrong, as far as a terminal has lines for it,
// and the counts.
std::vector<std::string> Picture(const analysis::StatusTable& table,
                                 const launch::TerminalSize& size) {
  const size_t columns = size.columns > 1 ? size.columns - 1 : 1;
  const size_t room = size.rows > 3 ? size.rows - 3 : 0;
  std::vector<std::string> lines;
  size_t left_out = 0;
  const auto rows = analysis::StatusRows(table, absl::Now());
  for (const char* state : {"running", "interrupted", "failed"}) {
    for (size_t i = 1; i < rows.size(); ++i) {
      if (rows[i][1] != state) continue;
      if (lines.size() == room) {
        ++left_out;
        continue;
      }
      std::string line;
      for (const std::string& cell : rows[i]) {
        if (cell.empty()) continue;
        absl::StrAppend(&line, line.empty() ? "" : "  ", cell);
      }
      lines.push_back(FitColumns(line, columns));
    }
  }
  if (left_out > 0) {
    lines.push_back(
        FitColumns(absl::StrCat("and ", left_out, " more"), columns));
  }
  lines.push_back(FitColumns(analysis::StatusCounts(table), columns));
  return lines;
}

// Drawn in place on a terminal; elsewhere the counts, whenever they change.
absl::StatusOr<analysis::StatusTable> Watch(const std::string& folder) {
  const bool draws = launch::CanRedraw(STDOUT_FILENO);
  SFT_ASSIGN_OR_RETURN(analysis::StatusTable table,
                       analysis::ReadStatus(folder));
  std::vector<std::string> shown;
  while (true) {
    const launch::TerminalSize size = launch::SizeOfTerminal(STDOUT_FILENO);
    std::vector<std::string> lines = {analysis::StatusCounts(table)};
    if (draws) {
      lines = Picture(table, size);
      fputs(launch::RedrawText(shown, lines, size.columns).c_str(), stdout);
    } else if (lines != shown) {
      printf("%s\n", lines[0].c_str());
    }
    fflush(stdout);
    shown = lines;
    if (table.IsSettled()) break;
    absl::SleepFor(kWatchPause);
    SFT_ASSIGN_OR_RETURN(table, analysis::ReadStatus(folder, &table));
  }
  if (draws) printf("\n");
  return table;
}

// Of a sweep that was submitted, what Slurm says of the runs that are not done.
// At the end of a rung a task is: its run waits for others, or is stopped.
void PrintSlurmStates(const std::string& folder,
                      const analysis::StatusTable& table, FILE* to) {
  const auto in_slurm = launch::ReadSlurmStates(folder);
  if (!in_slurm.ok()) {
    // What our own files say holds without it.
    PrintWarnings({std::string(in_slurm.status().message())});
    return;
  }
  std::set<std::string> at_rung;
  for (const analysis::RunState& run : table.runs) {
    if (run.state == "stopped" || run.waits_at_rung) at_rung.insert(run.run_id);
  }
  for (const launch::RunInSlurm& run : *in_slurm) {
    if (at_rung.count(run.run_id) != 0) continue;
    fprintf(to, "slurm: %s  %s\n", run.run_id.c_str(), run.state.c_str());
  }
}

absl::StatusOr<int> RunStatusCommand(const StatusFlags& flags) {
  if (flags.watch && flags.json) {
    return absl::InvalidArgumentError(
        "sftbench status: wants either --watch or --json");
  }
  analysis::StatusTable table;
  if (flags.watch) {
    SFT_ASSIGN_OR_RETURN(table, Watch(flags.folder));
  } else {
    SFT_ASSIGN_OR_RETURN(table, analysis::ReadStatus(flags.folder));
    if (flags.json) {
      printf("%s\n", formats::JsonText(StatusJson(table), 2).c_str());
    } else {
      PrintColumns(analysis::StatusRows(table, absl::Now()));
      // In a pipe rows alone.
      fflush(stdout);
      FILE* const to = isatty(STDOUT_FILENO) == 1 ? stdout : stderr;
      fprintf(to, "%s\n", analysis::StatusCounts(table).c_str());
      PrintSlurmStates(flags.folder, table, to);
    }
  }
  return table.failed > 0 ? kExitRunFailed : kExitGood;
}

}  // namespace

Command StatusCommand() {
  return MakeCommand(
      {.name = "status",
       .usage = "status DIR [--watch] [--json]",
       .summary = "What is done, running, interrupted, failed and left.",
       .help = R"(
A line a run, with what its worker last said and how long ago, then the counts;
tab-separated in a pipe, with the counts on standard error. done: a record that
stands, ok or diverged. running: a process is at it. interrupted: begun, and no
process is at it; the same 'run' continues. failed: the last try failed.
waiting: not begun, or at the end of a rung of a search where others are
missing. stopped: by the search, with the rung and the score. Of a sweep that
was submitted, what Slurm says of the runs that are not done stands beside the
counts.
  sftbench status results/demo
  sftbench status results/demo --watch
)",
       .exit_status = "0 nothing failed, 1 a run failed, 2 bad usage or input"},
      DeclareStatus, RunStatusCommand);
}

}  // namespace sft::experiments
