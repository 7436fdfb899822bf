// The golden cases of text metrics, for tests.
#ifndef TESTS_HARNESS_METRICS_GOLDEN_METRICS_H_
#define TESTS_HARNESS_METRICS_GOLDEN_METRICS_H_

#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "harness/metrics/text_item.h"
#include "tests/support/paths.h"

namespace sft::metrics {

inline const nlohmann::json& GoldenMetrics() {
  static const auto& golden = *new nlohmann::json([] {
    std::ifstream in(support::SourceDir() / "tests/golden/metrics.json");
    return nlohmann::json::parse(in);
  }());
  return golden;
}

// Numbers, and several labels an item.
inline const nlohmann::json& GoldenValues() {
  static const auto& golden = *new nlohmann::json([] {
    std::ifstream in(support::SourceDir() / "tests/golden/values.json");
    return nlohmann::json::parse(in);
  }());
  return golden;
}

// Of a case under "text_cases".
inline std::vector<TextItem> TextItemsOf(const nlohmann::json& text_case) {
  const nlohmann::json& texts = GoldenMetrics()["texts"];
  std::vector<TextItem> items;
  for (const nlohmann::json& row : text_case["items"]) {
    TextItem item{texts[row[0].get<size_t>()], {}};
    for (const nlohmann::json& r : row[1]) {
      item.references.push_back(texts[r.get<size_t>()]);
    }
    items.push_back(item);
  }
  return items;
}

// Of a case under "tag_cases" or "label_cases".
inline std::vector<TextItem> PairItemsOf(const nlohmann::json& pair_case) {
  std::vector<TextItem> items;
  for (const nlohmann::json& row : pair_case["items"]) {
    items.push_back({row[0], {row[1]}});
  }
  return items;
}

}  // namespace sft::metrics

#endif  // TESTS_HARNESS_METRICS_GOLDEN_METRICS_H_
