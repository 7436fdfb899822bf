#include "harness/launch/run_inputs.h"

#include "harness/core/status.h"
#include "harness/launch/besides_rows.h"
#include "harness/launch/measured_rows.h"
#include "harness/launch/row_reader.h"
#include "harness/launch/training_rows.h"

namespace sft::launch {

absl::StatusOr<RunInputs> ReadRunInputs(const Workbench& bench,
                                        const spec::RunConfig& config,
                                        const Tokenizer& tokenizer,
                                        HeadKind head) {
  RunInputs inputs;
  RowReader reader(bench, config, tokenizer, head, inputs);
  for (const std::string& stage : config.train) {
    SFT_RETURN_IF_ERROR(AddTraining(bench, config, stage, reader, inputs));
  }
  SFT_RETURN_IF_ERROR(AddCalibration(bench, config, reader, inputs));
  for (const std::string& name : config.evaluate) {
    SFT_RETURN_IF_ERROR(
        AddMeasured(config, name, /*retained=*/false, reader, inputs));
  }
  for (const std::string& name : config.retain) {
    SFT_RETURN_IF_ERROR(
        AddMeasured(config, name, /*retained=*/true, reader, inputs));
  }
  SFT_RETURN_IF_ERROR(reader.CheckRoles());
  return inputs;
}

}  // namespace sft::launch
