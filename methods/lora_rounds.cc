// LoraMethod between the rounds of a sequence (lora.h says which ways there
// are).
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <utility>

#include "harness/core/status.h"
#include "harness/model/ops/dense_linear.h"
#include "methods/lora.h"

namespace sft::methods {
namespace {

constexpr char kRoundName[] = "lora.round";

// W + s B A, rounded to what W is stored in.
void FoldInto(model::LinearMap& base, const LoraFactors& factors) {
  at::Tensor& weight_OI = dynamic_cast<model::DenseLinear&>(base).weight_OI();
  if (weight_OI.is_meta()) return;
  weight_OI.copy_(weight_OI.to(factors.a_RI.scalar_type())
                      .add_(at::mm(factors.b_OR, factors.a_RI), factors.scale));
}

}  // namespace

absl::Status CheckLoraRounds(const LoraOptions& options, bool quantized) {
  if (options.between_rounds == "go_on") return absl::OkStatus();
  if (options.init != "kaiming") {
    return absl::InvalidArgumentError(absl::StrCat(
        "lora.between_rounds ", options.between_rounds, ": lora.init ",
        options.init,
        " takes its factors out of the base once; wanted kaiming"));
  }
  if (options.between_rounds == "stack") return absl::OkStatus();
  if (options.dora || quantized) {
    return absl::InvalidArgumentError(absl::StrCat(
        "lora.between_rounds merge: ",
        quantized ? "a quantized base would be quantized anew in every round"
                  : "a magnitude cannot be folded in to the bit",
        "; stack computes the same and rounds nothing"));
  }
  return absl::OkStatus();
}

// A resume and a plan begin all rounds in their order; one that was left is
// begun again only where nothing has been trained yet.
absl::Status LoraMethod::BeginRound(int64_t round) {
  if (options_.between_rounds == "go_on") return absl::OkStatus();
  at::NoGradGuard no_grad;
  while (round_ > round) LeaveRound();
  while (round_ < round) AddRound();
  return absl::OkStatus();
}

void LoraMethod::AddRound() {
  ++round_;
  const bool stacks = options_.between_rounds == "stack";
  for (Attached& attached : attached_) {
    model::LinearSlot& slot = model_->linear_slots()[attached.slot];
    LoraFactors& before = attached.map->factors();
    if (stacks) {
      attached.map->Freeze();
      LoraFactors factors = DrawFactors(
          slot, before.a_RI.is_meta() ? before.a_RI : slot.map->DenseWeight());
      auto map = std::make_unique<LoraLinear>(
          std::move(slot.map), std::move(factors), model_->compute_dtype(),
          options_.dropout, attached.slot);
      map->SetLabel(RoundLabel());
      attached.map = map.get();
      slot.map = std::move(map);
    } else {
      before.a_RI.requires_grad_(false);
      before.b_OR.requires_grad_(false);
      FoldInto(attached.map->base(), before);
      LoraFactors factors = DrawFactors(slot, before.a_RI);
      attached.earlier.push_back(std::exchange(before, std::move(factors)));
      attached.map->SetLabel(RoundLabel());
    }
    for (at::Tensor* t :
         {&attached.map->factors().a_RI, &attached.map->factors().b_OR,
          &attached.map->factors().magnitude_O}) {
      if (t->defined()) t->requires_grad_(true);
    }
  }
}

void LoraMethod::LeaveRound() {
  --round_;
  for (Attached& attached : attached_) {
    model::LinearSlot& slot = model_->linear_slots()[attached.slot];
    if (options_.between_rounds == "stack") {
      slot.map = attached.map->ReleaseBase();
      attached.map = static_cast<LoraLinear*>(slot.map.get());
      attached.map->SetDropout(options_.dropout);
    } else {
      attached.map->factors() = std::move(attached.earlier.back());
      attached.earlier.pop_back();
      attached.map->SetLabel(RoundLabel());
    }
    for (at::Tensor* t :
         {&attached.map->factors().a_RI, &attached.map->factors().b_OR,
          &attached.map->factors().magnitude_O}) {
      if (t->defined()) t->requires_grad_(true);
    }
  }
}

absl::Status LoraMethod::TakeUp() {
  at::NoGradGuard no_grad;
  // They were folded as they were drawn, with B = 0.
  for (Attached& attached : attached_) {
    for (const LoraFactors& earlier : attached.earlier) {
      FoldInto(attached.map->base(), earlier);
    }
  }
  return absl::OkStatus();
}

std::vector<NamedTensor> LoraMethod::SaveState() {
  if (options_.between_rounds == "go_on") return {};
  return {{kRoundName, at::full({1}, round_, at::kLong)}};
}

absl::Status LoraMethod::LoadState(const std::vector<NamedTensor>& state) {
  for (const NamedTensor& t : state) {
    if (t.name != kRoundName || t.tensor.numel() != 1) continue;
    return BeginRound(t.tensor.item<int64_t>());
  }
  if (options_.between_rounds == "go_on") return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat(kRoundName, " is not in the state"));
}

int64_t LoraMethod::StateBytes() const {
  int64_t bytes = 0;
  for (const Attached& attached : attached_) {
    for (const LoraFactors& earlier : attached.earlier) {
      bytes +=
          static_cast<int64_t>(earlier.a_RI.nbytes() + earlier.b_OR.nbytes());
    }
  }
  return bytes;
}

}  // namespace sft::methods
