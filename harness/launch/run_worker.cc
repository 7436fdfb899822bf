#include "harness/launch/run_worker.h"

#include <ATen/Parallel.h>

#include <cstdio>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "harness/core/catch_torch.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/tensor_allocator.h"
#include "harness/core/tensor_digest.h"
#include "harness/eval/evaluate_generation.h"
#include "harness/eval/evaluator.h"
#include "harness/launch/launcher.h"
#include "harness/launch/plan_checks.h"
#include "harness/launch/run_evaluation.h"
#include "harness/launch/run_inputs.h"
#include "harness/launch/run_measures.h"
#include "harness/launch/trained_run.h"
#include "harness/measure/provenance.h"
#include "harness/train/checkpoint.h"
#include "harness/train/step_plan.h"
#include "harness/train/trainer.h"

namespace sft::launch {
namespace {

constexpr char kPartialRecord[] = "/record.h5";
constexpr int64_t kAnswerTokens = 128;  // where no answer is scored

void Log(const std::string& line) { fprintf(stderr, "%s\n", line.c_str()); }

class Worker {
 public:
  Worker(const Workbench& bench, const spec::PlannedRun& run,
         const spec::RunPlan& plan, const WorkerOptions& options)
      : bench_(bench), run_(run), plan_(plan), options_(options) {
    record_.run_id = run.run_id;
    record_.config = run.config;
    record_.axes = run.axes;
    record_.requested_spec = plan.spec_text;
  }

  // Ok: record_ is final. Aborted: a checkpoint was saved. Else it failed.
  absl::Status Run() {
    at::set_num_threads(static_cast<int>(run_.config.threads));
    SFT_RETURN_IF_ERROR(Load());
    SFT_RETURN_IF_ERROR(PutTogether());
    for (int64_t round = trainer_->next_round(); round < Rounds(); ++round) {
      SFT_RETURN_IF_ERROR(RunRound(round));
      if (record_.status == RunStatus::kDiverged) break;
    }
    return Conclude();
  }

  record::RunRecord& record() { return record_; }

 private:
  int64_t Rounds() const {
    return static_cast<int64_t>(run_.config.train.size());
  }
  std::string CheckpointFolder() const {
    return options_.paths.Checkpoint(run_.run_id);
  }
  void Show(const std::string& phase) {
    Log(phase);
    if (options_.show_progress) options_.show_progress({.phase = phase});
  }

  // For the run's log, and once a sweep on the launcher's standard error.
  void Notice(const std::string& notice) const {
    Log("warning: " + notice);
    if (options_.show_progress) {
      options_.show_progress({.phase = kNoticePhase + notice});
    }
  }

  absl::Status Load() {
    Show("load");
    const absl::Time start = absl::Now();
    SFT_RETURN_IF_ERROR(CheckRunId(bench_, run_.run_id, run_.config));
    SFT_ASSIGN_OR_RETURN(const model::ModelOptions options,
                         ModelOptionsOf(run_.config));
    SFT_ASSIGN_OR_RETURN(
        loaded_, LoadModelAndTokenizer(run_.config.model, bench_.folders.assets,
                                       options));
    loaded_.model->SetActivationCheckpointing(
        run_.config.activation_checkpointing);
    SFT_RETURN_IF_ERROR(SetHeadForTasks(bench_, run_.config, *loaded_.model));
    SFT_ASSIGN_OR_RETURN(inputs_,
                         ReadRunInputs(bench_, run_.config, *loaded_.tokenizer,
                                       loaded_.model->head()));
    for (const std::string& warning : inputs_.warnings) Log(warning);
    const std::vector<std::string>& notes = loaded_.model->info().notes;
    if (!notes.empty()) {
      record_.texts["model.notes"] = absl::StrJoin(notes, "\n");
    }
    for (const std::string& note : notes) {
      Notice(absl::StrCat("model ", run_.config.model, ": ", note));
    }
    for (const std::string& notice : inputs_.notices) Notice(notice);
    record_.facts.insert(inputs_.facts.begin(), inputs_.facts.end());
    record_.texts.insert(inputs_.texts.begin(), inputs_.texts.end());
    record_.texts["model_sha256"] = loaded_.model->info().source_digest;
    record_.texts["tokenizer_sha256"] = loaded_.tokenizer->digest();
    record_.measured["load_wall_seconds"] =
        absl::ToDoubleSeconds(absl::Now() - start);
    return absl::OkStatus();
  }

