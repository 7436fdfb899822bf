// Which checkpoint a run goes on from, where several executions left theirs;
// and what is kept of a run that was stopped before it had one.
#include "harness/launch/run_checkpoint.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "harness/core/file_lock.h"
#include "harness/core/files.h"
#include "harness/core/process_place.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"

namespace sft::launch::run_checkpoint_test {
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
  return absl::StrCat(ProcessPlace(), "-", pid, "-1");
}

struct Executions {
  support::TempDir dir;
  record::RunPaths paths{dir.path().string()};
  int saved = 0;
  std::string said;  // by the last TakeUp()

  // One with this many steps, a second later than the one before.
  std::string Save(const std::string& execution, int64_t steps) {
    train::Checkpoint checkpoint;
    checkpoint.run_id = kRun;
    checkpoint.steps_in_round = steps;
    const std::string folder = paths.Checkpoint(kRun, execution);
    REQUIRE(MakeFolders(fs::path(folder).parent_path().string()).ok());
    record::RunRecord record;
    record.run_id = kRun;
    const Pieces pieces;
    REQUIRE(
        train::WriteCheckpoint(checkpoint, folder, AddRecord(record, pieces))
            .ok());
    fs::last_write_time(
        folder + "/state.json",
        fs::file_time_type::clock::now() + std::chrono::seconds(++saved - 100));
    return folder;
  }
  // Steps of the one that is taken up; -1 = none.
  int64_t TakeUp() {
    said.clear();
    const auto run =
        TakeUpSavedRun(paths, kRun, record::RunRecord(),
                       [this](const std::string& line) { said += line; });
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
  CHECK(executions.said.rfind("not continuing from it: " + newer, 0) == 0);
}

TEST_CASE("what a dead process of this place left is moved, not kept twice",
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

TEST_CASE("a container of this host's name keeps its checkpoint",
          "[launch][run_checkpoint]") {
  Executions executions;
  // Its numbers are not those of the processes here.
  const std::string others = executions.Save(
      absl::StrCat(HostName(), "+0123456789ab-", GonePid(), "-1"), 4);
  const std::string older =
      executions.Save(absl::StrCat(HostName(), "-", GonePid(), "-1"), 5);
  CHECK(executions.TakeUp() == 5);
  CHECK(FileExists(others));
  CHECK(FileExists(older));
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

TEST_CASE("what a kill left aside is found again", "[launch][run_checkpoint]") {
  Executions executions;
  // Of a process that is gone it comes back to its place, and is taken up.
  const std::string gone = executions.Save(ExecutionOf(GonePid()), 4);
  fs::rename(gone, AsideOf(gone));
  CHECK(executions.TakeUp() == 4);
  CHECK_FALSE(FileExists(AsideOf(gone)));
  CHECK(FileExists(executions.paths.Checkpoint(kRun, OwnExecution())));
  // Of another host's, which may live, it is read where it is.
  const std::string others = executions.Save("elsewhere-7-1", 6);
  fs::rename(others, AsideOf(others));
  CHECK(executions.TakeUp() == 6);
  CHECK(FileExists(AsideOf(others)));
}

TEST_CASE("what was measured is no execution, and goes with the checkpoints",
          "[launch][run_checkpoint]") {
  Executions executions;
  record::RunRecord record;
  record.run_id = kRun;
  REQUIRE(KeepMeasured(record, Pieces(), executions.paths).ok());
  const std::string measured = executions.paths.Measured(kRun);
  CHECK(FileExists(measured));
  CHECK(executions.TakeUp() == -1);
  CHECK(FileExists(measured));
  RemoveCheckpoints(executions.paths, kRun);
  CHECK_FALSE(FileExists(measured));
}

record::RunRecord HalfMeasured() {
  record::RunRecord record;
  record.run_id = "0af";
  record.texts["model_sha256"] = "aa11";
  EvalRecord eval;
  eval.task = "birds";
  eval.split = "test";
  MetricRecord metric;
  metric.name = "accuracy";
  metric.value = 0.25;
  metric.unit = "fraction";
  eval.metrics = {metric};
  record.evals = {eval};
  return record;
}

TEST_CASE("evaluations and pieces come back bit for bit",
          "[launch][checkpoint]") {
  const support::TempDir dir;
  const record::RunPaths paths{dir.path().string()};
  const record::RunRecord record = HalfMeasured();
  const auto none = ReadMeasured(paths, record);
  REQUIRE(none.ok());
  CHECK(none->evals.empty());
  CHECK(none->pieces.done.empty());

  Pieces pieces;
  pieces.of = "birds/validation/0";
  pieces.done = {{1.0 / 3, -INFINITY}, {}, {5e-324, NAN, 7}};
  REQUIRE(KeepMeasured(record, pieces, paths).ok());
  auto kept = ReadMeasured(paths, record);
  REQUIRE(kept.ok());
  REQUIRE(kept->evals.size() == 1);
  CHECK(kept->evals[0].task == "birds");
  CHECK(kept->evals[0].metrics[0].value == 0.25);
  CHECK(kept->pieces.of == pieces.of);
  REQUIRE(kept->pieces.done.size() == 3);
  CHECK(kept->pieces.done[0] == pieces.done[0]);
  CHECK(kept->pieces.done[1].empty());
  CHECK(kept->pieces.done[2][0] == 5e-324);
  CHECK(std::isnan(kept->pieces.done[2][1]));

  // A later stop replaces them, also with none.
  REQUIRE(KeepMeasured(record, Pieces(), paths).ok());
  kept = ReadMeasured(paths, record);
  REQUIRE(kept.ok());
  CHECK(kept->evals.size() == 1);
  CHECK(kept->pieces.done.empty());
}

TEST_CASE("what is damaged counts for nothing, what is another's is an error",
          "[launch][checkpoint]") {
  const support::TempDir dir;
  const record::RunPaths paths{dir.path().string()};
  record::RunRecord record = HalfMeasured();
  Pieces pieces;
  pieces.of = "birds/validation/0";
  pieces.done = {{1, 2}, {3}};
  REQUIRE(KeepMeasured(record, pieces, paths).ok());
  const std::string folder = paths.Measured(record.run_id);
  REQUIRE(WriteFileAtomically(folder + "/pieces.safetensors", "not this").ok());
  auto kept = ReadMeasured(paths, record);
  REQUIRE(kept.ok());
  CHECK(kept->evals.size() == 1);
  CHECK(kept->pieces.done.empty());
  record.texts["model_sha256"] = "bb22";
  CHECK(ReadMeasured(paths, record).status().code() ==
        absl::StatusCode::kInvalidArgument);
  REQUIRE(WriteFileAtomically(folder + "/record.h5", "nor this").ok());
  kept = ReadMeasured(paths, record);
  REQUIRE(kept.ok());
  CHECK(kept->evals.empty());
}

}  // namespace
}  // namespace sft::launch::run_checkpoint_test
