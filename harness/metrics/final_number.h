// Exact answers of arithmetic: the last number of a text, as GSM8K is scored
// (Cobbe et al., 2021, arXiv 2110.14168), whatever stands before it.
#ifndef HARNESS_METRICS_FINAL_NUMBER_H_
#define HARNESS_METRICS_FINAL_NUMBER_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/metrics/text_item.h"

namespace sft::metrics {

// The last number as a plain decimal: "1,234.50" and "$1234.5" are both
// "1234.5", "-0.0" is "0". A sign counts where no word and no number stands
// before it. nullopt if there is no digit.
std::optional<std::string> FinalNumber(std::string_view text);

// 0..1: items whose last number is that of a reference.
absl::StatusOr<MetricScore> ScoreFinalNumber(const std::vector<TextItem>& items,
                                             const TextMetricOptions& options);

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_FINAL_NUMBER_H_
