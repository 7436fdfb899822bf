// Axes as people write them, and what is said of those that are none.
#include "harness/spec/axis_values.h"

#include <catch2/catch.hpp>

#include "harness/core/status.h"
#include "tests/harness/spec/spec_tables.h"

namespace sft::spec::axis_values_test {
namespace {

constexpr char kHead[] =
    "train: [rotten_tomatoes]\n"
    "budget: {steps: 5}\n";

std::vector<std::string> TextsOf(const std::string& field,
                                 const std::string& values) {
  const auto spec = ParseSpecText(
      "spec.yaml", absl::StrCat(kHead, "grid: {", field, ": ", values, "}\n"),
      TestTables());
  INFO(spec.status().ToString());
  REQUIRE(spec.ok());
  REQUIRE(spec->grid.size() == 1);
  std::vector<std::string> texts;
  for (const SpecValue& value : spec->grid[0].values) {
    CHECK(value.line == 3);
    texts.push_back(value.text);
  }
  return texts;
}

std::string RefusalOfAxis(const std::string& field, const std::string& values) {
  return std::string(
      ParseSpecText("spec.yaml",
                    absl::StrCat(kHead, "grid: {", field, ": ", values, "}\n"),
                    TestTables())
          .status()
          .message());
}

using Texts = std::vector<std::string>;

TEST_CASE("a range is half open, as Python's is", "[spec][axes]") {
  CHECK(TextsOf("seed", "{range: [0, 4]}") == Texts{"0", "1", "2", "3"});
  CHECK(TextsOf("seed", "{range: [2, 9, 3]}") == Texts{"2", "5", "8"});
  CHECK(TextsOf("batch_size", "{range: [8, 0, -4]}") == Texts{"8", "4"});
  CHECK(TextsOf("seed", "{range: [0, 1e2]}").size() == 100);
  CHECK(TextsOf("train_limit", "{range: [0, 300000, 100000]}") ==
        Texts{"0", "100000", "200000"});
}

TEST_CASE("numbers of a range are neat, and its end is left out",
          "[spec][axes]") {
  CHECK(TextsOf("weight_decay", "{range: [0, 0.5, 0.1]}") ==
        Texts{"0", "0.1", "0.2", "0.3", "0.4"});
  CHECK(TextsOf("weight_decay", "{range: [0, 0.3, 0.1]}") ==
        Texts{"0", "0.1", "0.2"});
}

TEST_CASE("a logspace has both ends and equal ratios", "[spec][axes]") {
  CHECK(TextsOf("learning_rate", "{logspace: [1e-5, 1e-3, 5]}") ==
        Texts{"1e-05", "3.1622776601683795e-05", "1e-04",
              "0.00031622776601683794", "0.001"});
  CHECK(TextsOf("lora.rank", "{logspace: [8, 128, 5]}") ==
        Texts{"8", "16", "32", "64", "128"});
  CHECK(TextsOf("learning_rate", "{logspace: [1e-3, 1e-4, 2]}") ==
        Texts{"0.001", "1e-04"});
}

TEST_CASE("forms stand wherever an axis' list may", "[spec][axes]") {
  const auto plan =
      PlanOf(absl::StrCat(kHead,
                          "grid: {method: [full, lora]}\n"
                          "zip: [{seed: {range: [0, 2]}, threads: [1, 2]}]\n"
                          "cases: [{when: {method: lora}, grid: {lora.rank: "
                          "{logspace: [4, 16, 3]}}}]\n"));
  INFO(plan.status().ToString());
  REQUIRE(plan.ok());
  // Two untuned models, by threads; full and three ranks, each twice.
  CHECK(plan->runs.size() == 2 + 2 + 6);
}

TEST_CASE("a form that is none says what is wanted", "[spec][axes]") {
  using Catch::Matchers::Contains;
  using Catch::Matchers::StartsWith;
  for (const auto& [values, part] :
       std::vector<std::pair<std::string, std::string>>{
           {"{range: [0]}", "wanted 2 or 3 numbers, as in {range: [0, 8]}"},
           {"{range: 8}", "wanted 2 or 3 numbers"},
           {"{range: [0, 8, 0]}", "the step is 0"},
           {"{range: [8, 0]}", "holds no number"},
           {"{range: [0, 2e6]}", "more than 1000000 numbers"},
           {"{range: [0, x]}", "wanted a number"},
           {"{range: [0, [1]]}", "found a list"},
           {"{rnage: [0, 8]}", "did you mean 'range'?"},
           {"{logspace: [0, 1, 3]}", "ends above 0"},
           {"{logspace: [1, 2, 2.5]}", "whole number from 2"},
           {"{logspace: [1, 2]}", "wanted 3 numbers"},
           {"{range: [0, 2], logspace: [1, 2, 3]}", "a map of 2 keys"},
           {"{range: [0, 1, 0.5]}", "a whole number"}}) {
    CHECK_THAT(RefusalOfAxis("seed", values),
               StartsWith("spec.yaml:3: ") && Contains(part));
  }
}

TEST_CASE("what a search draws from is told apart", "[spec][axes]") {
  using Catch::Matchers::Contains;
  for (const char* form : {"uniform", "loguniform"}) {
    CHECK_THAT(RefusalOfAxis("learning_rate",
                             absl::StrCat("{", form, ": [1e-5, 1e-3]}")),
               Contains("spec.yaml:3: learning_rate: ") && Contains(form) &&
                   Contains("needs search:") && Contains("logspace"));
    YamlNode low, high, list, key, map;
    low.kind = high.kind = key.kind = YamlNode::Kind::kScalar;
    low.text = "1e-5";
    high.text = "1e-3";
    list.kind = YamlNode::Kind::kList;
    list.items = {low, high};
    key.text = form;
    map.kind = YamlNode::Kind::kMap;
    map.entries = {{key, list}};
    const auto read = ReadAxisForm("learning_rate", map);
    REQUIRE(read.ok());
    CHECK(read->is_drawn);
    CHECK(read->numbers == std::vector<double>{1e-5, 1e-3});
  }
}

}  // namespace
}  // namespace sft::spec::axis_values_test
