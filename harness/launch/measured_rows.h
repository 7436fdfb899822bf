// What a run measures after each stage: the test and validation rows of a task,
// or a held-out text.
#ifndef HARNESS_LAUNCH_MEASURED_ROWS_H_
#define HARNESS_LAUNCH_MEASURED_ROWS_H_

#include <string>

#include "absl/status/status.h"
#include "harness/launch/row_reader.h"
#include "harness/launch/run_inputs.h"
#include "harness/spec/run_config.h"

namespace sft::launch {

// `retained`: for forgetting, and not for the task. Behind all stages; a set
// that is measured already stays as it is.
absl::Status AddMeasured(const spec::RunConfig& config, const std::string& name,
                         bool retained, RowReader& reader, RunInputs& inputs);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_MEASURED_ROWS_H_
