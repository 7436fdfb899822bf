// The two interfaces through which methods act: UpdateMethod (which weights
// move and how they are stored) and BatchingMethod (how rows fill a batch).
// The trainer knows nothing else of them.
#ifndef HARNESS_TRAIN_METHOD_H_
#define HARNESS_TRAIN_METHOD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/core/fields.h"
#include "harness/data/collator.h"
#include "harness/model/model.h"
#include "harness/spec/run_config.h"
#include "harness/train/optimizers/trainable_parameter.h"

namespace sft::train {

// Facts of a method for the record: deterministic.
struct MethodReport {
  std::map<std::string, double> numbers;     // "<method>.realised_share"
  std::map<std::string, std::string> texts;  // "<method>.mask_sha256"
};

// What a method's step sees of the optimizer: gradients are whole and clipped.
class StepMoves {
 public:
  virtual ~StepMoves() = default;
  virtual const std::vector<TrainableParameter>& parameters() const = 0;
  // Moves all of them, or one, as the optimizer does it.
  virtual void MoveAll() = 0;
  virtual void Move(size_t index) = 0;
  // What the optimizer remembers as the mean of one's gradients, in its shape.
  virtual at::Tensor FirstMoment(size_t index) const = 0;
};

// What a method does in every step beside naming what moves. Both are called
// while no gradient is recorded.
class StepHook {
 public:
  virtual ~StepHook() = default;
  // Once the step's gradients are whole, before their norm is taken: a penalty
  // adds its own to them.
  virtual void OnGradients() {}
  // In the place of the optimizer's step.
  virtual void Move(StepMoves& moves) { moves.MoveAll(); }
};

class UpdateMethod {
 public:
  virtual ~UpdateMethod() = default;
  // Replaces maps, freezes, casts. Called once, on a freshly loaded model, or
  // on its outline (model::OutlineModel), whose tensors have sizes and no
  // values: there it holds and trains tensors of the same sizes, so that a plan
  // can count them without a weight.
  virtual absl::Status Attach(model::Model& model) = 0;
  // Attach takes the model's maps one after another, and has each read
  // (Model::ReadMap) before it looks at it; else all are there when it is
  // called.
  virtual bool ReadsMapByMap() const { return false; }
  // Start of the round-th stage (from 0): masks are drawn here, from the
  // method stream, and stay fixed within it. Called again after a resume,
  // with the same result.
  virtual absl::Status BeginRound(int64_t round) = 0;
  // Reads the rows that its table row asks for (UpdateMethodRow::calibration),
  // behind BeginRound, at the weights with which the round begins. Not called
  // on an outline, nor again after a resume: what comes of it is in SaveState.
  virtual absl::Status Calibrate(const std::vector<Example>&) {
    return absl::OkStatus();
  }
  // Before each step of the round, counted from 0; after a resume first for the
  // last one that was taken. True where other parameters move from here on.
  virtual bool BeginStep(int64_t) { return false; }
  // What moves now; every other tensor of the model must not.
  virtual std::vector<TrainableParameter> TrainableParameters() = 0;
  // What may move in this round, at one step or another.
  virtual std::vector<TrainableParameter> MovableParameters() {
    return TrainableParameters();
  }
  // Whether a parameter that goes on moving in the next round keeps what the
  // optimizer remembers of it. Within a round it does.
  virtual bool KeepsOptimizerState() const { return false; }
  // Null: nothing is done, and a step may be taken inside the backward pass.
  virtual StepHook* step_hook() { return nullptr; }
  // Folds what was learnt into dense weights (adapters into their base).
  virtual absl::Status Merge() = 0;
  // State beyond the trainable tensors, for checkpoints; most have none.
  virtual std::vector<NamedTensor> SaveState() { return {}; }
  virtual absl::Status LoadState(const std::vector<NamedTensor>&) {
    return absl::OkStatus();
  }
  // What has been trained holds what an earlier process left of it: what
  // follows from that is made anew.
  virtual absl::Status TakeUp() { return absl::OkStatus(); }
  // Held beside the model's tensors, the same on an outline.
  virtual int64_t StateBytes() const { return 0; }
  virtual MethodReport Report() = 0;
  // Rewinding: sets what moves, of a freshly loaded model that this instance
  // was just attached to, so that the model is base + alpha (tuned - base).
  // `tuned` is what moved in a run of one round, by name. False where what
  // moves cannot say that; its dense weights are interpolated instead, which is
  // as good unless they are computed with otherwise than dense ones.
  virtual bool Rewind(const std::map<std::string, at::Tensor>& tuned,
                      double alpha) {
    static_cast<void>(tuned);
    static_cast<void>(alpha);
    return false;
  }
  // What moves is an adapter, small beside the model it is put on: runs keep
  // its weights unless told otherwise, and those of a whole model only if told.
  virtual bool TrainsAdapter() const { return false; }
  // Writes a PEFT adapter folder; Unimplemented where there is no adapter.
  virtual absl::Status WriteAdapter(const std::string& folder) {
    return absl::UnimplementedError("this update method makes no adapter: " +
                                    folder);
  }
};

class BatchingMethod {
 public:
  virtual ~BatchingMethod() = default;
  virtual std::unique_ptr<data::Collator> MakeCollator() = 0;
  // Sets the attention slots for its batches; the default serves most.
  virtual absl::Status Attach(model::Model&) { return absl::OkStatus(); }
};

// Rows that a method reads, and does not train on there.
struct CalibrationRows {
  // Before each later round rows of the round before; else, before the first
  // one, rows of the data set that `option` names, or windows of its text.
  bool of_round_before = false;
  std::string set, option;
  int64_t rows = 0;  // a sample of so many
  bool takes_gradients = false;
};

// A row of methods/registry.cc.
struct UpdateMethodRow {
  std::string name;
  std::string summary;
  std::vector<FieldSpec> options;
  std::function<absl::StatusOr<std::unique_ptr<UpdateMethod>>(
      const spec::RunConfig&)>
      make;
  // Null where it reads none.
  std::function<CalibrationRows(const spec::RunConfig&)> calibration = nullptr;
};
struct BatchingMethodRow {
  std::string name;
  std::string summary;
  std::vector<FieldSpec> options;
  std::function<absl::StatusOr<std::unique_ptr<BatchingMethod>>(
      const spec::RunConfig&)>
      make;
  // It cuts rows above max_length itself, into pieces that are all trained on.
  std::function<bool(const spec::RunConfig&)> takes_whole_rows;
};

// The tables as the composition root hands them down.
struct MethodTables {
  std::vector<UpdateMethodRow> update;
  std::vector<BatchingMethodRow> batching;
};

}  // namespace sft::train

#endif  // HARNESS_TRAIN_METHOD_H_
