#include "methods/adapter_config.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/formats/json.h"

namespace sft::methods {
namespace {

using Json = nlohmann::ordered_json;  // the first pattern that fits wins

constexpr int64_t kMaxConfigBytes = 1 << 20;
constexpr double kMaxRank = 65536;

// Read below.
constexpr const char* kApplied[] = {"alpha_pattern",
                                    "bias",
                                    "ensure_weight_tying",
                                    "exclude_modules",
                                    "init_lora_weights",
                                    "layers_pattern",
                                    "layers_to_transform",
                                    "lora_alpha",
                                    "modules_to_save",
                                    "peft_type",
                                    "r",
                                    "rank_pattern",
                                    "target_modules",
                                    "task_type",
                                    "use_dora",
                                    "use_rslora"};
// Of training, of other ways to load, or about the file itself. Of
// fan_in_fan_out: PEFT sets it by itself to what a map's layout is, and A and B
// are shaped alike either way.
constexpr const char* kWithoutEffect[] = {
    "auto_mapping",   "base_model_name_or_path",
    "corda_config",   "eva_config",
    "fan_in_fan_out", "inference_mode",
    "loftq_config",   "lora_dropout",
    "lora_ga_config", "megatron_core",
    "peft_version",   "qalora_group_size",
    "revision",       "runtime_config"};

struct TaskType {
  HeadKind head;
  const char* name;
};
constexpr TaskType kTaskTypes[] = {
    {HeadKind::kNextToken, "CAUSAL_LM"}, {HeadKind::kSequence, "SEQ_CLS"},
    {HeadKind::kToken, "TOKEN_CLS"},     {HeadKind::kSpan, "QUESTION_ANS"},
    {HeadKind::kLabels, "SEQ_CLS"},      {HeadKind::kValue, "SEQ_CLS"}};

absl::StatusOr<Json> ReadConfig(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxConfigBytes));
  Json config;
  if (const auto fault =
          formats::ReadJsonInto(text, formats::kMaxJsonDepth, config)) {
    return InputError(path, fault->what);
  }
  if (!config.is_object()) return InputError(path, "is no JSON object");
  return config;
}

bool IsUnset(const Json& value) {
  return value.is_null() || value == false || value == 0 || value == "" ||
         (value.is_structured() && value.empty());
}

class Reader {
 public:
  Reader(const std::string& path, const Json& config)
      : path_(path), config_(config) {}

  absl::StatusOr<AdapterConfig> Read() {
    SFT_RETURN_IF_ERROR(RefuseOthers());
    AdapterConfig out;
    double rank = 8;
    SFT_RETURN_IF_ERROR(Number("r", rank));
    if (rank < 1 || rank > kMaxRank || rank != std::floor(rank)) {
      return InputError(path_, "r is no whole number from 1 to 65536");
    }
    out.rank = static_cast<int64_t>(rank);
    SFT_RETURN_IF_ERROR(Number("lora_alpha", out.alpha));
    SFT_RETURN_IF_ERROR(Bool("use_rslora", out.rslora));
    SFT_RETURN_IF_ERROR(Bool("use_dora", out.dora));
    SFT_RETURN_IF_ERROR(Bool("ensure_weight_tying", out.ties_weights));
    SFT_RETURN_IF_ERROR(ReadInit(out));
    SFT_RETURN_IF_ERROR(ReadBias(out));
    const Json* task_type = Find("task_type");
    if (task_type != nullptr && task_type->is_string()) {
      out.head = HeadOfTaskType(task_type->get<std::string>());
    }
    if (const Json* saved = Find("modules_to_save")) {
      SFT_ASSIGN_OR_RETURN(out.modules_to_save,
                           Names("modules_to_save", *saved));
    }
    SFT_RETURN_IF_ERROR(Patterns("rank_pattern", out.rank_pattern));
    for (const auto& [pattern, value] : out.rank_pattern) {
      if (value < 1 || value > kMaxRank || value != std::floor(value)) {
        return InputError(
            path_, absl::StrCat("rank_pattern holds ", value,
                                ", no whole number from 1 to ", kMaxRank));
      }
    }
    SFT_RETURN_IF_ERROR(Patterns("alpha_pattern", out.alpha_pattern));
    SFT_RETURN_IF_ERROR(Modules("target_modules", out.targets));
    SFT_RETURN_IF_ERROR(Modules("exclude_modules", out.excluded));
    SFT_RETURN_IF_ERROR(ReadLayers(out));
    return out;
  }

