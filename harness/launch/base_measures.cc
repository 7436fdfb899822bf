#include "harness/launch/base_measures.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <utility>

#include "harness/core/status.h"
#include "harness/core/stop_point.h"
#include "harness/eval/divergence.h"
#include "harness/eval/heldout_windows.h"
#include "harness/launch/run_evaluation.h"
#include "harness/measure/weight_change.h"
#include "harness/model/dense_pairs.h"
#include "harness/spec/points.h"

namespace sft::launch {
namespace {

// With its head, as the run began with it.
absl::StatusOr<LoadedModel> LoadBase(const Workbench& bench,
                                     const spec::RunConfig& config) {
  SFT_ASSIGN_OR_RETURN(LoadedModel base, LoadModelOf(bench, config));
  SFT_RETURN_IF_ERROR(SetHeadForTasks(bench, config, *base.model));
  return base;
}

class BaseMeasures {
 public:
  BaseMeasures(const Workbench& bench, const LoadedModel& tuned,
               const train::Trainer& trainer, const RunInputs& inputs,
               record::RunRecord& record)
      : bench_(bench),
        config_(record.config),
        tuned_(tuned),
        trainer_(trainer),
        inputs_(inputs),
        record_(record),
        round_(std::ssize(record.config.train)) {}

  absl::Status AddDistance() {
    SFT_ASSIGN_OR_RETURN(const LoadedModel base, LoadBase(bench_, config_));
    if (tuned_.model->head() == HeadKind::kNextToken) {
      for (const Measured& measured : inputs_.measured) {
        SFT_RETURN_IF_ERROR(AddDivergence(*base.model, measured));
      }
    }
    SFT_ASSIGN_OR_RETURN(const auto facts,
                         measure::WeightChange(*base.model, *tuned_.model));
    record_.facts.insert(facts.begin(), facts.end());
    return absl::OkStatus();
  }

  absl::Status AddRewound() {
    SFT_ASSIGN_OR_RETURN(const std::vector<double> alphas,
                         spec::ParseRewind(config_.rewind));
    for (const double alpha : alphas) {
      if (HasPoint(inputs_, config_, "rewind", round_, alpha, record_.evals)) {
        continue;
      }
      SFT_ASSIGN_OR_RETURN(const LoadedModel between, Rewound(alpha));
      SFT_RETURN_IF_ERROR(MeasurePoint(*between.model, *between.tokenizer,
                                       inputs_, config_, "rewind", round_,
                                       alpha, record_.evals));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status AddDivergence(model::Model& base, const Measured& measured) {
    const eval::EvalInput& input = measured.input;
    const bool is_known = std::any_of(
        record_.evals.begin(), record_.evals.end(), [&](const auto& eval) {
          return eval.task == input.name && eval.split == "distance";
        });
    if (is_known) return absl::OkStatus();
    std::vector<Example> sequences = measured.validation_examples;
    std::vector<eval::Wanted> wanted = eval::TargetsOf(sequences);
    std::string detail = "over:target-tokens";
    if (!input.documents.empty()) {
      SFT_ASSIGN_OR_RETURN(eval::HeldoutWindows held,
                           eval::WindowsOf(*tuned_.tokenizer, input.documents,
                                           {.window = input.heldout_window,
                                            .stride = input.heldout_stride,
                                            .max_tokens = input.heldout_tokens,
                                            .bos = input.render.bos},
                                           input.name));
      sequences = std::move(held.windows);
      wanted = std::move(held.wanted);
      detail = std::move(held.detail);
    }
    if (sequences.empty()) return absl::OkStatus();
    BeginPieces(absl::StrCat(input.name, "/distance/", round_));
    eval::EvalOptions options;
    options.split = "distance";
    options.round = round_;
    SFT_ASSIGN_OR_RETURN(
        EvalRecord eval,
        eval::EvaluateDivergence(base, *tuned_.model, sequences, wanted,
                                 input.name, detail, options));
    record_.evals.push_back(std::move(eval));
    BeginPieces("");  // they have come to their result
    return absl::OkStatus();
  }

  // base + alpha (tuned - base): by the method's own form where it has one,
  // which computes as the tuned model does, else in dense weights. Over several
  // rounds what moves may have begun elsewhere than at the base.
  absl::StatusOr<LoadedModel> Rewound(double alpha) {
    method_.reset();  // it holds tensors of the copy before: one at a time
    SFT_ASSIGN_OR_RETURN(LoadedModel between, LoadBase(bench_, config_));
    if (round_ == 1) {
      SFT_ASSIGN_OR_RETURN(method_,
                           AttachUpdateMethod(bench_, config_, *between.model));
      SFT_RETURN_IF_ERROR(method_->BeginRound(0));
      std::map<std::string, at::Tensor> moved;
      for (const NamedTensor& one : trainer_.TrainedTensors()) {
        moved[one.name] = one.tensor;
      }
      if (method_->Rewind(moved, alpha)) {
        record_.texts["rewind.form"] = "what moves";
        return between;
      }
      method_.reset();
      between = LoadedModel();
      SFT_ASSIGN_OR_RETURN(between, LoadBase(bench_, config_));
    }
    record_.texts["rewind.form"] = "dense weights";
    SFT_RETURN_IF_ERROR(model::ForEachDensePair(
        *between.model, *tuned_.model, [&](const model::DensePair& pair) {
          at::Tensor base = pair.base;
          base.lerp_(pair.tuned, alpha);
        }));
    return between;
  }

  const Workbench& bench_;
  const spec::RunConfig& config_;
  const LoadedModel& tuned_;
  const train::Trainer& trainer_;
  const RunInputs& inputs_;
  record::RunRecord& record_;
  const int64_t round_;                          // the last, from 1
  std::unique_ptr<train::UpdateMethod> method_;  // of the model between
};

}  // namespace

bool MeasuresAgainstBase(const spec::RunConfig& config) {
  return config.distance || !config.rewind.empty();
}

absl::Status MeasureAgainstBase(const Workbench& bench,
                                const LoadedModel& tuned,
                                const train::Trainer& trainer,
                                const RunInputs& inputs,
                                record::RunRecord& record) {
  BaseMeasures measures(bench, tuned, trainer, inputs, record);
  if (record.config.distance) SFT_RETURN_IF_ERROR(measures.AddDistance());
  return measures.AddRewound();
}

}  // namespace sft::launch
