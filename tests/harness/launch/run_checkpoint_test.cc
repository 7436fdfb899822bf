// Which checkpoint a run goes on from, where several executions left theirs.
#include "harness/launch/run_checkpoint.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "harness/core/files.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"

namespace sft::launch {
namespace {
namespace fs = std::filesystem;

constexpr char kRun[] = "0123456789abcdef";

// The number of a process that is no more.
pid_t GonePid() {
  const pid_t pid = fork();
  if (pid == 0) _exit(0);
  waitpid(pid, nullptr, 0);
  return pid;
}

std::string ExecutionOf(pid_t pid) {
  char host[256] = "host";
  gethostname(host, sizeof(host) - 1);
  return absl::StrCat(host, "-", pid, "-1");
}

struct Executions {
  support::TempDir dir;
  record::RunPaths paths{dir.path().string()};
  int saved = 0;

  // One with this many steps, a second later than the one before.
  std::string Save(const std::string& execution, int64_t steps) {
    train::Checkpoint checkpoint;
    checkpoint.run_id = kRun;
    checkpoint.steps_in_round = steps;
    const std::string folder = paths.Checkpoint(kRun, execution);
    REQUIRE(MakeFolders(fs::path(folder).parent_path().string()).ok());
    record::RunRecord record;
    record.run_id = kRun;
    REQUIRE(train::WriteCheckpoint(checkpoint, folder, AddRecord(record)).ok());
    fs::last_write_time(
        folder + "/state.json",
        fs::file_time_type::clock::now() + std::chrono::seconds(++saved - 100));
    return folder;
  }
  // Steps of the one that is taken up; -1 = none.
  int64_t TakeUp() const {
    const auto run = TakeUpSavedRun(paths, kRun, record::RunRecord());
    INFO(run.status().ToString());
    REQUIRE(run.ok());
    return run->has_value() ? (*run)->checkpoint.steps_in_round : -1;
  }
};

TEST_CASE("the newest whole checkpoint is taken up",
          "[launch][run_checkpoint]") {
  Executions executions;
  CHECK(executions.TakeUp() == -1);
  const std::string older = executions.Save("elsewhere-7-1", 3);
  const std::string newer = executions.Save("elsewhere-8-1", 5);
  CHECK(executions.TakeUp() == 5);
  // Whether a process of another host lives is not to be known: it keeps its
  // own.
  CHECK(FileExists(older));
  CHECK(FileExists(newer));
  std::ofstream(newer + "/state.json", std::ios::app) << "x";
  CHECK(executions.TakeUp() == 3);
}

TEST_CASE("what a dead process of this host left is moved, not kept twice",
          "[launch][run_checkpoint]") {
  Executions executions;
  const std::string older = executions.Save(ExecutionOf(GonePid()), 3);
  const std::string newer =
      executions.Save(absl::StrCat(ExecutionOf(GonePid()), "0"), 5);
  CHECK(executions.TakeUp() == 5);
  CHECK_FALSE(FileExists(older));
  CHECK_FALSE(FileExists(newer));
  const std::string own = executions.paths.Checkpoint(kRun, OwnExecution());
  CHECK(FileExists(own));
  CHECK(executions.TakeUp() == 5);
}

TEST_CASE("a process that lives keeps its checkpoint",
          "[launch][run_checkpoint]") {
  Executions executions;
  const std::string others = executions.Save(ExecutionOf(getppid()), 4);
  CHECK(executions.TakeUp() == 4);
  CHECK(FileExists(others));
}

TEST_CASE("a checkpoint of older versions is taken up",
          "[launch][run_checkpoint]") {
  Executions executions;
  const std::string folder = executions.Save("elsewhere-7-1", 2);
  const std::string old = executions.paths.Work(kRun) + "/checkpoint";
  fs::rename(folder, old);
  CHECK(executions.TakeUp() == 2);
  CHECK_FALSE(FileExists(old));
}

TEST_CASE("once a record stands no checkpoint is left, and the log is",
          "[launch][run_checkpoint]") {
  Executions executions;
  executions.Save("elsewhere-7-1", 2);
  executions.Save(OwnExecution(), 3);
  std::ofstream(executions.paths.Log(kRun)) << "said\n";
  RemoveCheckpoints(executions.paths, kRun);
  size_t left = 0;
  for (const auto& entry :
       fs::directory_iterator(executions.paths.Work(kRun))) {
    CHECK(entry.path().filename() == "log.txt");
    ++left;
  }
  CHECK(left == 1);
}

}  // namespace
}  // namespace sft::launch
