#include "harness/analysis/run_status.h"

#include <unistd.h>

#include "harness/core/file_lock.h"
#include "tests/harness/analysis/sweep.h"

namespace sft::analysis::run_status_test {
namespace {

record::RunProgress AtStep(int64_t step) {
  record::RunProgress progress;
  progress.phase = "train";
  progress.step = step;
  progress.steps = 40;
  progress.seconds_left = 65;
  return progress;
}

TEST_CASE("status says how far each run is, and since when",
          "[analysis][status]") {
  const Sweep sweep;
  const absl::Time start = absl::FromUnixSeconds(1000000);
  for (const size_t i : {1u, 2u}) {
    const std::string& id = sweep.plan.runs[i].run_id;
    REQUIRE(MakeFolders(sweep.paths.Work(id)).ok());
    record::ProgressFile(sweep.paths.Progress(id))
        .Note(AtStep(static_cast<int64_t>(10 * i)), start);
  }
  const FileLock lock =
      TakeFileLock(sweep.paths.Lock(sweep.plan.runs[1].run_id));
  REQUIRE(lock.state == FileLock::State::kTaken);
  const auto table = ReadStatus(sweep.folder.path());
  REQUIRE(table.ok());
  const auto rows = StatusRows(*table, start + absl::Seconds(12));
  REQUIRE(rows.size() == 1 + sweep.plan.runs.size());
  for (const auto& row : rows) CHECK(row.size() == rows[0].size());
  using Row = std::vector<std::string>;
  const auto head = [](const Row& row) {
    return Row(row.begin() + 1, row.begin() + 6);
  };
  CHECK(head(rows[0]) == Row{"state", "phase", "step", "left", "said"});
  CHECK(head(rows[1]) == Row{"waiting", "", "", "", ""});
  CHECK(head(rows[2]) == Row{"running", "train", "10/40", "1:05", "0:12 ago"});
  // Nobody is at it: the time that was left then says nothing.
  CHECK(head(rows[3]) == Row{"interrupted", "train", "20/40", "", "0:12 ago"});
  CHECK(Has(rows[2][6], "method="));
  close(lock.fd);
}

TEST_CASE("what was done is not read again, the rest is",
          "[analysis][status]") {
  const Sweep sweep;
  const std::string& first = sweep.plan.runs[0].run_id;
  const std::string& second = sweep.plan.runs[1].run_id;
  sweep.Write([&](record::RunRecord& record) {
    if (record.run_id == second) record.status = RunStatus::kFailed;
    return record.run_id == first || record.run_id == second;
  });
  const auto before = ReadStatus(sweep.folder.path());
  REQUIRE(before.ok());
  CHECK(before->done == 1);
  CHECK(before->failed == 1);
  // What is there of a run that is done is not looked at.
  REQUIRE(WriteFileAtomically(sweep.paths.Record(first), "broken").ok());
  sweep.Write(
      [&](record::RunRecord& record) { return record.run_id != first; });
  const auto after = ReadStatus(sweep.folder.path(), &*before);
  REQUIRE(after.ok());
  CHECK(after->done == 13);
  CHECK(after->IsSettled());
  CHECK(after->runs[0].detail == "ok");
  CHECK(ReadStatus(sweep.folder.path())->failed == 1);
}

}  // namespace
}  // namespace sft::analysis::run_status_test
