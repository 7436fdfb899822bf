#include "harness/train/schedule.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

namespace sft::train::schedule_test {
namespace {

// Worked out by transformers 5.24.0, get_<name>_schedule_with_warmup on
// lr = 1 with 2 warm-up steps of 10: the rate of each optimizer step.
const std::vector<double> kCosine = {0.0,
                                     0.5,
                                     1.0,
                                     0.9619397662556434,
                                     0.8535533905932737,
                                     0.6913417161825449,
                                     0.5,
                                     0.3086582838174551,
                                     0.14644660940672627,
                                     0.03806023374435663};
const std::vector<double> kLinear = {0.0,   0.5, 1.0,   0.875, 0.75,
                                     0.625, 0.5, 0.375, 0.25,  0.125};

TEST_CASE("a schedule follows transformers step by step", "[train][schedule]") {
  auto cosine = Schedule::Make("cosine", 1.0, 0.2, 10);
  auto linear = Schedule::Make("linear", 1.0, 0.2, 10);
  auto constant = Schedule::Make("constant", 1.0, 0.2, 10);
  REQUIRE(cosine.ok());
  REQUIRE(linear.ok());
  REQUIRE(constant.ok());
  for (int k = 0; k < 10; ++k) {
    INFO("step " << k);
    const auto i = static_cast<size_t>(k);
    CHECK(cosine->RateAt(k) == Approx(kCosine[i]).margin(1e-15));
    CHECK(linear->RateAt(k) == Approx(kLinear[i]).margin(1e-15));
    CHECK(constant->RateAt(k) == (k < 2 ? 0.5 * k : 1.0));
  }
}

TEST_CASE("the first step of a warm-up has rate 0, the step after it the peak",
          "[train][schedule]") {
  auto schedule = Schedule::Make("cosine", 2e-5, 0.03, 30);
  REQUIRE(schedule.ok());
  CHECK(schedule->warmup_steps() == 1);  // 0.9 rounded up
  CHECK(schedule->RateAt(0) == 0.0);
  CHECK(schedule->RateAt(1) == 2e-5);
}

TEST_CASE("constant without warm-up is the same rate at every step",
          "[train][schedule]") {
  auto schedule = Schedule::Make("constant", 3e-4, 0, 7);
  REQUIRE(schedule.ok());
  for (int k = 0; k < 7; ++k) CHECK(schedule->RateAt(k) == 3e-4);
}

TEST_CASE("rates stay between 0 and the peak past the last step and for one",
          "[train][schedule]") {
  for (const char* name : {"cosine", "linear", "constant"}) {
    for (int64_t steps : {1, 2, 5}) {
      auto schedule = Schedule::Make(name, 1.0, 0.5, steps);
      REQUIRE(schedule.ok());
      for (int k = 0; k < 12; ++k) {
        CHECK(schedule->RateAt(k) >= 0.0);
        CHECK(schedule->RateAt(k) <= 1.0);
      }
    }
  }
}

TEST_CASE("an unknown schedule is an error that names the known ones",
          "[train][schedule]") {
  auto schedule = Schedule::Make("cosin", 1.0, 0, 5);
  REQUIRE_FALSE(schedule.ok());
  CHECK(std::string(schedule.status().message()).find("cosine, linear") !=
        std::string::npos);
}

}  // namespace
}  // namespace sft::train::schedule_test
