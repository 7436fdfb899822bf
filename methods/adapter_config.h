// PEFT's adapter_config.json (peft 0.21): every key that is set is applied,
// known to change nothing here, or refused by its name.
#ifndef METHODS_ADAPTER_CONFIG_H_
#define METHODS_ADAPTER_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/text/regex.h"

namespace sft::methods {

// What init_lora_weights does to the base when PEFT loads an adapter: those
// that change it in a way that cannot be repeated are refused.
enum class AdapterInit { kPlain, kPissa, kOlora };

// Modules by PEFT's rules: a regular expression for the whole name, or a list
// of names and their ends.
struct ModuleNames {
  std::optional<text::Regex> whole;
  std::vector<std::string> ends;

  bool Match(const std::string& module) const;
};

struct AdapterConfig {
  int64_t rank = 8;
  double alpha = 8;
  bool rslora = false, dora = false;
  AdapterInit init = AdapterInit::kPlain;
  HeadKind head = HeadKind::kNextToken;
  bool trains_biases = false;
  bool ties_weights = false;  // ensure_weight_tying
  std::vector<std::string> modules_to_save;

  int64_t RankOf(const std::string& module) const;
  // s of s B A.
  double ScaleOf(const std::string& module) const;
  // Whether PEFT puts an adapter on `module` at all.
  bool Targets(const std::string& module) const;
  bool Saves(const std::string& module) const;

  // Values by pattern; the first that fits counts.
  std::vector<std::pair<text::Regex, double>> rank_pattern, alpha_pattern;
  std::optional<ModuleNames> targets, excluded;  // absent = all, none
  std::optional<std::vector<int64_t>> layers;    // layers_to_transform
  std::vector<text::Regex> layer_patterns;
};

absl::StatusOr<AdapterConfig> ReadAdapterConfig(const std::string& path);

// "CAUSAL_LM", ...
const char* TaskTypeName(HeadKind head);
// kNextToken for any other name.
HeadKind HeadOfTaskType(std::string_view name);
// What PEFT calls the module of a saved tensor: all of a head that has several
// maps ("classifier.dense.weight" -> "classifier").
std::string SavedModule(const std::string& tensor);

}  // namespace sft::methods

#endif  // METHODS_ADAPTER_CONFIG_H_
