// A task of an array over a pool that does what a test wrote down.
#include "harness/launch/task.h"

#include <unistd.h>

#include <filesystem>
#include <map>
#include <set>

#include "absl/time/clock.h"
#include "harness/core/files.h"
#include "harness/record/run_store.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"

namespace sft::launch::task_test {
namespace {

// Two untuned runs, and runs of either.
spec::RunPlan TwoModels() {
  spec::RunPlan plan;
  const auto add = [&plan](const char* id, const char* untuned) {
    spec::PlannedRun run;
    run.run_id = id;
    run.untuned_id = untuned;
    run.config.method = run.run_id == untuned ? spec::kUntuned : "full";
    run.config.seed = static_cast<int64_t>(plan.runs.size());
    plan.runs.push_back(run);
  };
  add("0a", "0a");
  add("0b", "0b");
  add("01", "0a");
  add("02", "0b");
  add("03", "0b");
  return plan;
}

std::vector<std::string> IdsOf(const spec::RunPlan& plan) {
  std::vector<std::string> ids;
  for (const spec::PlannedRun& run : plan.runs) ids.push_back(run.run_id);
  return ids;
}

// Publishes a record of each run at once, but for those that fail.
class QuickPool final : public WorkerPool {
 public:
  explicit QuickPool(const record::RunStore& store) : store_(store) {}
  int slots() const override { return 1; }
  absl::Status Start(const std::string& run_id, int attempt) override {
    if (shared.count(run_id) == 0 && store_.IsLocked(run_id)) {
      return absl::AlreadyExistsError("another process is at it");
    }
    started.push_back(absl::StrCat(run_id, " ", attempt));
    running_.push_back({run_id, attempt});
    return absl::OkStatus();
  }
  PoolNews Wait() override {
    PoolNews news;
    if (running_.empty()) {
      absl::SleepFor(absl::Milliseconds(20));
      return news;
    }
    const auto [run_id, attempt] = running_.back();
    running_.pop_back();
    EndedRun ended;
    ended.run_id = run_id;
    if (stopped) {
      ended.outcome = WorkerOutcome::kInterrupted;
    } else if (const auto end = ends.find(run_id); end != ends.end()) {
      ended.outcome = end->second;
    } else {
      record::RunRecord record;
      record.run_id = run_id;
      const bool bad = failing.count(run_id) != 0;
      record.status = bad ? RunStatus::kFailed : RunStatus::kOk;
      REQUIRE(store_.Publish(record, attempt).ok());
      ended.outcome = bad ? WorkerOutcome::kFailed : WorkerOutcome::kPublished;
    }
    news.ended.push_back(ended);
    return news;
  }
  void Stop(bool) override { stopped = true; }

  std::set<std::string> failing;
  std::map<std::string, WorkerOutcome> ends;  // that leave no record
  std::vector<std::string> started;
  std::set<std::string> shared;  // as PoolOptions::shared_runs
  bool stopped = false;

 private:
  const record::RunStore& store_;
  std::vector<std::pair<std::string, int>> running_;
};

struct TaskScene {
  TaskScene() { options.paths = store.paths(); }
  TaskEnd Run(const std::vector<size_t>& indices) {
    const std::string text = spec::ManifestText(TwoModels());
    const auto manifest = spec::ManifestReader::Open("m", text, {});
    REQUIRE(manifest.ok());
    std::map<std::string, size_t> places;
    const auto plan = PlanOfTask(*manifest, indices, places);
    REQUIRE(plan.ok());
    options.shared_runs.clear();
    for (const size_t index : indices) {
      options.shared_runs.insert(TwoModels().runs[index].run_id);
    }
    pool.shared = options.shared_runs;
    pool.stopped = false;
    const auto end = RunTask(pool, *plan, options, [this] {
      ++asked;
      if (asked == frees_at) close(held);
      return interrupts_from >= 0 && asked > interrupts_from ? 1 : 0;
    });
    INFO(end.status().ToString());
    REQUIRE(end.ok());
    return *end;
  }

