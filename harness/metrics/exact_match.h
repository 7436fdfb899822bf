// Exact match of answers as lm-evaluation-harness 0.4.13 (and Hugging Face's
// evaluate) computes it: equal texts, once what is ignored has gone from both:
// matches of patterns first, then case, ASCII punctuation, digits. Of several
// references any. SQuAD's own exact match is in squad.h.
#ifndef HARNESS_METRICS_EXACT_MATCH_H_
#define HARNESS_METRICS_EXACT_MATCH_H_

#include <vector>

#include "absl/status/statusor.h"
#include "harness/metrics/text_item.h"

namespace sft::metrics {

// 0..1, items are 0 or 1; an answer that was not given is wrong. An error if a
// pattern is none.
absl::StatusOr<MetricScore> ExactMatchText(const std::vector<TextItem>& items,
                                           const TextMetricOptions& options);
// Without case and punctuation, whatever `options` say of them.
absl::StatusOr<MetricScore> ExactMatchLenient(
    const std::vector<TextItem>& items, const TextMetricOptions& options);

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_EXACT_MATCH_H_
