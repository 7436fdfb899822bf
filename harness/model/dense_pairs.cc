#include "harness/model/dense_pairs.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <map>
#include <utility>

#include "harness/core/status.h"

namespace sft::model {
namespace {

std::map<std::string, Parameter> ByName(Model& model) {
  std::map<std::string, Parameter> parameters;
  for (Parameter& parameter : model.Parameters()) {
    parameters.emplace(parameter.name, std::move(parameter));
  }
  return parameters;
}

// `tuned` plus what rounding took of the base, wherever what is stored in the
// narrower compute dtype is the base's value so rounded.
at::Tensor Unrounded(const at::Tensor& base, at::Tensor tuned,
                     const at::Tensor& stored, at::ScalarType compute) {
  if (!stored.defined() || stored.scalar_type() != compute ||
      compute == base.scalar_type() || stored.sizes() != base.sizes()) {
    return tuned;
  }
  const at::Tensor rounded = base.to(compute);
  const at::Tensor lost = base - rounded.to(base.scalar_type());
  return tuned + lost.masked_fill_(stored.ne(rounded), 0);
}

// What a map, adapters and all, keeps of its dense matrix; undefined where that
// is in codes.
at::Tensor StoredWeight(const LinearMap& map) {
  for (const NamedTensor& one : map.Tensors()) {
    if (one.name == "weight") return one.tensor.detach();
  }
  return {};
}

}  // namespace

absl::Status ForEachDensePair(
    Model& base, Model& tuned,
    const std::function<void(const DensePair&)>& visit) {
  const c10::AutoGradMode no_grad(false);
  std::map<std::string, Parameter> of_base = ByName(base);
  const std::map<std::string, Parameter> of_tuned = ByName(tuned);
  const auto mismatch = [&](const std::string& name) {
    return absl::FailedPreconditionError(
        absl::StrCat(name, ": the tuned model's is not the base's in shape"));
  };
  const auto give = [&](Parameter& parameter, at::Tensor now,
                        const at::Tensor& stored, bool is_map) {
    if (now.sizes() != parameter.tensor.sizes()) {
      return mismatch(parameter.name);
    }
    const at::Tensor before = parameter.tensor.detach();
    visit({parameter.name, parameter.role, is_map, before,
           Unrounded(before, now.to(before.scalar_type()), stored,
                     tuned.compute_dtype())});
    return absl::OkStatus();
  };
  std::vector<LinearSlot>& slots = tuned.linear_slots();
  for (LinearSlot& slot : slots) {
    const auto found = of_base.find(absl::StrCat(slot.name, ".weight"));
    if (found == of_base.end()) continue;  // a tied head
    SFT_RETURN_IF_ERROR(give(found->second, slot.map->DenseWeight(),
                             StoredWeight(*slot.map), /*is_map=*/true));
    of_base.erase(found);
  }
  for (auto& [name, parameter] : of_base) {
    const auto found = of_tuned.find(name);
    // What a method put away is as it was: the bias of a replaced map.
    if (found == of_tuned.end()) continue;
    const at::Tensor now = found->second.tensor.detach();
    SFT_RETURN_IF_ERROR(give(parameter, now, now, /*is_map=*/false));
  }
  return absl::OkStatus();
}

}  // namespace sft::model
