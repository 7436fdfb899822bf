#include "methods/method_checks.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "harness/core/status.h"
#include "methods/adapter_targets.h"
#include "methods/lisa.h"
#include "methods/lora.h"
#include "methods/oft.h"

namespace sft::methods {
namespace {

// Adapters stand at the maps that the targets name, and no rank is above a
// map's smaller side.
absl::Status CheckLora(const spec::RunConfig& config,
                       const std::vector<model::SlotShape>& maps) {
  LoraOptions options;
  SFT_RETURN_IF_ERROR(ReadFields(config.method_options, options));
  SFT_RETURN_IF_ERROR(CheckTargets(maps, options.targets, "lora.targets"));
  const model::SlotShape* smallest = nullptr;
  int64_t most = 0;
  for (const model::SlotShape& map : maps) {
    if (!IsTarget(options.targets, map.role, map.name)) continue;
    const int64_t side = std::min(map.in_features, map.out_features);
    if (smallest != nullptr && side >= most) continue;
    smallest = &map;
    most = side;
  }
  if (smallest != nullptr && options.rank > most) {
    return InputError(
        "lora.rank",
        absl::StrCat("above what ", smallest->name, " [",
                     smallest->out_features, ", ", smallest->in_features,
                     "] can hold; wanted at most ", most));
  }
  return absl::OkStatus();
}

// As many blocks as move at a time.
absl::Status CheckLisa(const spec::RunConfig& config,
                       const std::vector<model::SlotShape>& maps) {
  LisaOptions options;
  SFT_RETURN_IF_ERROR(ReadFields(config.method_options, options));
  std::set<int64_t> layers;
  for (const model::SlotShape& map : maps) {
    if (map.layer >= 0) layers.insert(map.layer);
  }
  if (options.layers <= std::ssize(layers)) return absl::OkStatus();
  return InputError("lisa.layers",
                    absl::StrCat("wanted at most the ", layers.size(),
                                 " blocks that the model has"));
}

absl::Status CheckOft(const spec::RunConfig& config,
                      const std::vector<model::SlotShape>& maps) {
  OftOptions options;
  SFT_RETURN_IF_ERROR(ReadFields(config.method_options, options));
  return CheckTargets(maps, options.targets, "oft.targets");
}

}  // namespace

model::MethodChecks AllMethodChecks() {
  return {{"lora", CheckLora},
          {"qlora", CheckLora},
          {"lisa", CheckLisa},
          {"oft", CheckOft}};
}

}  // namespace sft::methods
