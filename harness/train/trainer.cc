#include "harness/train/trainer.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "harness/core/status.h"
#include "harness/core/stopwatch.h"
#include "harness/train/batch_feed.h"
#include "harness/train/divergence.h"
#include "harness/train/method_optimizer.h"
#include "harness/train/schedule.h"
#include "harness/train/step_graphs.h"
#include "harness/train/train_step.h"

namespace sft::train {
namespace {

// Wall-time budgets read the schedule on this many parts of their time.
constexpr int64_t kTimeParts = 100'000;

}  // namespace

Trainer::Trainer(const spec::RunConfig& config, std::string run_id,
                 model::Model& model, UpdateMethod& method)
    : config_(config),
      run_id_(std::move(run_id)),
      model_(model),
      method_(method) {
  model_.SetActivationCheckpointing(config_.activation_checkpointing);
  model_.pass_state().neftune_alpha = config_.neftune_alpha;
}

void Trainer::NoteTrained() {
  for (const TrainableParameter& p : method_.MovableParameters()) {
    trained_[p.name] = p.tensor;
  }
}

absl::Status Trainer::BeginRound(int64_t round,
                                 const std::vector<Example>& calibration) {
  // Old moments go before new ones are made, but those of what goes on moving
  // where the method keeps them.
  const bool keeps = optimizer_ != nullptr && method_.KeepsOptimizerState();
  if (!keeps) optimizer_.reset();
  SFT_RETURN_IF_ERROR(method_.BeginRound(round));
  NoteTrained();
  std::vector<NamedTensor> kept;
  if (keeps) kept = StateOfMoving(*optimizer_, method_);
  optimizer_.reset();
  if (!calibration.empty()) {
    SFT_RETURN_IF_ERROR(method_.Calibrate(calibration));
  }
  SFT_ASSIGN_OR_RETURN(optimizer_,
                       MakeOptimizerOf(config_, model_, method_, kept));
  round_ = round;
  steps_in_round_ = 0;
  begun_ = true;
  resumed_ = false;
  return absl::OkStatus();
}

absl::Status Trainer::MoveOthers() {
  const std::vector<NamedTensor> kept = StateOfMoving(*optimizer_, method_);
  optimizer_.reset();
  SFT_ASSIGN_OR_RETURN(optimizer_,
                       MakeOptimizerOf(config_, model_, method_, kept));
  return absl::OkStatus();
}

absl::Status Trainer::Resume(const Checkpoint& checkpoint) {
  TORCH_CHECK(steps_.empty() && optimizer_ == nullptr,
              "Resume after the run has begun");
  // Earlier rounds name tensors that this one may not train.
  for (int64_t round = 0; round <= checkpoint.round; ++round) {
    SFT_RETURN_IF_ERROR(method_.BeginRound(round));
    NoteTrained();
  }
  SFT_RETURN_IF_ERROR(method_.LoadState(checkpoint.method));
  NoteTrained();  // the state may name others
  if (checkpoint.steps_in_round > 0) {
    method_.BeginStep(checkpoint.steps_in_round - 1);
  }
  SFT_ASSIGN_OR_RETURN(optimizer_,
                       MakeOptimizerOf(config_, model_, method_, {}));
  if (checkpoint.trained.size() != trained_.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("checkpoint holds ", checkpoint.trained.size(),
                     " trained tensors; this run has ", trained_.size()));
  }
  c10::NoGradGuard no_grad;
  for (const NamedTensor& saved : checkpoint.trained) {
    auto it = trained_.find(saved.name);
    if (it == trained_.end() || it->second.sizes() != saved.tensor.sizes() ||
        it->second.scalar_type() != saved.tensor.scalar_type()) {
      return absl::InvalidArgumentError(
          absl::StrCat("checkpoint: ", saved.name,
                       " is no trained tensor of this run, or has another "
                       "shape or type"));
    }
    it->second.copy_(saved.tensor);
  }
  SFT_RETURN_IF_ERROR(optimizer_->LoadState(checkpoint.optimizer));
  SFT_RETURN_IF_ERROR(method_.TakeUp());
  round_ = checkpoint.round;
  steps_ = checkpoint.steps;
  steps_in_round_ = checkpoint.steps_in_round;
  plan_sha256_ = checkpoint.plan_sha256;
  begun_ = resumed_ = true;
  return absl::OkStatus();
}

double Trainer::TrainedSecondsOfRound() const {
  double seconds = 0;
  for (const StepRecord& step : steps_) {
    if (step.round == round_) seconds += step.wall_seconds;
  }
  return seconds;
}

double Trainer::LearningRateOfNextStep(const StepPlan& plan) const {
  const bool timed = plan.wall_seconds > 0;
  const auto schedule = Schedule::Make(
      config_.schedule, config_.learning_rate, config_.warmup_ratio,
      timed ? kTimeParts : static_cast<int64_t>(plan.steps.size()));
  TORCH_CHECK(schedule.ok(), ToStd(schedule.status().message()));
  if (!timed) return schedule->RateAt(static_cast<double>(steps_in_round_));
  return schedule->RateAt(TrainedSecondsOfRound() / plan.wall_seconds *
                          static_cast<double>(kTimeParts));
}

