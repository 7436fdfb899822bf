// The launcher over a pool that does what a test wrote down: attempts, deaths,
// interrupts, and what stands in the sweep's folder afterwards.
#include "harness/launch/launcher.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "harness/core/files.h"
#include "harness/record/run_store.h"
#include "tests/harness/launch/made_up_plan.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"

namespace sft::launch::launcher_test {
namespace {

// What a worker does with one attempt.
struct Act {
  std::optional<RunStatus> publishes;  // the record's status
  int exit_status = 0;
  int signal = 0;
  std::optional<bool> for_memory = {};
  std::string last_words = {};  // its phase before it ends
};
const Act kGood{RunStatus::kOk, 0, 0};
const Act kBad{RunStatus::kFailed, 1, 0};
const Act kStopped{std::nullopt, 130, 0};
constexpr int kOutOfTime = static_cast<int>(WorkerOutcome::kTimedOut);
constexpr int kFullDisk = static_cast<int>(WorkerOutcome::kDiskFull);
Act KilledBy(int signal, std::optional<bool> for_memory = {}) {
  return {std::nullopt, 0, signal, for_memory};
}
Act ExitsWith(int status) { return {std::nullopt, status, 0}; }

// Runs end in the order of their start, one a Wait(). Attempts that no act is
// written for are good.
class ScriptedPool final : public WorkerPool {
 public:
  explicit ScriptedPool(const record::RunStore& store, int slots = 1)
      : store_(store), slots_(slots) {}

  int slots() const override { return slots_; }
  absl::Status Start(const std::string& run_id, int attempt) override {
    if (held.count(run_id) != 0) {
      return absl::AlreadyExistsError("another process is at it, on node7");
    }
    started.push_back(absl::StrCat(run_id, " ", attempt));
    running_.push_back({run_id, attempt});
    most = std::max(most, running_.size());
    return absl::OkStatus();
  }
  PoolNews Wait() override {
    PoolNews news;
    if (before_end) before_end();
    if (running_.empty()) return news;
    const auto [run_id, attempt] = running_.front();
    running_.erase(running_.begin());
    std::vector<Act>& script = acts[run_id];
    Act act = kGood;
    if (!script.empty()) {
      act = script.front();
      script.erase(script.begin());
    }
    if (act.publishes) {
      record::RunRecord record;
      record.run_id = run_id;
      record.status = *act.publishes;
      if (record.status == RunStatus::kFailed)
        record.status_message = "no luck";
      REQUIRE(store_.Publish(record, attempt).ok());
    }
    EndedRun ended;
    ended.run_id = run_id;
    ended.signal = act.signal;
    ended.for_memory = act.for_memory;
    ended.exit_status = act.exit_status;
    if (act.signal == 0) ended.outcome = OutcomeOf(act.exit_status);
    if (!act.last_words.empty()) {
      news.progress[run_id] = {.phase = act.last_words};
    }
    news.ended.push_back(ended);
    return news;
  }
  void Stop(bool at_once) override { stops.push_back(at_once); }
  size_t running() const { return running_.size(); }

  std::map<std::string, std::vector<Act>> acts;
  std::function<void()> before_end;
  std::vector<std::string> started;  // "<run_id> <attempt>"
  size_t most = 0;                   // at a time
  std::set<std::string> held;        // by other launchers' workers
  std::vector<bool> stops;

 private:
  const record::RunStore& store_;
  int slots_;
  std::vector<std::pair<std::string, int>> running_;
};

struct Scene {
  explicit Scene(const std::vector<std::string>& tuned, int slots = 1)
      : plan(MadeUpPlan(tuned)),
        store(record::RunPaths{dir.path().string()}),
        pool(store, slots) {
    options.paths = store.paths();
  }
  absl::StatusOr<LaunchSummary> Run() {
    return RunSweepOn(pool, plan, options, [this] { return interrupts; });
  }
  LaunchSummary Summary() {
    const auto summary = Run();
    INFO(summary.status().ToString());
    REQUIRE(summary.ok());
    return *summary;
  }