  support::TempDir dir;
  record::RunStore store{record::RunPaths{dir.path().string()}};
  QuickPool pool{store};
  LaunchOptions options;
  int asked = 0;
  int interrupts_from = -1;  // after so many looks at the signals
  int frees_at = -1;         // so many: a lock that a test held
  int held = -1;
};

using TaskWordsList = std::vector<std::string>;

TEST_CASE("a task's plan holds its runs and the untuned ones they read",
          "[launch][task]") {
  const std::string text = spec::ManifestText(TwoModels());
  const auto manifest = spec::ManifestReader::Open("m", text, {});
  REQUIRE(manifest.ok());
  const auto ids = [&](const std::vector<size_t>& indices) {
    std::map<std::string, size_t> places;
    const auto plan = PlanOfTask(*manifest, indices, places);
    REQUIRE(plan.ok());
    CHECK(places.size() == plan->runs.size());
    for (const spec::PlannedRun& run : plan->runs) {
      CHECK(TwoModels().runs[places.at(run.run_id)].run_id == run.run_id);
    }
    return IdsOf(*plan);
  };
  CHECK(ids({3}) == TaskWordsList{"0b", "02"});
  CHECK(ids({1}) == TaskWordsList{"0b"});
  CHECK(ids({2, 3, 4}) == TaskWordsList{"0a", "0b", "01", "02", "03"});
  CHECK(ids({0, 2}) == TaskWordsList{"0a", "01"});
  std::map<std::string, size_t> places;
  CHECK_FALSE(PlanOfTask(*manifest, {9}, places).ok());
}

TEST_CASE("a task executes its untuned run where nobody is at it",
          "[launch][task]") {
  TaskScene scene;
  CHECK(scene.Run({3}) == TaskEnd::kDone);
  CHECK(scene.pool.started == TaskWordsList{"0b 1", "02 1"});
  // The next one finds it.
  CHECK(scene.Run({4}) == TaskEnd::kDone);
  CHECK(scene.pool.started == TaskWordsList{"0b 1", "02 1", "03 1"});
  // The same again is done already.
  CHECK(scene.Run({4}) == TaskEnd::kDone);
  CHECK(scene.pool.started.size() == 3);
}

TEST_CASE("a task that fails has failed once its attempts are used up",
          "[launch][task]") {
  TaskScene scene;
  scene.pool.failing = {"02"};
  CHECK(scene.Run({3}) == TaskEnd::kFailed);
  CHECK(scene.pool.started == TaskWordsList{"0b 1", "02 1", "02 2"});
  // Put back by mistake, it executes nothing.
  CHECK(scene.Run({3}) == TaskEnd::kFailed);
  CHECK(scene.pool.started.size() == 3);
  // An untuned run that failed for good is no reason to give up.
  scene.pool.failing = {"0a"};
  CHECK(scene.Run({2}) == TaskEnd::kDone);
}

TEST_CASE("a task that is asked to stop is put back", "[launch][task]") {
  TaskScene scene;
  scene.interrupts_from = 1;
  CHECK(scene.Run({2}) == TaskEnd::kPutBack);
  CHECK(scene.store.CountAttempts("0a") == 0);
}

TEST_CASE("a task out of its time or of disk is put back", "[launch][task]") {
  const WorkerOutcome end =
      GENERATE(WorkerOutcome::kTimedOut, WorkerOutcome::kDiskFull);
  TaskScene scene;
  scene.pool.ends = {{"02", end}};
  CHECK(scene.Run({3}) == TaskEnd::kPutBack);
  CHECK(scene.pool.started == TaskWordsList{"0b 1", "02 1"});
  CHECK(scene.store.CountAttempts("02") == 0);
}

TEST_CASE("a task waits for an untuned run that another process is at",
          "[launch][task]") {
  TaskScene scene;
  REQUIRE(scene.store.MakeWorkFolder("0a").ok());
  const FileLock lock = scene.store.TakeLock("0a");
  REQUIRE(lock.state == FileLock::State::kTaken);
  // Asked to stop meanwhile, it is put back and has started nothing.
  scene.interrupts_from = 3;
  CHECK(scene.Run({2}) == TaskEnd::kPutBack);
  CHECK(scene.pool.started.empty());
  // Once that one is gone, it executes the untuned run itself.
  scene.interrupts_from = -1;
  scene.held = lock.fd;
  scene.frees_at = scene.asked + 10;
  CHECK(scene.Run({2}) == TaskEnd::kDone);
  CHECK(scene.asked > scene.frees_at);
  CHECK(scene.pool.started == TaskWordsList{"0a 1", "01 1"});
}

TEST_CASE("a task's own run is executed though another process is at it",
          "[launch][task]") {
  TaskScene scene;
  REQUIRE(scene.store.MakeWorkFolder("01").ok());
  REQUIRE(scene.store.MakeWorkFolder("0b").ok());
  const FileLock tuned = scene.store.TakeLock("01");
  const FileLock untuned = scene.store.TakeLock("0b");
  CHECK(scene.Run({2}) == TaskEnd::kDone);
  CHECK(scene.Run({1}) == TaskEnd::kDone);
  close(tuned.fd);
  close(untuned.fd);
}

}  // namespace
}  // namespace sft::launch::task_test
