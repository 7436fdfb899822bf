#include "harness/text/tokenizer_model.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/formats/json.h"
#include "harness/formats/json_fields.h"
#include "harness/formats/sentencepiece.h"
#include "harness/formats/special_tokens.h"
#include "harness/text/sentencepiece_tokenizer.h"

namespace sft::text {
namespace {

using nlohmann::json;

constexpr const char* kNames[] = {"tokenizer.model", "spiece.model",
                                  "sentencepiece.bpe.model"};

// What transformers' class of this name does, where the config does not say.
struct ClassRow {
  const char* name;  // without the "Fast" at its end
  bool adds_bos;
  bool adds_eos;
  bool prefixes_every_section;
};

constexpr ClassRow kClasses[] = {
    {"LlamaTokenizer", true, false, false},
    {"CodeLlamaTokenizer", true, false, false},
    {"GemmaTokenizer", true, false, false},
    {"T5Tokenizer", false, true, true},
    {"PreTrainedTokenizer", true, false, true},
    {"TokenizersBackend", true, false, true},
    {"SentencePieceBackend", true, false, true},
};

absl::StatusOr<ClassRow> ClassOf(const json& config, const std::string& path,
                                 const std::string& file) {
  SFT_ASSIGN_OR_RETURN(std::string name,
                       formats::StringField(config, "tokenizer_class",
                                            "PreTrainedTokenizer", file));
  name = ToStd(absl::StripSuffix(name, "Fast"));
  std::vector<std::string> known;
  for (const ClassRow& row : kClasses) {
    if (name == row.name) return row;
    known.push_back(row.name);
  }
  return InputError(
      file, absl::StrCat("tokenizer_class \"", name,
                         "\" may give other ids to ", path,
                         " than the file itself does (as it stands it is "
                         "read for ",
                         absl::StrJoin(known, ", "),
                         "); write tokenizer.json: AutoTokenizer"
                         ".from_pretrained(F).save_pretrained(F) with F the "
                         "folder"));
}

// "added_tokens_decoder": {"32000": {"content": ...}}, and the older file
// {"<pad>": 32000}.
absl::StatusOr<std::vector<AddedToken>> DeclaredTokens(
    const std::string& folder, const json& config, const std::string& file) {
  json list = json::array();
  const json* decoder = formats::FindField(config, "added_tokens_decoder");
  if (decoder != nullptr && !decoder->is_object()) {
    return InputError(file, "added_tokens_decoder must be an object");
  }
  if (decoder != nullptr) {
    for (const auto& [key, token] : decoder->items()) {
      int32_t id = 0;
      if (!token.is_object() || !absl::SimpleAtoi(key, &id)) {
        return InputError(
            file, absl::StrCat("added_tokens_decoder: \"", key.substr(0, 64),
                               "\" is no id with a token"));
      }
      list.push_back(token);
      list.back()["id"] = id;
    }
  }
  const std::string older = folder + "/added_tokens.json";
  if (FileExists(older)) {
    SFT_ASSIGN_OR_RETURN(const json root, formats::ReadJsonDocument(older));
    if (!root.is_object()) return InputError(older, "must be a JSON object");
    for (const auto& [content, id] : root.items()) {
      bool special = false;
      for (const char* name : {"bos_token", "eos_token", "pad_token"}) {
        special = special || formats::TokenText(config, name) == content;
      }
      list.push_back({{"id", id}, {"content", content}, {"special", special}});
    }
  }
  SFT_ASSIGN_OR_RETURN(std::vector<AddedToken> tokens,
                       AddedTokens::Parse(list, file));
  // They are looked for in the text as it is written.
  for (AddedToken& token : tokens) token.normalized = false;
  return tokens;
}

}  // namespace

std::string TokenizerModelPath(const std::string& folder) {
  for (const char* name : kNames) {
    if (std::string path = absl::StrCat(folder, "/", name); FileExists(path)) {
      return path;
    }
  }
  return "";
}

absl::StatusOr<TokenizerParts> ReadTokenizerModel(const std::string& folder,
                                                  const json& config) {
  const std::string path = TokenizerModelPath(folder);
  const std::string file = folder + "/tokenizer_config.json";
  SFT_ASSIGN_OR_RETURN(const formats::SentencePieceModel model,
                       formats::ReadSentencePiece(path));
  SFT_ASSIGN_OR_RETURN(const ClassRow row, ClassOf(config, path, file));
  SFT_ASSIGN_OR_RETURN(
      const bool every_section,
      formats::BoolField(config, "legacy", row.prefixes_every_section, file));
  SFT_ASSIGN_OR_RETURN(const bool prefixes,
                       formats::BoolField(config, "add_prefix_space",
                                          model.add_dummy_prefix, file));
  SFT_ASSIGN_OR_RETURN(
      const bool adds_bos,
      formats::BoolField(config, "add_bos_token", row.adds_bos, file));
  SFT_ASSIGN_OR_RETURN(
      const bool adds_eos,
      formats::BoolField(config, "add_eos_token", row.adds_eos, file));
  SFT_ASSIGN_OR_RETURN(std::vector<AddedToken> added,
                       DeclaredTokens(folder, config, file));
  const DummyPrefix prefix = !prefixes       ? DummyPrefix::kNone
                             : every_section ? DummyPrefix::kEverySection
                                             : DummyPrefix::kFirstSection;
  SFT_ASSIGN_OR_RETURN(
      TokenizerParts parts,
      MakeSentencePieceParts(model, std::move(added), prefix, path));
  const auto id_of = [&](const char* name, std::optional<int32_t> own) {
    const std::string text = formats::TokenText(config, name);
    return text.empty() ? own : parts.TokenId(text);
  };
  if (const auto bos = id_of("bos_token", parts.bos_id); adds_bos && bos) {
    parts.post.single.before = {*bos};
  }
  if (const auto eos = id_of("eos_token", parts.eos_id); adds_eos && eos) {
    parts.post.single.after = {*eos};
  }
  return parts;
}

}  // namespace sft::text
