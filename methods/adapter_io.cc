#include "methods/adapter_io.h"

#include <ATen/ATen.h>

#include <cmath>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/formats/json.h"
#include "harness/formats/safetensors.h"

namespace sft::methods {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kPrefix[] = "base_model.model.";
constexpr char kConfigFile[] = "/adapter_config.json";
constexpr char kWeightsFile[] = "/adapter_model.safetensors";
constexpr char kBaseLayer[] = ".base_layer.";

// "base_model.model.<slot>.lora_A.weight" -> slot and the part's place.
bool SplitName(const std::string& bare, std::string& slot, size_t& part) {
  constexpr std::string_view kParts[] = {
      ".lora_A.weight",    ".lora_B.weight",    ".lora_magnitude_vector",
      ".lora_embedding_A", ".lora_embedding_B",
  };
  for (part = 0; part < std::size(kParts); ++part) {
    if (!absl::EndsWith(bare, ToAbsl(kParts[part]))) continue;
    slot = bare.substr(0, bare.size() - kParts[part].size());
    return !slot.empty();
  }
  return false;
}

absl::Status CheckLayer(const AdapterLayer& layer, bool dora,
                        const std::string& where) {
  const LoraFactors& f = layer.factors;
  if (!f.a_RI.defined() || !f.b_OR.defined()) {
    return InputError(where, layer.slot + " lacks lora_A or lora_B");
  }
  if (f.a_RI.dim() != 2 || f.b_OR.dim() != 2 ||
      f.a_RI.size(0) != f.b_OR.size(1) || f.a_RI.size(0) == 0) {
    return InputError(where, layer.slot + ": lora_A and lora_B do not fit");
  }
  if (dora != f.magnitude_O.defined()) {
    return InputError(where, layer.slot + (dora ? " lacks its magnitude"
                                                : " has a magnitude, but "
                                                  "use_dora is off"));
  }
  for (const at::Tensor& t : {f.a_RI, f.b_OR, f.magnitude_O}) {
    if (t.defined() && !at::isfinite(t).all().item<bool>()) {
      return InputError(where, layer.slot +
                                   " holds values that are not "
                                   "finite");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CanWriteAdapter(const model::Model& model, bool is_merged) {
  if (is_merged) {
    return absl::FailedPreconditionError("the adapter is merged already");
  }
  if (model.info().head_reordered) {
    return absl::FailedPreconditionError(absl::StrCat(
        model.info().name,
        ": the head's classes are in the task's order and no more in the "
        "checkpoint's, which an adapter folder cannot say; export --merged"));
  }
  return absl::OkStatus();
}

absl::Status WriteAdapterFolder(const Adapter& adapter,
                                const std::string& folder) {
  SFT_RETURN_IF_ERROR(MakeFolders(folder));
  const Json alpha = adapter.alpha == std::floor(adapter.alpha)
                         ? Json(static_cast<int64_t>(adapter.alpha))
                         : Json(adapter.alpha);
  std::set<std::string> modules;
  for (const NamedTensor& t : adapter.saved) {
    modules.insert(SavedModule(t.name));
  }
  const Json saved = modules.empty() ? Json() : Json(modules);
  const Json config = {{"peft_type", "LORA"},
                       {"task_type", TaskTypeName(adapter.head)},
                       {"base_model_name_or_path", adapter.base_model},
                       {"r", adapter.rank},
                       {"lora_alpha", alpha},
                       {"lora_dropout", adapter.dropout},
                       {"target_modules", adapter.targets},
                       {"bias", "none"},
                       {"use_rslora", adapter.rslora},
                       {"use_dora", adapter.dora},
                       {"fan_in_fan_out", false},
                       {"inference_mode", true},
                       {"init_lora_weights", true},
                       {"rank_pattern", Json::object()},
                       {"alpha_pattern", Json::object()},
                       {"modules_to_save", saved}};
  std::vector<NamedTensor> tensors;
  for (const AdapterLayer& layer : adapter.layers) {
    const std::string name = kPrefix + layer.slot;
    const auto add = [&](const char* part, const at::Tensor& t) {
      tensors.push_back({name + part, t.detach().cpu().contiguous()});
    };
    add(".lora_A.weight", layer.factors.a_RI);
    add(".lora_B.weight", layer.factors.b_OR);
    if (layer.factors.magnitude_O.defined()) {
      add(".lora_magnitude_vector", layer.factors.magnitude_O);
    }
  }
  for (const NamedTensor& t : adapter.saved) {
    tensors.push_back({kPrefix + t.name, t.tensor.detach().cpu().contiguous()});
  }
  SFT_RETURN_IF_ERROR(formats::WriteSafetensors(folder + kWeightsFile, tensors,
                                                {{"format", "pt"}}));
  return WriteFileAtomically(folder + kConfigFile,
                             formats::JsonText(config, 2) + "\n");
}

absl::StatusOr<Adapter> ReadAdapterFolder(const std::string& folder) {
  const std::string path = folder + kConfigFile;
  const std::string weights = folder + kWeightsFile;
  SFT_ASSIGN_OR_RETURN(const AdapterConfig config, ReadAdapterConfig(path));
  if (!FileExists(weights)) {
    return InputError(weights,
                      FileExists(folder + "/adapter_model.bin")
                          ? "is missing; adapter_model.bin is a pickle and is "
                            "not read: save it with safetensors"
                          : "is missing");
  }
  Adapter adapter;
  adapter.rank = config.rank;
  adapter.alpha = config.alpha;
  adapter.rslora = config.rslora;
  adapter.dora = config.dora;
  adapter.init = config.init;
  adapter.head = config.head;
  adapter.ties_weights = config.ties_weights;

  SFT_ASSIGN_OR_RETURN(const std::vector<NamedTensor> tensors,
                       formats::ReadSafetensors(weights));
  std::map<std::string, AdapterLayer> by_slot;
  for (const NamedTensor& t : tensors) {
    if (!absl::StartsWith(t.name, kPrefix)) {
      return InputError(weights, "unknown tensor \"" + t.name + "\"");
    }
    std::string bare = t.name.substr(std::string(kPrefix).size());
    std::string slot;
    size_t part = 0;
    if (SplitName(bare, slot, part)) {
      AdapterLayer& layer = by_slot[slot];
      layer.slot = slot;
      LoraFactors& f = layer.factors;
      at::Tensor* const place[] = {&f.a_RI, &f.b_OR, &f.magnitude_O, &f.a_RI,
                                   &f.b_OR};
      *place[part] = t.tensor;
      layer.of_embedding = layer.of_embedding || part > 2;
      continue;
    }
    if (absl::StrContains(bare, "lora_")) {
      return InputError(weights, "unknown tensor \"" + t.name + "\"");
    }
    if (!t.tensor.is_floating_point() ||
        !at::isfinite(t.tensor).all().item<bool>()) {
      return InputError(weights, bare + " holds values that are not finite");
    }
    const std::string module = bare.substr(0, bare.rfind('.'));
    const bool is_bias = absl::EndsWith(bare, ".bias");
    const bool saved = config.Saves(module);
    bare = absl::StrReplaceAll(bare, {{kBaseLayer, "."}});
    if (is_bias && !saved && !config.trains_biases) {
      return InputError(weights, "unknown tensor \"" + t.name + "\"");
    }
    adapter.saved.push_back({bare, t.tensor});
    if (saved) adapter.own_copies.insert(bare);
  }
  if (by_slot.empty()) return InputError(weights, "holds no adapter");
  for (auto& [slot, layer] : by_slot) {
    SFT_RETURN_IF_ERROR(CheckLayer(layer, adapter.dora, weights));
    if (!config.Targets(slot)) {
      return InputError(
          weights, absl::StrCat("adapts ", slot,
                                ", which adapter_config.json does not target "
                                "(target_modules, exclude_modules, "
                                "layers_to_transform)"));
    }
    const int64_t rank = config.RankOf(slot);
    if (layer.factors.a_RI.size(0) != rank) {
      return InputError(
          weights, absl::StrCat(slot, " has rank ", layer.factors.a_RI.size(0),
                                ", adapter_config.json says ", rank));
    }
    layer.factors.scale = config.ScaleOf(slot);
    adapter.layers.push_back(std::move(layer));
  }
  return adapter;
}

}  // namespace sft::methods
