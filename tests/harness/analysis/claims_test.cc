// The ledger: what it may say, and verdicts that follow from records.
#include "harness/analysis/claims.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/analysis/comparison.h"
#include "harness/record/merge.h"
#include "tests/harness/analysis/sweep.h"

namespace sft::analysis::claims_test {
namespace {
using Catch::Contains;

// A claim with one test, whose lines are given.
std::string OneClaim(const std::string& test) {
  return "claims:\n"
         "  - name: one\n"
         "    statement: it is so\n"
         "    source: {authors: A, year: 2024, title: T, id: X, where: here}\n"
         "    differs: nothing\n"
         "    theirs: more\n"
         "    ours:\n"
         "      - {what: the score, " +
         test + "}\n";
}

std::vector<AnsweredClaim> Answered(const std::string& text,
                                    const std::string& folder) {
  const auto rows = ParseClaims("claims.yaml", text);
  INFO(rows.status());
  REQUIRE(rows.ok());
  const auto claims = AnswerClaims(
      *rows, folder, {{"seven", [] { return absl::StatusOr<double>(7.0); }}});
  INFO(claims.status());
  REQUIRE(claims.ok());
  return *claims;
}

TestedClaim TestOf(const std::string& test, const std::string& folder) {
  const auto claims = Answered(OneClaim(test), folder);
  REQUIRE(claims.size() == 1);
  REQUIRE(claims[0].tests.size() == 1);
  CHECK(claims[0].verdict == claims[0].tests[0].verdict);
  return claims[0].tests[0];
}

TEST_CASE("the committed ledger has its rows, each with source and test",
          "[analysis][claims]") {
  const auto rows =
      ReadClaims(std::string(SFT_SOURCE_DIR) + "/experiments/claims.yaml");
  INFO(rows.status());
  REQUIRE(rows.ok());
  CHECK(rows->size() >= 14);
  size_t tested = 0;
  for (const ClaimRow& row : *rows) tested += !row.tests.empty();
  CHECK(tested >= 10);
}

TEST_CASE("a ledger's faults are told with line, value and remedy",
          "[analysis][claims]") {
  const auto fault = [](const std::string& text) {
    const auto rows = ParseClaims("claims.yaml", text);
    REQUIRE_FALSE(rows.ok());
    return std::string(rows.status().message());
  };
  CHECK_THAT(fault("claim: []"), Contains("claims.yaml:1: wants one key"));
  CHECK_THAT(fault(OneClaim("computd: seven, holds: {above: 1}")),
             Contains("claims.yaml:8: no key of a claim is 'computd'") &&
                 Contains("computed"));
  CHECK_THAT(fault(OneClaim("computed: seven")), Contains("holds:"));
  CHECK_THAT(fault(OneClaim("computed: seven, holds: {within: [2, 1]}")),
             Contains("the range in which it is so"));
  CHECK_THAT(fault(OneClaim("computed: seven, holds: {above: much}")),
             Contains("wants a number, not 'much'"));
  CHECK_THAT(fault(OneClaim("file: a.h5, of: method, value: x, "
                            "holds: {above: 1}")),
             Contains("wants conditions"));
  CHECK_THAT(fault(OneClaim("file: a.h5, holds: {above: 1}")),
             Contains("of records (file:, of:, value:) or computed:"));
  CHECK_THAT(fault(OneClaim("file: a.h5, of: seed=1, value: x, best: seed, "
                            "holds: {above: 1}")),
             Contains("best: and by: go together"));
  std::string bare = OneClaim("computed: seven, holds: {above: 1}");
  bare.resize(bare.find("    ours:"));
  CHECK_THAT(fault(bare), Contains("not_tested: and why"));
  std::string twice = OneClaim("computed: seven, holds: {above: 1}");
  twice += twice.substr(twice.find("  - name"));
  CHECK_THAT(fault(twice), Contains("two claims are named 'one'"));
}

TEST_CASE("a verdict is where the interval lies", "[analysis][claims]") {
  ClaimTest test;
  test.above = 0.65;
  test.below = 0.75;
  CHECK(VerdictOf(test, {0.66, 0.74}) == ClaimVerdict::kReproduced);
  CHECK(VerdictOf(test, {0.60, 0.70}) == ClaimVerdict::kUndecided);
  CHECK(VerdictOf(test, {0.50, 0.80}) == ClaimVerdict::kUndecided);
  CHECK(VerdictOf(test, {0.80, 0.90}) == ClaimVerdict::kNotReproduced);
  CHECK(VerdictOf(test, {0.10, 0.20}) == ClaimVerdict::kNotReproduced);
  CHECK(VerdictOf(test, {kNaN, kNaN}) == ClaimVerdict::kUndecided);
  const TestedClaim found =
      TestOf("computed: seven, holds: {within: [6, 8]}", "nowhere");
  CHECK(found.value == 7);
  CHECK(found.verdict == ClaimVerdict::kReproduced);
  CHECK(TestOf("computed: seven, holds: {above: 8}", "nowhere").verdict ==
        ClaimVerdict::kNotReproduced);
}

struct MergedSweep {
  Sweep sweep{
      "question: which?\ntrain: [rotten_tomatoes]\n"
      "evaluate: {tasks: [rotten_tomatoes]}\n"
      "budget: {target_tokens: 1000}\n"
      "grid: {method: [full, lora], seed: [0, 1, 2]}\n"
      "cases:\n"
      "  - {when: {method: full}, grid: {learning_rate: [1.0e-5, 1.0e-4]}}\n"
      "  - {when: {method: lora}, grid: "
      "{learning_rate: [1.0e-4, 1.0e-3, 1.0e-2]}}\n"
      "baseline: {method: full, learning_rate: 1.0e-5}\n"};
  // Beside the sweep's own records.
  std::string folder = sweep.folder.path() + "/reference";

