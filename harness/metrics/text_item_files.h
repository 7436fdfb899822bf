// The items of a metric of texts, read from files.
#ifndef HARNESS_METRICS_TEXT_ITEM_FILES_H_
#define HARNESS_METRICS_TEXT_ITEM_FILES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/metrics/metrics.h"
#include "harness/metrics/text_item.h"

namespace sft::metrics {

// Reads the items of `metric`; an error names file and line. At least one.
absl::StatusOr<std::vector<TextItem>> ReadTextItems(
    const Metric& metric, const std::string& hypotheses,
    const std::vector<std::string>& references);

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_TEXT_ITEM_FILES_H_
