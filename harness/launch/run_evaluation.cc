#include "harness/launch/run_evaluation.h"

#include <algorithm>
#include <utility>

#include "harness/core/status.h"
#include "harness/eval/evaluator.h"
#include "harness/eval/forgetting.h"

namespace sft {
namespace {

const EvalRecord* Find(const std::vector<EvalRecord>& evals,
                       const std::string& task, const std::string& split,
                       int64_t round) {
  for (const EvalRecord& eval : evals) {
    if (eval.task == task && eval.split == split && eval.round == round) {
      return &eval;
    }
  }
  return nullptr;
}

// R[i][j] and b[j] over the tasks that were trained on one after another and
// are scored; empty if they are not all scored.
ScoreMatrix SequenceScores(const std::vector<EvalRecord>& evals,
                           const std::vector<std::string>& train) {
  ScoreMatrix scores;
  bool lower_is_better = false;
  for (int64_t round = 0; round <= static_cast<int64_t>(train.size());
       ++round) {
    std::vector<double> row;
    for (const std::string& task : train) {
      const EvalRecord* eval = Find(evals, task, "test", round);
      if (eval == nullptr || eval->metrics.empty()) return {};
      lower_is_better = !eval->metrics[0].higher_is_better;
      row.push_back(eval->metrics[0].value);
    }
    if (round == 0) {
      scores.base = std::move(row);
    } else {
      scores.R.push_back(std::move(row));
    }
  }
  return lower_is_better ? NegateScores(std::move(scores)) : scores;
}

}  // namespace

absl::StatusOr<std::vector<EvalRecord>> MeasureModel(Model& model,
                                                     const Tokenizer& tokenizer,
                                                     const RunInputs& inputs,
                                                     int64_t round) {
  std::vector<EvalRecord> evals;
  EvalOptions options;
  options.round = round;
  for (const Measured& measured : inputs.measured) {
    const EvalInput& input = measured.input;
    options.split = "test";
    SFT_ASSIGN_OR_RETURN(EvalRecord eval,
                         EvaluateTask(model, tokenizer, input, options));
    evals.push_back(std::move(eval));
    if (!measured.validation_examples.empty()) {
      options.split = "validation";
      SFT_ASSIGN_OR_RETURN(
          eval, EvaluateLoss(model, measured.validation_examples, input.name,
                             options));
      evals.push_back(std::move(eval));
    }
  }
  return evals;
}

absl::StatusOr<std::map<std::string, double>> ForgettingOf(
    const std::vector<EvalRecord>& evals, const RunConfig& config) {
  std::map<std::string, double> forgetting;
  const int64_t last = static_cast<int64_t>(config.train.size());
  for (const EvalRecord& eval : evals) {
    if (eval.round != last || eval.split == "validation") continue;
    const EvalRecord* base = Find(evals, eval.task, eval.split, 0);
    if (base == nullptr) continue;
    SFT_ASSIGN_OR_RETURN(const MetricRecord change,
                         ChangeAgainstBase(*base, eval));
    forgetting[eval.task + "/" + change.name] = change.value;
  }
  if (last < 2) return forgetting;
  const ScoreMatrix scores = SequenceScores(evals, config.train);
  if (scores.R.empty()) return forgetting;
  SFT_RETURN_IF_ERROR(CheckScores(scores));
  forgetting["sequence/overall_performance"] = OverallPerformance(scores);
  forgetting["sequence/learning_accuracy"] = LearningAccuracy(scores);
  forgetting["sequence/backward_transfer_gem_code"] =
      BackwardTransferGemCode(scores);
  auto add = [&forgetting](const char* name, std::optional<double> value) {
    if (value.has_value()) forgetting[name] = *value;
  };
  add("sequence/backward_transfer", BackwardTransfer(scores));
  add("sequence/forward_transfer", ForwardTransfer(scores));
  add("sequence/chaudhry_forgetting", ChaudhryForgetting(scores));
  return forgetting;
}

}  // namespace sft
