// BLEU (Papineni et al., 2002) as sacreBLEU computes it (Post, 2018):
// n-grams to 4, the closest reference's length, smoothing "exp" (method 3 of
// Chen and Cherry, 2014). Items are sacreBLEU's sentence_bleu, whose order is
// the effective one; the value is of the corpus and no mean of them.
#ifndef HARNESS_METRICS_BLEU_H_
#define HARNESS_METRICS_BLEU_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/metrics/text_item.h"

namespace sft::metrics {

// mteval-v13a's tokens, as sacreBLEU's 13a joins them by one space.
std::string Tokenize13a(std::string_view line);
// mteval-v14's "international" tokens: \p{P} beside a non-number, all \p{S}.
std::string TokenizeIntl(std::string_view line);

// The sums of an item: lengths of hypothesis and reference, then for n = 1..4
// the n-grams that match and those there are; and the value of their totals,
// 0..100 (smoothing exp, arXiv 1804.08771).
inline constexpr int64_t kBleuColumns = 10;
double BleuOfSums(const std::vector<double>& sums);

// 0..100. An error for a tokenizer that is none of 13a, intl and none.
absl::StatusOr<MetricScore> Bleu(const std::vector<TextItem>& items,
                                 const TextMetricOptions& options);

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_BLEU_H_
