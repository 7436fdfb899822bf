#include "methods/adapter_io.h"

#include <ATen/ATen.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/model/safetensors.h"

namespace sft {
namespace {

using Json = nlohmann::ordered_json;  // the first pattern that fits wins

constexpr char kPrefix[] = "base_model.model.";
constexpr char kConfigFile[] = "/adapter_config.json";
constexpr char kWeightsFile[] = "/adapter_model.safetensors";
constexpr int64_t kMaxConfigBytes = 1 << 20;
constexpr int kMaxJsonDepth = 32;

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() &&
         text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// PEFT matches patterns as regular expressions; taken here as literal ends of
// a slot's name, which is what they are in practice.
bool PatternFits(const std::string& key, const std::string& slot) {
  return slot == key || EndsWith(slot, "." + key);
}

absl::StatusOr<double> NumberAt(const Json& config, const std::string& where,
                                const std::string& key, double fallback) {
  const auto it = config.find(key);
  if (it == config.end() || it->is_null()) return fallback;
  if (!it->is_number()) return InputError(where, key + " is no number");
  const double value = it->get<double>();
  if (!std::isfinite(value)) return InputError(where, key + " is not finite");
  return value;
}
absl::StatusOr<bool> BoolAt(const Json& config, const std::string& where,
                            const std::string& key) {
  const auto it = config.find(key);
  if (it == config.end() || it->is_null()) return false;
  if (!it->is_boolean()) return InputError(where, key + " is no bool");
  return it->get<bool>();
}

// The value of the first pattern that fits `slot`, else `fallback`.
absl::StatusOr<double> PatternValue(const Json& config,
                                    const std::string& where,
                                    const std::string& key,
                                    const std::string& slot, double fallback) {
  const auto it = config.find(key);
  if (it == config.end() || it->is_null()) return fallback;
  if (!it->is_object()) return InputError(where, key + " is no object");
  for (const auto& [pattern, value] : it->items()) {
    if (pattern.find_first_of("^$*+?()[]{}|\\") != std::string::npos) {
      return InputError(where, key + " \"" + pattern +
                                   "\": regular expressions are not read; "
                                   "wanted the end of a module's name");
    }
    if (!PatternFits(pattern, slot)) continue;
    if (!value.is_number()) {
      return InputError(where, key + " of \"" + pattern + "\" is no number");
    }
    return value.get<double>();
  }
  return fallback;
}

absl::Status RefuseWhatIsNotRead(const Json& config, const std::string& where) {
  if (config.value("peft_type", Json()) != "LORA") {
    return InputError(where, "peft_type is not LORA");
  }
  const Json bias = config.value("bias", Json("none"));
  if (!bias.is_null() && bias != "none") {
    return InputError(where, "bias " + bias.dump() + ", wanted \"none\"");
  }
  for (const char* key :
       {"layer_replication", "target_parameters", "trainable_token_indices",
        "fan_in_fan_out", "lora_bias", "use_qalora", "use_bdlora",
        "alora_invocation_tokens", "arrow_config"}) {
    const auto it = config.find(key);
    const bool off = it == config.end() || it->is_null() || *it == false ||
                     (it->is_structured() && it->empty());
    if (!off) {
      return InputError(where, std::string(key) +
                                   " is set, which this reader "
                                   "does not support");
    }
  }
  return absl::OkStatus();
}

struct TaskType {
  HeadKind head;
  const char* name;
};
constexpr TaskType kTaskTypes[] = {{HeadKind::kNextToken, "CAUSAL_LM"},
                                   {HeadKind::kSequence, "SEQ_CLS"},
                                   {HeadKind::kToken, "TOKEN_CLS"},
                                   {HeadKind::kSpan, "QUESTION_ANS"}};

// What PEFT calls the module of a saved tensor: all of a head that has several
// maps ("classifier.dense.weight" -> "classifier").
std::string ModuleToSave(const std::string& name) {
  const std::vector<std::string> parts = absl::StrSplit(name, '.');
  return parts[parts.size() > 2 ? parts.size() - 3 : 0];
}

absl::StatusOr<std::vector<std::string>> ModulesToSave(
    const Json& config, const std::string& where) {
  const auto it = config.find("modules_to_save");
  std::vector<std::string> out;
  if (it == config.end() || it->is_null()) return out;
  for (const Json& name : *it) {
    if (!it->is_array() || !name.is_string()) {
      return InputError(where, "modules_to_save is no list of names");
    }
    out.push_back(name.get<std::string>());
  }
  return out;
}

// The name without PEFT's prefix, of a tensor of a module to save; else "".
std::string SavedName(const std::string& name,
                      const std::vector<std::string>& modules) {
  if (name.rfind(kPrefix, 0) != 0) return "";
  const std::string bare = name.substr(std::string(kPrefix).size());
  for (const std::string& module : modules) {
    const std::string inside = "." + module + ".";
    if (("." + bare).find(inside) != std::string::npos) return bare;
  }
  return "";
}

absl::StatusOr<Json> ReadConfig(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxConfigBytes));
  bool too_deep = false;
  const auto limit = [&too_deep](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxJsonDepth;
    return !too_deep;
  };
  Json config = Json::parse(text, limit, /*allow_exceptions=*/false);
  if (too_deep || config.is_discarded() || !config.is_object()) {
    return InputError(path, "is no JSON object");
  }
  return config;
}