  // Base scores, method, batching, trainer; and a checkpoint taken up.
  absl::Status PutTogether() {
    train::RemoveStaleCheckpoints(CheckpointFolder());
    absl::StatusOr<train::Checkpoint> checkpoint =
        train::ReadCheckpoint(CheckpointFolder(), run_.run_id);
    if (absl::IsDataLoss(checkpoint.status())) {
      Log(absl::StrCat("starting again: ", checkpoint.status().message()));
    }
    if (checkpoint.ok()) {
      SFT_ASSIGN_OR_RETURN(
          const record::RunRecord partial,
          record::ReadRunRecord(CheckpointFolder() + kPartialRecord));
      SFT_RETURN_IF_ERROR(CheckSameInputs(partial));
      record_.evals = partial.evals;
      record_.facts.insert(partial.facts.begin(), partial.facts.end());
      record_.texts.insert(partial.texts.begin(), partial.texts.end());
    } else {
      SFT_RETURN_IF_ERROR(MeasureBase());
    }
    const train::UpdateMethodRow* update =
        bench_.FindUpdateMethod(run_.config.method);
    const train::BatchingMethodRow* batching =
        bench_.FindBatchingMethod(run_.config.batching);
    if (update == nullptr || batching == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown method '", run_.config.method, "' or '",
                       run_.config.batching, "'"));
    }
    SFT_ASSIGN_OR_RETURN(method_, update->make(run_.config));
    SFT_ASSIGN_OR_RETURN(batching_, batching->make(run_.config));
    {
      const MemoryScope memory(MemoryUse::kWeights);
      SFT_RETURN_IF_ERROR(method_->Attach(*loaded_.model));
    }
    SFT_RETURN_IF_ERROR(batching_->Attach(*loaded_.model));
    trainer_ = std::make_unique<train::Trainer>(run_.config, run_.run_id,
                                                *loaded_.model, *method_);
    if (checkpoint.ok()) {
      SFT_RETURN_IF_ERROR(trainer_->Resume(*checkpoint));
      Log(absl::StrCat("continuing after step ", trainer_->steps().size()));
    }
    return absl::OkStatus();
  }

  // What a checkpoint rests on must be what was read now.
  absl::Status CheckSameInputs(const record::RunRecord& partial) const {
    for (const auto& [name, digest] : partial.texts) {
      const auto now = record_.texts.find(name);
      if (now == record_.texts.end() || now->second == digest ||
          !absl::EndsWith(name, "_sha256")) {
        continue;
      }
      return InputError(CheckpointFolder(),
                        absl::StrCat("was saved with another ", name, " (",
                                     digest.substr(0, 12), "..., now ",
                                     now->second.substr(0, 12),
                                     "...): a file changed since; put it back, "
                                     "or remove this folder to begin anew"));
    }
    return absl::OkStatus();
  }

  // Round 0: the untuned run's scores where they stand, else measured here.
  absl::Status MeasureBase() {
    if (run_.untuned_id != run_.run_id &&
        IsFinal(options_.paths, run_.untuned_id)) {
      SFT_ASSIGN_OR_RETURN(
          const record::RunRecord untuned,
          record::ReadRunRecord(options_.paths.Record(run_.untuned_id)));
      if (untuned.status == RunStatus::kOk &&
          CheckSameModel(untuned, *loaded_.model, untuned.run_id).ok()) {
        record_.evals = untuned.evals;
        return absl::OkStatus();
      }
    }
    return Measure(0);
  }

  absl::Status Measure(int64_t round) {
    for (const EvalRecord& eval : record_.evals) {
      if (eval.round == round) return absl::OkStatus();  // before the kill
    }
    Show("evaluate");
    const absl::Time start = absl::Now();
    SFT_ASSIGN_OR_RETURN(
        std::vector<EvalRecord> evals,
        MeasureModel(*loaded_.model, *loaded_.tokenizer, inputs_, round));
    for (EvalRecord& eval : evals) record_.evals.push_back(std::move(eval));
    record_.measured["eval_wall_seconds"] +=
        absl::ToDoubleSeconds(absl::Now() - start);
    return absl::OkStatus();
  }

