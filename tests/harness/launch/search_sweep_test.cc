// A search's sweep over a pool that publishes made-up scores: what is decided
// must not depend on who is killed when, nor on who executes what.
#include "harness/launch/search_sweep.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <utility>

#include "harness/core/files.h"
#include "harness/launch/task.h"
#include "harness/record/validation_score.h"
#include "tests/harness/search/search_plan.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"

namespace sft::launch::search_sweep_test {
namespace {

using Ids = std::vector<std::string>;

record::RunRecord RecordOf(const std::string& run_id, int rung, double loss) {
  record::RunRecord record;
  record.run_id = run_id;
  record.status = rung > 0 ? RunStatus::kStopped : RunStatus::kOk;
  EvalRecord eval;
  eval.task = "a";
  eval.split = rung > 0 ? record::RungSplit(rung) : "validation";
  eval.round = 1;
  MetricRecord metric;
  metric.name = "validation_loss";
  metric.value = loss;
  metric.higher_is_better = false;
  eval.metrics = {metric};
  record.evals = {eval};
  return record;
}

// What all pools of a scene share.
struct World {
  const record::RunStore& store;
  // A cell's loss; where there is none, its learning rate.
  std::map<std::string, double> losses;
  std::set<std::string> failing, diverging;
  std::vector<std::string> started;  // "<rung> <run_id>"
  int until_kill = -1;               // so many runs from now everything ends
  bool killed = false;
};

class ScoringPool final : public WorkerPool {
 public:
  ScoringPool(World& world, const spec::RunPlan& plan, int rung)
      : world_(world), plan_(plan), rung_(rung) {}
  int slots() const override { return 2; }
  absl::Status Start(const std::string& run_id, int attempt) override {
    world_.started.push_back(absl::StrCat(rung_, " ", run_id));
    running_.push_back({run_id, attempt});
    return absl::OkStatus();
  }
  PoolNews Wait() override {
    PoolNews news;
    if (running_.empty()) return news;
    const auto [run_id, attempt] = running_.back();
    running_.pop_back();
    EndedRun ended;
    ended.run_id = run_id;
    if (world_.until_kill == 0) world_.killed = true;
    --world_.until_kill;
    if (world_.killed) {
      ended.outcome = WorkerOutcome::kInterrupted;
    } else {
      Publish(run_id, attempt);
      ended.outcome = world_.failing.contains(run_id)
                          ? WorkerOutcome::kFailed
                          : WorkerOutcome::kPublished;
    }
    news.ended.push_back(ended);
    return news;
  }
  void Stop(bool) override {}

 private:
  void Publish(const std::string& run_id, int attempt) {
    const int rung = run_id == "base" ? 0 : rung_;
    const auto run = std::find_if(
        plan_.runs.begin(), plan_.runs.end(),
        [&](const spec::PlannedRun& one) { return one.run_id == run_id; });
    const auto loss = world_.losses.find(run_id);
    record::RunRecord record = RecordOf(
        run_id, rung,
        loss == world_.losses.end() ? run->config.learning_rate : loss->second);
    if (world_.failing.contains(run_id)) record.status = RunStatus::kFailed;
    if (world_.diverging.contains(run_id)) {
      record.status = RunStatus::kDiverged;
    }
    if (record.status == RunStatus::kStopped) {
      REQUIRE(world_.store.PublishRung(record, rung).ok());
    } else {
      REQUIRE(world_.store.Publish(record, attempt).ok());
    }
  }

