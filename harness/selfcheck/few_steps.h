// A setting at work: its model, its method, and one pass over its few rows.
#ifndef HARNESS_SELFCHECK_FEW_STEPS_H_
#define HARNESS_SELFCHECK_FEW_STEPS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/data/collator.h"
#include "harness/model/model.h"
#include "harness/selfcheck/setting.h"
#include "harness/train/step_plan.h"
#include "harness/train/trainer.h"

namespace sft::selfcheck {

inline constexpr char kRunId[] = "selfcheck";

struct Tuned {
  std::unique_ptr<model::Model> model;
  std::unique_ptr<train::UpdateMethod> method;
};
// The method put on the model; every map is read.
absl::StatusOr<Tuned> AttachedTo(const Setting& setting,
                                 const spec::RunConfig& config);

// Every tensor of a model by name, whatever its maps hold.
std::map<std::string, at::Tensor> AllTensors(model::Model& model);

// Training as the setting has it: two rows, or packs, a step.
class FewSteps {
 public:
  static absl::StatusOr<std::unique_ptr<FewSteps>> Make(const Setting& setting);

  model::Model& model() { return *tuned_.model; }
  train::UpdateMethod& method() { return *tuned_.method; }
  train::Trainer& trainer() { return *trainer_; }
  const std::vector<Example>& examples() const { return examples_; }
  int64_t steps() const { return std::ssize(plan_.steps); }
  bool trains() { return !method().TrainableParameters().empty(); }

  // To the end of the pass, or to where a hook stops it; goes on from where
  // Trainer::Resume has it. A run that diverges is an error.
  absl::Status Run(const train::TrainerHooks& hooks = {});

 private:
  FewSteps() = default;

  Tuned tuned_;
  std::vector<Example> examples_, calibration_;
  std::unique_ptr<train::BatchingMethod> batching_;
  std::unique_ptr<data::Collator> collator_;
  train::StepPlan plan_;
  std::unique_ptr<train::Trainer> trainer_;
};

// What the model answers to the rows: logits of their first positions, or of
// the head. [M, V] or [M, C], no gradient.
at::Tensor AnswersOf(model::Model& model, const std::vector<Example>& examples);
// |a - b| / |b|, Euclidean.
double Distance(const at::Tensor& a, const at::Tensor& b);

// What rounding may change by the dtype: relative distances.
struct Tolerances {
  double loss, gradient, answers;
};
Tolerances TolerancesOf(const std::string& dtype);

// A folder of its own below the system's temporary one; goes with its owner.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }  // "" if it was refused

 private:
  std::string path_;
};

}  // namespace sft::selfcheck

#endif  // HARNESS_SELFCHECK_FEW_STEPS_H_
