// What `power` calls detectable is what the report's test detects.
#include "harness/analysis/power.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/analysis/comparison_families.h"
#include "harness/analysis/selection.h"
#include "tests/harness/analysis/simulated_sweeps.h"
#include "tests/harness/analysis/sweep.h"

namespace sft::analysis::power_test {
namespace {
using nlohmann::json;

const json& Golden() {
  static const json golden = [] {
    std::ifstream in(std::string(SFT_SOURCE_DIR) +
                     "/tests/golden/evidence.json");
    return json::parse(in);
  }();
  return golden;
}

TEST_CASE("over seeds alone power is statsmodels' paired t test's",
          "[analysis][power]") {
  const json golden = Golden();
  REQUIRE(golden["power"].size() == 9);
  for (const json& c : golden["power"]) {
    const int64_t seeds = c["seeds"], comparisons = c["comparisons"];
    INFO(seeds << " seeds, " << comparisons << " comparisons");
    CHECK(DetectableInSeedDeviations(seeds, comparisons) ==
          Approx(c["effect"].get<double>()).epsilon(1e-6));
    const double S = static_cast<double>(seeds);
    const double level = kFamilyLevel / static_cast<double>(comparisons);
    for (const json& at : c["power"]) {
      CHECK(PowerOf({1 / S, 0, S - 1, 1e9}, at[0], level) ==
            Approx(at[1].get<double>()).margin(1e-6));
    }
  }
  CHECK(std::isnan(DetectableInSeedDeviations(2, 1)));
}

TEST_CASE("of one seed power is the normal test's over items",
          "[analysis][power]") {
  for (const json& c : Golden()["normal"]) {
    PlannedQuestion question;
    question.seeds = 1;
    question.items = c["items"];
    question.comparisons = c["comparisons"];
    EarlierVariance variance;
    variance.parts = {.seeds = kNaN, .items = 1};
    const PowerRow row = PowerOfQuestion(question, variance, "", {});
    CHECK(row.detectable == Approx(c["effect"].get<double>()).epsilon(1e-4));
    CHECK(row.verdict == "of these models alone");
  }
}

TEST_CASE("the parts of an error give it back", "[analysis][power]") {
  SweepSetting setting;
  setting.seeds = 4;
  setting.items = 50;
  SimulatedNoise noise(7);
  std::vector<std::vector<double>> values_SI(4, std::vector<double>(50));
  std::vector<double> differences_S;
  for (std::vector<double>& values_I : values_SI) {
    const double of_seed = noise.Normal();
    for (size_t i = 0; i < values_I.size(); ++i) {
      values_I[i] =
          of_seed + std::sin(static_cast<double>(i)) * 3 + 0.3 * noise.Normal();
    }
    differences_S.push_back(Mean(values_I));
  }
  const CrossedError error = CrossedErrorOf(differences_S, values_SI);
  const CrossedError again =
      ErrorOfDesign(VariancePartsOf(differences_S, values_SI), 4, 50);
  CHECK(again.seeds == Approx(error.seeds).epsilon(1e-12));
  CHECK(again.items == Approx(error.items).epsilon(1e-12));
  CHECK(again.seed_freedom == error.seed_freedom);
  CHECK(again.item_freedom == error.item_freedom);
  // Four times the seeds: a quarter of their part; items stay.
  const CrossedError more =
      ErrorOfDesign(VariancePartsOf(differences_S, values_SI), 16, 50);
  CHECK(more.seeds == Approx(error.seeds / 4).epsilon(1e-12));
  CHECK(more.items == Approx(error.items).epsilon(1e-12));
}

TEST_CASE("a plan's families are those of its report", "[analysis][power]") {
  std::string unselected = kSweepSpec;
  unselected.resize(unselected.find("select:"));
  for (const std::string& spec : {std::string(kSweepSpec), unselected}) {
    const Sweep sweep(spec);
    sweep.Write([](record::RunRecord& record) {
      AddHeldoutText(record, [&](int i) {
        return 3 + 0.1 * ((i * 7 + record.config.seed * 3) % 5) +
               (record.config.method == "lora" ? 0.01 * i : 0);
      });
      return true;
    });
    auto results = CollectResults(sweep.folder.path());
    REQUIRE(results.ok());
    SelectCells(*results);
    int64_t tested[2] = {0, 0};
    for (const Comparison& one : CompareAll(*results)) {
      tested[one.is_retained ? 1 : 0] += one.is_asked_for;
    }
    const std::vector<PlannedQuestion> questions = QuestionsOf(sweep.plan);
    REQUIRE(questions.size() == 2);
    for (const PlannedQuestion& one : questions) {
      INFO(one.task);
      CHECK(one.comparisons == tested[one.is_retained ? 1 : 0]);
      CHECK(one.seeds == 2);
    }
    const std::vector<std::string> notes = NotesOnDecidability(sweep.plan);
    REQUIRE(notes.size() == 2);
    CHECK_THAT(notes[0], Catch::Contains("two seeds are not tested"));
  }
}

TEST_CASE("earlier records say what a larger sweep finds",
          "[analysis][power]") {
  const Sweep sweep(
      "question: which?\ntrain: [rotten_tomatoes]\n"
      "evaluate: {tasks: [rotten_tomatoes]}\n"
      "budget: {target_tokens: 1000}\n"
      "grid: {method: [full, lora], seed: [0, 1, 2]}\n"
      "baseline: {method: full}\n");
  sweep.Write([](record::RunRecord&) { return true; });
  const auto results = CollectResults(sweep.folder.path());
  REQUIRE(results.ok());
  const auto variances = VariancesOf(*results);
  REQUIRE(variances.count("rotten_tomatoes") == 1);
  const EarlierVariance& variance = variances.at("rotten_tomatoes");
  CHECK(variance.metric == "accuracy");
  CHECK(variance.pairs == 3);  // two against the untuned model, one with full
  CHECK(variance.items == 400);
  CHECK(variance.parts.freedom == 6);
  // Scores drawn item by item: what is left is most of the variance.
  CHECK(variance.parts.rest > 0.1);
  const std::vector<PlannedQuestion> questions = QuestionsOf(sweep.plan);
  REQUIRE(questions.size() == 1);
  PlannedQuestion question = questions[0];
  CHECK(question.comparisons == 3);
  CHECK(question.seeds == 3);
  CHECK(NotesOnDecidability(sweep.plan).empty());
  double last = HUGE_VAL;
  for (const int64_t seeds : {3, 5, 8, 20}) {
    question.seeds = seeds;
    question.items = 400;
    const PowerRow row = PowerOfQuestion(question, variance, "", 0.05);
    CHECK(row.detectable < last);
    CHECK(row.verdict == (row.detectable <= 0.05
                              ? "decidable"
                              : "cannot be decided: too small"));
    // Power is 80 % at what is detectable, and at no other difference.
    const PowerRow at = PowerOfQuestion(question, variance, "", row.detectable);
    CHECK(at.power == Approx(0.8).margin(1e-6));
    CHECK(at.seeds_needed == static_cast<double>(seeds));
    last = row.detectable;
  }
  question.seeds = 2;
  CHECK_THAT(PowerOfQuestion(question, variance, "", {}).verdict,
             Catch::Contains("two seeds are not tested"));
  question.seeds = 3;
  EarlierVariance unknown;
  unknown.parts.seeds = kNaN;
  unknown.parts.items = 1;
  CHECK_THAT(PowerOfQuestion(question, unknown, "", {}).verdict,
             Catch::Contains("no variance between seeds"));
}

// Does Holm's method find the first row at the family's level? By intervals,
// which cost less than p values: it goes on while a row is found at the level
// that those not found yet are asked for.
bool FindsFirst(const std::vector<SimulatedRow>& rows) {
  std::set<size_t> found;
  for (bool is_new = true; is_new && found.size() < rows.size();) {
    is_new = false;
    const double level =
        kFamilyLevel / static_cast<double>(rows.size() - found.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      if (found.count(i) > 0) continue;
      const Interval interval =
          CrossedInterval(rows[i].error, rows[i].difference, 1 - level);
      if (interval.low <= 0 && 0 <= interval.high) continue;
      found.insert(i);
      is_new = true;
      if (i == 0) return true;
      break;  // the next one is asked for less
    }
  }
  return false;
}

// Done when: 10,000 sweeps a setting.
TEST_CASE("in simulated sweeps power is 80 % at what is called detectable",
          "[analysis][power][slow]") {
  constexpr int kSweeps = 10000;
  uint64_t seed = 20261201;
  for (const double ratio : {0.1, 2.0}) {
    for (const int seeds : {3, 5, 8}) {
      for (const int comparisons : {1, 4, 12}) {
        SweepSetting setting;
        setting.seeds = seeds;
        setting.ratio = ratio;
        setting.items = 100;
        setting.rows = comparisons;
        setting.retained_items = 0;
        PlannedQuestion question;
        question.seeds = seeds;
        question.items = setting.items;
        question.comparisons = comparisons;
        EarlierVariance truth;  // of a difference: both methods' own
        truth.parts = {.seeds = 2 * SeedVariance(setting, setting.items),
                       .items = 2 * kTasteVariance,
                       .rest = 2 * kRestVariance,
                       .freedom = 1e9};
        const double effect =
            PowerOfQuestion(question, truth, "", {}).detectable;
        SimulatedSweeps sweeps(setting, ++seed);
        int found = 0;
        for (int i = 0; i < kSweeps; ++i) {
          sweeps.DrawOneBetter(effect);
          found += FindsFirst(sweeps.primary());
        }
        const double power = static_cast<double>(found) / kSweeps;
        INFO("ratio " << ratio << ", " << seeds << " seeds, " << comparisons
                      << " comparisons: " << effect << " found in " << power);
        CHECK(power >= 0.78);
        CHECK(power <= 0.82);
        WARN("ratio " << ratio << ", " << seeds << " seeds, " << comparisons
                      << " comparisons: " << 100 * power << " %");
      }
    }
  }
}

}  // namespace
}  // namespace sft::analysis::power_test
