// A run's model and method put together: as the worker trains it, and as
// `export` takes it up again from the weights that the run kept.
#ifndef HARNESS_LAUNCH_TRAINED_RUN_H_
#define HARNESS_LAUNCH_TRAINED_RUN_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/launch/workbench.h"
#include "harness/record/run_paths.h"
#include "harness/record/run_record.h"

namespace sft {

// Every tensor that some round has trained so far, by name: what a checkpoint
// and the kept weights must hold, for a later round may train others.
class TouchedTensors {
 public:
  void Add(const std::vector<TrainableParameter>& parameters);
  const std::vector<NamedTensor>& tensors() const { return tensors_; }
  // Copies the stored values into the live tensors; every live tensor must be
  // there with its shape and dtype.
  absl::Status CopyFrom(const std::vector<NamedTensor>& stored,
                        const std::string& where) const;

 private:
  std::vector<NamedTensor> tensors_;
};

struct TrainedRun {
  RunRecord record;
  LoadedModel loaded;
  std::unique_ptr<UpdateMethod> method;
};
// `record_path` is DIR/runs/<run_id>.h5; the weights lie in DIR/weights.
absl::StatusOr<TrainedRun> OpenTrainedRun(const Workbench& bench,
                                          const std::string& record_path);

absl::Status SaveTrainedWeights(const RunPaths& paths,
                                const std::string& run_id,
                                const TouchedTensors& touched,
                                const std::string& weights_sha256);

// The tokenizer's own files, for an exported model folder.
absl::Status WriteTokenizerFiles(const LoadedModel& loaded,
                                 const std::string& folder);

}  // namespace sft

#endif  // HARNESS_LAUNCH_TRAINED_RUN_H_
