#include "harness/launch/stage_measures.h"

#include <utility>
#include <vector>

#include "harness/core/status.h"
#include "harness/core/stopwatch.h"
#include "harness/launch/base_measures.h"
#include "harness/launch/run_checkpoint.h"
#include "harness/launch/run_evaluation.h"
#include "harness/launch/trained_run.h"
#include "harness/record/run_store.h"
#include "harness/record/validation_score.h"

namespace sft::launch {

absl::Status StageMeasures::Base(const std::string& untuned_id) {
  if (untuned_id != run_.record.run_id) {
    const absl::StatusOr<record::RunRecord> untuned =
        record::RunStore(options_.paths).ReadFinal(untuned_id);
    if (untuned.ok() && untuned->status == RunStatus::kOk &&
        CheckSameModel(*untuned, *run_.loaded.model, untuned->run_id).ok()) {
      run_.record.evals = untuned->evals;
      return absl::OkStatus();
    }
  }
  SFT_ASSIGN_OR_RETURN(MeasuredSoFar kept,
                       ReadMeasured(options_.paths, run_.record));
  run_.record.evals = std::move(kept.evals);
  run_.pieces = std::move(kept.pieces);
  if (!run_.inputs.measured.empty()) {
    SFT_RETURN_IF_ERROR(stops_.KeptIfStopped(
        stops_.Stoppable([this] { return run_.loaded.model->ReadMaps(); })));
  }
  return After(0);
}

absl::Status StageMeasures::After(int64_t rounds) {
  voice_.Phase("evaluate");
  const Stopwatch watch;
  const absl::Status status = stops_.StoppableInPieces([&] {
    return MeasureModel(*run_.loaded.model, *run_.loaded.tokenizer, run_.inputs,
                        rounds, run_.record.evals);
  });
  run_.record.measured["eval_wall_seconds"] += watch.WallSeconds();
  return stops_.KeptIfStopped(status);
}

absl::Status StageMeasures::InRound(int64_t round, int64_t step) {
  return stops_.StoppableInPieces([&] {
    return MeasureInRound(*run_.loaded.model, *run_.loaded.tokenizer,
                          run_.inputs, run_.record.config, round, step,
                          run_.trainer->steps_in_round(), run_.record.evals);
  });
}

absl::Status StageMeasures::AtPause(const PausePoint& pause, int64_t round) {
  voice_.Phase("evaluate");
  std::vector<EvalRecord> evals;
  SFT_RETURN_IF_ERROR(stops_.KeptIfStopped(stops_.StoppableInPieces([&] {
    return MeasureValidation(*run_.loaded.model, run_.inputs,
                             record::RungSplit(pause.rung), round + 1, evals);
  })));
  run_.record.evals.insert(run_.record.evals.end(), evals.begin(), evals.end());
  return absl::OkStatus();
}

absl::Status StageMeasures::AgainstBase() {
  if (!MeasuresAgainstBase(run_.record.config)) return absl::OkStatus();
  return stops_.KeptIfStopped(stops_.StoppableInPieces([this] {
    return MeasureAgainstBase(bench_, run_.loaded, *run_.trainer, run_.inputs,
                              run_.record);
  }));
}

absl::Status StageMeasures::Answers() {
  if (!options_.keep_text) return absl::OkStatus();
  return stops_.KeptIfStopped(stops_.StoppableInPieces([this] {
    return KeepAnswers(*run_.loaded.model, *run_.loaded.tokenizer, run_.inputs,
                       run_.record.config.generate_samples, run_.record);
  }));
}

}  // namespace sft::launch
