// Metrics of several labels an item against scikit-learn
// (tests/golden/make_golden_values.py).
#include "harness/metrics/label_set_metrics.h"

#include <catch2/catch.hpp>

#include "harness/core/rng.h"
#include "harness/metrics/metric_records.h"
#include "harness/metrics/metrics.h"
#include "tests/harness/metrics/golden_metrics.h"

namespace sft::metrics::label_set_metrics_test {
namespace {
using nlohmann::json;

struct Case {
  std::vector<std::vector<double>> scores;
  LabelSets said, wanted;
};
Case CaseOf(const json& c) {
  Case out;
  out.scores = c["scores"].get<std::vector<std::vector<double>>>();
  for (size_t i = 0; i < out.scores.size(); ++i) {
    std::vector<bool>& said = out.said.emplace_back();
    std::vector<bool>& wanted = out.wanted.emplace_back();
    for (size_t k = 0; k < out.scores[i].size(); ++k) {
      said.push_back(out.scores[i][k] > 0);
      wanted.push_back(c["wanted"][i][k] == 1);
    }
  }
  return out;
}

TEST_CASE("metrics of several labels equal scikit-learn's",
          "[metrics][label_sets]") {
  const json& cases = GoldenValues()["labels"];
  REQUIRE(cases.size() >= 200);
  for (const json& c : cases) {
    INFO(c.dump());
    const Case one = CaseOf(c);
    for (const char* name :
         {"labels_f1_micro", "labels_f1_macro", "subset_accuracy"}) {
      INFO(name);
      const Metric& metric = *FindMetric(name);
      REQUIRE(metric.label_sets != nullptr);
      const MetricRecord record =
          MakeMetric(name, metric.label_sets(one.said, one.wanted));
      CHECK(record.value == Approx(c[name].get<double>()).margin(1e-12));
      if (record.sums.empty()) {
        CHECK(record.items.size() == one.said.size());
        continue;
      }
      CHECK(record.sums.size() ==
            one.said.size() * static_cast<size_t>(record.sum_columns));
      CHECK(ValueOfSums(metric, TotalSums(record.sums, record.sum_columns)) ==
            record.value);
    }
    CHECK(MeanAveragePrecision(one.scores, one.wanted).value ==
          Approx(c["mean_average_precision"].get<double>()).margin(1e-12));
  }
}

TEST_CASE("sums of labels give the metric of any draw of the items",
          "[metrics][label_sets]") {
  Rng rng(1, Stream::kBootstrap, "label sets");
  for (const json& c : GoldenValues()["labels"]) {
    const Case one = CaseOf(c);
    for (const char* name : {"labels_f1_micro", "labels_f1_macro"}) {
      const Metric& metric = *FindMetric(name);
      const MetricRecord record =
          MakeMetric(name, metric.label_sets(one.said, one.wanted));
      const auto columns = static_cast<size_t>(record.sum_columns);
      std::vector<double> sums(columns, 0.0);
      LabelSets said, wanted;
      for (size_t i = 0; i < one.said.size(); ++i) {
        const size_t item = rng.Below(one.said.size());
        said.push_back(one.said[item]);
        wanted.push_back(one.wanted[item]);
        for (size_t k = 0; k < columns; ++k) {
          sums[k] += record.sums[item * columns + k];
        }
      }
      CHECK(*ValueOfSums(metric, sums) ==
            Approx(metric.label_sets(said, wanted).value).margin(1e-12));
    }
  }
}

TEST_CASE("lists of labels are read from lines", "[metrics][label_sets]") {
  const std::vector<TextItem> items = {{"joy, fear", {"fear,joy"}},
                                       {"", {""}},
                                       {"joy", {"joy , anger"}},
                                       {"bliss", {"joy"}}};
  const auto exact = MetricOfTexts("subset_accuracy", items, {});
  REQUIRE(exact.ok());
  CHECK(exact->items == std::vector<double>{1, 1, 0, 0});
  // Right 3, written 4, wanted 5.
  const auto micro = MetricOfTexts("labels_f1_micro", items, {});
  REQUIRE(micro.ok());
  CHECK(micro->value == Approx(6.0 / 9));
  // anger 0, bliss 0, fear 1, joy 4/5.
  const auto macro = MetricOfTexts("labels_f1_macro", items, {});
  REQUIRE(macro.ok());
  CHECK(macro->value == Approx((1 + 4.0 / 5) / 4));
  CHECK(macro->sum_columns == 12);
  CHECK(MicroF1OfSets({}, {}).value == 0);
  CHECK(MacroF1OfSets({}, {}).value == 0);
  CHECK(MeanAveragePrecision({}, {}).value == 0);
}

}  // namespace
}  // namespace sft::metrics::label_set_metrics_test
