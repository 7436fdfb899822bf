#include "harness/launch/progress.h"

#include <limits>

#include "tests/support/catch_torch.h"

namespace sft::launch::progress_test {
namespace {

TEST_CASE("a progress line reads back as it was written",
          "[launch][progress]") {
  Progress progress;
  progress.phase = "train";
  progress.step = 3;
  progress.steps = 40;
  progress.loss = 1.25;
  progress.real_tokens_per_second = 120.5;
  progress.seconds_left = 61;
  const auto read = ParseProgress(FormatProgress(progress));
  REQUIRE(read.has_value());
  CHECK(read->phase == "train");
  CHECK(read->step == 3);
  CHECK(read->steps == 40);
  CHECK(read->loss == 1.25);
  CHECK(read->real_tokens_per_second == 120.5);
  CHECK(read->seconds_left == 61);
}

TEST_CASE("what is no progress line is not believed", "[launch][progress]") {
  CHECK_FALSE(ParseProgress("").has_value());
  CHECK_FALSE(ParseProgress("train\t1\t2").has_value());
  CHECK_FALSE(ParseProgress("train\tx\t2\t1\t1\t1").has_value());
}

TEST_CASE("seconds are written as clocks show them", "[launch][progress]") {
  CHECK(FormatSeconds(5) == "0:05");
  CHECK(FormatSeconds(65.4) == "1:05");
  CHECK(FormatSeconds(2 * 3600 + 3 * 60 + 10) == "2:03:10");
  CHECK(FormatSeconds(std::numeric_limits<double>::infinity()) == "?");
}

TEST_CASE("a worker's pace is that of the steps that it took itself",
          "[launch][progress]") {
  TrainingPace pace;
  CHECK(pace.steps() == 0);
  StepRecord step;
  step.step = 11;  // ten were taken before a kill
  step.loss = 2.5;
  step.real_tokens = 300;
  step.wall_seconds = 2;
  Progress progress = pace.After(step, 20);
  CHECK(progress.phase == "train");
  CHECK(progress.step == 11);
  CHECK(progress.steps == 20);
  CHECK(progress.loss == 2.5);
  CHECK(progress.real_tokens_per_second == 150);
  CHECK(progress.seconds_left == 18);
  step.step = 12;
  step.real_tokens = 100;
  step.wall_seconds = 4;
  progress = pace.After(step, 20);
  CHECK(pace.steps() == 2);
  CHECK(progress.real_tokens_per_second == Approx(400. / 6));
  CHECK(progress.seconds_left == 24);
}

}  // namespace
}  // namespace sft::launch::progress_test
