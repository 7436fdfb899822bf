// Micro-averaged F1 of named spans, as seqeval computes it: by default spans
// are read as conlleval does (Tjong Kim Sang and De Meulder, 2003), which
// mends broken sequences; strict reads IOB2, where a span begins with B- only.
#ifndef HARNESS_METRICS_SPAN_F1_H_
#define HARNESS_METRICS_SPAN_F1_H_

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/metrics/text_item.h"

namespace sft::metrics {

using Sentence = std::vector<std::string>;  // of tags
// Sentence, first and last token, type.
using Span = std::tuple<size_t, size_t, size_t, std::string>;

// Sentences are laid end to end with an O after each, as seqeval does, so the
// sentence of a span is 0 and its tokens are counted over all.
std::set<Span> ConllSpans(const std::vector<Sentence>& sentences);
// An error for a tag that does not begin with I, O or B.
absl::StatusOr<std::set<Span>> Iob2Spans(
    const std::vector<Sentence>& sentences);

// The sums of an item: spans right, predicted, true; and the value of their
// totals.
inline constexpr int64_t kSpanColumns = 3;
double SpanF1OfSums(const std::vector<double>& sums);

// 0..1 each. An item is a sentence, its tags separated by spaces; it has one
// reference with as many tags.
absl::StatusOr<MetricScore> SpanF1(const std::vector<TextItem>& items,
                                   const TextMetricOptions& options);
absl::StatusOr<MetricScore> SpanF1Strict(const std::vector<TextItem>& items,
                                         const TextMetricOptions& options);

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_SPAN_F1_H_
