// What a run cost, and where it was made: memory, rates, provenance.
#ifndef HARNESS_LAUNCH_RUN_MEASURES_H_
#define HARNESS_LAUNCH_RUN_MEASURES_H_

#include <map>
#include <string>
#include <vector>

#include "harness/measure/memory.h"
#include "harness/model/model.h"
#include "harness/record/run_record.h"
#include "harness/spec/run_config.h"
#include "harness/train/method.h"
#include "harness/train/optimizers/optimizer.h"

namespace sft::launch {

// What the config says of a step's memory; tokens and targets are the plan's.
measure::StepSize StepSizeOf(const spec::RunConfig& config);
// What `parameters` and the config's optimizer should hold.
measure::TrainedBytes TrainedBytesOf(
    const spec::RunConfig& config,
    const std::vector<train::TrainableParameter>& parameters);
// Before a round: the peak counters start anew.
void StartTrainingMeasures(model::Model& model);
// After a round of these steps: peaks, and the bytes that its largest
// micro-batch should need by formula.
void TakeTrainingMeasures(record::RunRecord& record, model::Model& model,
                          const train::UpdateMethod& method,
                          const train::Optimizer* optimizer,
                          const std::vector<StepRecord>& steps);
// What the method says of itself.
void TakeReport(const train::MethodReport& report, record::RunRecord& record);
// Totals over the record's steps: tokens, steps, rates.
void SumUpSteps(record::RunRecord& record);
void FillProvenance(record::RunRecord& record,
                    const std::map<std::string, std::string>& build,
                    int attempt);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_RUN_MEASURES_H_
