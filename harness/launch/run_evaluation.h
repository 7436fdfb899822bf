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

// How a set is scored at points: by a loss, by its own score, or not at all.
enum class AtPoints { kNot, kLoss, kScore };
AtPoints HowAtPoints(const Measured& measured, const spec::RunConfig& config);
// One point of a curve, or of rewound weights: of the split `split` at `point`,
// the cross-entropy of held-out texts, the loss of validation rows, and the
// score of what the config's `at_points` names; likewise.
absl::Status MeasurePoint(model::Model& model, const Tokenizer& tokenizer,
                          const RunInputs& inputs,
                          const spec::RunConfig& config,
                          const std::string& split, int64_t round, double point,
                          std::vector<EvalRecord>& evals);
// Whether nothing is left to measure there.
bool HasPoint(const RunInputs& inputs, const spec::RunConfig& config,
              const std::string& split, int64_t round, double point,
              const std::vector<EvalRecord>& evals);

// What the config asks for after a step of a round, which counts from 0: the
// run's `step`-th, the round's `step_in_round`-th; likewise.
absl::Status MeasureInRound(model::Model& model, const Tokenizer& tokenizer,
                            const RunInputs& inputs,
                            const spec::RunConfig& config, int64_t round,
                            int64_t step, int64_t step_in_round,
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
