#include "harness/spec/mixture.h"

#include <catch2/catch.hpp>

namespace sft::spec::mixture_test {
namespace {

TEST_CASE("a stage names one data set, or several with weights",
          "[spec][mixture]") {
  const auto one = ParseMix("alpaca");
  REQUIRE(one.ok());
  REQUIRE(one->size() == 1);
  CHECK((*one)[0].name == "alpaca");
  CHECK((*one)[0].weight == 1);
  const auto two = ParseMix("a:0.75+b");
  REQUIRE(two.ok());
  REQUIRE(two->size() == 2);
  CHECK((*two)[0].weight == 0.75);
  CHECK((*two)[1].name == "b");
  const auto sets = SetsOf({"a:2+b:1", "c"});
  REQUIRE(sets.ok());
  CHECK(*sets == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("what is no mixture is refused", "[spec][mixture]") {
  for (const char* stage : {"", "a+", "a+a", "a:", "a:0", "a:-1", "a:x+b",
                            "a:inf", "a:nan", ":1"}) {
    INFO(stage);
    const auto parts = ParseMix(stage);
    REQUIRE_FALSE(parts.ok());
    CHECK(std::string(parts.status().message()).find("as in a:0.7+b:0.3") !=
          std::string::npos);
  }
}

}  // namespace
}  // namespace sft::spec::mixture_test
