#include "methods/lora.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "harness/core/rng.h"
#include "harness/core/status.h"
#include "harness/model/ops/dense_linear.h"
#include "methods/adapter_io.h"
#include "methods/adapter_targets.h"
#include "methods/parameter_counts.h"

namespace sft::methods {

double LoraOptions::scale() const {
  const double r = static_cast<double>(rank);
  return rslora ? alpha / std::sqrt(r) : alpha / r;
}

LoraMethod::LoraMethod(LoraOptions options, int64_t seed)
    : options_(std::move(options)), seed_(seed) {}

std::unique_ptr<model::LinearMap> LoraMethod::FreezeBase(
    const model::LinearSlot&, std::unique_ptr<model::LinearMap> dense) {
  static_cast<model::DenseLinear&>(*dense).FreezeInComputeDtype();
  return dense;
}

LoraFactors LoraMethod::DrawFactors(const model::LinearSlot& slot,
                                    const at::Tensor& weight_OI) const {
  LoraFactors factors;
  if (weight_OI.is_meta()) {  // of an outline: sizes, no values
    const auto like = weight_OI.options();
    factors.a_RI = at::empty({options_.rank, slot.in_features}, like);
    factors.b_OR = at::empty({slot.out_features, options_.rank}, like);
    factors.scale = options_.scale();
    if (options_.dora) {
      factors.magnitude_O = at::empty({slot.out_features}, like);
    }
    return factors;
  }
  if (options_.init == "pissa") {
    factors = PissaFactors(weight_OI, options_.rank, options_.scale());
  } else {
    Rng rng(static_cast<uint64_t>(seed_), Stream::kInit,
            RoundLabel() + slot.name);
    const double bound = 1 / std::sqrt(static_cast<double>(slot.in_features));
    at::Tensor a_RI = at::empty({options_.rank, slot.in_features}, at::kDouble);
    double* values = a_RI.data_ptr<double>();
    for (int64_t i = 0; i < a_RI.numel(); ++i) {
      values[i] = (2 * rng.Uniform() - 1) * bound;
    }
    factors.a_RI = a_RI.to(weight_OI.options());
    factors.b_OR =
        at::zeros({slot.out_features, options_.rank}, weight_OI.options());
    factors.scale = options_.scale();
  }
  if (options_.dora) factors.magnitude_O = RowNorms(weight_OI);
  return factors;
}

absl::Status LoraMethod::Attach(model::Model& model) {
  model_ = &model;
  SFT_ASSIGN_OR_RETURN(const std::vector<size_t> targets,
                       TargetSlots(model, options_.targets, "lora.targets"));
  const std::set<size_t> chosen(targets.begin(), targets.end());
  auto& slots = model.linear_slots();
  for (size_t i : targets) {
    if (options_.rank > std::min(slots[i].in_features, slots[i].out_features)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "lora.rank ", options_.rank, " is above what ", slots[i].name, " [",
          slots[i].out_features, ", ", slots[i].in_features, "] can hold"));
    }
  }
  FreezeParameters(model);
  at::NoGradGuard no_grad;
  for (size_t i = 0; i < slots.size(); ++i) {
    model::LinearSlot& slot = slots[i];
    SFT_RETURN_IF_ERROR(model.ReadMap(slot));
    auto* dense = dynamic_cast<model::DenseLinear*>(slot.map.get());
    if (dense == nullptr) {
      return absl::FailedPreconditionError(
          absl::StrCat(slot.name, " holds no dense weight to begin with"));
    }
    if (!chosen.contains(i)) {
      if (slot.role != model::Role::kHead) {
        slot.map = FreezeBase(slot, std::move(slot.map));
      }
      continue;
    }
    LoraFactors factors =
        DrawFactors(slot, dense->DenseWeight().to(MasterDtype(model)));
    Attached attached;
    attached.slot = i;
    if (options_.init == "pissa" && !factors.a_RI.is_meta()) {
      attached.initial_a_RI = factors.a_RI.clone();
      attached.initial_b_OR = factors.b_OR.clone();
      dense->weight_OI().sub_(at::mm(factors.b_OR, factors.a_RI) *
                              factors.scale);
    }
    auto map = std::make_unique<LoraLinear>(
        FreezeBase(slot, std::move(slot.map)), std::move(factors),
        model.compute_dtype(), options_.dropout, i);
    attached.map = map.get();
    slot.map = std::move(map);
    attached_.push_back(attached);
  }
  for (train::TrainableParameter& p : TrainableParameters()) {
    p.tensor.requires_grad_(true);
  }
  return absl::OkStatus();
}

std::string LoraMethod::RoundLabel() const {
  return round_ == 0 ? "" : absl::StrCat("round", round_, ".");
}

