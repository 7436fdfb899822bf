#include "harness/selfcheck/few_steps.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "harness/core/status.h"
#include "harness/eval/scoring.h"

namespace sft::selfcheck {
namespace {

constexpr int64_t kMostPositions = 256;
constexpr double kSomeRate = 1e-4;  // where the config moves nothing

int64_t LongestOf(const std::vector<Example>& examples) {
  int64_t longest = 0;
  for (const Example& example : examples) {
    longest = std::max(longest, std::ssize(example.input_ids));
  }
  return longest;
}

std::vector<data::Piece> WholeRows(const std::vector<Example>& examples) {
  std::vector<data::Piece> pieces;
  for (const Example& example : examples) {
    pieces.push_back({std::ssize(pieces), 0, std::ssize(example.input_ids)});
  }
  return pieces;
}

}  // namespace

absl::StatusOr<Tuned> AttachedTo(const Setting& setting,
                                 const spec::RunConfig& config) {
  Tuned out;
  SFT_ASSIGN_OR_RETURN(out.model, setting.open(config));
  out.model->SetActivationCheckpointing(config.activation_checkpointing);
  SFT_ASSIGN_OR_RETURN(out.method, setting.make_method(config));
  if (!out.method->ReadsMapByMap()) {
    SFT_RETURN_IF_ERROR(out.model->ReadMaps());
  }
  SFT_RETURN_IF_ERROR(out.method->Attach(*out.model));
  SFT_RETURN_IF_ERROR(out.model->ReadMaps());
  return out;
}

std::map<std::string, at::Tensor> AllTensors(model::Model& model) {
  std::map<std::string, at::Tensor> out;
  for (const model::Parameter& p : model.Parameters()) out[p.name] = p.tensor;
  for (const model::LinearSlot& slot : model.linear_slots()) {
    for (const NamedTensor& t : slot.map->Tensors()) {
      out[absl::StrCat(slot.name, ".", t.name)] = t.tensor;
    }
  }
  return out;
}

absl::StatusOr<std::unique_ptr<FewSteps>> FewSteps::Make(
    const Setting& setting) {
  auto out = std::unique_ptr<FewSteps>(new FewSteps());
  SFT_ASSIGN_OR_RETURN(out->examples_, ExamplesOf(setting));
  if (setting.calibrates) out->calibration_ = out->examples_;
  spec::RunConfig config = setting.config;
  config.budget_steps = config.budget_target_tokens = 0;
  config.budget_wall_seconds = 0;
  config.budget_epochs = 1;
  config.batch_size = 2;
  config.gradient_accumulation_steps = 1;
  // So that there are several packs.
  config.max_length = std::max<int64_t>(8, LongestOf(out->examples_));
  if (config.learning_rate == 0) config.learning_rate = kSomeRate;
  SFT_ASSIGN_OR_RETURN(out->tuned_, AttachedTo(setting, config));
  SFT_ASSIGN_OR_RETURN(out->batching_, setting.make_batching(config));
  SFT_RETURN_IF_ERROR(out->batching_->Attach(out->model()));
  out->collator_ = out->batching_->MakeCollator();
  SFT_ASSIGN_OR_RETURN(
      out->plan_, train::PlanSteps(config, out->examples_, *out->collator_, 0));
  out->trainer_ = std::make_unique<train::Trainer>(config, kRunId, out->model(),
                                                   out->method());
  return out;
}

absl::Status FewSteps::Run(const train::TrainerHooks& hooks) {
  if (!trainer_->HasBegun(0)) {
    SFT_RETURN_IF_ERROR(trainer_->BeginRound(0, calibration_));
  }
  SFT_ASSIGN_OR_RETURN(
      const train::RoundOutcome outcome,
      trainer_->RunRound(0, examples_, *collator_, plan_, hooks));
  if (outcome.end == train::RoundEnd::kDiverged) {
    return absl::OutOfRangeError(
        absl::StrCat("training diverges: ", outcome.message));
  }
  return absl::OkStatus();
}

at::Tensor AnswersOf(model::Model& model,
                     const std::vector<Example>& examples) {
  const eval::EvalScope scope(model);
  const Batch batch = data::OnDevice(
      data::FlatBatch(examples, WholeRows(examples)), model.device());
  if (batch.head != HeadKind::kNextToken) {
    const at::Tensor logits = model.HeadLogits(batch);
    return logits.reshape({-1, logits.size(-1)}).cpu();
  }
  const at::Tensor h_BTD = model.HiddenStates(batch);
  const at::Tensor h_MD = h_BTD.reshape({-1, h_BTD.size(-1)});
  return model.Logits(h_MD.narrow(0, 0, std::min(kMostPositions, h_MD.size(0))))
      .cpu();
}

double Distance(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor wide = b.to(at::kDouble);
  const double norm = wide.norm().item<double>();
  const double distance = a.to(at::kDouble).sub(wide).norm().item<double>();
  return distance == 0 ? 0 : distance / norm;
}

Tolerances TolerancesOf(const std::string& dtype) {
  if (dtype == "f64") return {1e-10, 1e-8, 1e-9};
  if (dtype == "bf16") return {1e-2, 1e-1, 5e-2};
  return {1e-5, 1e-4, 1e-4};
}

ScratchFolder::ScratchFolder() {
  std::error_code refused;
  const auto base = std::filesystem::temp_directory_path(refused);
  std::string form = (base / "sftbench-selfcheck.XXXXXX").string();
  if (!refused && mkdtemp(form.data()) != nullptr) path_ = form;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace sft::selfcheck