  World& world_;
  const spec::RunPlan& plan_;
  const int rung_;
  std::vector<std::pair<std::string, int>> running_;
};

struct Scene {
  explicit Scene(spec::RunPlan of) : plan(std::move(of)) {
    options.paths = store.paths();
  }
  MakePool Pools() {
    return [this](const LaunchOptions& of_rung)
               -> absl::StatusOr<std::unique_ptr<WorkerPool>> {
      return std::make_unique<ScoringPool>(world, plan, of_rung.rung);
    };
  }
  SearchSummary Run(const SearchRequest& request = {}) {
    const auto summary = RunSearch(plan, request, options, Pools(),
                                   [this] { return world.killed ? 1 : 0; });
    INFO(summary.status().ToString());
    REQUIRE(summary.ok());
    return *summary;
  }
  TaskEnd Task(const std::string& run_id, int rung = 0) {
    options.shared_runs = {run_id};
    const auto end =
        RunSearchTask(Pools(), plan, rung, options, [] { return 0; });
    INFO(end.status().ToString());
    REQUIRE(end.ok());
    return *end;
  }
  // Names of the records, without .h5.
  Ids Records() const {
    Ids names;
    for (const auto& entry :
         std::filesystem::directory_iterator(store.paths().Runs())) {
      names.push_back(entry.path().stem().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  support::TempDir dir;
  spec::RunPlan plan;
  record::RunStore store{record::RunPaths{dir.path().string()}};
  World world{store, {}, {}, {}, {}, -1, false};
  LaunchOptions options;
};

spec::RunPlan NineCells() { return search::SearchPlanOf({"full"}, 9, 1); }

TEST_CASE("a search goes rung by rung, and only the best goes to its end",
          "[launch][search]") {
  Scene scene(NineCells());
  const SearchSummary summary = scene.Run();
  CHECK(summary.runs.finished == 2);  // the untuned one and the best
  CHECK(summary.runs.stopped == 8);
  CHECK(summary.runs.failed == 0);
  CHECK(summary.waiting + summary.paused == 0);
  const Ids& started = scene.world.started;
  REQUIRE(started.size() == 1 + 9 + 3 + 1);
  CHECK(started[0] == "1 base");
  CHECK(std::set<std::string>(started.begin() + 10, started.begin() + 13) ==
        std::set<std::string>{"2 full-0-0", "2 full-1-0", "2 full-2-0"});
  CHECK(started.back() == "0 full-0-0");
  // The same command again finds all of it.
  const SearchSummary again = scene.Run();
  CHECK(again.runs.skipped == 2);
  CHECK(again.runs.finished == 0);
  CHECK(again.runs.stopped == 8);
  CHECK(scene.world.started.size() == started.size());
}

TEST_CASE("killed between or inside of rungs, a search decides the same",
          "[launch][search]") {
  Scene undisturbed(search::SearchPlanOf({"full", "lora"}, 9, 1));
  undisturbed.Run();
  const Ids want = undisturbed.Records();
  const auto runs = static_cast<int>(undisturbed.world.started.size());
  for (int kill = 0; kill < runs; kill += 3) {
    INFO("killed after " << kill);
    Scene scene(undisturbed.plan);
    scene.world.until_kill = kill;
    const SearchSummary first = scene.Run();
    CHECK(first.runs.interrupted);
    CHECK(scene.Records() != want);
    scene.world.killed = false;
    scene.world.until_kill = -1;
    const SearchSummary second = scene.Run();
    CHECK(second.runs.stopped == 16);
    CHECK(scene.Records() == want);
  }
}

TEST_CASE("shards wait for each other's scores and decide as one would",
          "[launch][search]") {
  Scene one(NineCells());
  one.Run();
  Scene scene(NineCells());
  SearchRequest even, odd;
  even.own.emplace(std::set<std::string>{"base"});
  odd.own = even.own;
  for (size_t i = 1; i < scene.plan.runs.size(); ++i) {
    (i % 2 == 0 ? even : odd).own->insert(scene.plan.runs[i].run_id);
  }
  CHECK(scene.Run(even).waiting == 4);
  int calls = 1;
  for (bool is_odd = true; calls < 12; is_odd = !is_odd, ++calls) {
    scene.Run(is_odd ? odd : even);
    if (scene.Records() == one.Records()) break;
  }
  CHECK(scene.Records() == one.Records());
  CHECK(calls < 6);
  CHECK(scene.Run(even).waiting == 0);
  CHECK(scene.Run(odd).waiting == 0);
}

TEST_CASE("a task goes as far as others let it and is put back till then",
          "[launch][search]") {
  Scene one(NineCells());
  one.Run();
  Scene scene(NineCells());
  CHECK(scene.Task("full-0-0") == TaskEnd::kPutBack);
  CHECK(scene.world.started == Ids{"1 base", "1 full-0-0"});
  // No further than it was told: then it is done.
  CHECK(scene.Task("full-1-0", 1) == TaskEnd::kDone);
  for (int round = 0; round < 4; ++round) {
    for (size_t i = 1; i < scene.plan.runs.size(); ++i) {
      const TaskEnd end = scene.Task(scene.plan.runs[i].run_id);
      CHECK(end != TaskEnd::kFailed);
      if (round == 3) CHECK(end == TaskEnd::kDone);
    }
  }
  CHECK(scene.Records() == one.Records());
}

TEST_CASE("a search may be asked for its first rungs alone",
          "[launch][search]") {
  Scene scene(NineCells());
  SearchRequest request;
  request.last_rung = 1;
  const SearchSummary first = scene.Run(request);
  CHECK(first.runs.stopped == 6);
  CHECK(first.paused == 3);
  CHECK(scene.world.started.size() == 10);
  request.last_rung = 9;  // there are three
  CHECK(scene.Run(request).runs.stopped == 8);
}

TEST_CASE("a run that fails or diverges is out, and no search hangs on it",
          "[launch][search]") {
  Scene scene(NineCells());
  scene.world.failing = {"full-0-0"};
  scene.world.diverging = {"full-1-0"};
  const SearchSummary summary = scene.Run();
  CHECK(summary.runs.failed == 1);
  CHECK(summary.runs.diverged == 1);
  CHECK(summary.runs.finished == 2);
  CHECK(summary.runs.stopped == 6);
  CHECK(scene.world.started.back() == "0 full-2-0");
  // The same command again has nothing to do, and says what failed.
  const size_t started = scene.world.started.size();
  const SearchSummary again = scene.Run();
  CHECK(again.runs.failed == 1);
  CHECK(again.runs.finished == 0);
  CHECK(scene.world.started.size() == started);
  // Without its untuned run, others are executed all the same.
  Scene other(NineCells());
  other.world.failing = {"base"};
  CHECK(other.Run().runs.failed == 1);
  CHECK(other.world.started.back() == "0 full-0-0");
  CHECK(other.Run().runs.failed == 1);
  // Nor is it counted twice where others go on.
  Scene paused(NineCells());
  paused.world.failing = {"base"};
  SearchRequest first_rung;
  first_rung.last_rung = 1;
  CHECK(paused.Run(first_rung).runs.failed == 1);
  CHECK(paused.Run().runs.failed == 1);
  CHECK(paused.world.started.back() == "0 full-0-0");
}

TEST_CASE("what others beat leaves no checkpoint", "[launch][search]") {
  Scene scene(NineCells());
  for (const spec::PlannedRun& run : scene.plan.runs) {
    const std::string folder =
        scene.store.paths().Checkpoint(run.run_id, "node-1-2");
    REQUIRE(MakeFolders(folder).ok());
    std::ofstream(folder + "/state.json") << "{}";
  }
  scene.Run();
  for (const spec::PlannedRun& run : scene.plan.runs) {
    if (run.run_id == "base" || run.run_id == "full-0-0") continue;
    CHECK_FALSE(
        FileExists(scene.store.paths().Checkpoint(run.run_id, "node-1-2")));
  }
  CHECK(FileExists(scene.store.paths().Checkpoint("full-0-0", "node-1-2")));
}

TEST_CASE("a cell that went to its end before is measured at its rungs anew",
          "[launch][search]") {
  Scene one(NineCells());
  one.Run();
  Scene scene(NineCells());
  REQUIRE(scene.store.Open().ok());
  REQUIRE(scene.store.Publish(RecordOf("full-8-0", 0, 0.0), 1).ok());
  const SearchSummary summary = scene.Run();
  CHECK(summary.runs.stopped == 8);
  Ids want = one.Records();
  want.push_back("full-8-0");
  std::sort(want.begin(), want.end());
  CHECK(scene.Records() == want);
}

}  // namespace
}  // namespace sft::launch::search_sweep_test
