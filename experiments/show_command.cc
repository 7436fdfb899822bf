#include "experiments/show_command.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "harness/analysis/run_status.h"
#include "harness/core/fields.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/formats/json.h"
#include "harness/record/manifest_store.h"
#include "harness/record/run_store.h"
#include "harness/spec/run_plan.h"

namespace sft::experiments {
namespace {

namespace fs = std::filesystem;

constexpr size_t kNamedRuns = 5;  // of several that a prefix fits

struct ShowFlags {
  std::string run;
  std::string folder = "results";
  bool json = false;
};

void DeclareShow(CLI::App& app, ShowFlags& flags) {
  app.add_option("RUN", flags.run,
                 "an id, the beginning of one, or a record's path")
      ->required();
  app.add_option("DIR", flags.folder, "the --out of its sweep, beside an id");
  app.add_flag("--json", flags.json, "one JSON object");
}

// What a folder knows of a run, whatever became of it.
struct ShownRun {
  std::string run_id;
  record::RunPaths paths;
  analysis::RunState state;
  std::map<std::string, std::string> axes;
  std::string config;  // canonical text, "" where nothing says
  std::optional<record::RunRecord>
      record;                         // the final one, or the last attempt
  std::vector<std::string> attempts;  // "out_of_memory: killed ..."
};

// The runs of the plans, where they can be read.
std::vector<spec::PlannedRun> PlannedRuns(const record::RunPaths& paths) {
  absl::StatusOr<spec::RunPlan> plan =
      record::ReadFolderPlan(paths.out, TheWorkbench().LaterOptionsOfMethods());
  if (!plan.ok()) return {};
  return std::move(plan->runs);
}

// Of all runs that the folder has a plan or a file of, the one that `text`
// begins.
absl::StatusOr<std::string> FindRunId(
    const record::RunPaths& paths, const std::vector<spec::PlannedRun>& planned,
    const std::string& text) {
  if (!IsFolder(paths.out)) {
    return absl::NotFoundError(paths.out + ": no such folder");
  }
  std::set<std::string> found;
  const auto add = [&](const std::string& run_id) {
    if (absl::StartsWith(run_id, text)) found.insert(run_id);
  };
  for (const spec::PlannedRun& run : planned) add(run.run_id);
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(paths.Runs(), none)) {
    if (entry.path().extension() != ".h5") continue;
    add(record::ParseRecordName(entry.path().stem().string()).run_id);
  }
  if (found.contains(text)) return text;
  if (found.size() == 1) return *found.begin();
  if (found.empty()) {
    return absl::NotFoundError(absl::StrCat(paths.out, ": has no run '", text,
                                            "'; 'sftbench status ", paths.out,
                                            "' lists them"));
  }
  std::vector<std::string> named(found.begin(), found.end());
  named.resize(std::min(named.size(), kNamedRuns));
  return absl::InvalidArgumentError(absl::StrCat(
      "'", text, "' begins ", found.size(), " runs of ", paths.out, ": ",
      absl::StrJoin(named, ", "), found.size() > kNamedRuns ? ", ..." : ""));
}

absl::StatusOr<ShownRun> ReadRun(const ShowFlags& flags) {
  ShownRun run;
  run.paths.out = flags.folder;
  std::string wanted = flags.run;
  if (absl::EndsWith(wanted, ".h5")) {
    if (!FileExists(wanted)) {
      return absl::NotFoundError(wanted + ": no such file");
    }
    SFT_ASSIGN_OR_RETURN(const record::RunStore of_record,
                         record::RunStore::OfRecord(wanted));
    run.paths = of_record.paths();
    wanted = record::ParseRecordName(fs::path(wanted).stem().string()).run_id;
  }
  const std::vector<spec::PlannedRun> planned = PlannedRuns(run.paths);
  SFT_ASSIGN_OR_RETURN(run.run_id, FindRunId(run.paths, planned, wanted));
  const record::RunStore store(run.paths);
  for (const spec::PlannedRun& one : planned) {
    if (one.run_id != run.run_id) continue;
    run.axes = one.axes;
    run.config = one.config.CanonicalConfigText();
  }
  absl::StatusOr<record::RunRecord> last = absl::NotFoundError("no record");
  const int attempts = store.CountAttempts(run.run_id);
  for (int k = 1; k <= attempts; ++k) {
    last = record::ReadRunRecord(run.paths.Attempt(run.run_id, k));
    if (!last.ok()) {
      run.attempts.push_back(
          absl::StrCat("damaged: ", last.status().message()));
      continue;
    }
    run.attempts.push_back(
        absl::StrCat(ToAbsl(record::RunStatusName(last->status)), ": ",
                     last->status_message));
    run.record = *last;
  }
  if (absl::StatusOr<record::RunRecord> rung = store.ReadLastRung(run.run_id);
      rung.ok() && !run.record.has_value()) {
    run.record = *std::move(rung);
  }
  if (store.Stands(run.run_id)) {
    last = store.ReadFinal(run.run_id);
    if (last.ok()) run.record = *last;
  }
  run.state = analysis::StateOfRun(store, run.run_id, last);
  if (run.record.has_value()) {
    run.axes = run.record->axes;
    run.config = run.record->config.CanonicalConfigText();
  }
  return run;
}

std::string OrNone(const std::string& path) {
  return FileExists(path) ? path : "none";
}

// The measures of a record, a row each: in a record's own order.
std::vector<std::vector<std::string>> ScoreRows(
    const record::RunRecord& record) {
  std::vector<std::vector<std::string>> rows = {
      {"task", "split", "round", "metric", "value", "unit"}};
  for (const EvalRecord& eval : record.evals) {
    for (const MetricRecord& metric : eval.metrics) {
      rows.push_back({eval.task, eval.split, absl::StrCat(eval.round),
                      metric.name, CanonicalText(metric.value), metric.unit});
    }
  }
  return rows;
}

std::string StateText(const analysis::RunState& state) {
  std::string text = state.state;
  if (!state.detail.empty()) absl::StrAppend(&text, ", ", state.detail);
  if (!state.progress.has_value()) return text;
  const record::RunProgress& progress = state.progress->progress;
  absl::StrAppend(&text, ", ", progress.phase, " at step ", progress.step);
  if (progress.steps > 0) absl::StrAppend(&text, "/", progress.steps);
  return text;
}

void PrintRun(const ShownRun& run) {
  std::vector<std::vector<std::string>> rows = {
      {"run", run.run_id},
      {"status", StateText(run.state)},
      {"axes", spec::AxesText(run.axes)}};
  for (size_t k = 0; k < run.attempts.size(); ++k) {
    rows.push_back({absl::StrCat("attempt ", k + 1), run.attempts[k]});
  }
  rows.push_back({"record", OrNone(run.paths.Record(run.run_id))});
  rows.push_back({"log", OrNone(run.paths.Log(run.run_id))});
  rows.push_back({"weights", OrNone(run.paths.Weights(run.run_id))});
  PrintColumns(rows);
  if (run.record.has_value() && !run.record->evals.empty()) {
    printf("\n");
    PrintColumns(ScoreRows(*run.record));
  }
  printf("\n%s", run.config.c_str());
}

nlohmann::json RunJson(const ShownRun& run) {
  nlohmann::json scores = nlohmann::json::array();
  nlohmann::json facts = nlohmann::json::object();
  if (run.record.has_value()) {
    for (const EvalRecord& eval : run.record->evals) {
      for (const MetricRecord& metric : eval.metrics) {
        scores.push_back({{"task", eval.task},
                          {"split", eval.split},
                          {"round", eval.round},
                          {"metric", metric.name},
                          {"value", metric.value},
                          {"unit", metric.unit}});
      }
    }
    facts = run.record->facts;
  }
  const auto path = [](const std::string& name) {
    return FileExists(name) ? nlohmann::json(name) : nlohmann::json();
  };
  nlohmann::json config = nlohmann::json::object();
  for (const absl::string_view line : absl::StrSplit(run.config, '\n')) {
    const std::pair<std::string, std::string> field =
        absl::StrSplit(line, absl::MaxSplits(" = ", 1));
    if (!field.first.empty()) config[field.first] = field.second;
  }
  return {{"run_id", run.run_id},
          {"state", run.state.state},
          {"detail", run.state.detail},
          {"axes", run.axes},
          {"attempts", run.attempts},
          {"record", path(run.paths.Record(run.run_id))},
          {"log", path(run.paths.Log(run.run_id))},
          {"weights", path(run.paths.Weights(run.run_id))},
          {"scores", std::move(scores)},
          {"facts", std::move(facts)},
          {"config", std::move(config)}};
}

absl::StatusOr<int> RunShow(const ShowFlags& flags) {
  SFT_ASSIGN_OR_RETURN(const ShownRun run, ReadRun(flags));
  if (flags.json) {
    printf("%s\n", formats::JsonText(RunJson(run), 2).c_str());
  } else {
    PrintRun(run);
  }
  return kExitGood;
}

}  // namespace

Command ShowCommand() {
  return MakeCommand(
      {.name = "show",
       .usage = "show RUN [DIR] [--json]",
       .summary = "One run: config, status, scores, attempts, log, weights.",
       .help = R"(
RUN is an id of the sweep in DIR, or as much of one as no other run begins with;
or the path of a record, DIR/runs/ID.h5.
  sftbench show 3f2a results/demo
)"},
      DeclareShow, RunShow);
}

}  // namespace sft::experiments
