// ROUGE (Lin, 2004) as the package rouge-score computes it, which follows
// ROUGE-1.5.5: F1 of n-grams (1, 2), of the longest common subsequence (L),
// and of the union of those of the lines of a text (Lsum). Of several
// references the best F counts; the value is the items' mean.
#ifndef HARNESS_METRICS_ROUGE_H_
#define HARNESS_METRICS_ROUGE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/metrics/text_item.h"

namespace sft::metrics {

// Lower-cased runs of a-z and 0-9; words of more than 3 are stemmed if asked.
std::vector<std::string> RougeTokens(std::string_view text, bool stemmer);

// All 0..1.
absl::StatusOr<MetricScore> Rouge1(const std::vector<TextItem>& items,
                                   const TextMetricOptions& options);
absl::StatusOr<MetricScore> Rouge2(const std::vector<TextItem>& items,
                                   const TextMetricOptions& options);
absl::StatusOr<MetricScore> RougeL(const std::vector<TextItem>& items,
                                   const TextMetricOptions& options);
// Sentences are separated by '\n'.
absl::StatusOr<MetricScore> RougeLsum(const std::vector<TextItem>& items,
                                      const TextMetricOptions& options);

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_ROUGE_H_