 private:
  const Json* Find(const char* key) const {
    const auto it = config_.find(key);
    return it == config_.end() || it->is_null() ? nullptr : &*it;
  }
  absl::Status Wrong(const std::string& key, const char* wanted) const {
    return InputError(path_, absl::StrCat(key, " is no ", wanted));
  }
  absl::Status Number(const char* key, double& out) const {
    const Json* value = Find(key);
    if (value == nullptr) return absl::OkStatus();
    if (!value->is_number()) return Wrong(key, "number");
    out = value->get<double>();
    return std::isfinite(out) ? absl::OkStatus() : Wrong(key, "finite number");
  }
  absl::Status Bool(const char* key, bool& out) const {
    const Json* value = Find(key);
    if (value == nullptr) return absl::OkStatus();
    if (!value->is_boolean()) return Wrong(key, "bool");
    out = value->get<bool>();
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<std::string>> Names(const char* key,
                                                 const Json& list) const {
    std::vector<std::string> out;
    if (!list.is_array()) return Wrong(key, "list of names");
    for (const Json& name : list) {
      if (!name.is_string()) return Wrong(key, "list of names");
      out.push_back(name.get<std::string>());
    }
    return out;
  }
  absl::StatusOr<text::Regex> Compiled(const std::string& pattern) const {
    return text::Regex::Compile(pattern, path_);
  }

  absl::Status RefuseOthers() const {
    if (config_.value("peft_type", Json()) != "LORA") {
      return InputError(path_, "peft_type is neither LORA nor OFT");
    }
    for (const auto& [key, value] : config_.items()) {
      const auto is = [&key = key](const char* known) { return key == known; };
      if (IsUnset(value) ||
          std::any_of(std::begin(kApplied), std::end(kApplied), is) ||
          std::any_of(std::begin(kWithoutEffect), std::end(kWithoutEffect),
                      is)) {
        continue;
      }
      return InputError(
          path_, absl::StrCat(key, " is set (", value.dump().substr(0, 60),
                              "), which this reader does not "
                              "support"));
    }
    return absl::OkStatus();
  }

  absl::Status ReadInit(AdapterConfig& out) const {
    const Json* value = Find("init_lora_weights");
    if (value == nullptr || value->is_boolean()) return absl::OkStatus();
    const std::string name =
        value->is_string() ? value->get<std::string>() : value->dump();
    if (name == "pissa") {
      out.init = AdapterInit::kPissa;
      return absl::OkStatus();
    }
    if (absl::EqualsIgnoreCase(name, "olora")) {
      out.init = AdapterInit::kOlora;
      return absl::OkStatus();
    }
    for (const char* keeps_base : {"gaussian", "eva", "orthogonal", "mica"}) {
      if (absl::EqualsIgnoreCase(name, keeps_base)) return absl::OkStatus();
    }
    return InputError(
        path_, absl::StrCat("init_lora_weights \"", name.substr(0, 60),
                            "\" changes the base in a way that the folder does "
                            "not hold; supported are true, false, gaussian, "
                            "eva, orthogonal, mica, pissa and olora: save it "
                            "with PEFT's path_initial_model_for_weight_"
                            "conversion"));
  }

  absl::Status ReadBias(AdapterConfig& out) const {
    const Json* value = Find("bias");
    if (value == nullptr || *value == "none") return absl::OkStatus();
    out.trains_biases = *value == "all" || *value == "lora_only";
    if (out.trains_biases) return absl::OkStatus();
    return InputError(path_, absl::StrCat("bias ", value->dump().substr(0, 60),
                                          ", wanted \"none\", \"all\" or "
                                          "\"lora_only\""));
  }

  // As PEFT's get_pattern_key() writes the expression.
  absl::Status Patterns(
      const char* key, std::vector<std::pair<text::Regex, double>>& out) const {
    const Json* value = Find(key);
    if (value == nullptr) return absl::OkStatus();
    if (!value->is_object()) return Wrong(key, "object");
    for (const auto& [pattern, number] : value->items()) {
      if (!number.is_number() || !std::isfinite(number.get<double>())) {
        return Wrong(absl::StrCat(key, " of \"", pattern.substr(0, 60), "\""),
                     "number");
      }
      SFT_ASSIGN_OR_RETURN(text::Regex regex,
                           Compiled(absl::StrCat("^(.*\\.)?(", pattern, ")$")));
      out.emplace_back(std::move(regex), number.get<double>());
    }
    return absl::OkStatus();
  }

  absl::Status Modules(const char* key, std::optional<ModuleNames>& out) const {
    const Json* value = Find(key);
    if (value == nullptr || IsUnset(*value)) return absl::OkStatus();
    if (*value == "all-linear") return absl::OkStatus();
    ModuleNames names;
    if (value->is_string()) {
      SFT_ASSIGN_OR_RETURN(
          names.whole,
          Compiled(absl::StrCat("^(?:", value->get<std::string>(), ")$")));
    } else {
      SFT_ASSIGN_OR_RETURN(names.ends, Names(key, *value));
    }
    out = std::move(names);
    return absl::OkStatus();
  }

  absl::Status ReadLayers(AdapterConfig& out) const {
    const Json* value = Find("layers_to_transform");
    if (value == nullptr || (value->is_array() && value->empty())) {
      return absl::OkStatus();
    }
    if (out.targets && out.targets->whole) {
      return InputError(path_,
                        "layers_to_transform wants a list of target_modules");
    }
    out.layers.emplace();
    for (const Json& layer : *value) {
      if (!layer.is_number_integer()) {
        return Wrong("layers_to_transform", "number or list of numbers");
      }
      out.layers->push_back(layer.get<int64_t>());
    }
    const Json* patterns = Find("layers_pattern");
    if (patterns == nullptr || IsUnset(*patterns)) return absl::OkStatus();
    std::vector<std::string> names;
    if (patterns->is_string()) {
      names = {patterns->get<std::string>()};
    } else {
      SFT_ASSIGN_OR_RETURN(names, Names("layers_pattern", *patterns));
    }
    for (const std::string& name : names) {
      SFT_ASSIGN_OR_RETURN(
          text::Regex regex,
          Compiled(absl::StrCat("^(?:|.*?\\.)", name, "\\.$")));
      out.layer_patterns.push_back(std::move(regex));
    }
    return absl::OkStatus();
  }

  const std::string& path_;
  const Json& config_;
};

bool Fits(const text::Regex& regex, const std::string& text) {
  return !regex.FindAll(text).empty();
}

double ValueFor(const std::vector<std::pair<text::Regex, double>>& patterns,
                const std::string& module, double fallback) {
  for (const auto& [regex, value] : patterns) {
    if (Fits(regex, module)) return value;
  }
  return fallback;
}

}  // namespace

