// Exact match and F1 of answers, as the official evaluation script of SQuAD
// v1.1 computes them (Rajpurkar et al., 2016): lower case, without ASCII
// punctuation and the articles a, an, the; the best of several references.
// Where some items are unanswerable, all are scored as the script of v2.0 does
// (Rajpurkar et al., 2018): these are right if the answer is empty, and
// references that normalize to nothing do not count. The signature says which.
// A question without a prediction scores 0, and by the script of v2.0 is left
// out of the mean.
#ifndef HARNESS_METRICS_SQUAD_H_
#define HARNESS_METRICS_SQUAD_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/metrics/text_item.h"

namespace sft::metrics {

std::string NormalizeAnswer(std::string_view answer);

// Some item is unanswerable.
bool IsSquad2(const std::vector<TextItem>& items);

// 0..100 each, the items too, which are those of the mean. An error if there
// are none.
absl::StatusOr<MetricScore> SquadExactMatch(const std::vector<TextItem>& items,
                                            const TextMetricOptions& options);
absl::StatusOr<MetricScore> SquadF1(const std::vector<TextItem>& items,
                                    const TextMetricOptions& options);

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_SQUAD_H_