  support::TempDir dir;
  spec::RunPlan plan;
  record::RunStore store;
  ScriptedPool pool;
  LaunchOptions options;
  int interrupts = 0;
};

using Words = std::vector<std::string>;

TEST_CASE("a sweep starts each run once and as many as the pool takes",
          "[launch][launcher]") {
  Scene scene({"a", "b", "c"}, /*slots=*/2);
  const LaunchSummary summary = scene.Summary();
  CHECK(scene.pool.started == Words{"base 1", "a 1", "b 1", "c 1"});
  CHECK(scene.pool.most == 2);
  CHECK(summary.finished == 4);
  CHECK(summary.skipped == 0);
  CHECK_FALSE(summary.interrupted);
  // The same command again finds all of it.
  const LaunchSummary again = scene.Summary();
  CHECK(again.skipped == 4);
  CHECK(again.finished == 0);
  CHECK(scene.pool.started.size() == 4);
}

TEST_CASE("a diverged run is final", "[launch][launcher]") {
  Scene scene({"a"});
  scene.pool.acts["a"] = {Act{RunStatus::kDiverged, 0, 0}};
  CHECK(scene.Summary().diverged == 1);
  CHECK(scene.store.CountAttempts("a") == 0);
  CHECK(scene.Summary().skipped == 2);
}

TEST_CASE("a failed attempt is repeated, and its record stays",
          "[launch][launcher][attempts]") {
  Scene scene({"a", "b"});
  scene.pool.acts["a"] = {kBad, kGood};
  const LaunchSummary summary = scene.Summary();
  CHECK(scene.pool.started == Words{"base 1", "a 1", "b 1", "a 2"});
  CHECK(summary.finished == 3);
  CHECK(summary.failed == 0);
  CHECK(scene.store.IsFinal("a"));
  CHECK(scene.store.CountAttempts("a") == 1);
  const auto attempt = scene.store.ReadLastAttempt("a");
  REQUIRE(attempt.ok());
  CHECK(attempt->status_message == "no luck");
}

TEST_CASE("--max_attempts bounds the tries over all calls",
          "[launch][launcher][attempts]") {
  Scene scene({"a", "b"});
  scene.options.max_attempts = 2;
  scene.pool.acts["a"] = {kBad, kBad, kBad};
  const LaunchSummary summary = scene.Summary();
  CHECK(summary.failed == 1);
  CHECK(summary.finished == 2);
  CHECK(scene.store.CountAttempts("a") == 2);
  // No attempt is left ...
  scene.pool.started.clear();
  const LaunchSummary again = scene.Summary();
  CHECK(again.failed == 1);
  CHECK(again.skipped == 2);
  CHECK(scene.pool.started.empty());
  // ... until more are allowed.
  scene.options.max_attempts = 4;
  const LaunchSummary more = scene.Summary();
  CHECK(scene.pool.started == Words{"a 3", "a 4"});
  CHECK(more.finished == 1);
  CHECK(more.failed == 0);
}

TEST_CASE("a worker that dies leaves a record of how",
          "[launch][launcher][attempts]") {
  struct Death {
    Act act;
    RunStatus status;
    std::string message;
  };
  const Death death = GENERATE(
      Death{KilledBy(SIGKILL, true), RunStatus::kOutOfMemory,
            "killed by signal 9 (Killed): memory ran out"},
      Death{KilledBy(SIGKILL, false), RunStatus::kFailed,
            "killed by signal 9 (Killed): by a person or a batch system, not "
            "for memory"},
      Death{KilledBy(SIGKILL), RunStatus::kFailed,
            "killed by signal 9 (Killed): by a person or for want of memory, "
            "which this system does not tell"},
      Death{ExitsWith(12), RunStatus::kOutOfMemory,
            "no memory was left to allocate"},
      Death{KilledBy(SIGSEGV), RunStatus::kFailed,
            "killed by signal 11 (Segmentation fault)"},
      Death{ExitsWith(2), RunStatus::kFailed, "ended with exit status 2"},
      // Nobody asked it to stop, and no record stands.
      Death{kStopped, RunStatus::kFailed, "ended with exit status 130"},
      Death{ExitsWith(0), RunStatus::kFailed, "ended with exit status 0"});
  CAPTURE(death.message);
  Scene scene({"a"});
  scene.pool.acts["a"] = {death.act, kGood};
  const LaunchSummary summary = scene.Summary();
  CHECK(summary.finished == 2);
  CHECK(scene.pool.started == Words{"base 1", "a 1", "a 2"});
  REQUIRE(scene.store.CountAttempts("a") == 1);
  const auto attempt = scene.store.ReadLastAttempt("a");
  REQUIRE(attempt.ok());
  CHECK(attempt->run_id == "a");
  CHECK(attempt->status == death.status);
  CHECK(attempt->status_message == death.message);
  CHECK(attempt->axes == scene.plan.runs[1].axes);
}

TEST_CASE("a worker that dies after it published has finished",
          "[launch][launcher]") {
  Scene scene({"a"});
  scene.pool.acts["a"] = {Act{RunStatus::kOk, 0, SIGKILL}};
  // It had no time to clear what it saved; nor had a launcher that went with
  // it.
  const std::string saved = scene.store.paths().Checkpoint("a", "host-1-1");
  for (int call = 0; call < 2; ++call) {
    REQUIRE(MakeFolders(saved).ok());
    CHECK(scene.Summary().finished == (call == 0 ? 2 : 0));
    CHECK_FALSE(FileExists(saved));
  }
  CHECK(scene.store.CountAttempts("a") == 0);
}

TEST_CASE("an interrupt lets workers save, starts nothing and fails nothing",
          "[launch][launcher][interrupt]") {
  Scene scene({"a", "b", "c"}, /*slots=*/2);
  scene.pool.acts["b"] = {KilledBy(SIGKILL)};
  // It comes while "a" and "b" are at work, and is seen once "a" has ended.
  scene.pool.before_end = [&scene] {
    if (scene.pool.started.size() == 3) scene.interrupts = 1;
  };
  const LaunchSummary summary = scene.Summary();
  CHECK(summary.interrupted);
  CHECK(summary.finished == 2);
  CHECK(summary.failed == 0);
  CHECK(scene.pool.started == Words{"base 1", "a 1", "b 1"});
  CHECK(scene.pool.stops == std::vector<bool>{false});
  CHECK(scene.store.CountAttempts("b") == 0);
  // The same command continues.
  scene.interrupts = 0;
  scene.pool.before_end = nullptr;
  const LaunchSummary again = scene.Summary();
  CHECK_FALSE(again.interrupted);
  CHECK(again.skipped == 2);
  CHECK(again.finished == 2);
}

TEST_CASE("a second interrupt does not wait for the workers",
          "[launch][launcher][interrupt]") {
  Scene scene({"a", "b"}, /*slots=*/2);
  scene.pool.acts["b"] = {kStopped};
  scene.pool.before_end = [&scene] {
    if (scene.pool.started.size() == 3) ++scene.interrupts;
  };
  // Seen once "a" has ended, and again once "b" has.
  const LaunchSummary summary = scene.Summary();
  CHECK(summary.interrupted);
  CHECK(scene.pool.stops == std::vector<bool>{false, true});
}

TEST_CASE("a run out of its time is no failure, and is left to the next call",
          "[launch][launcher][attempts]") {
  Scene scene({"a", "b"});
  scene.options.max_attempts = 1;
  const Act out_of_time{RunStatus::kTimeout, kOutOfTime, 0};
  scene.pool.acts["a"] = {out_of_time, out_of_time, out_of_time, kGood};
  for (int call = 1; call <= 3; ++call) {
    scene.pool.started.clear();
    const LaunchSummary summary = scene.Summary();
    CHECK(summary.timed_out == 1);
    CHECK(summary.failed == 0);
    CHECK(std::count(scene.pool.started.begin(), scene.pool.started.end(),
                     absl::StrCat("a ", call)) == 1);
    CHECK(scene.store.CountAttempts("a") == call);
  }
  // As often as it takes, whatever --max-attempts says.
  const LaunchSummary last = scene.Summary();
  CHECK(last.finished == 1);
  CHECK(last.timed_out == 0);
  CHECK(scene.store.IsFinal("a"));
}

TEST_CASE("a full disk stops the sweep and costs no attempt",
          "[launch][launcher][disk]") {
  Scene scene({"a", "b", "c"}, /*slots=*/2);
  scene.options.max_attempts = 1;
  scene.pool.acts["a"] = {Act{
      std::nullopt, kFullDisk, 0, {}, "disk full: out/x: it needs 3.0 MiB"}};
  scene.pool.acts["b"] = {kStopped};
  const LaunchSummary summary = scene.Summary();
  CHECK(summary.disk_full);
  CHECK_FALSE(summary.interrupted);
  CHECK(summary.finished == 1);
  CHECK(summary.failed == 0);
  CHECK(scene.pool.started == Words{"base 1", "a 1", "b 1"});
  CHECK(scene.pool.stops == std::vector<bool>{false});
  CHECK(scene.store.CountAttempts("a") == 0);
  CHECK(scene.store.CountAttempts("b") == 0);
  // Freed, and the same command.
  const LaunchSummary again = scene.Summary();
  CHECK_FALSE(again.disk_full);
  CHECK(again.finished == 3);
  CHECK(again.skipped == 1);
}

TEST_CASE("a run that another launcher's worker is at is left to it",
          "[launch][launcher][two]") {
  Scene scene({"a", "b"});
  scene.pool.held = {"a"};
  // It ends there once "b" has ended here.
  int waits = 0;
  scene.pool.before_end = [&] {
    if (scene.pool.started.size() < 2 || ++waits < 2) return;
    record::RunRecord record;
    record.run_id = "a";
    record.status = RunStatus::kOk;
    if (!scene.store.IsFinal("a")) REQUIRE(scene.store.Publish(record, 1).ok());
    usleep(10000);
  };
  const LaunchSummary summary = scene.Summary();
  CHECK(scene.pool.started == Words{"base 1", "b 1"});
  CHECK(summary.finished == 2);
  CHECK(summary.skipped == 1);
  CHECK(summary.failed == 0);
}

TEST_CASE("a run whose other worker is gone is done here",
          "[launch][launcher][two]") {
  Scene scene({"a"});
  scene.pool.held = {"a"};
  int waits = 0;
  scene.pool.before_end = [&] {
    if (scene.pool.started.size() < 1 || ++waits < 2) return;
    scene.pool.held.clear();  // no lock is on it, and no record stands
    usleep(10000);
  };
  const LaunchSummary summary = scene.Summary();
  CHECK(scene.pool.started == Words{"base 1", "a 1"});
  CHECK(summary.finished == 2);
}

TEST_CASE("with --jobs auto, runs go as memory takes them",
          "[launch][launcher][admission]") {
  constexpr int64_t kGiB = int64_t{1} << 30;
  Scene scene({"a", "b", "huge", "c"}, /*slots=*/16);
  scene.options.machine = [] {
    return measure::MachineFacts{16, 64 * kGiB, 64 * kGiB};
  };
  scene.options.needs_of = [](const spec::RunConfig& config) {
    // The seed stands for the run.
    return absl::StatusOr<RunNeeds>(
        RunNeeds{1, (config.seed == 7 ? 100 : 25) * kGiB});
  };
  scene.plan.runs[3].config.seed = 7;
  const LaunchSummary summary = scene.Summary();
  CHECK(scene.pool.most == 2);
  CHECK(summary.failed == 1);
  CHECK(summary.finished == 4);
  CHECK_FALSE(scene.store.IsFinal("huge"));
  CHECK(scene.store.CountAttempts("huge") == 0);
  CHECK(scene.pool.started == Words{"base 1", "a 1", "b 1", "c 1"});
}

TEST_CASE("what ran out of memory is tried again alone",
          "[launch][launcher][admission]") {
  Scene scene({"a", "b", "c"}, /*slots=*/16);
  scene.options.machine = [] {
    return measure::MachineFacts{16, int64_t{1} << 36, int64_t{1} << 36};
  };
  scene.options.needs_of = [](const spec::RunConfig&) {
    return absl::StatusOr<RunNeeds>(RunNeeds{1, 1 << 20});
  };
  scene.pool.acts["a"] = {KilledBy(SIGKILL, true)};
  size_t beside = 0;
  scene.pool.before_end = [&] {
    if (scene.pool.started.back() == "a 2") beside = scene.pool.running();
  };
  CHECK(scene.Summary().finished == 4);
  CHECK(beside == 1);
}

TEST_CASE("a damaged final record stops the sweep and stays",
          "[launch][launcher]") {
  Scene scene({"a"});
  REQUIRE(scene.store.Open().ok());
  const std::string path = scene.store.paths().Record("a");
  REQUIRE(WriteFileAtomically(path, "not HDF5").ok());
  const auto summary = scene.Run();
  REQUIRE_FALSE(summary.ok());
  CHECK(std::string(summary.status().message()) ==
        path + ": is damaged; move it away to run it again");
  CHECK(scene.pool.started.empty());
  CHECK(*ReadFile(path) == "not HDF5");
}

TEST_CASE("an unknown pool is refused with the names there are",
          "[launch][pool]") {
  Scene scene({"a"});
  scene.options.pool = "cloud";
  const absl::Status status = RunSweep(scene.plan, scene.options).status();
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK(std::string(status.message()).find("'cloud': wanted one of local") !=
        std::string::npos);
  for (const WorkerPoolRow& row : WorkerPools()) {
    INFO(row.name);
    CHECK_FALSE(row.summary.empty());
    const auto pool = row.make(scene.options);
    REQUIRE(pool.ok());
    CHECK((*pool)->slots() >= 1);
  }
}

}  // namespace
}  // namespace sft::launch::launcher_test
