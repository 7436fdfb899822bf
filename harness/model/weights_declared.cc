// What a folder declares that its weights or this program contradict.
#include <ATen/ops/equal.h>

#include <cstring>

#include "absl/strings/match.h"
#include "harness/core/status.h"
#include "harness/model/json_text.h"
#include "harness/model/weights.h"

namespace sft {

absl::Status WeightFiles::CheckTie() {
  auto* config = std::get_if<DecoderConfig>(&config_);
  const auto head = stored_.find("lm_head.weight");
  if (config == nullptr || !config->tied_head || head == stored_.end()) {
    return absl::OkStatus();
  }
  const auto embedding = stored_.find(WeightName(config->layout->embedding));
  if (embedding == stored_.end()) return absl::OkStatus();  // is said later
  const StoredTensor &a = embedding->second, &b = head->second;
  if (a.shape == b.shape && a.type != nullptr && b.type != nullptr) {
    int64_t elements = 1;
    for (int64_t size : a.shape) elements *= size;
    const auto bytes = static_cast<size_t>(elements / a.type->block_elements *
                                           a.type->block_bytes);
    if (a.type == b.type && std::memcmp(a.data, b.data, bytes) == 0) {
      return absl::OkStatus();
    }
    if (a.type != b.type) {
      SFT_ASSIGN_OR_RETURN(const at::Tensor of_a,
                           ReadStoredTensor(a, at::kFloat));
      SFT_ASSIGN_OR_RETURN(const at::Tensor of_b,
                           ReadStoredTensor(b, at::kFloat));
      if (at::equal(of_a, of_b)) return absl::OkStatus();
    }
  }
  config->tied_head = false;
  notes_.emplace_back(
      "config.json ties the head to the embedding, but the file's lm_head "
      "differs from it: the file's is used, as transformers does");
  return absl::OkStatus();
}

void WeightFiles::NoteDropout(const std::string& config_text) {
  const auto config = ParseJsonObject(where_, config_text, 32);
  if (!config.ok()) return;
  std::string rates;
  for (const auto& [key, value] : config->items()) {
    const bool is_rate = key.find("dropout") != std::string::npos ||
                         absl::EndsWith(key, "_pdrop");
    if (!is_rate || !value.is_number() || value == 0) continue;
    absl::StrAppend(&rates, rates.empty() ? "" : ", ", key, " ", value.dump());
  }
  if (rates.empty()) return;
  notes_.push_back(
      absl::StrCat("config.json's dropout is not applied in "
                   "training: ",
                   rates));
}

}  // namespace sft
