#include "harness/train/trainer.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <optional>
#include <set>
#include <utility>

#include "harness/core/rng.h"
#include "harness/core/status.h"
#include "harness/core/tensor_allocator.h"
#include "harness/train/batch_feed.h"
#include "harness/train/optimizer_moves.h"
#include "harness/train/optimizers/registry.h"
#include "harness/train/schedule.h"
#include "harness/train/step_graphs.h"
#include "harness/train/step_in_backward.h"

namespace sft::train {
namespace {

using Clock = std::chrono::steady_clock;

// A loss this far above a uniform guess for so many steps has run away.
constexpr int64_t kRunawaySteps = 20;
constexpr double kRunawayFactor = 2.0;
// Wall-time budgets read the schedule on this many parts of their time.
constexpr int64_t kTimeParts = 100'000;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double CpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         1e-9 * static_cast<double>(now.tv_nsec);
}

// Dropout masks depend on the run's seed, the step and the micro-batch alone.
uint64_t DropoutSeed(int64_t seed, int64_t step, size_t micro) {
  Rng rng(static_cast<uint64_t>(seed), Stream::kDropout,
          absl::StrCat("step", step, "/micro", micro));
  return rng.Next();
}

bool AllFinite(const std::vector<at::Tensor>& sums) {
  return std::all_of(sums.begin(), sums.end(), [](const at::Tensor& sum) {
    return std::isfinite(sum.item<double>());
  });
}

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

absl::Status Trainer::MakeOptimizer(const std::vector<NamedTensor>& kept) {
  std::vector<TrainableParameter> parameters = method_.TrainableParameters();
  if (parameters.empty()) {
    return absl::InvalidArgumentError("the method trains no parameter");
  }
  if (config_.decay == "matrices") {
    std::set<std::string> spared;
    for (const model::Parameter& p : model_.Parameters()) {
      if (p.role == model::Role::kNorm || p.role == model::Role::kBias)
        spared.insert(p.name);
    }
    for (TrainableParameter& p : parameters) {
      if (spared.contains(p.name)) p.weight_decay = false;
    }
  }
  const MemoryScope memory(MemoryUse::kOptimizer);
  SFT_ASSIGN_OR_RETURN(
      optimizer_, sft::train::MakeOptimizer(config_, std::move(parameters)));
  if (!kept.empty()) optimizer_->KeepState(kept);
  optimizer_->DropGradients();
  return absl::OkStatus();
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
  if (keeps) kept = StateOfMoving();
  optimizer_.reset();
  if (!calibration.empty()) {
    SFT_RETURN_IF_ERROR(method_.Calibrate(calibration));
  }
  SFT_RETURN_IF_ERROR(MakeOptimizer(kept));
  round_ = round;
  steps_in_round_ = 0;
  begun_ = true;
  resumed_ = false;
  return absl::OkStatus();
}

std::vector<NamedTensor> Trainer::StateOfMoving() const {
  std::vector<NamedTensor> kept;
  std::set<std::string> names;
  for (const TrainableParameter& p : method_.TrainableParameters()) {
    names.insert(p.name);
  }
  for (NamedTensor& state : optimizer_->State()) {
    // "<parameter>.<what>"
    if (names.contains(state.name.substr(0, state.name.rfind('.')))) {
      kept.push_back(std::move(state));
    }
  }
  return kept;
}

absl::Status Trainer::MoveOthers() {
  const std::vector<NamedTensor> kept = StateOfMoving();
  optimizer_.reset();
  return MakeOptimizer(kept);
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
  SFT_RETURN_IF_ERROR(MakeOptimizer({}));
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

// Adds the gradient of the batch's loss / targets; with `moves` the optimizer
// goes along wherever backward is done with a parameter. Returns the loss.
at::Tensor Trainer::ForwardAndBackward(const Batch& batch, double targets,
                                       double learning_rate, bool moves) {
  const model::LossOutput out = model_.SumLoss(batch);
  const at::Tensor loss_sum = out.loss_sum.detach();
  std::optional<StepInBackward> step;
  if (moves && AllFinite({loss_sum})) step.emplace(*optimizer_, learning_rate);
  out.loss_sum.div(targets).backward();
  return loss_sum;
}

StepRecord Trainer::TakeStep(BatchFeed& feed, StepGraphs* graphs,
                             double learning_rate) {
  const std::vector<Batch> batches = feed.Take(steps_in_round_);
  const Clock::time_point start = Clock::now();
  const double cpu_start = CpuSeconds();
  StepRecord record;
  record.step = static_cast<int64_t>(steps_.size()) + 1;
  record.round = round_;
  record.learning_rate = learning_rate;
  for (const Batch& batch : batches) {
    record.real_tokens += batch.real_tokens;
    record.target_tokens += batch.target_tokens;
    record.padded_tokens += batch.padded_tokens();
    record.sequences += static_cast<int64_t>(batch.lengths.size());
  }
  TORCH_CHECK(record.target_tokens > 0, "step ", record.step, " has no target");
  const auto targets = static_cast<double>(record.target_tokens);
  std::vector<at::Tensor> loss_sums;  // read last: reading waits for a device
  StepHook* const hook = method_.step_hook();
  const bool fold =
      config_.max_grad_norm == 0 && model_.device().is_cpu() && hook == nullptr;
  if (graphs != nullptr) graphs->BeginStep();
  for (size_t micro = 0; micro < batches.size(); ++micro) {
    const MemoryScope memory(MemoryUse::kActivations);
    model_.pass_state().training = true;
    model_.pass_state().dropout_seed =
        DropoutSeed(config_.seed, record.step, micro);
    if (graphs != nullptr && graphs->Serves(batches[micro])) {
      loss_sums.push_back(graphs->Run(batches[micro], targets));
      continue;
    }
    const bool moves =
        fold && micro + 1 == batches.size() && AllFinite(loss_sums);
    loss_sums.push_back(
        ForwardAndBackward(batches[micro], targets, learning_rate, moves));
  }
  model_.pass_state().training = false;
  // A device is at work until its first result is read.
  if (!model_.device().is_cpu()) feed.Prepare(steps_in_round_ + 1);
  for (const at::Tensor& sum : loss_sums) record.loss += sum.item<double>();
  record.loss /= targets;
  for (const TrainableParameter& p : optimizer_->parameters()) {
    HoldFor(p.tensor.grad(), MemoryUse::kGradients);
  }
  c10::NoGradGuard no_grad;
  if (hook != nullptr) hook->OnGradients();
  record.grad_norm = optimizer_->GradNorm();
  if (std::isfinite(record.loss) && std::isfinite(record.grad_norm)) {
    if (config_.max_grad_norm > 0) {
      optimizer_->ClipGradients(record.grad_norm, config_.max_grad_norm);
    }
    OptimizerMoves moves(*optimizer_, learning_rate);
    if (hook != nullptr) {
      hook->Move(moves);
    } else {
      moves.MoveAll();  // what backward has not moved already
    }
  }
  optimizer_->DropGradients();
  record.wall_seconds = SecondsSince(start);
  record.cpu_seconds = CpuSeconds() - cpu_start;
  return record;
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

// Empty while all is well.
std::string Trainer::WhyDiverged() const {
  const StepRecord& last = steps_.back();
  if (!std::isfinite(last.loss)) {
    return absl::StrCat("step ", last.step, ": the loss is not finite");
  }
  if (!std::isfinite(last.grad_norm)) {
    return absl::StrCat("step ", last.step,
                        ": the gradient norm is not finite");
  }
  const double limit =
      kRunawayFactor * std::log(std::max<double>(
                           2, static_cast<double>(model_.info().vocabulary)));
  if (steps_in_round_ < kRunawaySteps) return "";
  for (int64_t back = 1; back <= kRunawaySteps; ++back) {
    if (!(steps_[steps_.size() - static_cast<size_t>(back)].loss > limit)) {
      return "";
    }
  }
  return absl::StrCat("step ", last.step, ": the loss was above ", limit,
                      " nats/token for ", kRunawaySteps, " steps");
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
  Clock::time_point last_checkpoint = Clock::now();
  double seconds = plan.wall_seconds > 0 ? TrainedSecondsOfRound() : 0;
  const auto stop = [&]() -> absl::StatusOr<RoundOutcome> {
    outcome.end = RoundEnd::kStopped;
    outcome.message = absl::StrCat("stopped after step ", steps_.size());
    if (!hooks.checkpoint_folder.empty()) {
      SFT_RETURN_IF_ERROR(
          SaveCheckpoint(hooks.checkpoint_folder, hooks.add_to_checkpoint));
    }
    return outcome;
  };
  const auto evaluate_if_due = [&]() -> absl::Status {
    const bool is_due =
        (hooks.eval_every_steps > 0 &&
         steps_in_round_ % hooks.eval_every_steps == 0) ||
        std::count(hooks.eval_at_steps.begin(), hooks.eval_at_steps.end(),
                   steps_in_round_) > 0;
    if (!hooks.evaluate || !is_due) return absl::OkStatus();
    c10::NoGradGuard no_grad;
    return hooks.evaluate(steps_.back().step);
  };
  if (is_resumed && steps_in_round_ > 0) {
    const absl::Status evaluated = evaluate_if_due();
    if (absl::IsAborted(evaluated)) return stop();
    SFT_RETURN_IF_ERROR(evaluated);
  }
  while (steps_in_round_ < static_cast<int64_t>(plan.steps.size())) {
    if (plan.wall_seconds > 0 && seconds >= plan.wall_seconds) break;
    if (hooks.should_stop && hooks.should_stop()) return stop();
    if (method_.BeginStep(steps_in_round_)) {
      SFT_RETURN_IF_ERROR(MoveOthers());
      // What is captured moves the old ones.
      if (graphs) graphs.emplace(model_, *optimizer_);
    }
    steps_.push_back(TakeStep(feed, graphs ? &*graphs : nullptr,
                              LearningRateOfNextStep(plan)));
    ++steps_in_round_;
    ++outcome.steps_taken;
    seconds += steps_.back().wall_seconds;
    if (hooks.on_step) SFT_RETURN_IF_ERROR(hooks.on_step(steps_.back()));
    outcome.message = WhyDiverged();
    if (!outcome.message.empty()) {
      outcome.end = RoundEnd::kDiverged;
      return outcome;
    }
    const absl::Status evaluated = evaluate_if_due();
    if (absl::IsAborted(evaluated)) return stop();
    SFT_RETURN_IF_ERROR(evaluated);
    const bool due =
        (hooks.checkpoint_every_steps > 0 &&
         steps_in_round_ % hooks.checkpoint_every_steps == 0) ||
        (hooks.checkpoint_every_seconds > 0 &&
         SecondsSince(last_checkpoint) >= hooks.checkpoint_every_seconds);
    if (due && !hooks.checkpoint_folder.empty()) {
      SFT_RETURN_IF_ERROR(
          SaveCheckpoint(hooks.checkpoint_folder, hooks.add_to_checkpoint));
      last_checkpoint = Clock::now();
    }
  }
  if (graphs && !graphs->broken().empty()) {
    outcome.remark = absl::StrCat(
        "steps ran kernel by kernel, for the device did not record them: ",
        graphs->broken());
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
