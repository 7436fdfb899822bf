#include "methods/oft.h"

#include <ATen/ATen.h>

#include <set>
#include <utility>

#include "harness/core/status.h"
#include "harness/model/ops/dense_linear.h"
#include "methods/adapter_io.h"
#include "methods/adapter_targets.h"
#include "methods/oft_io.h"
#include "methods/parameter_counts.h"

namespace sft::methods {

absl::Status CheckOftOptions(const OftOptions& options) {
  if (options.neumann_terms == 0 || options.neumann_terms >= 4) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("oft.neumann_terms ", options.neumann_terms,
                   ": wanted 0 (exact) or at least 4"));
}

OftMethod::OftMethod(OftOptions options, int64_t)
    : options_(std::move(options)) {}

absl::Status OftMethod::Attach(model::Model& model) {
  model_ = &model;
  SFT_RETURN_IF_ERROR(CheckOftOptions(options_));
  SFT_ASSIGN_OR_RETURN(const std::vector<size_t> targets,
                       TargetSlots(model, options_.targets, "oft.targets"));
  const std::set<size_t> chosen(targets.begin(), targets.end());
  FreezeParameters(model);
  auto& slots = model.linear_slots();
  for (size_t i = 0; i < slots.size(); ++i) {
    model::LinearSlot& slot = slots[i];
    if (slot.role == model::Role::kHead) continue;
    SFT_RETURN_IF_ERROR(model.ReadMap(slot));
    auto* dense = dynamic_cast<model::DenseLinear*>(slot.map.get());
    if (dense == nullptr) {
      return absl::FailedPreconditionError(
          absl::StrCat(slot.name, " holds no dense weight to begin with"));
    }
    const at::TensorOptions like = dense->weight_OI()
                                       .options()
                                       .dtype(MasterDtype(model))
                                       .requires_grad(false);
    dense->FreezeInComputeDtype();
    if (!chosen.contains(i)) continue;
    const int64_t size = OftBlockSize(slot.in_features, options_.block_size);
    auto map = std::make_unique<OftLinear>(
        std::move(slot.map),
        at::zeros({slot.in_features / size, size * (size - 1) / 2}, like),
        slot.in_features, options_.neumann_terms);
    attached_.push_back({i, map.get()});
    slot.map = std::move(map);
  }
  for (train::TrainableParameter& p : TrainableParameters()) {
    p.tensor.requires_grad_(true);
  }
  return absl::OkStatus();
}

std::vector<train::TrainableParameter> OftMethod::TrainableParameters() {
  std::vector<train::TrainableParameter> out;
  if (merged_) return out;
  for (const Attached& attached : attached_) {
    out.push_back({model_->linear_slots()[attached.slot].name + ".oft_R.weight",
                   attached.map->triangles_KE()});
  }
  // PEFT's modules_to_save.
  for (const model::Parameter& p : model_->HeadParameters()) {
    out.push_back({p.name, p.tensor});
  }
  return out;
}

absl::Status OftMethod::Merge() {
  if (merged_) return absl::OkStatus();
  for (model::LinearSlot& slot : model_->linear_slots()) {
    if (slot.role == model::Role::kHead) continue;
    slot.map = Densify(*slot.map, model_->compute_dtype());
  }
  attached_.clear();
  merged_ = true;
  return absl::OkStatus();
}

train::MethodReport OftMethod::Report() {
  return ParameterCounts(TrainableParameters(), *model_);
}

absl::Status OftMethod::WriteAdapter(const std::string& folder) {
  SFT_RETURN_IF_ERROR(CanWriteAdapter(*model_, merged_));
  OftFolder out;
  out.base_model = model_->info().name;
  out.block_size = options_.block_size;
  out.neumann_terms = options_.neumann_terms;
  out.head = model_->head();
  std::set<size_t> adapted;
  for (const Attached& attached : attached_) {
    adapted.insert(attached.slot);
    out.layers.push_back({model_->linear_slots()[attached.slot].name,
                          attached.map->triangles_KE()});
  }
  for (const model::Parameter& p : model_->HeadParameters()) {
    out.saved.push_back({p.name, p.tensor});
  }
  const std::set<std::string> names = TargetNames(*model_, adapted);
  out.targets.assign(names.begin(), names.end());
  return WriteOftFolder(out, folder);
}

}  // namespace sft::methods
