// The process pool, with shell scripts for workers.
#include "harness/launch/local_pool.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "harness/core/files.h"
#include "harness/record/run_store.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"

namespace sft::launch::local_pool_test {
namespace {
namespace fs = std::filesystem;

// A pool whose worker is this script; "$3" is --run-id=ID.
struct Workers {
  explicit Workers(const std::string& script) {
    const std::string path = (dir.path() / "worker.sh").string();
    std::ofstream(path) << "#!/bin/sh\n" << script;
    fs::permissions(path, fs::perms::owner_all);
    options.executable = path;
    options.paths.out = (dir.path() / "out").string();
    options.jobs = 2;
    options.manifest = "m.jsonl";
    options.manifest_index = {{"one", 7}};
    auto made = MakeLocalPool(options);
    REQUIRE(made.ok());
    pool = *std::move(made);
  }
  // What was heard until this many workers ended, for at most a minute.
  PoolNews WaitFor(size_t ends) {
    PoolNews all;
    for (int tries = 0; tries < 300 && all.ended.size() < ends; ++tries) {
      PoolNews news = pool->Wait();
      for (auto& [id, progress] : news.progress) all.progress[id] = progress;
      for (std::string& notice : news.notices) all.notices.push_back(notice);
      for (EndedRun& ended : news.ended) all.ended.push_back(ended);
    }
    REQUIRE(all.ended.size() == ends);
    return all;
  }

