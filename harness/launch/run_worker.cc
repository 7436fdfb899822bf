#include "harness/launch/run_worker.h"

#include <ATen/Parallel.h>

#include <optional>
#include <utility>

#include "absl/strings/str_join.h"
#include "harness/core/catch_torch.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/stop_point.h"
#include "harness/core/stopwatch.h"
#include "harness/core/tensor_digest.h"
#include "harness/launch/base_measures.h"
#include "harness/launch/run_assembly.h"
#include "harness/launch/run_checkpoint.h"
#include "harness/launch/run_evaluation.h"
#include "harness/launch/run_measures.h"
#include "harness/launch/run_voice.h"
#include "harness/launch/rung_pause.h"
#include "harness/launch/trained_run.h"
#include "harness/launch/worker_death.h"
#include "harness/measure/provenance.h"
#include "harness/record/run_store.h"
#include "harness/record/validation_score.h"
#include "harness/spec/points.h"
#include "harness/train/trainer.h"

namespace sft::launch {
namespace {

class Worker {
 public:
  Worker(const Workbench& bench, const spec::PlannedRun& run,
         const spec::RunPlan& plan, const WorkerOptions& options,
         RunVoice& voice)
      : bench_(bench),
        run_(run),
        plan_(plan),
        options_(options),
        voice_(voice) {
    record_.run_id = run.run_id;
    record_.config = run.config;
    record_.axes = run.axes;
    record_.requested_spec = plan.spec_text;
  }

  // Ok: record_ is final, or that of a rung. Aborted: a checkpoint was saved.
  // Else it failed.
  absl::Status Run() {
    at::set_num_threads(static_cast<int>(run_.config.threads));
    SFT_RETURN_IF_ERROR(Stoppable([this] { return Load(); }));
    SFT_RETURN_IF_ERROR(PutTogether());
    for (int64_t round = trainer_->next_round(); round < Rounds(); ++round) {
      SFT_RETURN_IF_ERROR(RunRound(round));
      if (record_.status == RunStatus::kStopped) return absl::OkStatus();
      if (record_.status == RunStatus::kDiverged) return Conclude();
    }
    if (MeasuresAgainstBase(run_.config)) {
      SFT_RETURN_IF_ERROR(KeptIfStopped(StoppableInPieces([this] {
        return MeasureAgainstBase(bench_, loaded_, *trainer_, inputs_, record_);
      })));
    }
    return Conclude();
  }

  record::RunRecord& record() { return record_; }
  // Whether the run ended because somebody asked it to, not for its limit.
  bool WasAsked() const {
    return options_.should_stop && options_.should_stop();
  }

 private:
  bool MustStop() const {
    return WasAsked() || since_start_.Wall() >= options_.run_limit;
  }
  absl::Status Stoppable(const std::function<absl::Status()>& body) const {
    return RunStoppable([this] { return MustStop(); }, body);
  }
  // An evaluation, which goes on behind what it has.
  absl::Status StoppableInPieces(const std::function<absl::Status()>& body) {
    return RunStoppable([this] { return MustStop(); }, body, &pieces_);
  }

