#include "harness/metrics/forgetting.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

namespace sft::metrics::forgetting_test {
namespace {
using nlohmann::json;

void AddEvals(const json& scores, const json& metrics, int64_t round,
              std::vector<EvalRecord>& evals) {
  for (const auto& [task, value] : scores.items()) {
    EvalRecord eval;
    eval.task = task;
    eval.split = "test";
    eval.round = round;
    MetricRecord metric;
    metric.name = metrics[task][0];
    metric.unit = metrics[task][1];
    metric.higher_is_better = metrics[task][2] == 1;
    metric.value = value;
    eval.metrics = {metric};
    evals.push_back(eval);
  }
}

TEST_CASE(
    "sequences of tasks of mixed direction and scale, replayed or not, equal "
    "an independent computation",
    "[metrics][forgetting]") {
  std::ifstream in(std::string(SFT_SOURCE_DIR) +
                   "/tests/golden/forgetting.json");
  const json golden = json::parse(in);
  REQUIRE(golden["cases"].size() == 11);
  for (const json& c : golden["cases"]) {
    INFO(c["name"]);
    std::vector<EvalRecord> evals;
    AddEvals(c["base"], c["metrics"], 0, evals);
    for (size_t r = 0; r < c["rounds"].size(); ++r) {
      AddEvals(c["rounds"][r], c["metrics"], static_cast<int64_t>(r) + 1,
               evals);
    }
    const auto found =
        SequenceForgetting(evals, c["train"].get<std::vector<std::string>>());
    REQUIRE(found.ok());
    CHECK(found->size() == c["measures"].size());
    for (const auto& [name, value] : c["measures"].items()) {
      INFO(name);
      REQUIRE(found->count(name) == 1);
      CHECK(found->at(name) ==
            Approx(value.get<double>()).margin(1e-12).epsilon(0));
    }
    evals.pop_back();  // a task that is not scored: no measure
    const auto none =
        SequenceForgetting(evals, c["train"].get<std::vector<std::string>>());
    REQUIRE(none.ok());
    CHECK(none->empty());
  }
}

TEST_CASE("what was wrong: accuracy fell, and the last task is a loss",
          "[metrics][forgetting]") {
  const json metrics = {{"a", {"accuracy", "fraction", 1}},
                        {"b", {"validation_loss", "nats/token", -1}}};
  std::vector<EvalRecord> evals;
  AddEvals({{"a", 0.25}, {"b", 3.0}}, metrics, 0, evals);
  AddEvals({{"a", 0.35}, {"b", 2.9}}, metrics, 1, evals);
  AddEvals({{"a", 0.20}, {"b", 1.5}}, metrics, 2, evals);
  const auto found = *SequenceForgetting(evals, {"a", "b"});
  CHECK(found.at("sequence/backward_transfer") == Approx(-0.15));
  CHECK(found.at("sequence/backward_transfer_gem_code") == Approx(-0.075));
  CHECK(found.at("sequence/chaudhry_forgetting") == Approx(0.15));
  // The loss of the second fell by 0.1 while the first was trained.
  CHECK(found.at("sequence/forward_transfer") == Approx(0.1));
  CHECK(found.count("sequence/overall_performance") == 0);
}

}  // namespace
}  // namespace sft::metrics::forgetting_test
