// The rows of one stage of training: of its data sets, mixed, and replayed ones
// behind them.
#ifndef HARNESS_LAUNCH_TRAINING_ROWS_H_
#define HARNESS_LAUNCH_TRAINING_ROWS_H_

#include <string>

#include "absl/status/status.h"
#include "harness/launch/row_reader.h"
#include "harness/launch/run_inputs.h"
#include "harness/launch/workbench.h"
#include "harness/spec/run_config.h"

namespace sft::launch {

// `stage`: a data set, or a mixture.
absl::Status AddTraining(const Workbench& bench, const spec::RunConfig& config,
                         const std::string& stage, RowReader& reader,
                         RunInputs& inputs);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_TRAINING_ROWS_H_