std::vector<train::TrainableParameter> LoraMethod::TrainableParameters() {
  std::vector<train::TrainableParameter> out;
  if (merged_) return out;
  for (const Attached& attached : attached_) {
    const std::string name = absl::StrCat(
        model_->linear_slots()[attached.slot].name, ".", RoundLabel());
    LoraFactors& factors = attached.map->factors();
    out.push_back({name + "lora_A.weight", factors.a_RI});
    out.push_back({.name = name + "lora_B.weight",
                   .tensor = factors.b_OR,
                   .learning_rate_scale = options_.lora_plus_ratio});
    if (factors.magnitude_O.defined()) {
      out.push_back({name + "lora_magnitude_vector", factors.magnitude_O});
    }
  }
  // PEFT's modules_to_save.
  for (const model::Parameter& p : model_->HeadParameters()) {
    out.push_back({p.name, p.tensor});
  }
  return out;
}

absl::Status LoraMethod::Merge() {
  if (merged_) return absl::OkStatus();
  for (const Attached& attached : attached_) BeforeMerge(*attached.map);
  for (model::LinearSlot& slot : model_->linear_slots()) {
    if (slot.role == model::Role::kHead) continue;
    slot.map = Densify(*slot.map, model_->compute_dtype());
  }
  attached_.clear();
  merged_ = true;
  return absl::OkStatus();
}

bool LoraMethod::Rewind(const std::map<std::string, at::Tensor>& tuned,
                        double alpha) {
  if (options_.dora) return false;
  at::NoGradGuard no_grad;
  for (const Attached& attached : attached_) {
    const std::string& name = model_->linear_slots()[attached.slot].name;
    LoraFactors& factors = attached.map->factors();
    factors.a_RI = tuned.at(name + ".lora_A.weight").detach().clone();
    factors.b_OR = tuned.at(name + ".lora_B.weight").detach() * alpha;
    if (!attached.initial_a_RI.defined()) continue;
    // The base is W - s B0 A0, of which a share of 1 - alpha comes back.
    factors.a_RI = at::cat({factors.a_RI, attached.initial_a_RI}, /*dim=*/0);
    factors.b_OR =
        at::cat({factors.b_OR, attached.initial_b_OR * (1 - alpha)}, /*dim=*/1);
  }
  for (const model::Parameter& p : model_->HeadParameters()) {
    at::Tensor head = p.tensor.detach();
    head.lerp_(tuned.at(p.name).detach(), alpha);
  }
  return true;
}

train::MethodReport LoraMethod::Report() {
  return ParameterCounts(TrainableParameters(), *model_);
}

LoraFactors LoraMethod::AllFactors(const Attached& attached) const {
  std::vector<at::Tensor> a_RI, b_OR;
  const auto add = [&](const LoraFactors& factors) {
    a_RI.push_back(factors.a_RI.detach());
    b_OR.push_back(factors.b_OR.detach());
  };
  for (const LoraFactors& earlier : attached.earlier) add(earlier);
  const LoraLinear* map = attached.map;
  for (add(map->factors());
       (map = dynamic_cast<const LoraLinear*>(&map->base())) != nullptr;) {
    add(map->factors());
  }
  LoraFactors all = attached.map->factors();
  if (a_RI.size() > 1) {
    all.a_RI = at::cat(a_RI, /*dim=*/0);
    all.b_OR = at::cat(b_OR, /*dim=*/1);
  }
  return all;
}

absl::Status LoraMethod::WriteAdapter(const std::string& folder) {
  SFT_RETURN_IF_ERROR(CanWriteAdapter(*model_, merged_));
  if (round_ > 0 && options_.dora) {
    return absl::FailedPreconditionError(
        "magnitudes of several rounds are no one adapter; export --merged");
  }
  Adapter adapter;
  adapter.base_model = model_->info().name;
  adapter.rank = options_.rank;
  adapter.alpha = options_.alpha;
  adapter.dropout = options_.dropout;
  adapter.rslora = options_.rslora;
  adapter.dora = options_.dora;
  adapter.head = model_->head();
  for (const model::Parameter& p : model_->HeadParameters()) {
    adapter.saved.push_back({p.name, p.tensor});
  }
  std::set<size_t> adapted;
  for (const Attached& attached : attached_) adapted.insert(attached.slot);
  const std::set<std::string> targets = TargetNames(*model_, adapted);
  for (const Attached& attached : attached_) {
    const model::LinearSlot& slot = model_->linear_slots()[attached.slot];
    AdapterLayer layer{slot.name, AllFactors(attached)};
    if (attached.initial_a_RI.defined()) {
      // Against the untouched W: s (B A - B0 A0), of rank 2 r.
      layer.factors.a_RI = at::cat(
          {layer.factors.a_RI.detach(), -attached.initial_a_RI}, /*dim=*/0);
      layer.factors.b_OR = at::cat(
          {layer.factors.b_OR.detach(), attached.initial_b_OR}, /*dim=*/1);
    }
    adapter.layers.push_back(std::move(layer));
  }
  if (options_.init == "pissa" || round_ > 0) {
    adapter.rank = adapter.layers[0].factors.a_RI.size(0);
    adapter.alpha = options_.scale() * static_cast<double>(adapter.rank);
    adapter.rslora = false;
  }
  adapter.targets.assign(targets.begin(), targets.end());
  return WriteAdapterFolder(adapter, folder);
}

}  // namespace sft::methods