  int64_t Rounds() const {
    return static_cast<int64_t>(run_.config.train.size());
  }
  std::string CheckpointFolder() const {
    return options_.paths.Checkpoint(run_.run_id, OwnExecution());
  }
  absl::Status Load() {
    voice_.Phase("load");
    const Stopwatch watch;
    SFT_ASSIGN_OR_RETURN(
        ModelFacts facts,
        ReadModelFacts(run_.config.model, bench_.folders.assets));
    SFT_RETURN_IF_ERROR(CheckRunId(bench_, facts, run_.run_id, run_.config));
    SFT_ASSIGN_OR_RETURN(loaded_, LoadModelOf(std::move(facts), run_.config));
    loaded_.model->SetActivationCheckpointing(
        run_.config.activation_checkpointing);
    SFT_ASSIGN_OR_RETURN(inputs_, ReadInputsFor(bench_, run_.config, loaded_));
    for (const std::string& warning : inputs_.warnings) voice_.Log(warning);
    const std::vector<std::string>& notes = loaded_.model->info().notes;
    if (!notes.empty()) {
      record_.texts["model.notes"] = absl::StrJoin(notes, "\n");
    }
    for (const std::string& note : notes) {
      voice_.Notice(absl::StrCat("model ", run_.config.model, ": ", note));
    }
    for (const std::string& notice : inputs_.notices) voice_.Notice(notice);
    record_.facts.insert(inputs_.facts.begin(), inputs_.facts.end());
    record_.texts.insert(inputs_.texts.begin(), inputs_.texts.end());
    record_.texts["model_sha256"] = loaded_.model->info().source_digest;
    record_.texts["tokenizer_sha256"] = loaded_.tokenizer->digest();
    record_.measured["load_wall_seconds"] = watch.WallSeconds();
    return absl::OkStatus();
  }

  // Base scores, method, batching, trainer; and a checkpoint taken up.
  absl::Status PutTogether() {
    std::optional<SavedRun> saved;
    SFT_RETURN_IF_ERROR(Stoppable([&]() -> absl::Status {
      SFT_ASSIGN_OR_RETURN(saved, TakeUpSavedRun(options_.paths, run_.run_id,
                                                 record_, options_.log));
      return absl::OkStatus();
    }));
    if (saved) {
      record_.evals = saved->record.evals;
      pieces_ = std::move(saved->pieces);
      record_.facts.insert(saved->record.facts.begin(),
                           saved->record.facts.end());
      record_.texts.insert(saved->record.texts.begin(),
                           saved->record.texts.end());
    } else {
      SFT_RETURN_IF_ERROR(MeasureBase());
    }
    SFT_ASSIGN_OR_RETURN(
        method_, AttachUpdateMethod(bench_, run_.config, *loaded_.model));
    SFT_ASSIGN_OR_RETURN(batching_, MakeBatchingMethod(bench_, run_.config));
    SFT_RETURN_IF_ERROR(batching_->Attach(*loaded_.model));
    trainer_ = std::make_unique<train::Trainer>(run_.config, run_.run_id,
                                                *loaded_.model, *method_);
    if (saved) {
      SFT_RETURN_IF_ERROR(trainer_->Resume(saved->checkpoint));
      voice_.GoOnAfter(std::ssize(trainer_->steps()));
      voice_.Log(
          absl::StrCat("continuing after step ", trainer_->steps().size()));
    }
    // For the progress; of one round its own plan says it.
    if (Rounds() < 2) return absl::OkStatus();
    SFT_ASSIGN_OR_RETURN(all_steps_,
                         CountSteps(run_.config, inputs_, *batching_));
    return absl::OkStatus();
  }

  // Round 0: the untuned run's scores where they stand, else measured here.
  absl::Status MeasureBase() {
    if (run_.untuned_id != run_.run_id) {
      const absl::StatusOr<record::RunRecord> untuned =
          store_.ReadFinal(run_.untuned_id);
      if (untuned.ok() && untuned->status == RunStatus::kOk &&
          CheckSameModel(*untuned, *loaded_.model, untuned->run_id).ok()) {
        record_.evals = untuned->evals;
        return absl::OkStatus();
      }
    }
    SFT_ASSIGN_OR_RETURN(MeasuredSoFar kept,
                         ReadMeasured(options_.paths, record_));
    record_.evals = std::move(kept.evals);
    pieces_ = std::move(kept.pieces);
    return Measure(0);
  }

  absl::Status Measure(int64_t round) {
    voice_.Phase("evaluate");
    const Stopwatch watch;
    const absl::Status status = StoppableInPieces([&] {
      return MeasureModel(*loaded_.model, *loaded_.tokenizer, inputs_, round,
                          record_.evals);
    });
    record_.measured["eval_wall_seconds"] += watch.WallSeconds();
    return KeptIfStopped(status);
  }

