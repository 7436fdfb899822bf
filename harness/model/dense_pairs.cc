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

at::Tensor Unrounded(const at::Tensor& base, at::Tensor tuned,
                     at::ScalarType compute) {
  const at::Tensor rounded = base.to(compute).to(tuned.scalar_type());
  return at::equal(rounded, tuned) ? base : tuned;
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
  const auto give = [&](Parameter& parameter, at::Tensor now, bool is_map) {
    if (now.sizes() != parameter.tensor.sizes()) {
      return mismatch(parameter.name);
    }
    const at::Tensor before = parameter.tensor.detach();
    visit({parameter.name, parameter.role, is_map, before,
           Unrounded(before, now.to(before.scalar_type()),
                     tuned.compute_dtype())});
    return absl::OkStatus();
  };
  std::vector<LinearSlot>& slots = tuned.linear_slots();
  for (LinearSlot& slot : slots) {
    const auto found = of_base.find(absl::StrCat(slot.name, ".weight"));
    if (found == of_base.end()) continue;  // a tied head
    SFT_RETURN_IF_ERROR(
        give(found->second, slot.map->DenseWeight(), /*is_map=*/true));
    of_base.erase(found);
  }
  for (auto& [name, parameter] : of_base) {
    const auto found = of_tuned.find(name);
    // What a method put away is as it was: the bias of a replaced map.
    if (found == of_tuned.end()) continue;
    SFT_RETURN_IF_ERROR(
        give(parameter, found->second.tensor.detach(), /*is_map=*/false));
  }
  return absl::OkStatus();
}

}  // namespace sft::model
