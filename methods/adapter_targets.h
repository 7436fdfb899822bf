// Where adapters stand: the maps that a list of targets names, how PEFT calls
// these, and what becomes of the model around them.
#ifndef METHODS_ADAPTER_TARGETS_H_
#define METHODS_ADAPTER_TARGETS_H_

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/model/model.h"
#include "harness/model/slot_shape.h"

namespace sft::methods {

inline constexpr char kAllLinear[] = "all-linear";

// Whether they name this map: all of them, by its role ("o_proj"), or by its
// own name, or the end of it, as PEFT does ("query_key_value", "mlp.c_proj").
bool IsTarget(const std::vector<std::string>& targets, model::Role role,
              const std::string& slot);

// The slots that `targets`, the value of `option`, name; an error names what
// fits nothing. The head is no target.
absl::StatusOr<std::vector<size_t>> TargetSlots(
    model::Model& model, const std::vector<std::string>& targets,
    std::string_view option);
// The same error from the shapes of a model's maps alone.
absl::Status CheckTargets(const std::vector<model::SlotShape>& maps,
                          const std::vector<std::string>& targets,
                          std::string_view option);

// PEFT's target_modules for the slots `adapted`: ends of names, as long as it
// takes to name none of the others and no part of the head.
std::set<std::string> TargetNames(model::Model& model,
                                  const std::set<size_t>& adapted);

// No dense tensor of the model asks for a gradient any more.
void FreezeParameters(model::Model& model);

// The map of a slot as a dense one in its master dtype.
std::unique_ptr<model::LinearMap> Densify(const model::LinearMap& map,
                                          at::ScalarType compute);

// The tensor called "bias" of a map, undefined if it has none.
at::Tensor BiasOf(const model::LinearMap& map);

at::ScalarType MasterDtype(const model::Model& model);

}  // namespace sft::methods

#endif  // METHODS_ADAPTER_TARGETS_H_
