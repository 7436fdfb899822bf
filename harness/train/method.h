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

class UpdateMethod {
 public:
  virtual ~UpdateMethod() = default;
  // Replaces maps, freezes, casts. Called once, on a freshly loaded model, or
  // on its outline (model::OutlineModel), whose tensors have sizes and no
  // values: there it holds and trains tensors of the same sizes, so that a plan
  // can count them without a weight.
  virtual absl::Status Attach(model::Model& model) = 0;
  // Start of the round-th stage (from 0): masks are drawn here, from the
  // method stream, and stay fixed within it. Called again after a resume,
  // with the same result.
  virtual absl::Status BeginRound(int64_t round) = 0;
  // What moves in this round; every other tensor of the model must not.
  virtual std::vector<TrainableParameter> TrainableParameters() = 0;
  // Folds what was learnt into dense weights (adapters into their base).
  virtual absl::Status Merge() = 0;
  // State beyond the trainable tensors, for checkpoints; most have none.
  virtual std::vector<NamedTensor> SaveState() { return {}; }
  virtual absl::Status LoadState(const std::vector<NamedTensor>&) {
    return absl::OkStatus();
  }
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

// A row of methods/registry.cc.
struct UpdateMethodRow {
  std::string name;
  std::string summary;
  std::vector<FieldSpec> options;
  std::function<absl::StatusOr<std::unique_ptr<UpdateMethod>>(
      const spec::RunConfig&)>
      make;
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
