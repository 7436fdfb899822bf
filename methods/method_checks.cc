#include "methods/method_checks.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "methods/lora.h"

namespace sft::methods {
namespace {

// Adapters stand at the maps that the targets name, and no rank is above a
// map's smaller side.
absl::Status CheckLora(const spec::RunConfig& config,
                       const std::vector<model::SlotShape>& maps) {
  constexpr char kAllLinear[] = "all-linear";
  LoraOptions options;
  SFT_RETURN_IF_ERROR(ReadFields(config.method_options, options));
  std::set<std::string> known;
  for (const model::SlotShape& map : maps) {
    known.insert(std::string(model::RoleName(map.role)));
  }
  bool all = false;
  for (const std::string& target : options.targets) {
    all = all || target == kAllLinear;
    if (target == kAllLinear || known.contains(target)) continue;
    return InputError(
        "lora.targets",
        absl::StrCat("'", target, "' names no linear map of the model; wanted ",
                     kAllLinear, " or some of ", absl::StrJoin(known, ", ")));
  }
  if (options.targets.empty()) {
    return InputError("lora.targets",
                      absl::StrCat("wanted ", kAllLinear, " or some of ",
                                   absl::StrJoin(known, ", ")));
  }
  const model::SlotShape* smallest = nullptr;
  int64_t most = 0;
  for (const model::SlotShape& map : maps) {
    const auto named = std::find(options.targets.begin(), options.targets.end(),
                                 model::RoleName(map.role));
    if (!all && named == options.targets.end()) continue;
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

}  // namespace

model::MethodChecks AllMethodChecks() {
  return {{"lora", CheckLora}, {"qlora", CheckLora}};
}

}  // namespace sft::methods
