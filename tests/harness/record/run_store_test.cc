#include "harness/record/run_store.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "harness/core/files.h"
#include "tests/harness/record/sample_record.h"

namespace sft::record::run_store_test {
namespace {

RunRecord RecordOf(const std::string& run_id, RunStatus status) {
  RunRecord record = SampleRecord();
  record.run_id = run_id;
  record.status = status;
  return record;
}

TEST_CASE("a record's status decides under which name it is published",
          "[record][store]") {
  const ScratchFolder folder;
  const RunStore store(RunPaths{folder.path()});
  REQUIRE(store.Open().ok());
  const auto [status, is_final] =
      GENERATE(table<RunStatus, bool>({{RunStatus::kOk, true},
                                       {RunStatus::kDiverged, true},
                                       {RunStatus::kOutOfMemory, false},
                                       {RunStatus::kTimeout, false},
                                       {RunStatus::kFailed, false}}));
  CHECK(IsFinalStatus(status) == is_final);
  CHECK_FALSE(store.IsFinal("a"));
  CHECK(store.ReadLastAttempt("a").status().code() ==
        absl::StatusCode::kNotFound);
  const auto first = store.Publish(RecordOf("a", status), 1);
  REQUIRE(first.ok());
  CHECK(*first);
  CHECK(store.IsFinal("a") == is_final);
  CHECK(store.CountAttempts("a") == (is_final ? 0 : 1));
  // The first one wins.
  const auto second = store.Publish(RecordOf("a", status), 1);
  REQUIRE(second.ok());
  CHECK_FALSE(*second);
}

TEST_CASE("attempts are counted, and the last one is read", "[record][store]") {
  const ScratchFolder folder;
  const RunStore store(RunPaths{folder.path()});
  REQUIRE(store.Open().ok());
  for (const int attempt : {1, 2, 3}) {
    RunRecord record = RecordOf("a", RunStatus::kFailed);
    record.status_message = "try " + std::to_string(attempt);
    REQUIRE(store.Publish(record, attempt).ok());
  }
  CHECK(store.CountAttempts("a") == 3);
  CHECK(store.CountAttempts("b") == 0);
  const auto last = store.ReadLastAttempt("a");
  REQUIRE(last.ok());
  CHECK(last->status_message == "try 3");
  // A final record beside them leaves them where they are.
  REQUIRE(store.Publish(RecordOf("a", RunStatus::kOk), 4).ok());
  CHECK(store.IsFinal("a"));
  CHECK(store.CountAttempts("a") == 3);
  CHECK(store.ReadFinal("a")->status == RunStatus::kOk);
}

TEST_CASE("a damaged final record is none, and an error that names it",
          "[record][store]") {
  const ScratchFolder folder;
  const RunStore store(RunPaths{folder.path()});
  REQUIRE(store.Open().ok());
  REQUIRE(store.HasFinal("a").ok());
  CHECK_FALSE(*store.HasFinal("a"));
  const std::string path = store.paths().Record("a");
  REQUIRE(WriteFileAtomically(path, "not HDF5").ok());
  CHECK_FALSE(store.IsFinal("a"));
  const absl::Status status = store.HasFinal("a").status();
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK(std::string(status.message()) ==
        path + ": is damaged; move it away to run it again");
}

TEST_CASE("a record's file name says run and attempt", "[record][store]") {
  const RunPaths paths{"out"};
  const auto name_of = [](const std::string& path) {
    return ParseRecordName(std::filesystem::path(path).stem().string());
  };
  CHECK(name_of(paths.Record("0af")).run_id == "0af");
  CHECK(name_of(paths.Record("0af")).attempt == 0);
  CHECK(name_of(paths.Attempt("0af", 12)).run_id == "0af");
  CHECK(name_of(paths.Attempt("0af", 12)).attempt == 12);
}

TEST_CASE("a store is found by a record in it", "[record][store]") {
  const auto store = RunStore::OfRecord("a/b/runs/0af.h5");
  REQUIRE(store.ok());
  CHECK(store->paths().out == "a/b");
  CHECK(RunStore::OfRecord("runs/0af.h5")->paths().out == ".");
  CHECK(RunStore::OfRecord("a/0af.h5").status().code() ==
        absl::StatusCode::kInvalidArgument);
}

TEST_CASE("a run's lock is held as long as its descriptor", "[record][store]") {
  const ScratchFolder folder;
  const RunStore store(RunPaths{folder.path()});
  CHECK_FALSE(store.IsBegun("a"));
  CHECK_FALSE(store.IsLocked("a"));
  REQUIRE(store.MakeWorkFolder("a").ok());
  CHECK(store.IsBegun("a"));
  const FileLock lock = store.TakeLock("a");
  REQUIRE(lock.state == FileLock::State::kTaken);
  CHECK(lock.host.empty());
  CHECK(store.IsLocked("a"));
  const FileLock second = store.TakeLock("a");
  CHECK(second.state == FileLock::State::kHeld);
  CHECK(second.fd == -1);
  CHECK(second.host == HostName());
  close(lock.fd);
  CHECK_FALSE(store.IsLocked("a"));
  // Who held it last is known to the next one.
  const FileLock next = store.TakeLock("a");
  CHECK(next.state == FileLock::State::kTaken);
  CHECK(next.host == HostName());
  close(next.fd);
}

TEST_CASE("attempts that ran out of their time are no failures",
          "[record][store]") {
  const ScratchFolder folder;
  const RunStore store(RunPaths{folder.path()});
  REQUIRE(store.Open().ok());
  RunRecord record = SampleRecord();
  for (const RunStatus status :
       {RunStatus::kTimeout, RunStatus::kFailed, RunStatus::kTimeout,
        RunStatus::kOutOfMemory}) {
    record.status = status;
    REQUIRE(store.Publish(record, store.CountAttempts(record.run_id) + 1).ok());
  }
  CHECK(store.CountAttempts(record.run_id) == 4);
  CHECK(store.CountFailures(record.run_id) == 2);
}

}  // namespace
}  // namespace sft::record::run_store_test
