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
#include "harness/launch/run_assembly.h"
#include "harness/launch/workbench.h"
#include "harness/record/run_paths.h"
#include "harness/record/run_record.h"

namespace sft::launch {

struct TrainedRun {
  record::RunRecord record;
  LoadedModel loaded;
  std::unique_ptr<train::UpdateMethod> method;
};
// `record_path` is DIR/runs/<run_id>.h5; the weights lie in DIR/weights.
absl::StatusOr<TrainedRun> OpenTrainedRun(const Workbench& bench,
                                          const std::string& record_path);

// InvalidArgument where `model` was read from other files than the record's
// run began with (model_sha256).
absl::Status CheckSameModel(const record::RunRecord& record,
                            const model::Model& model,
                            const std::string& where);

absl::Status SaveTrainedWeights(const record::RunPaths& paths,
                                const std::string& run_id,
                                const std::vector<NamedTensor>& trained,
                                const std::string& weights_sha256);

// The tokenizer's own files, for an exported model folder.
absl::Status WriteTokenizerFiles(const LoadedModel& loaded,
                                 const std::string& folder);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_TRAINED_RUN_H_
