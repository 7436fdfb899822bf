// Everything a run measures of its model after one stage, and what of it
// changed against the base model.
#ifndef HARNESS_LAUNCH_RUN_EVALUATION_H_
#define HARNESS_LAUNCH_RUN_EVALUATION_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/records.h"
#include "harness/core/tokenizer.h"
#include "harness/launch/run_inputs.h"
#include "harness/model/model.h"
#include "harness/record/run_record.h"
#include "harness/spec/run_config.h"

namespace sft::launch {

// One record a task and split: test (score), validation (loss), heldout
// (cross-entropy). Round 0 is the base model. What `evals` does not hold yet is
// measured and added to it, each as it is done; under RunStoppable, an
// evaluation that was stopped goes on behind the batches that it has.
absl::Status MeasureModel(model::Model& model, const Tokenizer& tokenizer,
                          const RunInputs& inputs, int64_t round,
                          std::vector<EvalRecord>& evals);

// Validation losses in the middle of a round, of the split `split`; likewise.
absl::Status MeasureValidation(model::Model& model, const RunInputs& inputs,
                               const std::string& split, int64_t round,
                               std::vector<EvalRecord>& evals);

// Adds to the record what a decoder writes for the first `samples` rows of each
// task, with the prompts; nothing for an encoder.
absl::Status KeepAnswers(model::Model& model, const Tokenizer& tokenizer,
                         const RunInputs& inputs, int64_t samples,
                         record::RunRecord& record);

// "<task>/<metric>_change" of the last round against round 0, for everything
// measured; and over a sequence of tasks the measures of harness/eval's
// forgetting ("sequence/backward_transfer", ...).
absl::StatusOr<std::map<std::string, double>> ForgettingOf(
    const std::vector<EvalRecord>& evals, const spec::RunConfig& config);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_RUN_EVALUATION_H_
