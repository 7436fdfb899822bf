#include "harness/record/run_progress.h"

#include <catch2/catch.hpp>
#include <limits>

#include "harness/core/files.h"
#include "tests/harness/record/sample_record.h"

namespace sft::record::run_progress_test {
namespace {

RunProgress Training(int64_t step) {
  RunProgress progress;
  progress.phase = "train";
  progress.step = step;
  progress.steps = 40;
  progress.loss = 1.25;
  progress.real_tokens_per_second = 120.5;
  progress.seconds_left = 61;
  return progress;
}

TEST_CASE("a progress line reads back as it was written",
          "[record][progress]") {
  const auto read = ParseProgress(FormatProgress(Training(3)));
  REQUIRE(read.has_value());
  CHECK(read->phase == "train");
  CHECK(read->step == 3);
  CHECK(read->steps == 40);
  CHECK(read->loss == 1.25);
  CHECK(read->real_tokens_per_second == 120.5);
  CHECK(read->seconds_left == 61);
}

TEST_CASE("what is no progress line is not believed", "[record][progress]") {
  CHECK_FALSE(ParseProgress("").has_value());
  CHECK_FALSE(ParseProgress("train\t1\t2").has_value());
  CHECK_FALSE(ParseProgress("train\tx\t2\t1\t1\t1").has_value());
}

TEST_CASE("a run notes its progress at most once a second, a phase at once",
          "[record][progress]") {
  const ScratchFolder folder;
  const std::string path = folder / "progress";
  ProgressFile file(path);
  const absl::Time start = absl::FromUnixSeconds(1000000);
  CHECK_FALSE(ReadProgressFile(path).has_value());
  file.Note(Training(1), start);
  file.Note(Training(2), start + absl::Milliseconds(900));
  auto noted = ReadProgressFile(path);
  REQUIRE(noted.has_value());
  CHECK(noted->progress.step == 1);
  CHECK(noted->when == start);
  file.Note(Training(3), start + absl::Milliseconds(1100));
  CHECK(ReadProgressFile(path)->progress.step == 3);
  RunProgress saving = Training(3);
  saving.phase = "save";
  file.Note(saving, start + absl::Milliseconds(1200));
  noted = ReadProgressFile(path);
  CHECK(noted->progress.phase == "save");
  CHECK(noted->progress.step == 3);
  // A clock that is set back does not silence it.
  saving.step = 9;
  file.Note(saving, start - absl::Hours(5));
  CHECK(ReadProgressFile(path)->progress.step == 9);
}

TEST_CASE("a progress file that cannot be written or read ends nothing",
          "[record][progress]") {
  const ScratchFolder folder;
  ProgressFile(folder / "no/such/progress")
      .Note(Training(1), absl::FromUnixSeconds(1));
  CHECK_FALSE(ReadProgressFile(folder / "no/such/progress").has_value());
  for (const char* text :
       {"", "12\n", "x\ntrain\t1\t2\t1\t1\t1\n", "12\ntrain\t1\t2\t1\t1\t1"}) {
    REQUIRE(WriteFileAtomically(folder / "p", text).ok());
    CHECK_FALSE(ReadProgressFile(folder / "p").has_value());
  }
}

}  // namespace
}  // namespace sft::record::run_progress_test
