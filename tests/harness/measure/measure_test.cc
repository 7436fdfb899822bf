#include <cmath>
#include <string>

#include "harness/core/stopwatch.h"
#include "harness/core/thread_waiting.h"
#include "harness/kernels/shared/instruction_set.h"
#include "harness/measure/provenance.h"
#include "harness/measure/throughput.h"
#include "tests/support/catch_torch.h"

namespace sft::measure::measure_test {
namespace {

TEST_CASE("rates tell real, target and computed tokens apart",
          "[measure][throughput]") {
  StepRecord step;
  step.sequences = 4;
  step.real_tokens = 60;
  step.target_tokens = 10;
  step.padded_tokens = 20;
  step.wall_seconds = 0.5;
  StepRecord slow = step;
  slow.wall_seconds = 100;
  const Throughput all = SumSteps({slow, step, step});
  CHECK(all.steps == 3);
  const Throughput warm = SumSteps({slow, step, step}, 1);
  CHECK(warm.steps == 2);
  CHECK(warm.sequences == 8);
  CHECK(warm.RealTokensPerSecond() == Approx(120));
  CHECK(warm.TargetTokensPerSecond() == Approx(20));
  CHECK(warm.ComputedTokensPerSecond() == Approx(160));
  CHECK(warm.StepsPerSecond() == Approx(2));
  CHECK(warm.padding_fraction() == Approx(0.25));
  // Nothing is left out where nothing would be left.
  CHECK(SumSteps({slow}, 1).steps == 1);
  CHECK(RatesOf({}).at("real_tokens_per_second") == 0);
}

TEST_CASE("a matrix product has a rate", "[measure][throughput]") {
  const double rate = MatrixProductFlopsPerSecond(at::kFloat, at::kCPU, 128, 2);
  CHECK(rate > 0);
  CHECK(std::isfinite(rate));
}

TEST_CASE("a stopwatch runs forwards", "[measure][throughput]") {
  const Stopwatch watch;
  absl::Duration wall = watch.Wall(), cpu = watch.Cpu();
  double x = 1;
  while (wall == absl::ZeroDuration() || cpu == absl::ZeroDuration()) {
    x = std::sqrt(x + 1);
    wall = watch.Wall();
    cpu = watch.Cpu();
  }
  CHECK(x >= 1);
  CHECK(watch.Wall() >= wall);
  CHECK(watch.Cpu() >= cpu);
}

TEST_CASE("provenance says what it was built from and where it ran",
          "[measure][provenance]") {
  const auto build = BuildProvenance({{"revision", "abc"}}, at::kCPU);
  CHECK(build.at("revision") == "abc");
  CHECK(build.at("torch").find('.') != std::string::npos);
  CHECK_FALSE(build.at("instruction_set").empty());
  for (const kernels::InstructionSet set : kernels::SetsHere()) {
    const kernels::UseInstructionSet use(set);
    CHECK(BuildProvenance({}, at::kCPU).at("kernels") ==
          kernels::InstructionSetName(set));
  }
  CHECK(build.at("device") == "cpu");
  const auto run = RunProvenance(absl::FromUnixSeconds(0));
  CHECK(run.at("start") == "1970-01-01T00:00:00Z");
  CHECK_FALSE(run.at("host").empty());
  CHECK_FALSE(run.at("cpu").empty());
  CHECK(run.at("thread_waiting") == ThreadWaiting());
}

}  // namespace
}  // namespace sft::measure::measure_test
