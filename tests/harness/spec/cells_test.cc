// Cells left out, many cells, and ids that stay what they were.
#include "harness/spec/cells.h"

#include <catch2/catch.hpp>
#include <set>

#include "harness/core/status.h"
#include "tests/harness/spec/spec_tables.h"

namespace sft::spec::cells_test {
namespace {

constexpr char kHead[] =
    "train: [rotten_tomatoes]\n"
    "evaluate: {tasks: [rotten_tomatoes]}\n"
    "budget: {steps: 5}\n";

const PlannedRun& RunWith(const RunPlan& plan,
                          const std::map<std::string, std::string>& axes) {
  for (const PlannedRun& run : plan.runs) {
    if (run.axes == axes) return run;
  }
  FAIL("no such run");
  return plan.runs[0];
}

TEST_CASE("excluded cells are left out, others stay in their order",
          "[spec][exclude]") {
  const auto plan = PlanOf(absl::StrCat(
      kHead,
      "grid: {method: [full, lora], learning_rate: [1.0e-4, 1.0e-3], "
      "seed: [0, 1]}\n"
      "exclude:\n"
      "  - {method: full, learning_rate: [1e-3]}\n"
      "  - {method: lora, seed: 1, learning_rate: 0.0001}\n"));
  INFO(plan.status().ToString());
  REQUIRE(plan.ok());
  std::vector<std::string> seen;
  for (const PlannedRun& run : plan->runs) {
    if (run.config.method == kUntuned) continue;
    seen.push_back(absl::StrCat(run.axes.at("method"), " ",
                                run.axes.at("learning_rate"), " ",
                                run.axes.at("seed")));
  }
  CHECK(seen == std::vector<std::string>{"full 1e-04 0", "full 1e-04 1",
                                         "lora 1e-04 0", "lora 0.001 0",
                                         "lora 0.001 1"});
}

TEST_CASE("an exclusion meets what cases say, and defaults",
          "[spec][exclude]") {
  const auto plan = PlanOf(
      absl::StrCat(kHead,
                   "grid: {method: [full, lora, hft]}\n"
                   "cases: [{when: {method: lora}, grid: {lora.rank: [4, 8]}}, "
                   "{when: {method: hft}, set: {dtype: bf16}}]\n"
                   "exclude: [{lora.rank: 8}, {dtype: f32, method: full}]\n"));
  INFO(plan.status().ToString());
  REQUIRE(plan.ok());
  CHECK(plan->runs.size() == 2 + 2);  // two untuned models, by dtype
  // Only what varies is an axis.
  CHECK(plan->axis_names ==
        std::vector<std::string>{"method", "lora.rank", "dtype"});
}

TEST_CASE("an exclusion of nothing, or of all, is an error with its line",
          "[spec][exclude]") {
  using Catch::Matchers::Contains;
  using Catch::Matchers::StartsWith;
  const auto refusal = [](const std::string& exclude) {
    return std::string(
        PlanOf(absl::StrCat(kHead,
                            "grid: {method: [full, lora], seed: [0, 1]}\n"
                            "exclude:\n",
                            exclude))
            .status()
            .message());
  };
  CHECK_THAT(refusal("  - {method: full}\n  - {method: lora, seed: 2}\n"),
             StartsWith("spec.yaml:7: exclude: no cell"));
  // An option that the method has not.
  CHECK_THAT(refusal("  - {method: full, lora.rank: 16}\n"),
             StartsWith("spec.yaml:6: exclude: no cell"));
  CHECK_THAT(refusal("  - {seed: [0, 1]}\n"), Contains("leaves no cell"));
  CHECK_THAT(refusal("  - {}\n"),
             StartsWith("spec.yaml:6: ") && Contains("names no field"));
  CHECK_THAT(refusal("  - {sed: 1}\n"),
             StartsWith("spec.yaml:6: ") && Contains("'seed'"));
  CHECK_THAT(refusal("  - method\n"), StartsWith("spec.yaml:6: exclude: "
                                                 "wanted a map"));
}

TEST_CASE("a cell's id is what it always was", "[spec][id]") {
  const auto plan = PlanOf(kDesignSpec);
  REQUIRE(plan.ok());
  // Of SHA-256 over the canonical text and the model's name, each with its
  // length in eight bytes before it.
  CHECK(plan->runs[0].run_id == "a14eb0caadef09d8");
  using Axes = std::map<std::string, std::string>;
  CHECK(RunWith(*plan, Axes{{"method", "full"},
                            {"batching", "padded"},
                            {"seed", "0"},
                            {"learning_rate", "1e-05"}})
            .run_id == "acfbcc08db4057ce");
  CHECK(RunWith(*plan, Axes{{"method", "lora"},
                            {"batching", "packed"},
                            {"seed", "2"},
                            {"learning_rate", "3e-04"},
                            {"lora.rank", "64"}})
            .run_id == "5fa5e9873114a663");
  CHECK(RunWith(*plan, Axes{{"method", "hft"},
                            {"batching", "padded"},
                            {"seed", "1"},
                            {"learning_rate", "3e-05"}})
            .run_id == "fa2d6d121017ebb4");
}

TEST_CASE("configs and ids that are put together are those of each cell alone",
          "[spec][id]") {
  const auto spec = ParseSpecText(
      "spec.yaml",
      absl::StrCat(
          kHead,
          "set: {weight_decay: 0.1, decay: matrices, lora.init: pissa}\n"
          "grid: {method: [full, lora, hft], batching: [padded, packed], "
          "optimizer: [adamw, adamw_paged], max_length: [64, 128]}\n"
          "zip: [{seed: [0, 1], bos: [auto, always]}]\n"
          "cases:\n"
          "  - {when: {method: lora}, grid: {lora.rank: [4, 8], "
          "learning_rate: {logspace: [1e-5, 1e-3, 3]}}}\n"
          "  - {when: {batching: packed}, grid: {pack.strategy: [bfd, ffd]}}\n"
          "  - {when: {method: hft}, set: {activation_checkpointing: true, "
          "loss_on_prompt: 1, budget.steps: 0, budget.epochs: 0.5}}\n"),
      TestTables());
  INFO(spec.status().ToString());
  REQUIRE(spec.ok());
  // What a batching method does may change which rows are read.
  const auto digests =
      [](const RunConfig& config) -> absl::StatusOr<std::vector<std::string>> {
    const auto strategy = config.method_options.find("pack.strategy");
    return std::vector<std::string>{
        config.model,
        strategy == config.method_options.end() ? "rows" : strategy->second};
  };
  const auto plan = ExpandPlan(*spec, TestTables(), digests);
  INFO(plan.status().ToString());
  REQUIRE(plan.ok());
  // Untuned by length, bos and loss on prompts; 2 optimizers x 2 lengths x 2 of
  // the zip, by method and batching.
  CHECK(plan->runs.size() == 8 + 8 * (2 + 6) * (1 + 2));
  std::set<std::string> ids;
  for (const PlannedRun& run : plan->runs) {
    CHECK(ids.insert(run.run_id).second);
    CHECK(run.run_id == MakeRunId(run.config, *digests(run.config)));
    const auto back =
        RunConfig::FromCanonicalText(run.config.CanonicalConfigText());
    REQUIRE(back.ok());
    CHECK(ConfigFields(*back) == ConfigFields(run.config));
    for (const auto& [name, value] : run.axes) {
      CHECK(ConfigFields(run.config).at(name) == value);
    }
    if (run.config.method == kUntuned) continue;
    CHECK(run.config.weight_decay == 0.1);
    CHECK((run.config.budget_epochs == 0.5) == (run.config.method == "hft"));
    CHECK(run.config.method_options.count("lora.init") ==
          (run.config.method == "lora" ? 1 : 0));
  }
}

TEST_CASE("one model or file under two names is one run", "[spec][id]") {
  const auto spec = ParseSpecText(
      "spec.yaml",
      absl::StrCat(kHead, "grid: {model: [., ./], seed: [0, 1]}\n"),
      TestTables());
  INFO(spec.status().ToString());
  REQUIRE(spec.ok());
  const auto plan = ExpandPlan(
      *spec, TestTables(),
      [](const RunConfig&) -> absl::StatusOr<std::vector<std::string>> {
        return std::vector<std::string>{absl::StrCat(kModelByContent, "x")};
      });
  INFO(plan.status().ToString());
  REQUIRE(plan.ok());
  CHECK(plan->runs.size() == 1 + 2);
}

TEST_CASE("very many cells are a table, each once", "[spec][expand]") {
  const auto plan = PlanOf(
      absl::StrCat(kHead,
                   "grid: {method: [full, lora], lora.rank: {range: [1, 51]}, "
                   "seed: {range: [0, 200]}}\n"
                   "baseline: {method: full}\n"));
  INFO(plan.status().ToString());
  REQUIRE(plan.ok());
  // Full fine-tuning has no rank.
  REQUIRE(plan->runs.size() == 1 + 200 + 50 * 200);
  std::map<std::string, const PlannedRun*> by_id;
  for (const PlannedRun& run : plan->runs) by_id[run.run_id] = &run;
  CHECK(by_id.size() == plan->runs.size());
  for (const PlannedRun& run : plan->runs) {
    if (run.config.method != "lora") continue;
    const PlannedRun& baseline = *by_id.at(run.baseline_id);
    if (baseline.config.method != "full" ||
        baseline.config.seed != run.config.seed) {
      FAIL("another baseline than full of the same seed");
    }
  }
}

}  // namespace
}  // namespace sft::spec::cells_test