  // What is measured of a run that is to end now is not measured again.
  absl::Status KeptIfStopped(const absl::Status& status) {
    if (!absl::IsAborted(status)) return status;
    const bool has_state = trainer_ != nullptr && trainer_->optimizer();
    SFT_RETURN_IF_ERROR(
        has_state ? Save() : KeepMeasured(record_, pieces_, options_.paths));
    return status;
  }

  absl::Status RunRound(int64_t round) {
    SFT_ASSIGN_OR_RETURN(const PlannedRound planned,
                         PlanRound(run_.config, inputs_, *batching_, round));
    const train::StepPlan& steps = planned.steps;
    const std::string prefix = absl::StrCat("round", round, ".");
    record_.texts[prefix + "data_order_sha256"] = steps.data_order_sha256;
    record_.texts[prefix + "plan_sha256"] = steps.plan_sha256;
    record_.facts[prefix + "rows"] = static_cast<double>(steps.rows);
    for (const auto& [name, value] : planned.collator->Report()) {
      record_.facts[name] = value;
    }
    if (Rounds() == 1 && steps.wall_seconds <= 0) {
      all_steps_ = std::ssize(steps.steps);
    }
    voice_.Log(absl::StrCat("train round ", round, ": ", steps.steps.size(),
                            " steps, ", steps.rows, " rows, ",
                            steps.real_tokens, " tokens, ", steps.target_tokens,
                            " of them targets"));
    if (options_.rung > 0) {
      SFT_ASSIGN_OR_RETURN(pause_, PausePointOf(plan_, options_.rung, planned,
                                                std::ssize(trainer_->steps())));
    }
    StartTrainingMeasures(*loaded_.model);
    SFT_RETURN_IF_ERROR(BeginRound(round));
    SFT_ASSIGN_OR_RETURN(
        const train::RoundOutcome outcome,
        trainer_->RunRound(round, planned.examples, *planned.collator, steps,
                           HooksFor(round)));
    TakeTrainingMeasures(record_, *loaded_.model, *method_,
                         trainer_->optimizer(), trainer_->steps());
    if (!outcome.remark.empty()) voice_.Log(outcome.remark);
    if (outcome.end == train::RoundEnd::kStopped) {
      if (IsAtPause()) return Pause(round);
      return absl::AbortedError("stopped; a checkpoint is saved");
    }
    if (outcome.end == train::RoundEnd::kDiverged) {
      record_.status = RunStatus::kDiverged;
      record_.status_message = outcome.message;
      return absl::OkStatus();
    }
    // Measuring takes time too: a kill in it should not cost the training.
    double trained_seconds = 0;
    for (const StepRecord& step : trainer_->steps()) {
      trained_seconds += step.wall_seconds;
    }
    const bool more = round + 1 < Rounds();
    if (outcome.steps_taken > 0 &&
        (more || trained_seconds >
                     absl::ToDoubleSeconds(options_.checkpoint_every) / 2)) {
      SFT_RETURN_IF_ERROR(Save());
    }
    SFT_RETURN_IF_ERROR(Measure(round + 1));
    return more ? Save() : absl::OkStatus();
  }

  bool IsAtPause() const { return pause_.IsAt(std::ssize(trainer_->steps())); }

  // What a search compares, measured beside the checkpoint that was just saved:
  // nothing of it is in there, so that the run goes on as if it had not paused.
  absl::Status Pause(int64_t round) {
    voice_.Phase("evaluate");
    std::vector<EvalRecord> evals;
    SFT_RETURN_IF_ERROR(KeptIfStopped(StoppableInPieces([&] {
      return MeasureValidation(*loaded_.model, inputs_,
                               record::RungSplit(pause_.rung), round + 1,
                               evals);
    })));
    TakeTrained();
    record_.evals.insert(record_.evals.end(), evals.begin(), evals.end());
    record_.texts["weights_sha256"] = TensorDigest(trainer_->TrainedTensors());
    record_.status = RunStatus::kStopped;
    record_.status_message = PauseText(pause_);
    voice_.Log("paused at " + record_.status_message);
    return absl::OkStatus();
  }

