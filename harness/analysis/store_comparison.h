// Two stores of records, A and B, held against each other: what B has of the
// cells that both hold, minus what A has, paired by seed and item; and what
// must not be compared, or not without a word.
#ifndef HARNESS_ANALYSIS_STORE_COMPARISON_H_
#define HARNESS_ANALYSIS_STORE_COMPARISON_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/analysis/tables.h"
#include "harness/spec/run_config.h"

namespace sft::analysis {

struct StoreComparison {
  Table scores;  // a row a cell, task and metric
  Table costs;   // peak memory and tokens/s, where the machine is one
  std::vector<std::string> notes;
};

// Of cells that are the same (united_stores.h). Of scores that comparability.h
// keeps apart, and of models trained on other rows, no difference is taken, and
// the row says why. Primary metrics are one family of Holm's, at 5 %.
absl::StatusOr<StoreComparison> CompareStores(
    const std::string& a, const std::string& b,
    const spec::LaterOptions& later = {});

// csv and tsv: the scores alone.
absl::StatusOr<std::string> RenderComparison(
    const StoreComparison& comparison, TableFormat format,
    const RenderOptions& options, const std::vector<std::string>& columns);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_STORE_COMPARISON_H_
