#include "harness/text/hf_export.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "harness/core/status.h"
#include "harness/text/gguf_pre_tokenizer.h"

namespace sft {
namespace {

using nlohmann::ordered_json;

constexpr int32_t kControlToken = 3;
constexpr int32_t kUserDefinedToken = 4;

ordered_json AddedTokens(const GgufTokenizerData& data) {
  ordered_json added = ordered_json::array();
  for (size_t i = 0; i < data.token_types.size(); ++i) {
    const int32_t type = data.token_types[i];
    if (type != kControlToken && type != kUserDefinedToken) continue;
    added.push_back({{"id", i},
                     {"content", data.tokens[i]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", type == kControlToken}});
  }
  return added;
}

}  // namespace

absl::StatusOr<std::map<std::string, std::string>> HfTokenizerFiles(
    const GgufTokenizerData& data, const std::string& file) {
  SFT_ASSIGN_OR_RETURN(const GgufPreTokenizer pre,
                       GgufPreTokenizerOf(data.pre, file));
  ordered_json vocabulary = ordered_json::object();
  for (size_t i = 0; i < data.tokens.size(); ++i) {
    vocabulary[data.tokens[i]] = i;
  }
  ordered_json tokenizer = {{"version", "1.0"},
                            {"truncation", nullptr},
                            {"padding", nullptr},
                            {"added_tokens", AddedTokens(data)},
                            {"normalizer", nullptr},
                            {"pre_tokenizer", pre.pre_tokenizer},
                            {"post_processor", nullptr},
                            {"decoder", ByteLevelJson(true)},
                            {"model",
                             {{"type", "BPE"},
                              {"dropout", nullptr},
                              {"unk_token", nullptr},
                              {"continuing_subword_prefix", nullptr},
                              {"end_of_word_suffix", nullptr},
                              {"fuse_unk", false},
                              {"byte_fallback", false},
                              {"ignore_merges", pre.ignore_merges},
                              {"vocab", std::move(vocabulary)},
                              {"merges", data.merges}}}};
  ordered_json config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                         {"clean_up_tokenization_spaces", false}};
  auto name = [&](const char* key, std::optional<int32_t> id) {
    if (id.has_value() && static_cast<size_t>(*id) < data.tokens.size()) {
      config[key] = data.tokens[static_cast<size_t>(*id)];
    }
  };
  name("bos_token", data.bos);
  name("eos_token", data.eos);
  name("unk_token", data.unk);
  name("pad_token", data.pad);
  std::map<std::string, std::string> files;
  if (data.chat_template.has_value()) {
    config["chat_template"] = *data.chat_template;
    files["chat_template.jinja"] = *data.chat_template;
  }
  files["tokenizer.json"] = tokenizer.dump();
  files["tokenizer_config.json"] = config.dump(1);
  return files;
}

}  // namespace sft
