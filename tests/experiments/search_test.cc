// Searches as a user runs them: what is decided, at what price, and that a kill
// changes neither.
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "harness/record/run_store.h"
#include "harness/record/validation_score.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"
#include "tests/support/subprocess.h"

namespace sft::experiments::search_test {
namespace {
namespace fs = std::filesystem;

constexpr char kShort[] =
    "question: who is stopped?\n"
    "model: glassllm\n"
    "train: [rotten_tomatoes]\n"
    "evaluate: {tasks: [rotten_tomatoes]}\n"
    "budget: {steps: 6}\n"
    "set: {batch_size: 2, max_length: 64, test_limit: 6, validation_limit: 4,\n"
    "      threads: 1, train_limit: 40}\n"
    "grid: {method: [full, lora], learning_rate: [1.0e-5, 1.0e-3, 1.0e-4]}\n"
    "baseline: {method: full}\n"
    "select: {by: validation_loss, per: [method]}\n"
    "search: {kind: halving, rungs: 2, reduction: 3}\n";

// Done when 6: 27 cells, three methods, nine learning rates each.
constexpr char kGrid[] =
    "question: does halving find what the grid finds?\n"
    "model: glassllm\n"
    "train: [rotten_tomatoes]\n"
    "evaluate: {tasks: [rotten_tomatoes]}\n"
    "budget: {steps: 54}\n"
    "set: {batch_size: 8, max_length: 96, test_limit: 40,\n"
    "      validation_limit: 100, threads: 1}\n"
    "grid:\n"
    "  method: [full, lora, hft]\n"
    "  learning_rate: {logspace: [1e-5, 1e-3, 9]}\n"
    "select: {by: validation_loss, per: [method]}\n";
constexpr char kHalving[] = "search: {kind: halving, rungs: 3, reduction: 3}\n";

struct Sweeps {
  Sweeps() { support::RequireAssets("models/glassllm/config.json"); }
  std::string Spec(const std::string& name, const std::string& text) const {
    const std::string path = (dir.path() / (name + ".yaml")).string();
    std::ofstream(path) << text;
    return path;
  }
  std::string Out(const std::string& name) const {
    return (dir.path() / name).string();
  }
  support::TempDir dir;
};

std::vector<std::string> Words(const std::string& spec,
                               const std::string& out) {
  return {SFTBENCH_BINARY, "run", spec, "--out", out};
}

// name -> content digest of each record, those of rungs too.
using DigestByName = std::map<std::string, std::string>;
DigestByName DigestsIn(const std::string& out) {
  DigestByName digests;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(out + "/runs", none)) {
    if (entry.path().extension() != ".h5") continue;
    const auto record = record::ReadRunRecord(entry.path().string());
    INFO(record.status().ToString());
    REQUIRE(record.ok());
    digests[entry.path().stem().string()] = record::ContentSha256(*record);
  }
  return digests;
}

// Kills the sweep at so many moments, then lets it end.
int KillAndEnd(std::vector<std::string> words, int kills,
               std::chrono::milliseconds between) {
  words.insert(words.end(), {"--checkpoint-every", "0s"});
  int killed = 0;
  for (int i = 0; i < kills; ++i) {
    support::RunningProgram sweep(words);
    std::this_thread::sleep_for(between + i * between / 3);
    if (!sweep.Ended()) {
      sweep.Kill(SIGKILL);
      ++killed;
    }
    sweep.Wait();
  }
  const support::Finished last = support::RunProgram(words);
  INFO(last.error);
  REQUIRE(last.exit_status == 0);
  return killed;
}

TEST_CASE("a search shows what it takes, whom it stopped and why",
          "[experiments][search]") {
  using Catch::Matchers::Contains;
  const Sweeps sweeps;
  const std::string spec = sweeps.Spec("short", kShort);
  const std::string out = sweeps.Out("short");
  std::vector<std::string> dry = Words(spec, out);
  dry.push_back("--dry-run");
  const support::Finished plan = support::RunProgram(dry);
  INFO(plan.error);
  REQUIRE(plan.exit_status == 0);
  CHECK_THAT(plan.out, Contains("search: full: 3 to 0.333, 1 to 1 of their "
                                "budget"));
  CHECK_THAT(plan.out, Contains("56 % of what all cells would take"));
  std::vector<std::string> first = Words(spec, out);
  first.insert(first.end(), {"--rung", "1"});
  const support::Finished paused = support::RunProgram(first);
  INFO(paused.error);
  CHECK(paused.exit_status == 0);
  CHECK_THAT(paused.error, Contains("2 paused: no further than --rung"));
  const support::Finished run = support::RunProgram(Words(spec, out));
  INFO(run.error);
  REQUIRE(run.exit_status == 0);
  CHECK_THAT(run.error, Contains("4 stopped by the search"));
  const support::Finished status =
      support::RunProgram({SFTBENCH_BINARY, "status", out});
  CHECK(status.exit_status == 0);
  CHECK_THAT(status.error, Contains("3 done, 4 stopped by the search"));
  CHECK_THAT(status.out,
             Contains("stopped") && Contains("rung 1 of 2, validation_loss "));
  const support::Finished report =
      support::RunProgram({SFTBENCH_BINARY, "report", out});
  INFO(report.error);
  CHECK(report.exit_status == 0);
  CHECK_THAT(report.out,
             Contains("stopped at rung 1 of 2, validation_loss ") &&
                 Contains("4 of 6 runs were stopped by the search"));
  CHECK_FALSE(report.out.find("failed") < report.out.size());
  // A merged file tells the same.
  const std::string merged = sweeps.Out("merged.h5");
  REQUIRE(support::RunProgram({SFTBENCH_BINARY, "merge-records", out, merged})
              .exit_status == 0);
  CHECK(support::RunProgram({SFTBENCH_BINARY, "report", merged}).out ==
        report.out);
  CHECK(support::RunProgram({SFTBENCH_BINARY, "verify", out}).exit_status == 0);
}

TEST_CASE("a search that is killed decides as one that is not",
          "[experiments][search][slow]") {
  const Sweeps sweeps;
  const std::string spec = sweeps.Spec("short", kShort);
  REQUIRE(support::RunProgram(Words(spec, sweeps.Out("calm"))).exit_status ==
          0);
  const DigestByName want = DigestsIn(sweeps.Out("calm"));
  CHECK(want.size() == 1 + 6 + 2);
  CHECK(KillAndEnd(Words(spec, sweeps.Out("wild")), 5,
                   std::chrono::milliseconds(900)) > 0);
  CHECK(DigestsIn(sweeps.Out("wild")) == want);
  // So do tasks that each go as far as the others let them.
  const std::string tasks = sweeps.Out("tasks");
  const support::Finished plan = support::RunProgram(
      {SFTBENCH_BINARY, "plan", spec, "--out", tasks, "--format", "tsv"});
  REQUIRE(plan.exit_status == 0);
  const std::string manifest =
      fs::directory_iterator(tasks + "/manifests")->path().string();
  int put_back = 0;
  for (int round = 0; round < 3; ++round) {
    for (int index = 0; index < 7; ++index) {
      const support::Finished task =
          support::RunProgram({SFTBENCH_BINARY, "task", manifest, "--index",
                               std::to_string(index)});
      INFO(task.error);
      CHECK((task.exit_status == 0 || task.exit_status == 75));
      put_back += task.exit_status == 75;
      if (round == 2) CHECK(task.exit_status == 0);
    }
  }
  CHECK(put_back > 0);
  CHECK(DigestsIn(tasks) == want);
}

// Real tokens that were trained: of each run those of its last record.
double TokensIn(const std::string& out) {
  std::map<std::string, double> most;
  for (const auto& entry : fs::directory_iterator(out + "/runs")) {
    const auto record = record::ReadRunRecord(entry.path().string());
    REQUIRE(record.ok());
    double& tokens = most[record->run_id];
    double own = 0;
    for (const StepRecord& step : record->steps) {
      own += static_cast<double>(step.real_tokens);
    }
    tokens = std::max(tokens, own);
  }
  double sum = 0;
  for (const auto& [run_id, tokens] : most) sum += tokens;
  return sum;
}

struct BestCell {
  double loss = 1e9;
  std::string name;
};
BestCell BestIn(const std::string& out) {
  BestCell best;
  for (const auto& entry : fs::directory_iterator(out + "/runs")) {
    const auto record = record::ReadRunRecord(entry.path().string());
    REQUIRE(record.ok());
    if (record->status != RunStatus::kOk ||
        record->config.method == spec::kUntuned) {
      continue;
    }
    const auto score = record::ScoreOfValidation(*record, "validation_loss");
    if (!score.has_value() || score->value >= best.loss) continue;
    best = {score->value, absl::StrCat(record->config.method, " learning_rate=",
                                       record->config.learning_rate)};
  }
  return best;
}

TEST_CASE("halving finds the grid's best for a part of its tokens",
          "[experiments][search][slow]") {
  const Sweeps sweeps;
  const std::string grid = sweeps.Spec("grid", kGrid);
  const std::string halving =
      sweeps.Spec("halving", absl::StrCat(kGrid, kHalving));
  const std::string all = sweeps.Out("all"), some = sweeps.Out("some"),
                    wild = sweeps.Out("wild");
  REQUIRE(support::RunProgram(Words(grid, all)).exit_status == 0);
  REQUIRE(support::RunProgram(Words(halving, some)).exit_status == 0);
  const double share = TokensIn(some) / TokensIn(all);
  const BestCell best_of_all = BestIn(all), best_of_some = BestIn(some);
  const double excess = best_of_some.loss / best_of_all.loss - 1;
  printf(
      "27 cells: the grid's best is %s, validation loss %.4f; halving took "
      "%.1f %% of its tokens and found %s, %.4f (%.2f %% above)\n",
      best_of_all.name.c_str(), best_of_all.loss, 100 * share,
      best_of_some.name.c_str(), best_of_some.loss, 100 * excess);
  fflush(stdout);
  CHECK(share <= 0.40);
  CHECK(excess <= 0.02);
  const int kills =
      KillAndEnd(Words(halving, wild), 8, std::chrono::milliseconds(2500));
  printf("killed %d times, it decides the same\n", kills);
  fflush(stdout);
  CHECK(kills > 0);
  CHECK(DigestsIn(wild) == DigestsIn(some));
}

}  // namespace
}  // namespace sft::experiments::search_test
