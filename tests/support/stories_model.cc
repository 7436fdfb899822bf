#include "tests/support/stories_model.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "harness/core/files.h"
#include "harness/formats/safetensors.h"
#include "tests/support/catch_torch.h"

namespace sft::support {
namespace {

using nlohmann::json;

std::string Read(const std::filesystem::path& path) {
  auto bytes = ReadFile(path.string());
  if (!bytes.ok()) FAIL(bytes.status().message());
  return *std::move(bytes);
}

void Write(const std::filesystem::path& path, const json& content) {
  REQUIRE(WriteFileAtomically(path.string(), content.dump()).ok());
}

template <class T>
T At(const std::string& bytes, size_t at) {
  T value;
  REQUIRE(at + sizeof(T) <= bytes.size());
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

// Takes tensors one after another out of the file.
struct Weights {
  const std::string& bytes;
  size_t at = 7 * sizeof(int32_t);

  at::Tensor Take(std::vector<int64_t> shape) {
    at::Tensor out = at::empty(shape, at::kFloat);
    REQUIRE(at + out.nbytes() <= bytes.size());
    std::memcpy(out.data_ptr<float>(), bytes.data() + at, out.nbytes());
    at += out.nbytes();
    return out;
  }
};

// Rotated pairs stand side by side there, and half a head apart here.
at::Tensor Halves(const at::Tensor& w_OI, int64_t heads) {
  const int64_t rows = w_OI.size(0);
  return w_OI.view({heads, rows / heads / 2, 2, w_OI.size(1)})
      .transpose(1, 2)
      .reshape({rows, w_OI.size(1)})
      .contiguous();
}

json WriteWeights(const std::filesystem::path& source, int64_t positions,
                  const std::filesystem::path& folder) {
  const std::string bytes = Read(source / "stories260K.bin");
  const auto field = [&](size_t i) -> int64_t {
    return At<int32_t>(bytes, i * sizeof(int32_t));
  };
  const int64_t width = field(0), hidden = field(1), layers = field(2),
                heads = field(3), kv = field(4), vocabulary = field(5);
  const int64_t kv_width = width / heads * kv;
  Weights weights{bytes};
  std::vector<NamedTensor> tensors;
  tensors.push_back(
      {"model.embed_tokens.weight", weights.Take({vocabulary, width})});
  struct Part {
    const char* name;
    std::vector<int64_t> shape;
    int64_t rotated_heads = 0;
  };
  const std::vector<Part> parts = {{"input_layernorm", {width}},
                                   {"self_attn.q_proj", {width, width}, heads},
                                   {"self_attn.k_proj", {kv_width, width}, kv},
                                   {"self_attn.v_proj", {kv_width, width}},
                                   {"self_attn.o_proj", {width, width}},
                                   {"post_attention_layernorm", {width}},
                                   {"mlp.gate_proj", {hidden, width}},
                                   {"mlp.down_proj", {width, hidden}},
                                   {"mlp.up_proj", {hidden, width}}};
  for (const Part& part : parts) {
    for (int64_t l = 0; l < layers; ++l) {
      at::Tensor w = weights.Take(part.shape);
      if (part.rotated_heads > 0) w = Halves(w, part.rotated_heads);
      tensors.push_back(
          {absl::StrFormat("model.layers.%d.%s.weight", l, part.name), w});
    }
  }
  tensors.push_back({"model.norm.weight", weights.Take({width})});
  REQUIRE(formats::WriteSafetensors((folder / "model.safetensors").string(),
                                    tensors, {})
              .ok());
  return {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"vocab_size", vocabulary},
          {"hidden_size", width},
          {"intermediate_size", hidden},
          {"num_hidden_layers", layers},
          {"num_attention_heads", heads},
          {"num_key_value_heads", kv},
          {"rms_norm_eps", 1e-5},
          {"rope_theta", 10000.0},
          {"max_position_embeddings", positions},
          {"tie_word_embeddings", true},
          {"bos_token_id", 1},
          {"eos_token_id", 2}};
}

json Model(const std::filesystem::path& source) {
  const std::string bytes = Read(source / "tok512.bin");
  std::vector<std::string> names;
  std::vector<float> scores;
  for (size_t at = sizeof(int32_t); at < bytes.size();) {
    const auto size = At<int32_t>(bytes, at + sizeof(float));
    scores.push_back(At<float>(bytes, at));
    at += sizeof(float) + sizeof(int32_t);
    const auto id = static_cast<int64_t>(names.size());
    const std::string piece = bytes.substr(at, size);
    constexpr const char* kSpecial[] = {"<unk>", "<s>", "</s>"};
    names.push_back(id < 3     ? kSpecial[id]
                    : id < 259 ? absl::StrFormat("<0x%02X>", id - 3)
                               : absl::StrReplaceAll(piece, {{" ", "▁"}}));
    at += size;
  }
  json ids = json::object();
  for (size_t i = 0; i < names.size(); ++i) ids[names[i]] = i;
  struct Merge {
    float score;
    std::string left, right;
  };
  std::vector<Merge> merges;
  for (size_t i = 259; i < names.size(); ++i) {
    for (size_t k = 1; k < names[i].size(); ++k) {
      Merge merge{scores[i], names[i].substr(0, k), names[i].substr(k)};
      if (ids.contains(merge.left) && ids.contains(merge.right)) {
        merges.push_back(std::move(merge));
      }
    }
  }
  std::stable_sort(
      merges.begin(), merges.end(),
      [](const Merge& a, const Merge& b) { return a.score > b.score; });
  json pairs = json::array();
  for (const Merge& m : merges) pairs.push_back({m.left, m.right});
  return {{"type", "BPE"},         {"unk_token", "<unk>"}, {"fuse_unk", true},
          {"byte_fallback", true}, {"vocab", ids},         {"merges", pairs}};
}

}  // namespace

void WriteStoriesFolder(const std::filesystem::path& source, int64_t positions,
                        const std::filesystem::path& folder) {
  REQUIRE(MakeFolders(folder.string()).ok());
  Write(folder / "config.json", WriteWeights(source, positions, folder));
  json root = json::parse(R"({
    "added_tokens": [
      {"id": 0, "content": "<unk>", "special": true, "normalized": false},
      {"id": 1, "content": "<s>", "special": true, "normalized": false},
      {"id": 2, "content": "</s>", "special": true, "normalized": false}],
    "normalizer": {"type": "Sequence", "normalizers": [
      {"type": "Prepend", "prepend": "▁"},
      {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
    "post_processor": {"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                 {"Sequence": {"id": "A", "type_id": 0}}],
      "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
               {"Sequence": {"id": "A", "type_id": 0}},
               {"Sequence": {"id": "B", "type_id": 1}}],
      "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
    "decoder": {"type": "Sequence", "decoders": [
      {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
      {"type": "ByteFallback"}, {"type": "Fuse"},
      {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}})");
  root["model"] = Model(source);
  Write(folder / "tokenizer.json", root);
  Write(folder / "tokenizer_config.json",
        {{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}});
}

}  // namespace sft::support
