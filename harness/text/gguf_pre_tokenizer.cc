#include "harness/text/gguf_pre_tokenizer.h"

#include <utility>

#include "harness/core/status.h"

namespace sft::text {
namespace {

using nlohmann::json;

constexpr char kLlama3Pattern[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3})"
    R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr char kQwen2Pattern[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})"
    R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

json Sequence(json first, json second) {
  return {
      {"type", "Sequence"},
      {"pretokenizers", json::array({std::move(first), std::move(second)})}};
}

json SplitThenBytes(const char* pattern) {
  return Sequence({{"type", "Split"},
                   {"pattern", {{"Regex", pattern}}},
                   {"behavior", "Isolated"},
                   {"invert", false}},
                  ByteLevelJson(false));
}

// What decides of a pre-tokenizer how text is cut: neither offsets nor
// defaults that are written out.
json Canonical(const json& pre) {
  const auto type = pre.value("type", "");
  if (type == "Sequence") {
    json parts = json::array();
    for (const json& part : pre.value("pretokenizers", json::array())) {
      parts.push_back(Canonical(part));
    }
    return parts.size() == 1 ? parts[0] : parts;
  }
  if (type != "ByteLevel") return pre;
  return {{"type", type},
          {"add_prefix_space", pre.value("add_prefix_space", true)},
          {"use_regex", pre.value("use_regex", true)}};
}

}  // namespace

json ByteLevelJson(bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

absl::StatusOr<GgufPreTokenizer> GgufPreTokenizerOf(const std::string& pre,
                                                    const std::string& file) {
  if (pre == "smollm") {
    return GgufPreTokenizer{
        Sequence({{"type", "Digits"}, {"individual_digits", true}},
                 ByteLevelJson(true))};
  }
  if (pre == "gpt-2" || pre == "gpt2")
    return GgufPreTokenizer{ByteLevelJson(true)};
  if (pre == "llama-bpe" || pre == "llama3") {
    return GgufPreTokenizer{SplitThenBytes(kLlama3Pattern),
                            /*ignore_merges=*/true, /*adds_bos=*/true};
  }
  if (pre == "qwen2") return GgufPreTokenizer{SplitThenBytes(kQwen2Pattern)};
  return InputError(file, absl::StrCat("tokenizer.ggml.pre \"", pre,
                                       "\" is not supported (smollm, gpt-2, "
                                       "llama-bpe and qwen2 are)"));
}

std::string GgufPreTokenizerName(const json& pre_tokenizer,
                                 bool ignore_merges) {
  if (!pre_tokenizer.is_object()) return "";
  const json wanted = Canonical(pre_tokenizer);
  for (const char* pre : {"smollm", "gpt-2", "llama-bpe", "qwen2"}) {
    const auto known = GgufPreTokenizerOf(pre, "");
    if (known.ok() && known->ignore_merges == ignore_merges &&
        Canonical(known->pre_tokenizer) == wanted) {
      return pre;
    }
  }
  return "";
}

}  // namespace sft::text
