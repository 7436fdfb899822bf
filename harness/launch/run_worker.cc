#include "harness/launch/run_worker.h"

#include <ATen/Parallel.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "harness/core/status.h"
#include "harness/core/stopwatch.h"
#include "harness/core/tensor_digest.h"
#include "harness/launch/run_assembly.h"
#include "harness/launch/run_checkpoint.h"
#include "harness/launch/run_evaluation.h"
#include "harness/launch/run_measures.h"
#include "harness/launch/trained_run.h"
#include "harness/measure/provenance.h"
#include "harness/spec/points.h"

namespace sft::launch {

Worker::Worker(const Workbench& bench, const spec::PlannedRun& run,
               const spec::RunPlan& plan, const WorkerOptions& options,
               RunVoice& voice)
    : bench_(bench), run_(run), plan_(plan), options_(options), voice_(voice) {
  now_.record.run_id = run.run_id;
  now_.record.config = run.config;
  now_.record.axes = run.axes;
  now_.record.requested_spec = plan.spec_text;
}

absl::Status Worker::Run() {
  at::set_num_threads(static_cast<int>(run_.config.threads));
  SFT_RETURN_IF_ERROR(stops_.Stoppable([this] { return Load(); }));
  SFT_RETURN_IF_ERROR(PutTogether());
  for (int64_t round = now_.trainer->next_round(); round < Rounds(); ++round) {
    SFT_RETURN_IF_ERROR(RunRound(round));
    if (now_.record.status == RunStatus::kStopped) return absl::OkStatus();
    if (now_.record.status == RunStatus::kDiverged) return Conclude();
  }
  SFT_RETURN_IF_ERROR(measures_.AgainstBase());
  return Conclude();
}

absl::Status Worker::Load() {
  voice_.Phase("load");
  const Stopwatch watch;
  SFT_ASSIGN_OR_RETURN(ModelFacts facts, ReadModelFacts(run_.config.model,
                                                        bench_.folders.assets));
  SFT_RETURN_IF_ERROR(CheckRunId(bench_, facts, run_.run_id, run_.config));
  SFT_ASSIGN_OR_RETURN(now_.loaded, OpenModelOf(std::move(facts), run_.config));
  const LoadedModel& loaded = now_.loaded;
  loaded.model->SetActivationCheckpointing(
      run_.config.activation_checkpointing);
  SFT_ASSIGN_OR_RETURN(now_.inputs, ReadInputsFor(bench_, run_.config, loaded));
  const RunInputs& inputs = now_.inputs;
  for (const std::string& warning : inputs.warnings) voice_.Log(warning);
  record::RunRecord& record = now_.record;
  const std::vector<std::string>& notes = loaded.model->info().notes;
  if (!notes.empty()) record.texts["model.notes"] = absl::StrJoin(notes, "\n");
  for (const std::string& note : notes) {
    voice_.Notice(absl::StrCat("model ", run_.config.model, ": ", note));
  }
  for (const std::string& notice : inputs.notices) voice_.Notice(notice);
  record.facts.insert(inputs.facts.begin(), inputs.facts.end());
  record.texts.insert(inputs.texts.begin(), inputs.texts.end());
  record.texts["model_sha256"] = loaded.model->info().source_digest;
  record.texts["tokenizer_sha256"] = loaded.tokenizer->digest();
  record.measured["load_wall_seconds"] = watch.WallSeconds();
  return absl::OkStatus();
}

absl::Status Worker::PutTogether() {
  std::optional<SavedRun> saved;
  SFT_RETURN_IF_ERROR(stops_.Stoppable([&]() -> absl::Status {
    SFT_ASSIGN_OR_RETURN(saved, TakeUpSavedRun(options_.paths, run_.run_id,
                                               now_.record, options_.log));
    return absl::OkStatus();
  }));
  if (saved) {
    now_.record.evals = saved->record.evals;
    now_.pieces = std::move(saved->pieces);
    now_.record.facts.insert(saved->record.facts.begin(),
                             saved->record.facts.end());
    now_.record.texts.insert(saved->record.texts.begin(),
                             saved->record.texts.end());
  } else {
    SFT_RETURN_IF_ERROR(measures_.Base(run_.untuned_id));
  }
  model::Model& model = *now_.loaded.model;
  const Stopwatch watch;
  const absl::Status attached = stops_.Stoppable([&]() -> absl::Status {
    SFT_ASSIGN_OR_RETURN(now_.method,
                         AttachUpdateMethod(bench_, run_.config, model));
    return absl::OkStatus();
  });
  SFT_RETURN_IF_ERROR(saved ? attached : stops_.KeptIfStopped(attached));
  now_.record.measured["load_wall_seconds"] += watch.WallSeconds();
  SFT_ASSIGN_OR_RETURN(now_.batching, MakeBatchingMethod(bench_, run_.config));
  SFT_RETURN_IF_ERROR(now_.batching->Attach(model));
  now_.trainer = std::make_unique<train::Trainer>(run_.config, run_.run_id,
                                                  model, *now_.method);
  if (saved) {
    SFT_RETURN_IF_ERROR(now_.trainer->Resume(saved->checkpoint));
    const auto& steps = now_.trainer->steps();
    voice_.GoOnAfter(std::ssize(steps));
    voice_.Log(absl::StrCat("continuing after step ", steps.size()));
  }
  // For the progress; of one round its own plan says it.
  if (Rounds() < 2) return absl::OkStatus();
  SFT_ASSIGN_OR_RETURN(all_steps_,
                       CountSteps(run_.config, now_.inputs, *now_.batching));
  return absl::OkStatus();
}

absl::Status Worker::RunRound(int64_t round) {
  record::RunRecord& record = now_.record;
  train::Trainer& trainer = *now_.trainer;
  SFT_ASSIGN_OR_RETURN(
      const PlannedRound planned,
      PlanRound(run_.config, now_.inputs, *now_.batching, round));
  const train::StepPlan& steps = planned.steps;
  const std::string prefix = absl::StrCat("round", round, ".");
  record.texts[prefix + "data_order_sha256"] = steps.data_order_sha256;
  record.texts[prefix + "plan_sha256"] = steps.plan_sha256;
  record.facts[prefix + "rows"] = static_cast<double>(steps.rows);
  for (const auto& [name, value] : planned.collator->Report()) {
    record.facts[name] = value;
  }
  if (Rounds() == 1 && steps.wall_seconds <= 0) {
    all_steps_ = std::ssize(steps.steps);
  }
  voice_.Log(absl::StrCat("train round ", round, ": ", steps.steps.size(),
                          " steps, ", steps.rows, " rows, ", steps.real_tokens,
                          " tokens, ", steps.target_tokens,
                          " of them targets"));
  if (options_.rung > 0) {
    SFT_ASSIGN_OR_RETURN(pause_, PausePointOf(plan_, options_.rung, planned,
                                              std::ssize(trainer.steps())));
  }
  StartTrainingMeasures(*now_.loaded.model);
  SFT_RETURN_IF_ERROR(BeginRound(round));
  SFT_ASSIGN_OR_RETURN(
      const train::RoundOutcome outcome,
      trainer.RunRound(round, planned.examples, *planned.collator, steps,
                       HooksFor(round)));
  TakeTrainingMeasures(record, *now_.loaded.model, *now_.method,
                       trainer.optimizer(), trainer.steps());
  if (!outcome.remark.empty()) voice_.Log(outcome.remark);
  switch (outcome.end) {
    case train::RoundEnd::kStopped:
      if (IsAtPause()) return Pause(round);
      return absl::AbortedError("stopped; a checkpoint is saved");
    case train::RoundEnd::kDiverged:
      record.status = RunStatus::kDiverged;
      record.status_message = outcome.message;
      return absl::OkStatus();
    case train::RoundEnd::kFinished:
      break;
  }
  return EndRound(round, outcome.steps_taken);
}

absl::Status Worker::EndRound(int64_t round, int64_t steps_taken) {
  // Measuring takes time too: a kill in it should not cost the training.
  double trained_seconds = 0;
  for (const StepRecord& step : now_.trainer->steps()) {
    trained_seconds += step.wall_seconds;
  }
  const bool more = round + 1 < Rounds();
  if (steps_taken > 0 &&
      (more || trained_seconds >
                   absl::ToDoubleSeconds(options_.checkpoint_every) / 2)) {
    SFT_RETURN_IF_ERROR(stops_.Save());
  }
  SFT_RETURN_IF_ERROR(measures_.After(round + 1));
  return more ? stops_.Save() : absl::OkStatus();
}

bool Worker::IsAtPause() const {
  return pause_.IsAt(std::ssize(now_.trainer->steps()));
}

absl::Status Worker::Pause(int64_t round) {
  SFT_RETURN_IF_ERROR(measures_.AtPause(pause_, round));
  TakeTrained();
  record::RunRecord& record = now_.record;
  record.texts["weights_sha256"] = TensorDigest(now_.trainer->TrainedTensors());
  record.status = RunStatus::kStopped;
  record.status_message = PauseText(pause_);
  voice_.Log("paused at " + record.status_message);
  return absl::OkStatus();
}

// What is broken off here has a checkpoint of the round before, or needs none.
absl::Status Worker::BeginRound(int64_t round) {
  if (now_.trainer->HasBegun(round)) return absl::OkStatus();
  const absl::Status status = stops_.Stoppable([&] {
    return now_.trainer->BeginRound(
        round, now_.inputs.calibration[static_cast<size_t>(round)]);
  });
  return round == 0 ? stops_.KeptIfStopped(status) : status;
}

train::TrainerHooks Worker::HooksFor(int64_t round) {
  train::TrainerHooks hooks;
  hooks.should_stop = [this] { return stops_.MustStop() || IsAtPause(); };
  hooks.checkpoint_folder = stops_.CheckpointFolder();
  const double seconds = absl::ToDoubleSeconds(options_.checkpoint_every);
  if (seconds > 0) {
    hooks.checkpoint_every_seconds = seconds;
  } else {
    hooks.checkpoint_every_steps = 1;
  }
  hooks.add_to_checkpoint = stops_.RecordFiles();
  hooks.eval_every_steps = run_.config.eval_every_steps;
  hooks.eval_at_steps = spec::ParseCurve(run_.config.curve).value();
  hooks.evaluate = [this, round](int64_t step) {
    return measures_.InRound(round, step);
  };
  hooks.on_step = [this](const StepRecord& step) {
    OnStep(step);
    return absl::OkStatus();
  };
  return hooks;
}

void Worker::OnStep(const StepRecord& step) {
  if (!voice_.has_stepped()) {
    const double done = measure::SecondsSinceProcessStart();
    now_.record.measured["first_step_done_seconds"] = done;
    now_.record.measured["first_step_begun_seconds"] = done - step.wall_seconds;
  }
  voice_.Step(step, all_steps_);
}

void Worker::TakeTrained() {
  now_.record.steps = now_.trainer->steps();
  TakeReport(now_.method->Report(), now_.record);
  SumUpSteps(now_.record);
}

absl::Status Worker::Conclude() {
  TakeTrained();
  record::RunRecord& record = now_.record;
  if (record.status != RunStatus::kDiverged) {
    record.status = RunStatus::kOk;
    SFT_ASSIGN_OR_RETURN(record.forgetting,
                         ForgettingOf(record.evals, run_.config));
    SFT_RETURN_IF_ERROR(measures_.Answers());
  }
  const std::vector<NamedTensor> trained = now_.trainer->TrainedTensors();
  if (trained.empty()) return absl::OkStatus();
  record.texts["weights_sha256"] = TensorDigest(trained);
  if (record.status != RunStatus::kOk ||
      !KeepsWeights(options_.keep_weights, now_.method->TrainsAdapter())) {
    return absl::OkStatus();
  }
  voice_.Phase("save");
  return SaveTrainedWeights(options_.paths, run_.run_id, trained,
                            record.texts["weights_sha256"]);
}

}  // namespace sft::launch