  absl::Status RunRound(int64_t round) {
    const std::vector<Example>& examples =
        inputs_.training[static_cast<size_t>(round)].examples;
    const std::unique_ptr<data::Collator> collator = batching_->MakeCollator();
    SFT_ASSIGN_OR_RETURN(
        const train::StepPlan steps,
        train::PlanSteps(run_.config, examples, *collator, round));
    const std::string prefix = absl::StrCat("round", round, ".");
    record_.texts[prefix + "data_order_sha256"] = steps.data_order_sha256;
    record_.texts[prefix + "plan_sha256"] = steps.plan_sha256;
    record_.facts[prefix + "rows"] = static_cast<double>(steps.rows);
    for (const auto& [name, value] : collator->Report()) {
      record_.facts[name] = value;
    }
    Log(absl::StrCat("train round ", round, ": ", steps.steps.size(),
                     " steps, ", steps.rows, " rows, ", steps.real_tokens,
                     " tokens, ", steps.target_tokens, " of them targets"));
    StartTrainingMeasures(*loaded_.model);
    SFT_ASSIGN_OR_RETURN(const train::RoundOutcome outcome,
                         trainer_->RunRound(round, examples, *collator, steps,
                                            HooksFor(round, steps)));
    TakeTrainingMeasures(record_, *loaded_.model, trainer_->optimizer(),
                         trainer_->steps());
    if (!outcome.remark.empty()) Log(outcome.remark);
    if (outcome.end == train::RoundEnd::kStopped) {
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

  train::AddFiles PartialRecord() {
    return [this](const std::string& folder) {
      return record::WriteRunRecord(record_, folder + kPartialRecord);
    };
  }
  absl::Status Save() {
    return trainer_->SaveCheckpoint(CheckpointFolder(), PartialRecord());
  }

  train::TrainerHooks HooksFor(int64_t round, const train::StepPlan& steps) {
    train::TrainerHooks hooks;
    hooks.should_stop = options_.should_stop;
    hooks.checkpoint_folder = CheckpointFolder();
    const double seconds = absl::ToDoubleSeconds(options_.checkpoint_every);
    if (seconds > 0) {
      hooks.checkpoint_every_seconds = seconds;
    } else {
      hooks.checkpoint_every_steps = 1;
    }
    hooks.add_to_checkpoint = PartialRecord();
    hooks.eval_every_steps = run_.config.eval_every_steps;
    hooks.evaluate = [this, round](int64_t step) {
      return ValidateAt(round, step);
    };
    const int64_t total = static_cast<int64_t>(steps.steps.size());
    hooks.on_step = [this, total](const StepRecord& step) {
      OnStep(step, total);
      return absl::OkStatus();
    };
    return hooks;
  }

  void OnStep(const StepRecord& step, int64_t total) {
    trained_seconds_ += step.wall_seconds;
    trained_tokens_ += step.real_tokens;
    if (++steps_here_ == 1) {
      const double done = measure::SecondsSinceProcessStart();
      record_.measured["first_step_done_seconds"] = done;
      record_.measured["first_step_begun_seconds"] = done - step.wall_seconds;
    }
    Progress progress;
    progress.phase = "train";
    progress.step = step.step;
    progress.steps = total;
    progress.loss = step.loss;
    progress.real_tokens_per_second =
        trained_seconds_ > 0
            ? static_cast<double>(trained_tokens_) / trained_seconds_
            : 0;
    progress.seconds_left =
        trained_seconds_ / steps_here_ * static_cast<double>(total - step.step);
    if (options_.show_progress) options_.show_progress(progress);
    Log(absl::StrFormat("step %d/%d loss %.6f lr %.3g |grad| %.4g %.2f s",
                        step.step, total, step.loss, step.learning_rate,
                        step.grad_norm, step.wall_seconds));
  }

  absl::Status ValidateAt(int64_t round, int64_t step) {
    eval::EvalOptions options;
    options.split = absl::StrCat("validation_step_", step);
    options.round = round;
    for (const Measured& measured : inputs_.measured) {
      if (measured.validation_examples.empty()) continue;
      SFT_ASSIGN_OR_RETURN(
          EvalRecord eval,
          eval::EvaluateLoss(*loaded_.model, measured.validation_examples,
                             measured.input.name, options));
      record_.evals.push_back(std::move(eval));
    }
    return absl::OkStatus();
  }

  absl::Status Conclude() {
    record_.steps = trainer_->steps();
    for (const auto& [name, value] : method_->Report().numbers) {
      record_.facts[name] = value;
    }
    for (const auto& [name, text] : method_->Report().texts) {
      record_.texts[name] = text;
    }
    SumUpSteps(record_);
    if (record_.status != RunStatus::kDiverged) {
      record_.status = RunStatus::kOk;
      SFT_ASSIGN_OR_RETURN(record_.forgetting,
                           ForgettingOf(record_.evals, run_.config));
      SFT_RETURN_IF_ERROR(KeepAnswers());
    }
    const std::vector<NamedTensor> trained = trainer_->TrainedTensors();
    if (!trained.empty()) {
      record_.texts["weights_sha256"] = TensorDigest(trained);
      if (options_.save_weights && record_.status == RunStatus::kOk) {
        Show("save");
        SFT_RETURN_IF_ERROR(
            SaveTrainedWeights(options_.paths, run_.run_id, trained,
                               record_.texts["weights_sha256"]));
      }
    }
    return absl::OkStatus();
  }

  absl::Status KeepAnswers() {
    if (!options_.keep_text || run_.config.generate_samples == 0) {
      return absl::OkStatus();
    }
    if (loaded_.model->is_encoder()) return absl::OkStatus();
    for (const Measured& measured : inputs_.measured) {
      const eval::EvalInput& input = measured.input;
      if (input.rows.empty()) continue;
      // The text that is scored, where one is.
      const eval::AnswerLimits limits = eval::AnswerLimitsOf(input);
      SFT_ASSIGN_OR_RETURN(
          const std::vector<eval::GeneratedAnswer> answers,
          eval::GenerateAnswers(
              *loaded_.model, *loaded_.tokenizer, *input.task, input.rows,
              limits.render, run_.config.generate_samples,
              limits.max_new_tokens > 0 ? limits.max_new_tokens
                                        : kAnswerTokens));
      for (const eval::GeneratedAnswer& answer : answers) {
        record_.prompts.push_back(answer.prompt);
        record_.generations.push_back(answer.answer);
      }
    }
    return absl::OkStatus();
  }

  const Workbench& bench_;
  const spec::PlannedRun& run_;
  const spec::RunPlan& plan_;
  const WorkerOptions& options_;
  record::RunRecord record_;
  LoadedModel loaded_;
  RunInputs inputs_;
  std::unique_ptr<train::UpdateMethod> method_;
  std::unique_ptr<train::BatchingMethod> batching_;
  std::unique_ptr<train::Trainer> trainer_;
  double trained_seconds_ = 0;
  int64_t trained_tokens_ = 0;
  int steps_here_ = 0;
};

RunStatus StatusOfError(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kResourceExhausted:
      return RunStatus::kOutOfMemory;
    case absl::StatusCode::kDeadlineExceeded:
      return RunStatus::kTimeout;
    case absl::StatusCode::kOutOfRange:  // scores that are no numbers
      return RunStatus::kDiverged;
    default:
      return RunStatus::kFailed;
  }
}

}  // namespace

