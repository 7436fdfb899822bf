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
#include "harness/train/optimizer.h"

namespace sft {

// What the config says of a step's memory; tokens and targets are the plan's.
StepSize StepSizeOf(const RunConfig& config);
// Before a round: the peak counters start anew.
void StartTrainingMeasures(Model& model);
// After a round of these steps: peaks, and the bytes that its largest
// micro-batch should need by formula.
void TakeTrainingMeasures(RunRecord& record, Model& model,
                          const Optimizer* optimizer,
                          const std::vector<StepRecord>& steps);
// Totals over the record's steps: tokens, steps, rates.
void SumUpSteps(RunRecord& record);
void FillProvenance(RunRecord& record,
                    const std::map<std::string, std::string>& build,
                    int attempt);

}  // namespace sft

#endif  // HARNESS_LAUNCH_RUN_MEASURES_H_