  // What is broken off here has a checkpoint of the round before, or needs
  // none.
  absl::Status BeginRound(int64_t round) {
    if (trainer_->HasBegun(round)) return absl::OkStatus();
    const absl::Status status = Stoppable([&] {
      return trainer_->BeginRound(
          round, inputs_.calibration[static_cast<size_t>(round)]);
    });
    return round == 0 ? KeptIfStopped(status) : status;
  }

  absl::Status Save() {
    return trainer_->SaveCheckpoint(CheckpointFolder(),
                                    AddRecord(record_, pieces_));
  }

  train::TrainerHooks HooksFor(int64_t round) {
    train::TrainerHooks hooks;
    hooks.should_stop = [this] { return MustStop() || IsAtPause(); };
    hooks.checkpoint_folder = CheckpointFolder();
    const double seconds = absl::ToDoubleSeconds(options_.checkpoint_every);
    if (seconds > 0) {
      hooks.checkpoint_every_seconds = seconds;
    } else {
      hooks.checkpoint_every_steps = 1;
    }
    hooks.add_to_checkpoint = AddRecord(record_, pieces_);
    hooks.eval_every_steps = run_.config.eval_every_steps;
    hooks.eval_at_steps = spec::ParseCurve(run_.config.curve).value();
    hooks.evaluate = [this, round](int64_t step) {
      return StoppableInPieces([&] {
        return MeasureInRound(*loaded_.model, *loaded_.tokenizer, inputs_,
                              run_.config, round, step,
                              trainer_->steps_in_round(), record_.evals);
      });
    };
    hooks.on_step = [this](const StepRecord& step) {
      OnStep(step);
      return absl::OkStatus();
    };
    return hooks;
  }

  void OnStep(const StepRecord& step) {
    if (!voice_.has_stepped()) {
      const double done = measure::SecondsSinceProcessStart();
      record_.measured["first_step_done_seconds"] = done;
      record_.measured["first_step_begun_seconds"] = done - step.wall_seconds;
    }
    voice_.Step(step, all_steps_);
  }

  void TakeTrained() {
    record_.steps = trainer_->steps();
    TakeReport(method_->Report(), record_);
    SumUpSteps(record_);
  }

  absl::Status Conclude() {
    TakeTrained();
    if (record_.status != RunStatus::kDiverged) {
      record_.status = RunStatus::kOk;
      SFT_ASSIGN_OR_RETURN(record_.forgetting,
                           ForgettingOf(record_.evals, run_.config));
      if (options_.keep_text) {
        SFT_RETURN_IF_ERROR(KeptIfStopped(StoppableInPieces([this] {
          return KeepAnswers(*loaded_.model, *loaded_.tokenizer, inputs_,
                             run_.config.generate_samples, record_);
        })));
      }
    }
    const std::vector<NamedTensor> trained = trainer_->TrainedTensors();
    if (!trained.empty()) {
      record_.texts["weights_sha256"] = TensorDigest(trained);
      if (KeepsWeights(options_.keep_weights, method_->TrainsAdapter()) &&
          record_.status == RunStatus::kOk) {
        voice_.Phase("save");
        SFT_RETURN_IF_ERROR(
            SaveTrainedWeights(options_.paths, run_.run_id, trained,
                               record_.texts["weights_sha256"]));
      }
    }
    return absl::OkStatus();
  }

