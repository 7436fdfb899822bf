// Metrics from sums over items, against the same metrics over the texts.
#include <catch2/catch.hpp>

#include "harness/core/rng.h"
#include "harness/metrics/metric_records.h"
#include "harness/metrics/metrics.h"
#include "tests/harness/metrics/golden_metrics.h"

namespace sft::metrics::resampled_sums_test {
namespace {
using nlohmann::json;

MetricScore ScoreOf(const std::string& metric,
                    const std::vector<TextItem>& items,
                    const TextMetricOptions& options) {
  const auto score = ScoreTexts(*TextMetricByName(metric), items, options);
  REQUIRE(score.ok());
  return *score;
}

// The value of the items in `drawn`, from the sums that `score` keeps.
double ValueOf(const std::string& metric, const MetricScore& score,
               const std::vector<size_t>& drawn) {
  const size_t columns = static_cast<size_t>(FindMetric(metric)->sums.columns);
  std::vector<double> sums(columns, 0.0);
  for (const size_t item : drawn) {
    for (size_t c = 0; c < columns; ++c) {
      sums[c] += score.sums[item * columns + c];
    }
  }
  const auto value = ValueOfSums(*FindMetric(metric), sums);
  REQUIRE(value.has_value());
  return *value;
}

// All items, then five draws with replacement.
void CheckSums(const std::string& metric, const std::vector<TextItem>& items,
               const TextMetricOptions& options, Rng& rng) {
  const MetricScore score = ScoreOf(metric, items, options);
  INFO(metric);
  const int64_t columns = FindMetric(metric)->sums.columns;
  REQUIRE(columns > 0);
  REQUIRE(score.sums.size() == items.size() * static_cast<size_t>(columns));
  for (int draw = 0; draw < 6; ++draw) {
    std::vector<size_t> drawn;
    std::vector<TextItem> texts;
    for (size_t i = 0; i < items.size(); ++i) {
      drawn.push_back(draw == 0 ? i : rng.Below(items.size()));
      texts.push_back(items[drawn.back()]);
    }
    const double wanted = ScoreOf(metric, texts, options).value;
    CHECK(ValueOf(metric, score, drawn) ==
          Approx(wanted).margin(1e-9).epsilon(0));
  }
}

TEST_CASE("sums of bleu, chrf and ter give the metric of any draw of the items",
          "[metrics]") {
  Rng rng(1, Stream::kBootstrap, "sums");
  // Golden cases have up to four items: draws from all of them have more.
  std::map<size_t, std::vector<TextItem>> all;
  for (const json& c : GoldenMetrics()["text_cases"]) {
    const std::vector<TextItem> items = TextItemsOf(c);
    auto& same = all[items[0].references.size()];
    same.insert(same.end(), items.begin(), items.end());
    TextMetricOptions options;
    options.lowercase = c["lowercase"];
    for (const char* tokenize : {"13a", "intl", "none"}) {
      options.tokenize = tokenize;
      CheckSums("bleu", items, options, rng);
    }
    for (const char* name : {"chrf", "chrfpp", "ter"}) {
      CheckSums(name, items, options, rng);
    }
  }
  for (const auto& [references, items] : all) {
    INFO(references << " references, " << items.size() << " items");
    CheckSums("bleu", items, {}, rng);
    for (const char* name : {"chrf", "chrfpp"}) {
      CheckSums(name, items, {}, rng);
    }
  }
}

// After a tag without a type that no scheme has ("X"), seqeval's reading of a
// sentence depends on the sentences before it: its spans add up to nothing.
bool HasForeignTag(const std::vector<TextItem>& items) {
  for (const TextItem& item : items) {
    const std::string tags = " " + item.hypothesis + " " + item.references[0];
    for (size_t at = 0; at + 1 < tags.size(); ++at) {
      if (tags[at] != ' ' || tags[at + 1] == ' ') continue;
      if (std::string("BIOES.").find(tags[at + 1]) == std::string::npos) {
        return true;
      }
    }
  }
  return false;
}

TEST_CASE("sums of spans give span F1 of any draw of the sentences",
          "[metrics]") {
  Rng rng(2, Stream::kBootstrap, "sums");
  std::vector<TextItem> all;
  for (const json& c : GoldenMetrics()["tag_cases"]) {
    const std::vector<TextItem> items = PairItemsOf(c);
    if (HasForeignTag(items)) continue;
    CheckSums("span_f1", items, {}, rng);
    if (c["span_f1_strict"].is_null()) continue;  // no IOB2
    CheckSums("span_f1_strict", items, {}, rng);
    all.insert(all.end(), items.begin(), items.end());
  }
  REQUIRE(all.size() >= 400);
  CheckSums("span_f1", all, {}, rng);
  CheckSums("span_f1_strict", all, {}, rng);
}

TEST_CASE("a record of texts keeps the sums with their width", "[metrics]") {
  const std::vector<TextItem> items = {{"a b c", {"a b d"}}, {"x", {"x y"}}};
  const auto bleu = MetricOfTexts("bleu", items, {}, "detail");
  REQUIRE(bleu.ok());
  CHECK(bleu->sum_columns == 10);
  CHECK(bleu->sums == std::vector<double>{3, 3, 2, 3, 1, 2, 0, 1, 0, 0,  //
                                          1, 2, 1, 1, 0, 0, 0, 0, 0, 0});
  const auto rouge = MetricOfTexts("rougeL", items, {});
  REQUIRE(rouge.ok());
  CHECK(rouge->sum_columns == 0);
  CHECK(rouge->sums.empty());
}

}  // namespace
}  // namespace sft::metrics::resampled_sums_test
