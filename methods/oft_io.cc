#include "methods/oft_io.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/formats/json.h"
#include "harness/formats/safetensors.h"
#include "methods/adapter_config.h"
#include "methods/adapter_io.h"
#include "methods/adapter_targets.h"
#include "methods/oft_linear.h"

namespace sft::methods {
namespace {

using OftJson = nlohmann::ordered_json;

constexpr char kOftPrefix[] = "base_model.model.";
constexpr char kOftSuffix[] = ".oft_R.weight";
constexpr char kOftConfig[] = "/adapter_config.json";
constexpr char kOftWeights[] = "/adapter_model.safetensors";
constexpr int64_t kMostConfigBytes = 1 << 20;
// Read, or without effect on what the folder computes.
constexpr const char* kOftKnown[] = {"auto_mapping",
                                     "base_model_name_or_path",
                                     "eps",
                                     "fan_in_fan_out",
                                     "inference_mode",
                                     "init_weights",
                                     "modules_to_save",
                                     "module_dropout",
                                     "num_cayley_neumann_terms",
                                     "oft_block_size",
                                     "peft_type",
                                     "peft_version",
                                     "r",
                                     "revision",
                                     "target_modules",
                                     "task_type",
                                     "runtime_config",
                                     "use_cayley_neumann"};

absl::StatusOr<OftJson> ReadOftConfig(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const std::string text,
                       ReadFile(path, kMostConfigBytes));
  OftJson config;
  if (const auto fault =
          formats::ReadJsonInto(text, formats::kMaxJsonDepth, config)) {
    return InputError(path, fault->what);
  }
  if (!config.is_object()) return InputError(path, "is no JSON object");
  return config;
}

// The number of terms, 0 where R is exact.
absl::StatusOr<int64_t> TermsOf(const OftJson& config,
                                const std::string& path) {
  for (const auto& [key, value] : config.items()) {
    const bool unset = value.is_null() || value == false || value == 0 ||
                       value == "" || value == "none" ||
                       (value.is_structured() && value.empty());
    bool known = false;
    for (const char* one : kOftKnown) known = known || key == one;
    if (known || unset) continue;
    return InputError(path,
                      absl::StrCat(key, " is set (", value.dump().substr(0, 60),
                                   "), which this reader does not "
                                   "support"));
  }
  const OftJson exact = config.value("use_cayley_neumann", OftJson(true));
  if (exact == false) return 0;
  const OftJson terms = config.value("num_cayley_neumann_terms", OftJson(5));
  if (exact != true || !terms.is_number_integer() || terms.get<int64_t>() < 4 ||
      terms.get<int64_t>() > 64) {
    return InputError(path, absl::StrCat("num_cayley_neumann_terms ",
                                         terms.dump().substr(0, 60),
                                         ", wanted a number from 4 to 64"));
  }
  return terms.get<int64_t>();
}

// The tensors of the modules that the config saves whole, without their prefix:
// of an encoder's head, or it is an error.
absl::StatusOr<std::vector<NamedTensor>> SavedOf(
    const OftJson& config, const std::string& path,
    const std::vector<NamedTensor>& tensors, HeadKind head) {
  std::vector<NamedTensor> saved;
  const OftJson modules = config.value("modules_to_save", OftJson());
  if (modules.is_null() || modules == OftJson::array()) return saved;
  const auto wrong = [&] {
    return InputError(
        path, absl::StrCat("modules_to_save is ", modules.dump().substr(0, 60),
                           ", wanted an encoder's head, which "
                           "the folder holds"));
  };
  if (!modules.is_array() || head == HeadKind::kNextToken) return wrong();
  for (const OftJson& module : modules) {
    if (!module.is_string()) return wrong();
    const size_t before = saved.size();
    for (const NamedTensor& t : tensors) {
      if (t.name.rfind(kOftPrefix, 0) != 0 ||
          absl::EndsWith(t.name, kOftSuffix)) {
        continue;
      }
      const std::string name = t.name.substr(sizeof(kOftPrefix) - 1);
      if (SavedModule(name) == module.get<std::string>()) {
        saved.push_back({name, t.tensor});
      }
    }
    if (saved.size() == before) return wrong();
  }
  return saved;
}

}  // namespace