absl::StatusOr<RoundOutcome> Trainer::RunRound(
    int64_t round, const std::vector<Example>& examples,
    const data::Collator& collator, const StepPlan& plan,
    const TrainerHooks& hooks) {
  if (!HasBegun(round)) SFT_RETURN_IF_ERROR(BeginRound(round, {}));
  const bool is_resumed = std::exchange(resumed_, false);
  if (is_resumed && plan.plan_sha256 != plan_sha256_) {
    return absl::FailedPreconditionError(
        absl::StrCat("round ", round,
                     ": the checkpoint was made with other steps than this "
                     "run would take"));
  }
  begun_ = false;
  plan_sha256_ = plan.plan_sha256;
  std::optional<StepGraphs> graphs;
  PlanShapes shapes;
  if (StepGraphs::CanCapture(model_)) {
    graphs.emplace(model_, *optimizer_);
    shapes = ShapesOfPlan(examples, plan);
  }
  BatchFeed feed(examples, collator, plan, model_.device(), std::move(shapes));
  RoundOutcome outcome;
  Stopwatch since_checkpoint;
  double seconds = plan.wall_seconds > 0 ? TrainedSecondsOfRound() : 0;
  if (is_resumed && steps_in_round_ > 0) {
    const absl::Status evaluated = EvaluateIfDue(hooks);
    if (absl::IsAborted(evaluated)) return Stopped(hooks, std::move(outcome));
    SFT_RETURN_IF_ERROR(evaluated);
  }
  while (steps_in_round_ < static_cast<int64_t>(plan.steps.size())) {
    if (plan.wall_seconds > 0 && seconds >= plan.wall_seconds) break;
    if (hooks.should_stop && hooks.should_stop()) {
      return Stopped(hooks, std::move(outcome));
    }
    if (method_.BeginStep(steps_in_round_)) {
      SFT_RETURN_IF_ERROR(MoveOthers());
      // What is captured moves the old ones.
      if (graphs) graphs.emplace(model_, *optimizer_);
    }
    TakeNextStep(plan, feed, graphs ? &*graphs : nullptr);
    ++outcome.steps_taken;
    seconds += steps_.back().wall_seconds;
    if (hooks.on_step) SFT_RETURN_IF_ERROR(hooks.on_step(steps_.back()));
    outcome.message = WhyDiverged(
        steps_, steps_in_round_,
        model_.head() == HeadKind::kValue ? 0 : model_.info().vocabulary);
    if (!outcome.message.empty()) {
      outcome.end = RoundEnd::kDiverged;
      return outcome;
    }
    const absl::Status evaluated = EvaluateIfDue(hooks);
    if (absl::IsAborted(evaluated)) return Stopped(hooks, std::move(outcome));
    SFT_RETURN_IF_ERROR(evaluated);
    const bool due =
        (hooks.checkpoint_every_steps > 0 &&
         steps_in_round_ % hooks.checkpoint_every_steps == 0) ||
        (hooks.checkpoint_every_seconds > 0 &&
         since_checkpoint.WallSeconds() >= hooks.checkpoint_every_seconds);
    if (due && !hooks.checkpoint_folder.empty()) {
      SFT_RETURN_IF_ERROR(
          SaveCheckpoint(hooks.checkpoint_folder, hooks.add_to_checkpoint));
      since_checkpoint = Stopwatch();
    }
  }
  if (graphs && !graphs->broken().empty()) {
    outcome.remark = absl::StrCat(
        "steps ran kernel by kernel, for the device did not record them: ",
        graphs->broken());
  }
  return outcome;
}

void Trainer::TakeNextStep(const StepPlan& plan, BatchFeed& feed,
                           StepGraphs* graphs) {
  StepRecord record;
  record.step = std::ssize(steps_) + 1;
  record.round = round_;
  record.learning_rate = LearningRateOfNextStep(plan);
  steps_.push_back(
      TakeStep({config_, model_, *optimizer_, method_.step_hook(), graphs},
               feed.Take(steps_in_round_), record,
               [&] { feed.Prepare(steps_in_round_ + 1); }));
  ++steps_in_round_;
}

absl::Status Trainer::EvaluateIfDue(const TrainerHooks& hooks) const {
  const bool is_due =
      (hooks.eval_every_steps > 0 &&
       steps_in_round_ % hooks.eval_every_steps == 0) ||
      std::count(hooks.eval_at_steps.begin(), hooks.eval_at_steps.end(),
                 steps_in_round_) > 0;
  if (!hooks.evaluate || !is_due) return absl::OkStatus();
  c10::NoGradGuard no_grad;
  return hooks.evaluate(steps_.back().step);
}

absl::StatusOr<RoundOutcome> Trainer::Stopped(const TrainerHooks& hooks,
                                              RoundOutcome outcome) {
  outcome.end = RoundEnd::kStopped;
  outcome.message = absl::StrCat("stopped after step ", steps_.size());
  if (!hooks.checkpoint_folder.empty()) {
    SFT_RETURN_IF_ERROR(
        SaveCheckpoint(hooks.checkpoint_folder, hooks.add_to_checkpoint));
  }
  return outcome;
}

absl::Status Trainer::SaveCheckpoint(const std::string& folder,
                                     const AddFiles& add_files) {
  TORCH_CHECK(optimizer_ != nullptr, "SaveCheckpoint before the first round");
  Checkpoint checkpoint;
  checkpoint.run_id = run_id_;
  checkpoint.round = round_;
  checkpoint.steps_in_round = steps_in_round_;
  checkpoint.plan_sha256 = plan_sha256_;
  checkpoint.steps = steps_;
  checkpoint.trained = TrainedTensors();
  checkpoint.optimizer = optimizer_->State();
  checkpoint.method = method_.SaveState();
  return WriteCheckpoint(checkpoint, folder, add_files);
}

std::vector<NamedTensor> Trainer::TrainedTensors() const {
  std::vector<NamedTensor> tensors;
  for (const auto& [name, tensor] : trained_) {
    tensors.push_back({name, tensor.detach()});
  }
  return tensors;
}

}  // namespace sft::train
