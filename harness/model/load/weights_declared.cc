// What a folder declares that its weights or this program contradict.
#include <ATen/ops/equal.h>

#include <cstring>

#include "absl/strings/match.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/formats/json.h"
#include "harness/model/load/weights.h"

namespace sft::model {
namespace {

// What changes a greedy answer in transformers, and the values that change
// nothing beside null and an empty list.
struct GenerationSetting {
  const char* key;
  const char* neutral;  // JSON
};
constexpr GenerationSetting kGenerationSettings[] = {
    {"num_beams", "1"},
    {"repetition_penalty", "1"},
    {"encoder_repetition_penalty", "1"},
    {"no_repeat_ngram_size", "0"},
    {"encoder_no_repeat_ngram_size", "0"},
    {"min_length", "0"},
    {"min_new_tokens", "0"},
    {"guidance_scale", "1"},
    {"bad_words_ids", "null"},
    {"sequence_bias", "null"},
    {"suppress_tokens", "null"},
    {"begin_suppress_tokens", "null"},
    {"forced_bos_token_id", "null"},
    {"forced_eos_token_id", "null"},
    {"exponential_decay_length_penalty", "null"},
    {"watermarking_config", "null"},
    {"dola_layers", "null"},
    {"stop_strings", "null"}};

}  // namespace

absl::Status WeightFiles::CheckTie() {
  auto* config = std::get_if<DecoderConfig>(&config_);
  if (config == nullptr || !config->tied_head) return absl::OkStatus();
  const auto head = stored_.find(WeightName(config->layout->head));
  if (head == stored_.end()) return absl::OkStatus();
  const auto embedding = stored_.find(WeightName(config->layout->embedding));
  if (embedding == stored_.end()) return absl::OkStatus();  // is said later
  const StoredTensor &a = embedding->second, &b = head->second;
  if (a.shape == b.shape && a.type != nullptr && b.type != nullptr) {
    int64_t elements = 1;
    for (int64_t size : a.shape) elements *= size;
    const auto bytes = static_cast<size_t>(elements / a.type->block_elements *
                                           a.type->block_bytes);
    const bool same =
        a.type == b.type && std::memcmp(a.data, b.data, bytes) == 0;
    for (const StoredTensor* read : {&a, &b}) {
      if (a.type == b.type) {
        read->Forget(read->data, static_cast<int64_t>(bytes));
      }
    }
    if (same) return absl::OkStatus();
    if (a.type != b.type) {
      SFT_ASSIGN_OR_RETURN(const at::Tensor of_a,
                           ReadStoredTensor(a, at::kFloat));
      SFT_ASSIGN_OR_RETURN(const at::Tensor of_b,
                           ReadStoredTensor(b, at::kFloat));
      if (at::equal(of_a, of_b)) return absl::OkStatus();
    }
  }
  config->tied_head = false;
  notes_.push_back(absl::StrCat(
      "config.json ties the head to the embedding, but the file's ",
      ToAbsl(config->layout->head),
      " differs from it: the file's is used, as transformers does"));
  return absl::OkStatus();
}

void WeightFiles::NoteDropout(const std::string& config_text) {
  const auto config = formats::ParseJsonObject(where_, config_text, 32);
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

void WeightFiles::NoteHead(const std::string& config_text) {
  const auto* encoder = std::get_if<EncoderConfig>(&config_);
  const auto config = formats::ParseJsonObject(where_, config_text, 32);
  if (encoder == nullptr || encoder->head != HeadKind::kNextToken ||
      !config.ok()) {
    return;
  }
  const auto architectures = config->find("architectures");
  const auto problem = config->find("problem_type");
  for (const EncoderHead& head : encoder->layout->heads) {
    if (architectures == config->end() ||
        *architectures != nlohmann::json::array({head.architecture})) {
      continue;
    }
    // What is not known here ends in no head; else its pooler was missing.
    const bool is_problem = problem != config->end() && problem->is_string() &&
                            !IsKnownProblem(problem->get<std::string>());
    notes_.push_back(absl::StrCat(
        "the checkpoint's own head (", ToAbsl(head.architecture),
        ") is not used: ",
        is_problem ? absl::StrCat("its problem_type is ",
                                  problem->get<std::string>().substr(0, 60))
                   : "its pooler is not in the files"));
  }
}

void WeightFiles::NoteGeneration(const std::string& folder) {
  const std::string path = folder + "/generation_config.json";
  if (!FileExists(path)) return;
  const auto text = ReadFile(path, kMaxConfigBytes);
  if (!text.ok()) return;
  const auto config = formats::ParseJsonObject(path, *text, 32);
  if (!config.ok()) return;
  std::string set;
  for (const GenerationSetting& row : kGenerationSettings) {
    const auto it = config->find(row.key);
    if (it == config->end() || it->is_null() ||
        (it->is_structured() && it->empty()) ||
        *it == nlohmann::json::parse(row.neutral)) {
      continue;
    }
    absl::StrAppend(&set, set.empty() ? "" : ", ", row.key);
    if (it->is_number()) absl::StrAppend(&set, " ", it->dump());
  }
  if (set.empty()) return;
  notes_.push_back(absl::StrCat(
      "generation_config.json's settings are not applied to answers: ", set));
}

}  // namespace sft::model
