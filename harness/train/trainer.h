// The training loop, which knows no method by name. One Trainer serves one
// run; each RunRound takes one StepPlan to its end, step by step
// (train_step.h).
#ifndef HARNESS_TRAIN_TRAINER_H_
#define HARNESS_TRAIN_TRAINER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/core/records.h"
#include "harness/data/collator.h"
#include "harness/model/model.h"
#include "harness/spec/run_config.h"
#include "harness/train/checkpoint.h"
#include "harness/train/method.h"
#include "harness/train/optimizers/optimizer.h"
#include "harness/train/step_plan.h"

namespace sft::train {

class BatchFeed;
class StepGraphs;

struct TrainerHooks {
  // After every step; an error ends the round with it.
  std::function<absl::Status(const StepRecord&)> on_step;
  // Asked before every step, for signals and job limits.
  std::function<bool()> should_stop;
  // Every `eval_every_steps` steps of the round; no gradient is recorded. Where
  // it returns Aborted, the round is stopped. A round that is resumed behind
  // such a step calls it again: what it has measured already is its affair.
  int64_t eval_every_steps = 0;
  std::vector<int64_t> eval_at_steps;  // of the round, and there besides
  std::function<absl::Status(int64_t step)> evaluate;
  // After a step when this many steps, or seconds since the last one (or the
  // start), have passed; 0 = never for that reason. Also when the round is
  // stopped. "" = no checkpoints.
  std::string checkpoint_folder;
  int64_t checkpoint_every_steps = 0;
  double checkpoint_every_seconds = 0;
  AddFiles add_to_checkpoint;
};

enum class RoundEnd {
  kFinished,
  kDiverged,  // loss or gradient not finite, or the loss ran away
  kStopped,   // as it was asked to; resumable
};
struct RoundOutcome {
  RoundEnd end = RoundEnd::kFinished;
  std::string message;      // why, if not finished
  int64_t steps_taken = 0;  // by this call
  std::string remark;       // what went otherwise than hoped, to be told
};

class Trainer {
 public:
  // `method` has been attached to `model`; both outlive the trainer.
  Trainer(const spec::RunConfig& config, std::string run_id,
          model::Model& model, UpdateMethod& method);

  // Before the first RunRound, on a freshly loaded and attached model: takes
  // over weights, optimizer, method state and records. InvalidArgument if the
  // checkpoint does not fit; the model is then of no more use.
  absl::Status Resume(const Checkpoint& checkpoint);
  // The first round to run: 0, or the one that Resume was in the middle (or
  // at the end) of.
  int64_t next_round() const { return round_; }

  // Begins a round that Resume is not in the middle of; `calibration`: the rows
  // that the method asks for. May be stopped (core/stop_point.h); the trainer
  // is then of no more use.
  absl::Status BeginRound(int64_t round,
                          const std::vector<Example>& calibration);
  // Whether it is, and RunRound would go on in it.
  bool HasBegun(int64_t round) const { return begun_ && round == round_; }
  // Runs the round to its end, or on from where Resume left it; one that is not
  // begun yet is begun without calibration. Errors are those of hooks and of
  // the method; LibTorch's exceptions pass through.
  absl::StatusOr<RoundOutcome> RunRound(int64_t round,
                                        const std::vector<Example>& examples,
                                        const data::Collator& collator,
                                        const StepPlan& plan,
                                        const TrainerHooks& hooks);

  // Where the run stands, for a caller that wants one between rounds.
  absl::Status SaveCheckpoint(const std::string& folder,
                              const AddFiles& add_files = nullptr);

  // Of the whole run, resumed steps included.
  const std::vector<StepRecord>& steps() const { return steps_; }
  int64_t steps_in_round() const { return steps_in_round_; }
  // Every tensor that has been trainable in any round, by name: what tells
  // the tuned model from the loaded one.
  std::vector<NamedTensor> TrainedTensors() const;
  // Of the current round; null before the first.
  const Optimizer* optimizer() const { return optimizer_.get(); }

 private:
  void NoteTrained();
  // Before the next step, where the method says so: other parameters move.
  absl::Status MoveOthers();
  void TakeNextStep(const StepPlan& plan, BatchFeed& feed, StepGraphs* graphs);
  absl::Status EvaluateIfDue(const TrainerHooks& hooks) const;
  // `outcome` of a round that was asked to stop; saved, where it is to be.
  absl::StatusOr<RoundOutcome> Stopped(const TrainerHooks& hooks,
                                       RoundOutcome outcome);
  double LearningRateOfNextStep(const StepPlan& plan) const;
  double TrainedSecondsOfRound() const;

  spec::RunConfig config_;
  std::string run_id_;
  model::Model& model_;
  UpdateMethod& method_;
  std::unique_ptr<Optimizer> optimizer_;
  std::map<std::string, at::Tensor> trained_;
  std::vector<StepRecord> steps_;
  int64_t round_ = 0;
  int64_t steps_in_round_ = 0;
  std::string plan_sha256_;
  bool begun_ = false;    // round_ is, and no step of it taken here
  bool resumed_ = false;  // it was begun elsewhere: its plan is to be checked
};

}  // namespace sft::train

#endif  // HARNESS_TRAIN_TRAINER_H_