  MergedSweep() {
    sweep.Write([](record::RunRecord& record) {
      const double rate = record.config.learning_rate;
      // Full is best at 1e-5, LoRA at 1e-3; time goes with the seed.
      record.evals[1].metrics[0].value =
          record.config.method == "lora"
              ? std::abs(std::log10(rate / 1e-3)) + 0.5
              : std::abs(std::log10(rate / 1e-5)) + 0.5;
      record.measured["train_wall_seconds"] =
          (record.config.method == "lora" ? 5 : 10) *
          (1 + 0.01 * static_cast<double>(record.config.seed));
      return true;
    });
    REQUIRE(MakeFolders(folder).ok());
    REQUIRE(
        record::MergeRecords({sweep.folder.path()}, folder + "/one.h5").ok());
  }
};

constexpr char kLoss[] = "rotten_tomatoes/validation/validation_loss";

TEST_CASE("a claim's number is the report's own", "[analysis][claims]") {
  const MergedSweep merged;
  const TestedClaim found = TestOf(
      "file: one.h5, of: 'method=lora,learning_rate=1e-3', "
      "minus: 'method=full,learning_rate=1e-5', "
      "value: rotten_tomatoes/test/accuracy, holds: {within: [-0.2, 0.2]}",
      merged.folder);
  const auto results = CollectResults(merged.sweep.folder.path());
  REQUIRE(results.ok());
  std::optional<size_t> lora, full;
  for (size_t i = 0; i < results->cells.size(); ++i) {
    const spec::RunConfig& config =
        results->runs[results->cells[i].runs[0]].planned.config;
    if (config.method == "lora" && config.learning_rate == 1e-3) lora = i;
    if (config.method == "full" && config.learning_rate == 1e-5) full = i;
  }
  REQUIRE(lora.has_value());
  REQUIRE(full.has_value());
  const auto compared =
      CompareCells(*results, *lora, *full, "rotten_tomatoes", "accuracy");
  REQUIRE(compared.has_value());
  CHECK(found.value == Approx(compared->gain));
  CHECK(found.interval.low == Approx(compared->interval.low));
  CHECK(found.interval.high == Approx(compared->interval.high));
  CHECK(found.seeds == 3);
  CHECK(found.items == 400);
  CHECK(found.verdict == ClaimVerdict::kReproduced);
  // Against the untuned model, the partner of every seed.
  const TestedClaim gain = TestOf(
      "file: one.h5, of: 'method=lora,learning_rate=1e-3', "
      "minus: method=untuned, value: rotten_tomatoes/test/accuracy, "
      "holds: {above: 0.1}",
      merged.folder);
  CHECK(gain.seeds == 3);
  CHECK(gain.verdict == ClaimVerdict::kReproduced);
}

TEST_CASE("shares, tuned values and what stands in the way",
          "[analysis][claims]") {
  const MergedSweep merged;
  const std::string file = "file: one.h5, ";
  const std::string tuned =
      absl::StrCat("best: learning_rate, by: ", kLoss, ", ");
  // The times' ratio is a half for every seed: no spread.
  const TestedClaim time =
      TestOf(file + tuned +
                 "of: method=lora, over: method=full, "
                 "value: fact.real_tokens / measured.train_wall_seconds, "
                 "holds: {above: 1.8}",
             merged.folder);
  CHECK(time.value == Approx(2));
  CHECK(time.interval.low == Approx(2));
  CHECK(time.verdict == ClaimVerdict::kReproduced);
  // 1e-3 over 1e-5, the latter at the end of its grid: perhaps far more.
  const TestedClaim rate =
      TestOf(file + tuned +
                 "of: method=lora, over: method=full, value: learning_rate, "
                 "holds: {above: 5}",
             merged.folder);
  CHECK(rate.value == Approx(100));
  // Half a step of ten on LoRA's side, half a step on full's.
  CHECK(rate.interval.low == Approx(10));
  CHECK(std::isinf(rate.interval.high));
  CHECK(rate.verdict == ClaimVerdict::kReproduced);
  CHECK_THAT(rate.why, Contains("end of its grid"));

  const auto untested = [&](const std::string& test) {
    const TestedClaim found = TestOf(test, merged.folder);
    CHECK(found.verdict == ClaimVerdict::kNotTested);
    return found.why;
  };
  CHECK(untested("file: two.h5, of: seed=0, value: x, holds: {above: 0}") ==
        "two.h5 is not there yet");
  CHECK_THAT(untested(file + "of: method=hft, value: x, holds: {above: 0}"),
             Contains("no record of one.h5") && Contains("method=hft"));
  CHECK_THAT(untested(file + "of: method=full, value: learning_rate, "
                             "holds: {above: 0}"),
             Contains("several records of one seed have method=full"));
  CHECK_THAT(untested(file + "of: 'method=full,learning_rate=1e-5', "
                             "value: fact.nothing, holds: {above: 0}"),
             Contains("has no fact.nothing"));
  // A number of one seed has no interval.
  const TestedClaim single =
      TestOf(file +
                 "of: 'method=full,learning_rate=1e-5,seed=1', "
                 "value: measured.train_wall_seconds, holds: {above: 1}",
             merged.folder);
  CHECK(single.verdict == ClaimVerdict::kUndecided);
  CHECK_THAT(single.why, Contains("one seed"));
}

TEST_CASE("one part that fails is enough, all must hold",
          "[analysis][claims]") {
  const std::string two =
      "      - {what: another, computed: seven, holds: {above: ";
  const auto verdict = [&](const std::string& above) {
    const auto claims = Answered(
        OneClaim("computed: seven, holds: {above: 1}") + two + above + "}}\n",
        "nowhere");
    const Table table = ClaimsTable(claims);
    CHECK(table.rows.size() == 2);
    const auto json = nlohmann::json::parse(ClaimsAsJson(claims));
    CHECK(json[0]["tests"].size() == 2);
    CHECK(json[0]["verdict"] == ClaimVerdictName(claims[0].verdict));
    return claims[0].verdict;
  };
  CHECK(verdict("5") == ClaimVerdict::kReproduced);
  CHECK(verdict("9") == ClaimVerdict::kNotReproduced);
}

}  // namespace
}  // namespace sft::analysis::claims_test
