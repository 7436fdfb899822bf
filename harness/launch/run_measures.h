// What a run cost, and where it was made: memory, rates, provenance.
#ifndef HARNESS_LAUNCH_RUN_MEASURES_H_
#define HARNESS_LAUNCH_RUN_MEASURES_H_

#include <map>
#include <string>
#include <vector>

#include "harness/model/model.h"
#include "harness/record/run_record.h"
#include "harness/train/optimizer.h"

namespace sft {

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
