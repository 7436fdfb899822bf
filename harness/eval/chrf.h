// chrF2 (Popovic, 2015) as sacreBLEU computes it: character n-grams to 6 of
// the text without white space, no word n-grams, beta 2, effective order; of
// several references the one with the best score counts.
#ifndef HARNESS_EVAL_CHRF_H_
#define HARNESS_EVAL_CHRF_H_

#include <vector>

#include "absl/status/statusor.h"
#include "harness/eval/text_item.h"

namespace sft::eval {

// 0..100; items are the sentences' own chrF, the value is of summed counts.
absl::StatusOr<TextScore> Chrf(const std::vector<TextItem>& items,
                               const TextMetricOptions& options);

}  // namespace sft::eval

#endif  // HARNESS_EVAL_CHRF_H_