// "base_model.model.<slot>.lora_A.weight" -> slot and part.
bool SplitName(const std::string& name, std::string& slot, std::string& part) {
  if (name.rfind(kPrefix, 0) != 0) return false;
  for (const char* end :
       {".lora_A.weight", ".lora_B.weight", ".lora_magnitude_vector"}) {
    if (!EndsWith(name, end)) continue;
    const size_t head = std::string(kPrefix).size();
    const size_t tail = std::string(end).size();
    if (name.size() < head + tail) return false;
    slot = name.substr(head, name.size() - head - tail);
    part = end;
    return true;
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

absl::Status WriteAdapterFolder(const Adapter& adapter,
                                const std::string& folder) {
  SFT_RETURN_IF_ERROR(MakeFolders(folder));
  const Json alpha = adapter.alpha == std::floor(adapter.alpha)
                         ? Json(static_cast<int64_t>(adapter.alpha))
                         : Json(adapter.alpha);
  std::set<std::string> modules;
  for (const NamedTensor& t : adapter.saved) {
    modules.insert(ModuleToSave(t.name));
  }
  const Json saved = modules.empty() ? Json() : Json(modules);
  std::string task_type;
  for (const TaskType& row : kTaskTypes) {
    if (row.head == adapter.head) task_type = row.name;
  }
  const Json config = {{"peft_type", "LORA"},
                       {"task_type", task_type},
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
  SFT_RETURN_IF_ERROR(
      WriteSafetensors(folder + kWeightsFile, tensors, {{"format", "pt"}}));
  const std::string text =
      config.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  return WriteFileAtomically(folder + kConfigFile, text);
}

absl::StatusOr<Adapter> ReadAdapterFolder(const std::string& folder) {
  const std::string path = folder + kConfigFile;
  const std::string weights = folder + kWeightsFile;
  SFT_ASSIGN_OR_RETURN(const Json config, ReadConfig(path));
  SFT_RETURN_IF_ERROR(RefuseWhatIsNotRead(config, path));
  if (!FileExists(weights)) {
    return InputError(weights,
                      FileExists(folder + "/adapter_model.bin")
                          ? "is missing; adapter_model.bin is a pickle and is "
                            "not read: save it with safetensors"
                          : "is missing");
  }
  Adapter adapter;
  SFT_ASSIGN_OR_RETURN(const double rank, NumberAt(config, path, "r", 8));
  if (rank < 1 || rank > 65536) {
    return InputError(path, "r is not between 1 and 65536");
  }
  adapter.rank = static_cast<int64_t>(rank);
  SFT_ASSIGN_OR_RETURN(adapter.alpha, NumberAt(config, path, "lora_alpha", 8));
  SFT_ASSIGN_OR_RETURN(adapter.rslora, BoolAt(config, path, "use_rslora"));
  SFT_ASSIGN_OR_RETURN(adapter.dora, BoolAt(config, path, "use_dora"));

  SFT_ASSIGN_OR_RETURN(const std::vector<NamedTensor> tensors,
                       ReadSafetensors(weights));
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> modules,
                       ModulesToSave(config, path));
  const Json task_type = config.value("task_type", Json());
  for (const TaskType& row : kTaskTypes) {
    if (task_type == row.name) adapter.head = row.head;
  }
  std::map<std::string, LoraFactors> by_slot;
  for (const NamedTensor& t : tensors) {
    std::string slot, part;
    if (!SplitName(t.name, slot, part)) {
      const std::string saved = SavedName(t.name, modules);
      if (!saved.empty()) {
        if (!at::isfinite(t.tensor).all().item<bool>()) {
          return InputError(weights, saved +
                                         " holds values that are not "
                                         "finite");
        }
        adapter.saved.push_back({saved, t.tensor});
        continue;
      }
      return InputError(weights, "unknown tensor \"" + t.name + "\"");
    }
    LoraFactors& factors = by_slot[slot];
    (part == ".lora_A.weight"   ? factors.a_RI
     : part == ".lora_B.weight" ? factors.b_OR
                                : factors.magnitude_O) = t.tensor;
  }
  if (by_slot.empty()) return InputError(weights, "holds no adapter");
  for (auto& [slot, factors] : by_slot) {
    AdapterLayer layer{slot, std::move(factors)};
    SFT_RETURN_IF_ERROR(CheckLayer(layer, adapter.dora, weights));
    SFT_ASSIGN_OR_RETURN(
        const double r, PatternValue(config, path, "rank_pattern", slot, rank));
    SFT_ASSIGN_OR_RETURN(
        const double alpha,
        PatternValue(config, path, "alpha_pattern", slot, adapter.alpha));
    if (static_cast<double>(layer.factors.a_RI.size(0)) != r) {
      return InputError(
          weights, absl::StrCat(slot, " has rank ", layer.factors.a_RI.size(0),
                                ", adapter_config.json says ", r));
    }
    layer.factors.scale = adapter.rslora ? alpha / std::sqrt(r) : alpha / r;
    adapter.layers.push_back(std::move(layer));
  }
  return adapter;
}

}  // namespace sft
