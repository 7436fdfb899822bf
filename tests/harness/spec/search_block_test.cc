// search: in a spec, and the axes that are drawn by it.
#include "harness/spec/search_block.h"

#include <map>
#include <set>

#include "harness/core/status.h"
#include "harness/spec/manifest.h"
#include "tests/harness/spec/spec_tables.h"
#include "tests/support/catch_torch.h"

namespace sft::spec::search_block_test {
namespace {

constexpr char kBeginning[] =
    "train: [rotten_tomatoes]\n"
    "evaluate: {tasks: [rotten_tomatoes]}\n"
    "budget: {steps: 100}\n"
    "select: {by: validation_loss, per: [method]}\n";

SpecTables Tables() {
  SpecTables tables = TestTables();
  const FieldSpec rungs{"rungs", FieldType::kInt, "3", Limits{2, 10, {}}, ""};
  tables.searches = {{"random", "", {}}, {"halving", "", {rungs}}};
  return tables;
}

absl::StatusOr<RunPlan> Planned(const std::string& rest,
                                const std::string& beginning = kBeginning) {
  absl::StatusOr<ExperimentSpec> spec =
      ParseSpecText("spec.yaml", beginning + rest, Tables());
  if (!spec.ok()) return spec.status();
  return ExpandPlan(*spec, Tables(), [](const RunConfig& config) {
    return absl::StatusOr<std::vector<std::string>>({config.model});
  });
}
RunPlan Whole(const std::string& rest) {
  const auto plan = Planned(rest);
  INFO(plan.status().ToString());
  REQUIRE(plan.ok());
  return *plan;
}
std::string Refusal(const std::string& rest) {
  return ToStd(Planned(rest).status().message());
}

// method -> learning rates of its cells, in order.
std::map<std::string, std::vector<double>> Rates(const RunPlan& plan) {
  std::map<std::string, std::vector<double>> rates;
  for (const PlannedRun& run : plan.runs) {
    if (run.config.method == kUntuned) continue;
    rates[run.config.method].push_back(run.config.learning_rate);
  }
  return rates;
}

TEST_CASE("draws are the same for each method and from call to call",
          "[spec][search]") {
  const std::string text =
      "search: {kind: random, draws: 20, seed: 7}\n"
      "grid: {method: [full, lora], learning_rate: {loguniform: [1e-5, 1e-3]}, "
      "weight_decay: {uniform: [0, 0.1]}}\n";
  const RunPlan plan = Whole(text);
  // The axes that are drawn move together.
  CHECK(plan.runs.size() == 1 + 2 * 20);
  const auto rates = Rates(plan);
  CHECK(rates.at("full") == rates.at("lora"));
  CHECK(std::set<double>(rates.at("full").begin(), rates.at("full").end())
            .size() == 20);
  for (const double rate : rates.at("full")) {
    CHECK(rate >= 1e-5);
    CHECK(rate <= 1e-3);
  }
  const auto below =
      std::count_if(rates.at("full").begin(), rates.at("full").end(),
                    [](double rate) { return rate < 1e-4; });
  CHECK(below >= 4);
  CHECK(below <= 16);
  CHECK(ManifestText(Whole(text)) == ManifestText(plan));
  CHECK(plan.search.kind == "random");
}

TEST_CASE("more draws, or another axis, leave the first ones as they were",
          "[spec][search]") {
  const auto rates = [](const std::string& draws, const std::string& more) {
    return Rates(Whole("search: {kind: random, draws: " + draws +
                       "}\ngrid: {learning_rate: {loguniform: [1e-5, 1e-3]}" +
                       more + "}\n"))
        .at("full");
  };
  const std::vector<double> few = rates("5", "");
  const std::vector<double> many = rates("9", "");
  CHECK(std::vector<double>(many.begin(), many.begin() + 5) == few);
  CHECK(rates("5", ", weight_decay: {uniform: [0, 1]}") == few);
  CHECK(rates("5, seed: 1", "") != few);
}

TEST_CASE("methods with ranges of their own have as many draws, at like places",
          "[spec][search]") {
  const RunPlan plan = Whole(
      "search: {kind: halving, draws: 6}\n"
      "grid: {method: [full, lora]}\n"
      "cases:\n"
      "  - {when: {method: full}, grid: {learning_rate: {loguniform: [1e-6, "
      "1e-4]}}}\n"
      "  - {when: {method: lora}, grid: {learning_rate: {loguniform: [1e-5, "
      "1e-3]}, lora.rank: {uniform: [4, 64]}}}\n");
  const auto rates = Rates(plan);
  REQUIRE(rates.at("full").size() == 6);
  REQUIRE(rates.at("lora").size() == 6);
  for (size_t i = 0; i < 6; ++i) {
    CHECK(rates.at("lora")[i] ==
          Approx(10 * rates.at("full")[i]).epsilon(2e-3));
  }
  for (const PlannedRun& run : plan.runs) {
    const auto rank = run.config.method_options.find("lora.rank");
    if (rank == run.config.method_options.end()) continue;
    CHECK(std::stoi(rank->second) >= 4);
    CHECK(std::stoi(rank->second) <= 64);
    CHECK(rank->second.find('.') == std::string::npos);
  }
}

TEST_CASE("a search is in the manifest, and none leaves it as it was",
          "[spec][search]") {
  const RunPlan plan =
      Whole("search: {kind: halving, rungs: 4}\ngrid: {seed: [0, 1]}\n");
  const std::string text = ManifestText(plan);
  const auto reader = ManifestReader::Open("m", text, {});
  REQUIRE(reader.ok());
  CHECK(reader->header().search.kind == "halving");
  CHECK(reader->header().search.options ==
        std::map<std::string, std::string>{{"rungs", "4"}});
  const RunPlan plain = Whole("grid: {seed: [0, 1]}\n");
  CHECK(ManifestText(plain).find("\"search\"") == std::string::npos);
  // Runs are those that they were without it.
  REQUIRE(plain.runs.size() == plan.runs.size());
  for (size_t i = 0; i < plain.runs.size(); ++i) {
    CHECK(plain.runs[i].run_id == plan.runs[i].run_id);
  }
}

TEST_CASE("what is wrong with a search is one line with its place",
          "[spec][search]") {
  using Catch::Matchers::Contains;
  using Catch::Matchers::StartsWith;
  for (const auto& [text, part] :
       std::vector<std::pair<std::string, std::string>>{
           {"search: halving\n", "search: "},
           {"search: {rungs: 3}\n", "needs kind:"},
           {"search: {kind: halfing}\n", "did you mean 'halving'?"},
           {"search: {kind: halving, rungs: 1}\n", "rungs"},
           {"search: {kind: halving, rugs: 3}\n", "did you mean 'rungs'?"},
           {"search: {kind: random, rungs: 3}\n", "unknown key 'rungs'"},
           {"search: {kind: halving, draws: 0}\n", "draws"},
           {"search: {kind: halving, draws: 3}\n", "no axis is drawn"},
           {"search: {kind: halving}\n"
            "grid: {learning_rate: {uniform: [0, 1]}}\n",
            "has no draws"},
           {"search: {kind: random, draws: 3}\n"
            "grid: {seed: {uniform: [0, 9]}}\n",
            "the mean over their seeds"},
           {"search: {kind: random, draws: 3}\n"
            "grid: {method: {uniform: [0, 9]}}\n",
            "what is drawn are numbers"},
           {"search: {kind: random, draws: 3}\n"
            "grid: {learning_rate: {loguniform: [0, 1]}}\n",
            "ends above 0"},
           {"search: {kind: random, draws: 3}\n"
            "grid: {learning_rate: {uniform: [1, 0]}}\n",
            "below the second"},
           {"search: {kind: random, draws: 3}\n"
            "grid: {batch_size: {uniform: [1, 2.5]}}\n",
            "whole numbers as ends"},
           {"search: {kind: random, draws: 3}\n"
            "zip: [{learning_rate: {uniform: [0, 1]}}]\n",
            "stand under grid:"}}) {
    const std::string refusal = Refusal(text);
    INFO(text << refusal);
    CHECK_THAT(refusal, StartsWith("spec.yaml:") && Contains(part));
    CHECK(std::count(refusal.begin(), refusal.end(), '\n') == 0);
  }
  const auto plan = Planned("search: {kind: halving}\n",
                            "train: [rotten_tomatoes]\nbudget: {steps: 9}\n");
  CHECK_THAT(ToStd(plan.status().message()), Contains("needs select:"));
}

}  // namespace
}  // namespace sft::spec::search_block_test