absl::StatusOr<WorkerOutcome> ExecuteRun(const Workbench& bench,
                                         const spec::PlannedRun& run,
                                         const spec::RunPlan& plan,
                                         const WorkerOptions& options) {
  const record::RunPaths& paths = options.paths;
  SFT_RETURN_IF_ERROR(MakeFolders(paths.Runs()));
  SFT_RETURN_IF_ERROR(MakeFolders(paths.Work(run.run_id)));
  Worker worker(bench, run, plan, options);
  const absl::Status status = CatchTorch([&worker] { return worker.Run(); });
  if (absl::IsAborted(status)) return WorkerOutcome::kInterrupted;
  record::RunRecord& record = worker.record();
  if (!status.ok()) {
    Log(status.ToString());
    record.status = StatusOfError(status);
    record.status_message = std::string(status.message());
  }
  FillProvenance(record, bench.build, options.attempt);
  const bool final =
      record.status == RunStatus::kOk || record.status == RunStatus::kDiverged;
  if (!final) {
    SFT_RETURN_IF_ERROR(record::PublishRunRecord(
                            record, paths.Attempt(run.run_id, options.attempt))
                            .status());
    return WorkerOutcome::kFailed;
  }
  SFT_ASSIGN_OR_RETURN(const bool first, record::PublishRunRecord(
                                             record, paths.Record(run.run_id)));
  if (!first) Log("another process published this run first");
  SFT_RETURN_IF_ERROR(RemoveAll(paths.Checkpoint(run.run_id)));
  return WorkerOutcome::kPublished;
}

}  // namespace sft::launch
