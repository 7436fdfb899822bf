// A baseline that is none, or several, is refused before anything is run.
#include <catch2/catch.hpp>

#include "tests/harness/spec/spec_tables.h"

namespace sft::spec::baseline_test {
namespace {

constexpr char kStart[] =
    "train: [rotten_tomatoes]\n"
    "evaluate: {tasks: [rotten_tomatoes]}\n"
    "budget: {steps: 5}\n";
constexpr char kTwoRates[] =
    "grid: {method: [full, lora], seed: [0, 1]}\n"
    "cases:\n"
    "  - {when: {method: [full]}, grid: {learning_rate: [1.0e-5, 3.0e-5]}}\n";

std::string RefusalOf(const std::string& rest) {
  const auto plan = PlanOf(kStart + rest);
  return plan.ok() ? "" : std::string(plan.status().message());
}

TEST_CASE("an absent baseline is refused", "[spec][expand]") {
  using Catch::Matchers::Contains;
  CHECK_THAT(RefusalOf("grid: {method: [lora, hft]}\n"
                       "baseline: {method: full}\n"),
             Contains("spec.yaml:5: baseline: {method: full} fits no cell"));
  // A cell whose batches the baseline has none of.
  CHECK_THAT(RefusalOf("grid: {method: [full, lora], batching: [padded]}\n"
                       "cases:\n"
                       "  - {when: {method: [lora]}, "
                       "set: {batching: packed}}\n"
                       "baseline: {method: full}\n"),
             Contains("spec.yaml:7") && Contains("batching = packed") &&
                 Contains("wanted one with the same"));
  // Named under baseline:, what differs may differ.
  CHECK(RefusalOf("grid: {method: [full, lora], batching: [padded, packed]}\n"
                  "baseline: {method: full, batching: padded}\n") == "");
  // A seed that the baseline has not is no pair, and the others are.
  CHECK(RefusalOf("grid: {method: [full, lora], seed: [0]}\n"
                  "cases:\n"
                  "  - {when: {method: [lora]}, grid: {seed: [0, 1]}}\n"
                  "baseline: {method: full}\n") == "");
}

TEST_CASE("a baseline that fits several cells is refused, unless one is chosen",
          "[spec][expand]") {
  using Catch::Matchers::Contains;
  const std::string baseline = "baseline: {method: full}\n";
  CHECK_THAT(
      RefusalOf(kTwoRates + baseline),
      Contains("spec.yaml:7: baseline: {method: full} fits 2 cells for") &&
          Contains("method = lora") &&
          Contains("learning_rate (1e-05, 3e-05)") && Contains("select:"));
  CHECK(RefusalOf(kTwoRates + baseline +
                  "select: {by: validation_loss, per: [method]}\n") == "");
  CHECK(RefusalOf(std::string(kTwoRates) +
                  "baseline: {method: full, learning_rate: 3.0e-5}\n") == "");
  // Chosen among others than these: still two.
  CHECK_THAT(RefusalOf(kTwoRates + baseline +
                       "select: {by: validation_loss, "
                       "per: [method, learning_rate]}\n"),
             Contains("fits 2 cells"));
}

TEST_CASE("a baseline that leaves nothing to compare is refused",
          "[spec][expand]") {
  using Catch::Matchers::Contains;
  CHECK_THAT(RefusalOf("grid: {method: [full, lora], batching: [padded]}\n"
                       "baseline: {batching: padded}\n"),
             Contains("spec.yaml:5: baseline: {batching: padded} fits all 2 "
                      "cells"));
  // One cell has nothing to be compared with in any case.
  CHECK(RefusalOf("grid: {method: [full], seed: [0, 1]}\n"
                  "baseline: {method: full}\n") == "");
  CHECK_THAT(RefusalOf("grid: {method: [full, lora], seed: [0, 1]}\n"
                       "baseline: {method: full, seed: 0}\n"),
             Contains("paired seed by seed"));
  CHECK_THAT(RefusalOf("grid: {method: [full, lora], seed: [0, 1]}\n"
                       "select: {by: validation_loss, per: [seed]}\n"),
             Contains("spec.yaml:5") && Contains("leave seed out"));
}

TEST_CASE("a measure to select by that nothing records is refused",
          "[spec][expand]") {
  using Catch::Matchers::Contains;
  CHECK_THAT(RefusalOf("grid: {method: [full, lora]}\n"
                       "select: {by: accuracy, per: [method]}\n"),
             Contains("spec.yaml:5") && Contains("'accuracy'") &&
                 Contains("wanted validation_loss"));
  const auto plan = PlanOf(
      "train: [rotten_tomatoes]\nevaluate: {retain: [wiki_demo]}\n"
      "budget: {steps: 5}\ngrid: {method: [full, lora]}\n"
      "select: {by: validation_loss, per: [method]}\n");
  REQUIRE_FALSE(plan.ok());
  CHECK_THAT(std::string(plan.status().message()),
             Contains("spec.yaml:5") && Contains("nothing records it"));
}

}  // namespace
}  // namespace sft::spec::baseline_test
