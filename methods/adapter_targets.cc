#include "methods/adapter_targets.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/model/ops/dense_linear.h"

namespace sft::methods {
namespace {

// The last `parts` parts of a name; all of it if it has no more.
std::string LastParts(const std::string& name, int parts) {
  size_t at = name.size();
  for (int i = 0; i < parts; ++i) {
    at = at == 0 ? std::string::npos : name.rfind('.', at - 1);
    if (at == std::string::npos) return name;
  }
  return name.substr(at + 1);
}

bool IsNamedBy(const std::string& target, const std::string& module) {
  const std::string end = "." + target;
  return module == target ||
         (module.size() > end.size() &&
          module.compare(module.size() - end.size(), end.size(), end) == 0);
}

// What PEFT calls a slot: the end of its name, as long as it takes to name
// nothing of `others`, the maps that are not adapted ("q_proj",
// "attn.c_proj").
std::string TargetName(const std::string& slot,
                       const std::vector<std::string>& others) {
  for (int parts = 1;; ++parts) {
    const std::string name = LastParts(slot, parts);
    const bool fits =
        std::none_of(others.begin(), others.end(),
                     [&](const auto& other) { return IsNamedBy(name, other); });
    if (fits || name == slot) return name;
  }
}

// "classifier.weight" -> "classifier".
std::string ModuleOf(const std::string& parameter) {
  return parameter.substr(0, parameter.rfind('.'));
}

bool IsNamed(const std::string& target, model::Role role,
             const std::string& slot) {
  return target == kAllLinear || target == model::RoleName(role) ||
         IsNamedBy(target, slot);
}

// What a map may be called, for messages.
void AddNames(model::Role role, const std::string& slot,
              std::set<std::string>& known) {
  known.insert(std::string(model::RoleName(role)));
  known.insert(LastParts(slot, 1));
}

}  // namespace

bool IsTarget(const std::vector<std::string>& targets, model::Role role,
              const std::string& slot) {
  return std::any_of(
      targets.begin(), targets.end(),
      [&](const std::string& target) { return IsNamed(target, role, slot); });
}

absl::StatusOr<std::vector<size_t>> TargetSlots(
    model::Model& model, const std::vector<std::string>& targets,
    std::string_view option) {
  std::set<std::string> left(targets.begin(), targets.end()), known;
  std::vector<size_t> slots;
  const auto& all_slots = model.linear_slots();
  for (size_t i = 0; i < all_slots.size(); ++i) {
    const model::LinearSlot& slot = all_slots[i];
    if (slot.role == model::Role::kHead) continue;
    AddNames(slot.role, slot.name, known);
    std::erase_if(left, [&](const std::string& target) {
      return IsNamed(target, slot.role, slot.name);
    });
    if (IsTarget(targets, slot.role, slot.name)) slots.push_back(i);
  }
  if (!left.empty() || slots.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        ToAbsl(option), ": ", left.empty() ? "the empty list" : *left.begin(),
        " names no linear map of ", model.info().name, "; wanted ", kAllLinear,
        " or some of ", absl::StrJoin(known, ", ")));
  }
  return slots;
}

absl::Status CheckTargets(const std::vector<model::SlotShape>& maps,
                          const std::vector<std::string>& targets,
                          std::string_view option) {
  std::set<std::string> known;
  for (const model::SlotShape& map : maps) {
    AddNames(map.role, map.name, known);
  }
  for (const std::string& target : targets) {
    const bool is_known =
        target == kAllLinear ||
        std::any_of(maps.begin(), maps.end(), [&](const model::SlotShape& map) {
          return IsNamed(target, map.role, map.name);
        });
    if (is_known) continue;
    return InputError(
        option,
        absl::StrCat("'", target, "' names no linear map of the model; wanted ",
                     kAllLinear, " or some of ", absl::StrJoin(known, ", ")));
  }
  if (targets.empty()) {
    return InputError(option,
                      absl::StrCat("wanted ", kAllLinear, " or some of ",
                                   absl::StrJoin(known, ", ")));
  }
  return absl::OkStatus();
}

std::set<std::string> TargetNames(model::Model& model,
                                  const std::set<size_t>& adapted) {
  std::vector<std::string> others;
  for (const model::Parameter& p : model.HeadParameters()) {
    others.push_back(ModuleOf(p.name));
  }
  const auto& slots = model.linear_slots();
  for (size_t i = 0; i < slots.size(); ++i) {
    if (!adapted.contains(i)) others.push_back(slots[i].name);
  }
  std::set<std::string> names;
  for (const size_t i : adapted)
    names.insert(TargetName(slots[i].name, others));
  return names;
}

void FreezeParameters(model::Model& model) {
  for (model::Parameter& parameter : model.Parameters()) {
    parameter.tensor.requires_grad_(false);
  }
}

std::unique_ptr<model::LinearMap> Densify(const model::LinearMap& map,
                                          at::ScalarType compute) {
  const at::Tensor weight_OI = map.DenseWeight();
  at::Tensor bias = BiasOf(map);
  if (bias.defined()) bias = bias.detach().to(weight_OI.scalar_type());
  return std::make_unique<model::DenseLinear>(weight_OI.clone(), bias, compute);
}

at::Tensor BiasOf(const model::LinearMap& map) {
  for (const NamedTensor& t : map.Tensors()) {
    if (t.name == "bias") return t.tensor;
  }
  return {};
}

at::ScalarType MasterDtype(const model::Model& model) {
  return model.compute_dtype() == at::kDouble ? at::kDouble : at::kFloat;
}

}  // namespace sft::methods
