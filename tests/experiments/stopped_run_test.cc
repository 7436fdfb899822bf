// A run that is asked to stop at any of its stop points (while it loads,
// tokenizes, evaluates, writes answers, trains) and continued is the run that
// nobody stopped.
#include <filesystem>
#include <fstream>
#include <map>

#include "experiments/command_line.h"
#include "harness/launch/execute_run.h"
#include "harness/launch/plan_checks.h"
#include "harness/record/merge.h"
#include "harness/record/run_store.h"
#include "harness/spec/experiment_spec.h"
#include "methods/method_checks.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"

namespace sft::experiments::stopped_run_test {
namespace {
namespace fs = std::filesystem;

constexpr char kStoppedSpec[] =
    "question: is a stopped run the same run?\n"
    "model: glassllm\n"
    "train: [rotten_tomatoes, bbc_headlines]\n"
    "evaluate: {tasks: [rotten_tomatoes, bbc_headlines], "
    "retain: [wiki_demo]}\n"
    "budget: {steps: 4}\n"
    "set: {batch_size: 2, max_length: 64, test_limit: 8, validation_limit: 4,\n"
    "      heldout_tokens: 128, heldout_window: 64, threads: 1,\n"
    "      eval_every_steps: 2, generate_samples: 2, train_limit: 40}\n"
    "grid: {method: [lora], batching: [packed], seed: [0]}\n";

// Points inside a round, models between the base and the end, and how far
// apart these are.
constexpr char kPointsSpec[] =
    "question: is it with points between?\n"
    "model: glassllm\n"
    "train: [rotten_tomatoes]\n"
    "evaluate: {tasks: [rotten_tomatoes], retain: [wiki_demo, bbc_headlines],\n"
    "  curve: [1, 3], rewind: [0.5], at_points: [bbc_headlines],\n"
    "  distance: true}\n"
    "budget: {steps: 4}\n"
    "set: {batch_size: 2, max_length: 64, test_limit: 8, validation_limit: 4,\n"
    "      heldout_tokens: 128, heldout_window: 64, threads: 1,\n"
    "      train_limit: 40}\n"
    "grid: {method: [full], batching: [packed], seed: [0]}\n";

// Five rounds with replay, and what two methods keep over rounds.
constexpr char kSequenceSpec[] =
    "question: is a stopped sequence the same sequence?\n"
    "model: glassllm\n"
    "train: [rotten_tomatoes, bbc_headlines, rotten_tomatoes, bbc_headlines, "
    "rotten_tomatoes]\n"
    "evaluate: {tasks: [bbc_headlines]}\n"
    "budget: {steps: 3}\n"
    "replay: {from: [earlier, c4_demo], share: 0.2}\n"
    "set: {batch_size: 2, max_length: 64, test_limit: 4, validation_limit: 2,\n"
    "      threads: 1, train_limit: 40, ewc.fisher_rows: 4,\n"
    "      ssu.calibration_from: wiki_demo, ssu.calibration_rows: 6}\n"
    "grid: {method: [ewc, ssu], seed: [0]}\n";

struct Planned {
  explicit Planned(const char* text = kStoppedSpec, size_t runs = 2) {
    support::RequireAssets("models/glassllm/config.json");
    const launch::Workbench& bench = TheWorkbench();
    const auto spec = spec::ParseSpecText("spec.yaml", text, bench.Tables());
    INFO(spec.status().ToString());
    REQUIRE(spec.ok());
    auto checked = launch::MakePlan(bench, *spec, methods::AllMethodChecks());
    INFO(checked.status().ToString());
    REQUIRE(checked.ok());
    plan = std::move(checked->plan);
    REQUIRE(plan.runs.size() == runs);
  }
  launch::WorkerOutcome Execute(size_t run,
                                const launch::WorkerOptions& options) const {
    const auto outcome =
        launch::ExecuteRun(TheWorkbench(), plan.runs[run], plan, options);
    INFO(outcome.status().ToString());
    REQUIRE(outcome.ok());
    return *outcome;
  }
  spec::RunPlan plan;
};

// The content digest of a run that is stopped when it is asked for the
// `first`-th time whether it must, then, by the next call, after `growth` times
// as many questions, and so on; "" for never. Counts the stops.
std::string DigestOfRun(const Planned& planned, size_t run, int64_t first,
                        int& stops) {
  const support::TempDir dir;
  launch::WorkerOptions options;
  options.paths.out = dir.path().string();
  options.checkpoint_every = absl::InfiniteDuration();
  options.keep_text = true;
  int64_t most = first;
  while (true) {
    int64_t asked = 0;
    options.should_stop = [&] { return most > 0 && ++asked >= most; };
    const launch::WorkerOutcome outcome = planned.Execute(run, options);
    if (outcome == launch::WorkerOutcome::kPublished) break;
    REQUIRE(outcome == launch::WorkerOutcome::kInterrupted);
    REQUIRE(++stops < 200);
    most += most / 2 + 1;
  }
  const record::RunStore store(options.paths);
  CHECK(store.CountAttempts(planned.plan.runs[run].run_id) == 0);
  const auto record = store.ReadFinal(planned.plan.runs[run].run_id);
  REQUIRE(record.ok());
  CHECK(record->status == RunStatus::kOk);
  return record::ContentSha256(*record);
}

TEST_CASE("a run stopped anywhere and continued is the run that was not",
          "[experiments][stop]") {
  const Planned planned;
  for (size_t run = 0; run < planned.plan.runs.size(); ++run) {
    INFO(planned.plan.runs[run].config.method);
    int none = 0;
    const std::string undisturbed = DigestOfRun(planned, run, 0, none);
    CHECK(none == 0);
    for (const int64_t first : {1, 17, 60}) {
      INFO("stopped after " << first);
      int stops = 0;
      CHECK(DigestOfRun(planned, run, first, stops) == undisturbed);
      CHECK(stops > 2);
    }
  }
}

TEST_CASE("so is one stopped at a point of its curve, or rewound",
          "[experiments][stop][points]") {
  const Planned planned(kPointsSpec);
  int none = 0;
  const std::string undisturbed = DigestOfRun(planned, 1, 0, none);
  for (const int64_t first : {23, 90}) {
    INFO("stopped after " << first);
    int stops = 0;
    CHECK(DigestOfRun(planned, 1, first, stops) == undisturbed);
    CHECK(stops > 1);
  }
}

TEST_CASE("points, rewound weights and distances are in the record",
          "[experiments][points]") {
  const Planned planned(kPointsSpec);
  const support::TempDir dir;
  launch::WorkerOptions options;
  options.paths.out = dir.path().string();
  for (size_t run : {0, 1}) {
    REQUIRE(planned.Execute(run, options) == launch::WorkerOutcome::kPublished);
  }
  const record::RunStore store(options.paths);
  const auto record = store.ReadFinal(planned.plan.runs[1].run_id);
  REQUIRE(record.ok());
  std::map<std::string, std::vector<double>> points;
  for (const EvalRecord& eval : record->evals) {
    INFO(eval.task << " " << eval.split);
    if (eval.split == "distance") {
      REQUIRE(eval.metrics.size() == 2);
      CHECK(eval.metrics[0].name == "kl_from_base");
      CHECK(eval.metrics[0].value > 0);
    }
    if (eval.split != "curve" && eval.split != "rewind") continue;
    CHECK(eval.round == 1);
    points[eval.task + " " + eval.split].push_back(eval.point);
  }
  CHECK(points.size() == 6);
  for (const char* set : {"rotten_tomatoes", "wiki_demo", "bbc_headlines"}) {
    CHECK(points[std::string(set) + " curve"] == std::vector<double>{1, 3});
    CHECK(points[std::string(set) + " rewind"] == std::vector<double>{0.5});
  }
  CHECK(record->texts.at("rewind.form") == "dense weights");
  CHECK(record->facts.at("distance.all.change_norm") > 0);
  CHECK(record->facts.at("distance.q_proj.effective_rank") > 1);
  CHECK(record->facts.at("distance.embed_tokens.change_norm") > 0);
  // As it is committed: in a file of merge-records.
  const std::string merged = (dir.path() / "merged.h5").string();
  REQUIRE(record::MergeRecords({options.paths.Record(record->run_id)}, merged)
              .ok());
  CHECK(fs::file_size(merged) < 80 * 1024);
  // Its untuned model is anybody's.
  CHECK(planned.plan.runs[0].config.curve.empty());
}

TEST_CASE("a sequence stopped in any round and continued is the same sequence",
          "[experiments][stop][replay]") {
  const Planned planned(kSequenceSpec, 3);
  for (size_t run = 1; run < planned.plan.runs.size(); ++run) {
    INFO(planned.plan.runs[run].config.method);
    int none = 0;
    const std::string undisturbed = DigestOfRun(planned, run, 0, none);
    CHECK(none == 0);
    for (const int64_t first : {13, 40}) {
      INFO("stopped after " << first);
      int stops = 0;
      CHECK(DigestOfRun(planned, run, first, stops) == undisturbed);
      CHECK(stops > 2);
    }
  }
}

TEST_CASE("what was evaluated before a stop is not evaluated again",
          "[experiments][stop]") {
  const Planned planned;
  const std::string id = planned.plan.runs[0].run_id;
  const support::TempDir dir;
  launch::WorkerOptions options;
  options.paths.out = dir.path().string();
  const record::RunPaths& paths = options.paths;
  const std::string record_path = paths.Measured(id) + "/record.h5";
  // How often it is asked, once the files' digests are known to this process.
  int64_t asked = 0;
  for (int i = 0; i < 2; ++i) {
    const support::TempDir calm;
    launch::WorkerOptions undisturbed;
    undisturbed.paths.out = calm.path().string();
    asked = 0;
    undisturbed.should_stop = [&] {
      ++asked;
      return false;
    };
    REQUIRE(planned.Execute(0, undisturbed) ==
            launch::WorkerOutcome::kPublished);
  }
  int64_t left = asked - 1;
  options.should_stop = [&] { return --left <= 0; };
  REQUIRE(planned.Execute(0, options) == launch::WorkerOutcome::kInterrupted);
  // It is taken up as it stands there: another number shows which one it was.
  auto measured = record::ReadRunRecord(record_path);
  REQUIRE(measured.ok());
  REQUIRE_FALSE(measured->evals.empty());
  const EvalRecord mine = measured->evals[0];
  measured->evals[0].tokens = 12345;
  REQUIRE(record::WriteRunRecord(*measured, record_path).ok());
  options.should_stop = nullptr;
  REQUIRE(planned.Execute(0, options) == launch::WorkerOutcome::kPublished);
  const auto record = record::ReadRunRecord(paths.Record(id));
  REQUIRE(record.ok());
  bool found = false;
  for (const EvalRecord& eval : record->evals) {
    if (eval.task != mine.task || eval.split != mine.split) continue;
    CHECK(eval.tokens == 12345);
    found = true;
  }
  CHECK(found);
  CHECK_FALSE(std::filesystem::exists(paths.Measured(id)));
}

TEST_CASE("a run out of its time is an attempt that says so, and goes on",
          "[experiments][limit]") {
  const Planned planned;
  const std::string id = planned.plan.runs[1].run_id;
  const support::TempDir dir;
  launch::WorkerOptions options;
  options.paths.out = dir.path().string();
  options.run_limit = absl::ZeroDuration();
  REQUIRE(planned.Execute(1, options) == launch::WorkerOutcome::kTimedOut);
  const record::RunStore store(options.paths);
  CHECK(store.CountAttempts(id) == 1);
  CHECK(store.CountFailures(id) == 0);
  const auto attempt = store.ReadLastAttempt(id);
  REQUIRE(attempt.ok());
  CHECK(attempt->status == RunStatus::kTimeout);
  CHECK(attempt->status_message.find("--run-limit") != std::string::npos);
  // Asked to stop at the same time: that counts.
  options.should_stop = [] { return true; };
  CHECK(planned.Execute(1, options) == launch::WorkerOutcome::kInterrupted);
  options.should_stop = nullptr;
  options.run_limit = absl::InfiniteDuration();
  CHECK(planned.Execute(1, options) == launch::WorkerOutcome::kPublished);
  // A final record is not made again, whatever the limit.
  options.run_limit = absl::ZeroDuration();
  CHECK(planned.Execute(1, options) == launch::WorkerOutcome::kPublished);
}

}  // namespace
}  // namespace sft::experiments::stopped_run_test
