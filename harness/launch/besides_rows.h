// Rows that a run reads besides its stages' own: what is replayed, and what the
// method calibrates on.
#ifndef HARNESS_LAUNCH_BESIDES_ROWS_H_
#define HARNESS_LAUNCH_BESIDES_ROWS_H_

#include "absl/status/status.h"
#include "harness/launch/row_reader.h"
#include "harness/launch/run_inputs.h"
#include "harness/launch/workbench.h"
#include "harness/spec/run_config.h"

namespace sft::launch {

// Adds to `set`, the stage behind those that `inputs` holds. Each source of
// replay.from brings as many target tokens as the others, and all together
// their share of the stage's. `earlier` has none before the first stage.
absl::Status AddReplayed(const spec::RunConfig& config, RowReader& reader,
                         RunInputs& inputs, TrainingSet& set);

// Once all stages are there.
absl::Status AddCalibration(const Workbench& bench,
                            const spec::RunConfig& config, RowReader& reader,
                            RunInputs& inputs);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_BESIDES_ROWS_H_
