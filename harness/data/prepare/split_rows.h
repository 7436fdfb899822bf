// Stratified, seeded splits and subsamples that depend on the rows' texts,
// labels and groups; a group is never parted.
#ifndef HARNESS_DATA_PREPARE_SPLIT_ROWS_H_
#define HARNESS_DATA_PREPARE_SPLIT_ROWS_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "harness/data/prepare/checks.h"

namespace sft::data {

// Leaves options.subsample of `rows`, each label in its proportion; the rest
// is dropped as not sampled. Error where there are not so many.
absl::Status Subsample(PrepareState& state, std::vector<uint32_t>& rows);

std::array<std::vector<uint32_t>, kSplits> SplitRows(
    PrepareState& state, const std::vector<uint32_t>& rows,
    const std::array<double, kSplits>& shares);

}  // namespace sft::data

#endif  // HARNESS_DATA_PREPARE_SPLIT_ROWS_H_