absl::Status WriteOftFolder(const OftFolder& adapter,
                            const std::string& folder) {
  SFT_RETURN_IF_ERROR(MakeFolders(folder));
  std::set<std::string> modules;
  for (const NamedTensor& t : adapter.saved) {
    modules.insert(SavedModule(t.name));
  }
  const int64_t terms = adapter.neumann_terms;
  const OftJson config = {
      {"peft_type", "OFT"},
      {"peft_version", "0.21.2"},  // of the parametrisation
      {"task_type", TaskTypeName(adapter.head)},
      {"base_model_name_or_path", adapter.base_model},
      {"r", 0},
      {"oft_block_size", adapter.block_size},
      {"module_dropout", 0.0},
      {"target_modules", adapter.targets},
      {"bias", "none"},
      {"fan_in_fan_out", false},
      {"inference_mode", true},
      {"init_weights", true},
      {"coft", false},
      {"block_share", false},
      {"use_cayley_neumann", terms > 0},
      {"num_cayley_neumann_terms", terms > 0 ? terms : 5},
      {"modules_to_save", modules.empty() ? OftJson() : OftJson(modules)}};
  std::vector<NamedTensor> tensors;
  for (const NamedTensor& layer : adapter.layers) {
    tensors.push_back({absl::StrCat(kOftPrefix, layer.name, kOftSuffix),
                       layer.tensor.detach().cpu().contiguous()});
  }
  for (const NamedTensor& t : adapter.saved) {
    tensors.push_back({absl::StrCat(kOftPrefix, t.name),
                       t.tensor.detach().cpu().contiguous()});
  }
  SFT_RETURN_IF_ERROR(formats::WriteSafetensors(folder + kOftWeights, tensors,
                                                {{"format", "pt"}}));
  return WriteFileAtomically(
      folder + kOftConfig,
      config.dump(2, ' ', false, OftJson::error_handler_t::replace) + "\n");
}

bool IsOftFolder(const std::string& folder) {
  const auto config = ReadOftConfig(folder + kOftConfig);
  return config.ok() && config->value("peft_type", OftJson()) == "OFT";
}

absl::Status AttachOftFolder(model::Model& model, const std::string& folder) {
  const std::string path = folder + kOftConfig, file = folder + kOftWeights;
  SFT_ASSIGN_OR_RETURN(const OftJson config, ReadOftConfig(path));
  SFT_ASSIGN_OR_RETURN(const int64_t terms, TermsOf(config, path));
  SFT_ASSIGN_OR_RETURN(const std::vector<NamedTensor> tensors,
                       formats::ReadSafetensors(file));
  if (tensors.empty()) return InputError(file, "holds no adapter");
  const OftJson task_type = config.value("task_type", OftJson());
  const HeadKind head = task_type.is_string()
                            ? HeadOfTaskType(task_type.get<std::string>())
                            : HeadKind::kNextToken;
  SFT_ASSIGN_OR_RETURN(const std::vector<NamedTensor> saved,
                       SavedOf(config, path, tensors, head));
  std::set<std::string> of_head;
  for (const NamedTensor& t : saved) {
    of_head.insert(absl::StrCat(kOftPrefix, t.name));
  }
  std::map<std::string, size_t> slots;
  for (size_t i = 0; i < model.linear_slots().size(); ++i) {
    slots[absl::StrCat(kOftPrefix, model.linear_slots()[i].name, kOftSuffix)] =
        i;
  }
  // All of them, before anything is changed.
  for (const NamedTensor& t : tensors) {
    if (!at::isfinite(t.tensor).all().item<bool>()) {
      return InputError(file, absl::StrCat("'", t.name,
                                           "' holds values that are not "
                                           "finite"));
    }
    if (of_head.contains(t.name)) continue;
    const auto slot = slots.find(t.name);
    if (slot == slots.end()) {
      return InputError(file, absl::StrCat("'", t.name, "' names no map of ",
                                           model.info().name));
    }
    const int64_t inputs = model.linear_slots()[slot->second].in_features;
    const bool fits = t.tensor.dim() == 2 && t.tensor.size(0) > 0 &&
                      inputs % t.tensor.size(0) == 0 &&
                      t.tensor.is_floating_point();
    const int64_t size = fits ? inputs / t.tensor.size(0) : 0;
    if (!fits || t.tensor.size(1) != size * (size - 1) / 2) {
      return InputError(file, absl::StrCat("'", t.name, "' does not fit the ",
                                           inputs, " inputs of its map"));
    }
  }
  if (!saved.empty()) {
    SFT_ASSIGN_OR_RETURN(const bool fits, SetSavedHead(model, head, saved));
    if (!fits) {
      return InputError(file, absl::StrCat("holds a head (", saved[0].name,
                                           ", ...) that ", model.info().name,
                                           " cannot have (modules_to_save)"));
    }
  }
  at::NoGradGuard no_grad;
  const auto master =
      at::TensorOptions(model.device()).dtype(MasterDtype(model));
  for (const NamedTensor& t : tensors) {
    if (of_head.contains(t.name)) continue;
    model::LinearSlot& slot = model.linear_slots()[slots.at(t.name)];
    slot.map = std::make_unique<OftLinear>(
        std::move(slot.map), t.tensor.to(master), slot.in_features, terms);
  }
  return absl::OkStatus();
}

}  // namespace sft::methods
