// chrF++, TER and exact match against their libraries.
#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/metrics/exact_match.h"
#include "harness/metrics/likeliest_choice.h"
#include "harness/metrics/metrics.h"
#include "harness/metrics/ter.h"
#include "tests/support/paths.h"

namespace sft::metrics::edit_metrics_test {
namespace {

using nlohmann::json;

const json& Golden() {
  static const auto& golden = *new json([] {
    std::ifstream in(support::SourceDir() / "tests/golden/text_metrics.json");
    return json::parse(in);
  }());
  return golden;
}

std::vector<TextItem> ItemsOf(const json& one) {
  const json& texts = Golden()["texts"];
  std::vector<TextItem> items;
  for (const json& row : one["items"]) {
    TextItem item{texts[row[0].get<size_t>()], {}};
    for (const json& r : row[1]) {
      item.references.push_back(texts[r.get<size_t>()]);
    }
    items.push_back(item);
  }
  return items;
}

MetricScore ScoreOf(const std::string& name, const std::vector<TextItem>& items,
                    const TextMetricOptions& options) {
  const Metric* metric = FindMetric(name);
  REQUIRE(metric != nullptr);
  const auto score = ScoreTexts(*metric, items, options);
  INFO(score.status().ToString());
  REQUIRE(score.ok());
  return *score;
}

void CheckScore(const MetricScore& score, const json& wanted) {
  INFO("wanted " << wanted.dump());
  CHECK(score.value == Approx(wanted[0].get<double>()).margin(1e-6).epsilon(0));
  REQUIRE(score.items.size() == wanted[1].size());
  for (size_t i = 0; i < score.items.size(); ++i) {
    CHECK(score.items[i] ==
          Approx(wanted[1][i].get<double>()).margin(1e-6).epsilon(0));
  }
  if (wanted.size() > 2) CHECK(score.signature == wanted[2]);
}

TEST_CASE("chrF++ and TER equal sacreBLEU's", "[metrics]") {
  REQUIRE(Golden()["cases"].size() >= 200);
  for (size_t n = 0; n < Golden()["cases"].size(); ++n) {
    const json& c = Golden()["cases"][n];
    INFO("case " << n);
    const std::vector<TextItem> items = ItemsOf(c);
    TextMetricOptions options;
    options.lowercase = c["flag"];
    options.case_sensitive = c["flag"];
    for (const std::string name : {"chrfpp", "ter"}) {
      const MetricScore score = ScoreOf(name, items, options);
      CheckScore(score, c[name]);
      // The sums are those of the value, and of each item's.
      const Metric& metric = *FindMetric(name);
      const auto columns = static_cast<size_t>(metric.sums.columns);
      REQUIRE(score.sums.size() == columns * items.size());
      for (size_t i = 0; i < items.size(); ++i) {
        const auto at = score.sums.begin() + static_cast<int64_t>(i * columns);
        const auto value = ValueOfSums(
            metric,
            std::vector<double>(at, at + static_cast<int64_t>(columns)));
        REQUIRE(value.has_value());
        CHECK(*value == Approx(score.items[i]));
      }
    }
  }
}

TEST_CASE("exact match equals lm-eval's, whatever it ignores", "[metrics]") {
  int64_t right = 0, wrong = 0;
  for (const json& c : Golden()["cases"]) {
    if (!c.contains("exact")) continue;
    const json& exact = c["exact"];
    INFO(exact.dump());
    const std::vector<TextItem> items = ItemsOf(c);
    TextMetricOptions options;
    options.ignore_case = exact["ignore_case"];
    options.ignore_punctuation = exact["ignore_punctuation"];
    options.ignore_numbers = exact["ignore_numbers"];
    options.regexes_to_ignore =
        exact["regexes"].get<std::vector<std::string>>();
    const MetricScore score = ScoreOf("exact_match_text", items, options);
    CheckScore(score, exact["result"]);
    if (options.ignore_case && options.ignore_punctuation) {
      CheckScore(ScoreOf("exact_match_lenient", items, options),
                 exact["result"]);
    }
    for (const double item : score.items) ++(item > 0 ? right : wrong);
  }
  CHECK(right >= 50);
  CHECK(wrong >= 50);
}

TEST_CASE("exact match says what it ignored, and which pattern is none",
          "[metrics]") {
  const std::vector<TextItem> items = {{"$1,000", {"1000"}},
                                       {"", {"x"}, false}};
  TextMetricOptions options;
  CHECK(ScoreOf("exact_match_text", items, options).value == 0);
  options.regexes_to_ignore = {"\\$", ","};
  const MetricScore score = ScoreOf("exact_match_text", items, options);
  CHECK(score.items == std::vector<double>{1, 0});
  CHECK(score.signature ==
        "exact_match_text|nrefs:1|best-reference|mean:items|"
        "ignored:\"\\\\$\",\",\"|lm-eval-0.4.13");
  options.regexes_to_ignore = {"(open"};
  CHECK_FALSE(ExactMatchText(items, options).ok());
}

TEST_CASE("the likeliest choice is lm-eval's, by sum and by character",
          "[metrics]") {
  REQUIRE(Golden()["choices"].size() >= 200);
  int64_t differ = 0;
  for (const json& c : Golden()["choices"]) {
    INFO(c.dump());
    const auto sums = c[0].get<std::vector<double>>();
    const auto choices = c[1].get<std::vector<std::string>>();
    CHECK(LikeliestChoice(sums) == c[2].get<int64_t>());
    CHECK(LikeliestPerCharacter(sums, choices) == c[3].get<int64_t>());
    differ += c[2] != c[3];
  }
  CHECK(differ >= 20);
}

TEST_CASE("a moved block is one edit", "[metrics]") {
  CHECK(TerEdits({"c", "d", "a", "b"}, {"a", "b", "c", "d"}) == 1);
  CHECK(TerEdits({}, {"a", "b"}) == 2);
  CHECK(TerEdits({"a"}, {}) == 1);
  CHECK(TerEdits({}, {}) == 0);
  CHECK(TerOfSums({3, 0}) == 100);
  CHECK(TerOfSums({0, 0}) == 0);
}

}  // namespace
}  // namespace sft::metrics::edit_metrics_test
