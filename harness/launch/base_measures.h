// What is measured of a trained model beside the one that it began as: how far
// it is from it, and how models between them score. Costs no training: the base
// is loaded anew, once, and once for each point between.
#ifndef HARNESS_LAUNCH_BASE_MEASURES_H_
#define HARNESS_LAUNCH_BASE_MEASURES_H_

#include "absl/status/status.h"
#include "harness/launch/run_assembly.h"
#include "harness/launch/run_inputs.h"
#include "harness/launch/workbench.h"
#include "harness/record/run_record.h"
#include "harness/train/trainer.h"

namespace sft::launch {

// Whether the config asks for any of it.
bool MeasuresAgainstBase(const spec::RunConfig& config);

// Adds, of the record's own config: the divergences on held-out texts and on
// the validation rows of tasks (split "distance") with facts of the weights;
// and, of theta(alpha) = base + alpha (tuned - base), the points of the split
// "rewind". What the record holds already is not measured again; to be called
// under RunStoppable, as MeasureModel.
absl::Status MeasureAgainstBase(const Workbench& bench,
                                const LoadedModel& tuned,
                                const train::Trainer& trainer,
                                const RunInputs& inputs,
                                record::RunRecord& record);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_BASE_MEASURES_H_