  support::TempDir dir;
  PoolOptions options;
  std::unique_ptr<WorkerPool> pool;
};

TEST_CASE("a worker's exit status and signal say how its run ended",
          "[launch][pool]") {
  Workers workers(
      "case $3 in\n"
      "--run-id=good) exit 0;;\n"
      "--run-id=bad) exit 1;;\n"
      "--run-id=full) printf 'disk full: 3 MiB of /d\\t0\\t0\\t0\\t0\\t0\\n'"
      " >&3; exit 28;;\n"
      "--run-id=late) exit 124;;\n"
      "--run-id=stopped) exit 130;;\n"
      "--run-id=odd) exit 7;;\n"
      "esac\n"
      "kill -9 $$\n");
  struct Expected {
    const char* run_id;
    std::optional<WorkerOutcome> outcome;
    int exit_status, signal;
  };
  for (const Expected& want :
       {Expected{"good", WorkerOutcome::kPublished, 0, 0},
        Expected{"full", WorkerOutcome::kDiskFull, 28, 0},
        Expected{"late", WorkerOutcome::kTimedOut, 124, 0},
        Expected{"bad", WorkerOutcome::kFailed, 1, 0},
        Expected{"stopped", WorkerOutcome::kInterrupted, 130, 0},
        Expected{"odd", std::nullopt, 7, 0},
        Expected{"killed", std::nullopt, 0, SIGKILL}}) {
    INFO(want.run_id);
    REQUIRE(workers.pool->Start(want.run_id, 1).ok());
    const EndedRun ended = workers.WaitFor(1).ended[0];
    CHECK(ended.run_id == want.run_id);
    CHECK(ended.outcome == want.outcome);
    CHECK(ended.exit_status == want.exit_status);
    CHECK(ended.signal == want.signal);
    CHECK(ended.disk == (ended.exit_status == 28 ? "3 MiB of /d" : ""));
    CHECK(ended.wall_seconds >= 0);
    // Nobody's memory ran out.
    CHECK_FALSE(ended.for_memory.value_or(false));
  }
}

TEST_CASE("a worker is told its run, and is heard", "[launch][pool]") {
  Workers workers(
      "echo \"$@\"\n"
      "printf 'notice: 3 rows are cut\\t0\\t0\\t0\\t0\\t0\\n' >&3\n"
      "printf 'train\\t2\\t9\\t1.5\\t100\\t7\\n' >&3\n"
      "printf 'no progress line\\n' >&3\n");
  CHECK(workers.pool->slots() == workers.options.jobs);
  REQUIRE(workers.pool->Start("one", 3).ok());
  const PoolNews news = workers.WaitFor(1);
  CHECK(news.notices == std::vector<std::string>{"3 rows are cut"});
  REQUIRE(news.progress.count("one") == 1);
  CHECK(news.progress.at("one").phase == "train");
  CHECK(news.progress.at("one").step == 2);
  const auto log = ReadFile(workers.options.paths.Log("one"));
  REQUIRE(log.ok());
  CHECK(*log == absl::StrCat("worker --manifest=m.jsonl --run-id=one --index=7 "
                             "--progress-fd=3 --attempt=3 --out=",
                             workers.options.paths.out, "\n"));
}

TEST_CASE(
    "a worker at a run holds its lock, saves when asked, and ends with "
    "the pool",
    "[launch][pool]") {
  const std::string script =
      "trap 'exit 130' TERM\n"
      "printf 'train\\t1\\t1\\t0\\t0\\t0\\n' >&3\n"
      "while :; do sleep 0.05; done\n";
  Workers workers(script);
  const record::RunStore store(workers.options.paths);
  const auto begin = [&](const std::string& run_id) {
    REQUIRE(workers.pool->Start(run_id, 1).ok());
    // The trap is set once the worker speaks.
    for (int tries = 0; tries < 300; ++tries) {
      if (workers.pool->Wait().progress.count(run_id) != 0) return;
    }
    FAIL(run_id << " says nothing");
  };
  CHECK_FALSE(store.IsLocked("one"));
  begin("one");
  CHECK(store.IsLocked("one"));
  workers.pool->Stop(/*at_once=*/false);
  CHECK(workers.WaitFor(1).ended[0].outcome == WorkerOutcome::kInterrupted);
  begin("two");
  workers.pool->Stop(/*at_once=*/true);
  CHECK(workers.WaitFor(1).ended[0].signal == SIGKILL);
  begin("three");
  workers.pool.reset();
  // A `sleep` of a script that was killed may hold the lock a moment longer.
  for (int tries = 0; tries < 300 && store.IsLocked("three"); ++tries) {
    usleep(20000);
  }
  CHECK_FALSE(store.IsLocked("three"));
}

TEST_CASE("a run that another pool's worker is at is not started",
          "[launch][pool][two]") {
  Workers workers("exec sleep 60\n");
  REQUIRE(workers.pool->Start("one", 1).ok());
  const auto second = MakeLocalPool(workers.options);
  REQUIRE(second.ok());
  const absl::Status status = (*second)->Start("one", 1);
  CHECK(IsAtWorkElsewhere(status));
  CHECK(std::string(status.message()) ==
        absl::StrCat("another process is at it, on ", HostName()));
  CHECK((*second)->Start("two", 1).ok());
  // Where both are to go on, both do.
  workers.options.shared_runs = {"one"};
  auto third = MakeLocalPool(workers.options);
  REQUIRE(third.ok());
  CHECK((*third)->Start("one", 1).ok());
  // What ended leaves its run to others.
  workers.pool->Stop(/*at_once=*/true);
  workers.WaitFor(1);
  third->reset();
  CHECK((*second)->Start("one", 1).ok());
}

TEST_CASE("what another host left is said", "[launch][pool][two]") {
  Workers workers("exit 0\n");
  const record::RunStore store(workers.options.paths);
  REQUIRE(store.MakeWorkFolder("one").ok());
  REQUIRE(WriteFileAtomically(store.paths().Lock("one"), "node7\n").ok());
  REQUIRE(workers.pool->Start("one", 1).ok());
  CHECK(workers.WaitFor(1).notices ==
        std::vector<std::string>{"run one was at work on node7, where nothing "
                                 "is at it any more"});
  // From now on it is this one's.
  REQUIRE(workers.pool->Start("one", 2).ok());
  CHECK(workers.WaitFor(1).notices.empty());
}

TEST_CASE("of several cards each worker sees one of its own",
          "[launch][pool][gpus]") {
  Workers workers(
      "echo \"sees $CUDA_VISIBLE_DEVICES\"\n"
      "case $3 in --run-id=long) exec sleep 60;; esac\n");
  workers.options.cards = {"3", "MIG-a"};
  auto pool = MakeLocalPool(workers.options);
  REQUIRE(pool.ok());
  workers.pool = *std::move(pool);
  const auto seen = [&](const std::string& run_id) {
    const auto log = ReadFile(workers.options.paths.Log(run_id));
    return log.ok() ? *log : "";
  };
  REQUIRE(workers.pool->Start("long", 1).ok());
  REQUIRE(workers.pool->Start("short", 1).ok());
  workers.WaitFor(1);
  CHECK(seen("short") == "sees MIG-a\n");
  // The card of one that ended is free again.
  REQUIRE(workers.pool->Start("next", 1).ok());
  workers.WaitFor(1);
  CHECK(seen("next") == "sees MIG-a\n");
  CHECK(seen("long") == "sees 3\n");
}

TEST_CASE("a card is free again however its worker ended",
          "[launch][pool][gpus]") {
  // What the site has set for this process is none of a worker's.
  const char* site = getenv("CUDA_VISIBLE_DEVICES");
  const std::string before = site == nullptr ? "" : site;
  setenv("CUDA_VISIBLE_DEVICES", "GPU-8c1d,GPU-77aa", 1);
  setenv("SFT_LOCAL_POOL_TEST", "stays", 1);
  Workers workers(
      "echo \"sees $(env | grep -c ^CUDA_VISIBLE_DEVICES=)"
      " $CUDA_VISIBLE_DEVICES $SFT_LOCAL_POOL_TEST\"\n"
      "case $3 in --run-id=long) exec sleep 60;;\n"
      "--run-id=killed) kill -9 $$;; --run-id=failed) exit 1;; esac\n");
  workers.options.cards = {"GPU-8c1d", "GPU-77aa"};
  workers.options.jobs = 5;
  auto pool = MakeLocalPool(workers.options);
  REQUIRE(pool.ok());
  workers.pool = *std::move(pool);
  // As many runs at a time as there are cards.
  CHECK(workers.pool->slots() == 2);
  REQUIRE(workers.pool->Start("long", 1).ok());
  for (const char* run_id : {"killed", "failed", "done"}) {
    INFO(run_id);
    REQUIRE(workers.pool->Start(run_id, 1).ok());
    CHECK(workers.WaitFor(1).ended[0].run_id == run_id);
    const auto log = ReadFile(workers.options.paths.Log(run_id));
    REQUIRE(log.ok());
    CHECK(*log == "sees 1 GPU-77aa stays\n");
  }
  workers.options.cards.clear();
  CHECK((*MakeLocalPool(workers.options))->slots() == 5);
  unsetenv("SFT_LOCAL_POOL_TEST");
  if (site == nullptr) {
    unsetenv("CUDA_VISIBLE_DEVICES");
  } else {
    setenv("CUDA_VISIBLE_DEVICES", before.c_str(), 1);
  }
}

TEST_CASE("a worker's memory is known while it works", "[launch][pool]") {
  Workers workers("exec sleep 60\n");
  CHECK(workers.pool->ResidentBytes("one") == 0);
  REQUIRE(workers.pool->Start("one", 1).ok());
  CHECK(workers.pool->ResidentBytes("one") > 0);
  CHECK(workers.pool->ResidentBytes("two") == 0);
}

TEST_CASE("a worker is told what is not its default", "[launch][pool]") {
  PoolOptions options;
  options.paths.out = "there";
  const auto last = [&] { return WorkerWords(options, "one", 1, -1).back(); };
  CHECK(last() == "--out=there");
  options.checkpoint_every = absl::ZeroDuration();
  CHECK(last() == "--checkpoint-every=0");
  options.run_limit = absl::Minutes(90);
  CHECK(last() == "--run-limit=1h30m");
  options.keep_text = true;
  CHECK(last() == "--keep-text");
  options.keep_weights = KeepWeights::kNone;
  CHECK(last() == "--keep-weights=none");
}

TEST_CASE("a program that cannot be started is an error with its name",
          "[launch][pool]") {
  Workers workers("exit 0\n");
  workers.options.executable = (workers.dir.path() / "none").string();
  const auto pool = MakeLocalPool(workers.options);
  REQUIRE(pool.ok());
  const absl::Status status = (*pool)->Start("one", 1);
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK(std::string(status.message()).find("none: cannot be started") !=
        std::string::npos);
}

}  // namespace
}  // namespace sft::launch::local_pool_test
