// Sweeps that people and batch systems ask to end: they save, within seconds,
// whatever they are at, and a second Ctrl-C does not wait for it.
#include <signal.h>

#include <chrono>
#include <functional>
#include <thread>

#include "harness/record/run_progress.h"
#include "harness/record/run_store.h"
#include "tests/experiments/hard_places.h"

namespace sft::experiments::asked_to_stop_test {
namespace {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Whether it came true in time.
bool Comes(const std::function<bool()>& condition,
           Clock::duration most = seconds(60)) {
  const auto end = Clock::now() + most;
  while (!condition()) {
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

// A run in this folder that says that it is at `phase`; "" = none.
std::string RunAt(const std::string& out, const std::string& phase) {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(out + "/work", none)) {
    const auto noted =
        record::ReadProgressFile((entry.path() / "progress").string());
    if (noted && noted->progress.phase == phase) {
      return entry.path().filename().string();
    }
  }
  return "";
}

TEST_CASE("signals of people and of batch systems end a sweep that saves",
          "[experiments][interrupt][slow]") {
  const HardPlace place;
  for (const int number : {SIGTERM, SIGINT, SIGUSR1}) {
    INFO(number);
    const std::string out = "signal" + std::to_string(number);
    for (int call = 0; call < 3; ++call) {
      support::RunningProgram sweep(place.Command(out));
      // Sooner than the handlers are there, a signal just ends it.
      std::this_thread::sleep_for(std::chrono::milliseconds(1200 + 400 * call));
      const auto start = std::chrono::steady_clock::now();
      const bool ended = sweep.Ended();
      sweep.Kill(number);
      const int status = sweep.Wait();
      CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
      if (!ended) {
        INFO("exit status " << status);
        CHECK((status == 130 || status == 0 || status == 128 + number));
      }
    }
    const support::Finished done = support::RunProgram(place.Command(out));
    INFO(done.error);
    CHECK(done.exit_status == 0);
    place.CheckWhole(out);
  }
}

// Evaluates for minutes, and reads a model of some size.
struct LongRun {
  LongRun() {
    support::RequireAssets("models/smollm2-135m-instruct");
    std::ofstream(path("spec.yaml"))
        << "question: does a long one end when it is asked to?\n"
           "model: smollm2-135m-instruct\n"
           "train: [bbc_headlines]\n"
           "evaluate: {tasks: [bbc_headlines], retain: [wiki_demo]}\n"
           "budget: {steps: 1}\n"
           "set: {test_limit: 4000, validation_limit: 4000, threads: 1,\n"
           "      heldout_tokens: 20000}\n"
           "grid: {method: [lora], seed: [0]}\n";
  }
  std::string path(const std::string& name) const {
    return (dir.path() / name).string();
  }
  Words Command(const std::string& out) const {
    return {SFTBENCH_BINARY, "run", path("spec.yaml"), "--out", path(out)};
  }
  support::TempDir dir;
};

TEST_CASE("asked while it loads or evaluates, a sweep ends within seconds",
          "[experiments][interrupt][slow]") {
  const LongRun run;
  int folder = 0;
  for (const std::string phase : {"load", "evaluate"}) {
    for (const int number : {SIGTERM, SIGINT, SIGUSR1}) {
      INFO(phase << ", signal " << number);
      const std::string out = "out" + std::to_string(++folder);
      support::RunningProgram sweep(run.Command(out));
      REQUIRE(Comes([&] { return !RunAt(run.path(out), phase).empty(); }));
      // Into the midst of it.
      std::this_thread::sleep_for(milliseconds(phase == "load" ? 20 : 1500));
      const record::RunPaths paths{run.path(out)};
      const auto start = Clock::now();
      sweep.Kill(number);
      CHECK(sweep.Wait() == 130);
      CHECK(Clock::now() - start < seconds(5));
      CHECK(fs::is_empty(paths.Runs()));
    }
  }
}

TEST_CASE("the first Ctrl-C waits for the workers to save, the second does not",
          "[experiments][interrupt]") {
  const HardPlace place;
  const record::RunStore store(record::RunPaths{place.path("twice")});
  support::RunningProgram sweep(place.Command("twice"));
  REQUIRE(Comes([&] { return !sweep.Children().empty(); }));
  const pid_t worker = sweep.Children()[0];
  std::string id;
  REQUIRE(Comes([&] {
    for (const char* phase : {"load", "evaluate", "train"}) {
      if (id.empty()) id = RunAt(store.paths().out, phase);
    }
    return !id.empty();
  }));
  // A worker that cannot save: it stands still.
  REQUIRE(kill(worker, SIGSTOP) == 0);
  sweep.Kill(SIGINT);
  CHECK_FALSE(Comes([&] { return sweep.Ended(); }, milliseconds(1500)));
  const auto start = Clock::now();
  sweep.Kill(SIGINT);
  CHECK(sweep.Wait() == 130);
  CHECK(Clock::now() - start < seconds(2));
  // It left no process, no lock and no attempt.
  CHECK(kill(worker, 0) != 0);
  CHECK_FALSE(store.IsLocked(id));
  CHECK(store.CountAttempts(id) == 0);
  const support::Finished done = support::RunProgram(place.Command("twice"));
  INFO(done.error);
  CHECK(done.exit_status == 0);
  place.CheckWhole("twice");
}

TEST_CASE("process 1 of a container obeys as any other",
          "[experiments][interrupt][container]") {
  const Words inside = InNamespaces({"--pid", "--fork", "--kill-child"});
  const HardPlace place;
  for (const int number : {SIGTERM, SIGINT}) {
    INFO(number);
    const std::string out = "boxed" + std::to_string(number);
    support::RunningProgram box(Joined(inside, place.Command(out)));
    REQUIRE(Comes([&] { return !RunAt(place.path(out), "train").empty(); }));
    const std::vector<pid_t> first = box.Children();
    REQUIRE(first.size() == 1);
    const auto start = Clock::now();
    REQUIRE(kill(first[0], number) == 0);
    const int status = box.Wait();
    CHECK((status == 130 || status == 0));  // 0: it was done by then
    CHECK(Clock::now() - start < seconds(5));
    const support::Finished done =
        support::RunProgram(Joined(inside, place.Command(out)));
    INFO(done.error);
    CHECK(done.exit_status == 0);
    place.CheckWhole(out);
  }
}

}  // namespace
}  // namespace sft::experiments::asked_to_stop_test
