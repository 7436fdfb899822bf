#include "harness/launch/run_evaluation.h"

#include <algorithm>
#include <utility>

#include "harness/core/status.h"
#include "harness/core/stop_point.h"
#include "harness/data/tasks/task_kind.h"
#include "harness/eval/evaluate_generation.h"
#include "harness/eval/evaluator.h"
#include "harness/metrics/forgetting.h"
#include "harness/spec/points.h"

namespace sft::launch {
namespace {

constexpr int64_t kAnswerTokens = 128;  // where no answer is scored

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

std::string NameOf(const std::string& task, const std::string& split,
                   int64_t round) {
  return absl::StrCat(task, "/", split, "/", round);
}

absl::Status AddValidation(model::Model& model, const Measured& measured,
                           const std::string& split, int64_t round,
                           std::vector<EvalRecord>& evals) {
  const std::string& name = measured.input.name;
  if (measured.validation_examples.empty() ||
      Find(evals, name, split, round) != nullptr) {
    return absl::OkStatus();
  }
  BeginPieces(NameOf(name, split, round));
  eval::EvalOptions options;
  options.split = split;
  options.round = round;
  SFT_ASSIGN_OR_RETURN(
      EvalRecord eval,
      eval::EvaluateLoss(model, measured.validation_examples, name, options));
  evals.push_back(std::move(eval));
  BeginPieces("");  // they have come to their result
  return absl::OkStatus();
}

const EvalRecord* FindPoint(const std::vector<EvalRecord>& evals,
                            const std::string& task, const std::string& split,
                            int64_t round, double point) {
  for (const EvalRecord& eval : evals) {
    if (eval.task == task && eval.split == split && eval.round == round &&
        eval.point == point) {
      return &eval;
    }
  }
  return nullptr;
}

}  // namespace

AtPoints HowAtPoints(const Measured& measured, const spec::RunConfig& config) {
  if (!measured.validation_examples.empty()) return AtPoints::kLoss;
  const std::vector<std::string>& named = config.at_points;
  const bool scored =
      data::KindRow(measured.input.task->kind).is_text ||
      std::find(named.begin(), named.end(), measured.input.name) != named.end();
  return scored ? AtPoints::kScore : AtPoints::kNot;
}

bool HasPoint(const RunInputs& inputs, const spec::RunConfig& config,
              const std::string& split, int64_t round, double point,
              const std::vector<EvalRecord>& evals) {
  return std::all_of(inputs.measured.begin(), inputs.measured.end(),
                     [&](const Measured& measured) {
                       return HowAtPoints(measured, config) == AtPoints::kNot ||
                              FindPoint(evals, measured.input.name, split,
                                        round, point) != nullptr;
                     });
}

absl::Status MeasurePoint(model::Model& model, const Tokenizer& tokenizer,
                          const RunInputs& inputs,
                          const spec::RunConfig& config,
                          const std::string& split, int64_t round, double point,
                          std::vector<EvalRecord>& evals) {
  eval::EvalOptions options;
  options.split = split;
  options.round = round;
  for (const Measured& measured : inputs.measured) {
    const eval::EvalInput& input = measured.input;
    const AtPoints how = HowAtPoints(measured, config);
    if (how == AtPoints::kNot ||
        FindPoint(evals, input.name, split, round, point) != nullptr) {
      continue;
    }
    BeginPieces(absl::StrCat(NameOf(input.name, split, round), "/", point));
    SFT_ASSIGN_OR_RETURN(
        EvalRecord eval,
        how == AtPoints::kLoss
            ? eval::EvaluateLoss(model, measured.validation_examples,
                                 input.name, options)
            : eval::EvaluateTask(model, tokenizer, input, options));
    eval.split = split;
    eval.point = point;
    evals.push_back(std::move(eval));
    BeginPieces("");  // they have come to their result
  }
  return absl::OkStatus();
}

absl::Status MeasureInRound(model::Model& model, const Tokenizer& tokenizer,
                            const RunInputs& inputs,
                            const spec::RunConfig& config, int64_t round,
                            int64_t step, int64_t step_in_round,
                            std::vector<EvalRecord>& evals) {
  const int64_t every = config.eval_every_steps;
  if (every > 0 && step_in_round % every == 0) {
    SFT_RETURN_IF_ERROR(MeasureValidation(
        model, inputs, absl::StrCat("validation_step_", step), round, evals));
  }
  SFT_ASSIGN_OR_RETURN(const std::vector<int64_t> curve,
                       spec::ParseCurve(config.curve));
  if (std::find(curve.begin(), curve.end(), step_in_round) == curve.end()) {
    return absl::OkStatus();
  }
  return MeasurePoint(model, tokenizer, inputs, config, "curve", round + 1,
                      static_cast<double>(step_in_round), evals);
}

absl::Status MeasureModel(model::Model& model, const Tokenizer& tokenizer,
                          const RunInputs& inputs, int64_t round,
                          std::vector<EvalRecord>& evals) {
  eval::EvalOptions options;
  options.round = round;
  options.split = "test";
  for (const Measured& measured : inputs.measured) {
    const eval::EvalInput& input = measured.input;
    if (Find(evals, input.name, "test", round) == nullptr &&
        Find(evals, input.name, "heldout", round) == nullptr) {
      BeginPieces(NameOf(input.name, "test", round));
      SFT_ASSIGN_OR_RETURN(EvalRecord eval, eval::EvaluateTask(model, tokenizer,
                                                               input, options));
      evals.push_back(std::move(eval));
      BeginPieces("");  // they have come to their result
    }
    SFT_RETURN_IF_ERROR(
        AddValidation(model, measured, "validation", round, evals));
  }
  return absl::OkStatus();
}

absl::Status MeasureValidation(model::Model& model, const RunInputs& inputs,
                               const std::string& split, int64_t round,
                               std::vector<EvalRecord>& evals) {
  for (const Measured& measured : inputs.measured) {
    SFT_RETURN_IF_ERROR(AddValidation(model, measured, split, round, evals));
  }
  return absl::OkStatus();
}

absl::Status KeepAnswers(model::Model& model, const Tokenizer& tokenizer,
                         const RunInputs& inputs, int64_t samples,
                         record::RunRecord& record) {
  if (samples == 0 || model.is_encoder()) return absl::OkStatus();
  BeginPieces("answers");
  for (const Measured& measured : inputs.measured) {
    const eval::EvalInput& input = measured.input;
    if (input.rows.empty()) continue;
    // The text that is scored, where one is.
    const eval::AnswerLimits limits = eval::AnswerLimitsOf(input);
    SFT_ASSIGN_OR_RETURN(
        const std::vector<eval::GeneratedAnswer> answers,
        eval::GenerateAnswers(
            model, tokenizer, *input.task, input.rows, limits.render, samples,
            limits.max_new_tokens > 0 ? limits.max_new_tokens : kAnswerTokens));
    for (const eval::GeneratedAnswer& answer : answers) {
      record.prompts.push_back(answer.prompt);
      record.generations.push_back(answer.answer);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::map<std::string, double>> ForgettingOf(
    const std::vector<EvalRecord>& evals, const spec::RunConfig& config) {
  std::map<std::string, double> forgetting;
  const int64_t last = static_cast<int64_t>(config.train.size());
  for (const EvalRecord& eval : evals) {
    if (eval.round != last || eval.split == "validation") continue;
    const EvalRecord* base = Find(evals, eval.task, eval.split, 0);
    if (base == nullptr) continue;
    SFT_ASSIGN_OR_RETURN(const MetricRecord change,
                         metrics::ChangeAgainstBase(*base, eval));
    forgetting[eval.task + "/" + change.name] = change.value;
  }
  SFT_ASSIGN_OR_RETURN(const auto sequence,
                       metrics::SequenceForgetting(evals, config.train));
  forgetting.insert(sequence.begin(), sequence.end());
  return forgetting;
}

}  // namespace sft::launch
