// Translation edit rate (Snover et al., 2006) as sacreBLEU computes it, after
// Tercom: words in lower case; edits are insertions, deletions, substitutions
// and shifts of a block, found greedily; of several references the one with the
// fewest edits counts, over their mean length.
#ifndef HARNESS_METRICS_TER_H_
#define HARNESS_METRICS_TER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/metrics/text_item.h"

namespace sft::metrics {

// The sums of an item: edits, and words of the references, on average; and the
// value of their totals, in percent: it may be above 100.
inline constexpr int64_t kTerColumns = 2;
double TerOfSums(const std::vector<double>& sums);

// The fewest edits that were found, shifts among them, from one to the other.
int64_t TerEdits(const std::vector<std::string>& hypothesis,
                 const std::vector<std::string>& reference);

absl::StatusOr<MetricScore> Ter(const std::vector<TextItem>& items,
                                const TextMetricOptions& options);

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_TER_H_