bool ModuleNames::Match(const std::string& module) const {
  if (whole) return Fits(*whole, module);
  return std::any_of(ends.begin(), ends.end(), [&](const std::string& end) {
    return module == end || absl::EndsWith(module, "." + end);
  });
}

int64_t AdapterConfig::RankOf(const std::string& module) const {
  return static_cast<int64_t>(
      ValueFor(rank_pattern, module, static_cast<double>(rank)));
}

double AdapterConfig::ScaleOf(const std::string& module) const {
  const auto r = static_cast<double>(RankOf(module));
  return ValueFor(alpha_pattern, module, alpha) / (rslora ? std::sqrt(r) : r);
}

bool AdapterConfig::Saves(const std::string& module) const {
  return std::any_of(modules_to_save.begin(), modules_to_save.end(),
                     [&](const std::string& name) {
                       return absl::StrContains("." + module + ".",
                                                "." + name + ".");
                     });
}

bool AdapterConfig::Targets(const std::string& module) const {
  if (excluded && excluded->Match(module)) return false;
  if (Saves(module)) return false;
  if (targets && !targets->Match(module)) return false;
  if (!layers) return true;
  // The first number between two dots is the layer's.
  const std::vector<std::string> parts = absl::StrSplit(module, '.');
  std::string before;
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    int64_t layer = 0;
    const bool named =
        layer_patterns.empty()
            ? i >= 2
            : std::any_of(
                  layer_patterns.begin(), layer_patterns.end(),
                  [&](const text::Regex& r) { return Fits(r, before); });
    if (named && absl::SimpleAtoi(parts[i], &layer)) {
      return std::find(layers->begin(), layers->end(), layer) != layers->end();
    }
    before += parts[i] + ".";
  }
  return false;
}

absl::StatusOr<AdapterConfig> ReadAdapterConfig(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const Json config, ReadConfig(path));
  return Reader(path, config).Read();
}

const char* TaskTypeName(HeadKind head) {
  for (const TaskType& row : kTaskTypes) {
    if (row.head == head) return row.name;
  }
  return "";
}

HeadKind HeadOfTaskType(std::string_view name) {
  for (const TaskType& row : kTaskTypes) {
    if (row.name == name) return row.head;
  }
  return HeadKind::kNextToken;
}

std::string SavedModule(const std::string& tensor) {
  const std::vector<std::string> parts = absl::StrSplit(tensor, '.');
  return parts[parts.size() > 2 ? parts.size() - 3 : 0];
}

}  // namespace sft::methods
