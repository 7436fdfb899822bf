// A stage's rows, out of those of its data sets.
#ifndef HARNESS_LAUNCH_MIXED_ROWS_H_
#define HARNESS_LAUNCH_MIXED_ROWS_H_

#include <cstdint>
#include <vector>

#include "harness/core/batch.h"
#include "harness/launch/run_inputs.h"
#include "harness/spec/mixture.h"
#include "harness/spec/run_config.h"

namespace sft::launch {

// As many rows of each part as its weight asks, of the one that runs out first
// all; of the others a sample, by classes where there are any (`of_label`, of
// each example). What was taken is said in `inputs`.
std::vector<Example> MixedRows(
    const std::vector<spec::MixPart>& parts,
    std::vector<std::vector<Example>> of_part,
    const std::vector<std::vector<int64_t>>& of_label,
    const spec::RunConfig& config, RunInputs& inputs);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_MIXED_ROWS_H_