  const Workbench& bench_;
  const spec::PlannedRun& run_;
  const spec::RunPlan& plan_;
  const WorkerOptions& options_;
  RunVoice& voice_;
  const record::RunStore store_{options_.paths};
  record::RunRecord record_;
  Pieces pieces_;  // of the evaluation under way
  LoadedModel loaded_;
  RunInputs inputs_;
  std::unique_ptr<train::UpdateMethod> method_;
  std::unique_ptr<train::BatchingMethod> batching_;
  std::unique_ptr<train::Trainer> trainer_;
  PausePoint pause_;       // none where the run goes to its end
  int64_t all_steps_ = 0;  // 0: not known
  const Stopwatch since_start_;
};

// As ExecuteRun; a disk that is full and a want of memory for the record itself
// are its errors.
absl::StatusOr<WorkerOutcome> Execute(const Workbench& bench,
                                      const spec::PlannedRun& run,
                                      const spec::RunPlan& plan,
                                      const WorkerOptions& options,
                                      RunVoice& voice) {
  const record::RunStore store(options.paths);
  SFT_RETURN_IF_ERROR(MakeFolders(store.paths().Runs()));
  SFT_RETURN_IF_ERROR(store.MakeWorkFolder(run.run_id));
  const int rung = run.config.method == spec::kUntuned ? 0 : options.rung;
  SFT_ASSIGN_OR_RETURN(const bool reached, store.HasReached(run.run_id, rung));
  if (reached) return WorkerOutcome::kPublished;
  Worker worker(bench, run, plan, options, voice);
  const absl::Status status = CatchTorch([&worker] { return worker.Run(); });
  if (IsDiskFull(status)) return status;
  const bool stopped = absl::IsAborted(status);
  if (stopped && worker.WasAsked()) return WorkerOutcome::kInterrupted;
  record::RunRecord& record = worker.record();
  if (stopped) {
    record.status = RunStatus::kTimeout;
    record.status_message =
        absl::StrCat("ran for ", absl::FormatDuration(options.run_limit),
                     ", its --run-limit; the next call continues it");
    voice.Log(record.status_message);
  } else if (!status.ok()) {
    voice.Log(status.ToString());
    record.status = StatusOfError(status);
    record.status_message = std::string(status.message());
    // Another execution was first and has cleared the run's folder: what went
    // wrong here is no attempt of it.
    if (store.HasReached(run.run_id, rung).value_or(false)) {
      if (rung == 0) RemoveCheckpoints(store.paths(), run.run_id);
      return WorkerOutcome::kPublished;
    }
  }
  FillProvenance(record, bench.build, options.attempt);
  if (record.status == RunStatus::kStopped) {
    SFT_RETURN_IF_ERROR(store.PublishRung(record, rung).status());
    return WorkerOutcome::kPublished;
  }
  SFT_ASSIGN_OR_RETURN(const bool first,
                       store.Publish(record, options.attempt));
  if (stopped) return WorkerOutcome::kTimedOut;
  if (!record::IsFinalStatus(record.status)) return WorkerOutcome::kFailed;
  if (!first) voice.Log("another process published this run first");
  RemoveCheckpoints(store.paths(), run.run_id);
  return WorkerOutcome::kPublished;
}

}  // namespace

absl::StatusOr<WorkerOutcome> ExecuteRun(const Workbench& bench,
                                         const spec::PlannedRun& run,
                                         const spec::RunPlan& plan,
                                         const WorkerOptions& options) {
  RunVoice voice(options.paths.Progress(run.run_id), options.log,
                 options.show_progress);
  absl::StatusOr<WorkerOutcome> outcome = WorkerOutcome::kNoMemory;
  const absl::Status status = CatchTorch([&] {
    outcome = Execute(bench, run, plan, options, voice);
    return outcome.status();
  });
  if (absl::IsResourceExhausted(status)) return WorkerOutcome::kNoMemory;
  if (IsDiskFull(status)) {
    voice.DiskFull(ToStd(status.message()));
    return WorkerOutcome::kDiskFull;
  }
  SFT_RETURN_IF_ERROR(status);
  return outcome;
}

}  // namespace sft::launch
