#include "harness/launch/progress.h"

#include "tests/support/catch_torch.h"

namespace sft::launch::progress_test {
namespace {

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
  // Where the number of steps is not known, nor is the time.
  progress = pace.After(step, 0);
  CHECK(progress.steps == 0);
  CHECK(progress.seconds_left == 0);
}

}  // namespace
}  // namespace sft::launch::progress_test
