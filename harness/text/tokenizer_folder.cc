// LoadTokenizerFromFolder: see tokenizer_factory.h.
#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/formats/json.h"
#include "harness/formats/json_fields.h"
#include "harness/formats/special_tokens.h"
#include "harness/text/hf_tokenizer_json.h"
#include "harness/text/tokenizer_factory.h"
#include "harness/text/tokenizer_model.h"

namespace sft::text {
namespace {

using nlohmann::json;

constexpr int64_t kMaxTemplateFileBytes = 1 << 20;

// An empty object where the file is absent.
absl::StatusOr<json> ReadOptional(const std::string& path) {
  if (!FileExists(path)) return json::object();
  SFT_ASSIGN_OR_RETURN(json root, formats::ReadJsonDocument(path));
  if (!root.is_object()) return InputError(path, "must be a JSON object");
  return root;
}

struct Configs {
  json tokenizer, generation, model;
};

// Token `name` ("eos") of the folder: its text, else its id (the first one).
absl::StatusOr<std::optional<int32_t>> SpecialId(const Configs& configs,
                                                 const std::string& name,
                                                 const TokenizerParts& parts,
                                                 const std::string& folder) {
  const std::string token = name + "_token";
  const std::string text = formats::TokenText(configs.tokenizer, token);
  if (!text.empty()) {
    const std::optional<int32_t> id = parts.TokenId(text);
    if (id.has_value()) return id;
    return InputError(
        folder + "/tokenizer_config.json",
        absl::StrCat(token, " \"", text, "\" is not in the vocabulary"));
  }
  const std::string id_name = token + "_id";
  for (const json* config : {&configs.generation, &configs.model}) {
    const json* id = formats::FirstTokenId(*config, id_name);
    if (id == nullptr) continue;
    const bool in_range =
        id->is_number_unsigned() &&
        id->get<uint64_t>() < static_cast<uint64_t>(parts.VocabSize());
    if (!in_range) {
      return InputError(folder, absl::StrCat(id_name, " ", id->dump(),
                                             " is not in the vocabulary"));
    }
    return std::optional<int32_t>(id->get<int32_t>());
  }
  return std::optional<int32_t>();
}

// "eos_token_id" of both configurations, an id or a list of them. What is
// outside of int32 ends no answer of any model.
std::vector<int32_t> StopIdsOf(const Configs& configs) {
  std::set<int32_t> ids;
  const auto add = [&ids](const json& value) {
    if (value.is_number_unsigned() &&
        value.get<uint64_t>() <= std::numeric_limits<int32_t>::max()) {
      ids.insert(value.get<int32_t>());
    }
  };
  for (const json* config : {&configs.generation, &configs.model}) {
    const json* field = formats::FindField(*config, "eos_token_id");
    if (field == nullptr) continue;
    if (!field->is_array()) add(*field);
    for (const json& id : *field) {
      if (field->is_array()) add(id);
    }
  }
  return {ids.begin(), ids.end()};
}

// Special tokens that transformers adds from tokenizer_config.json alone would
// be cut into pieces here: tokenizer.json is what we read.
absl::Status CheckDeclared(const json& config, const TokenizerParts& parts,
                           const std::string& folder,
                           const std::string& source) {
  std::vector<std::string> missing;
  const auto check = [&](const json& token) {
    const json* text =
        token.is_object() ? formats::FindField(token, "content") : &token;
    if (text == nullptr || !text->is_string()) return;
    const auto content = text->get<std::string>();
    if (content.empty() || parts.added.Id(content).has_value()) return;
    const std::string quoted = absl::StrCat("\"", content, "\"");
    if (std::find(missing.begin(), missing.end(), quoted) == missing.end()) {
      missing.push_back(quoted);
    }
  };
  const json* decoder = formats::FindField(config, "added_tokens_decoder");
  if (decoder != nullptr && decoder->is_object()) {
    for (const json& token : *decoder) check(token);
  }
  for (const char* name :
       {"additional_special_tokens", "extra_special_tokens"}) {
    const json* list = formats::FindField(config, name);
    if (list == nullptr || !(list->is_array() || list->is_object())) continue;
    for (const json& token : *list) check(token);
  }
  if (missing.empty()) return absl::OkStatus();
  const size_t shown = std::min<size_t>(missing.size(), 4);
  return InputError(
      folder + "/tokenizer_config.json",
      absl::StrCat(
          "declares special tokens that ", source, " lack: ",
          absl::StrJoin(missing.begin(), missing.begin() + shown, ", "),
          missing.size() > shown
              ? absl::StrCat(" and ", missing.size() - shown, " more")
              : "",
          "; save the tokenizer anew: AutoTokenizer.from_pretrained(F)"
          ".save_pretrained(F) with F the folder"));
}

// tokenizer.json, or where there is none, the SentencePiece model.
absl::StatusOr<TokenizerParts> ReadParts(const std::string& folder,
                                         const Configs& configs) {
  const std::string path = folder + "/tokenizer.json";
  const bool has_json = FileExists(path) || TokenizerModelPath(folder).empty();
  TokenizerParts parts;
  if (has_json) {
    SFT_ASSIGN_OR_RETURN(const json root, formats::ReadJsonDocument(path));
    SFT_ASSIGN_OR_RETURN(parts, ParseTokenizerJson(root, path));
  } else {
    SFT_ASSIGN_OR_RETURN(parts, ReadTokenizerModel(folder, configs.tokenizer));
  }
  SFT_RETURN_IF_ERROR(
      CheckDeclared(configs.tokenizer, parts, folder,
                    has_json ? "the added_tokens of tokenizer.json"
                             : "tokenizer.model and added_tokens_decoder"));
  return parts;
}

}  // namespace

absl::StatusOr<std::optional<std::string>> ChatTemplateSource(
    const std::string& folder, const json& tokenizer_config) {
  const std::string path = folder + "/chat_template.jinja";
  if (FileExists(path)) {
    SFT_ASSIGN_OR_RETURN(std::string source,
                         ReadFile(path, kMaxTemplateFileBytes));
    return std::optional<std::string>(std::move(source));
  }
  const json* field = formats::FindField(tokenizer_config, "chat_template");
  if (field == nullptr) return std::optional<std::string>();
  if (field->is_string()) {
    return std::optional<std::string>(field->get<std::string>());
  }
  // Several named templates: the one called "default".
  if (field->is_array()) {
    for (const json& item : *field) {
      const json* source = formats::FindField(item, "template");
      if (formats::TokenText(item, "name") == "default" && source != nullptr &&
          source->is_string()) {
        return std::optional<std::string>(source->get<std::string>());
      }
    }
  }
  return InputError(folder + "/tokenizer_config.json",
                    "chat_template is neither a string nor a list with a "
                    "template named \"default\"");
}

absl::StatusOr<std::unique_ptr<Tokenizer>> LoadTokenizerFromFolder(
    const std::string& folder) {
  Configs configs;
  SFT_ASSIGN_OR_RETURN(configs.tokenizer,
                       ReadOptional(folder + "/tokenizer_config.json"));
  SFT_ASSIGN_OR_RETURN(configs.generation,
                       ReadOptional(folder + "/generation_config.json"));
  SFT_ASSIGN_OR_RETURN(configs.model, ReadOptional(folder + "/config.json"));
  SFT_ASSIGN_OR_RETURN(TokenizerParts parts, ReadParts(folder, configs));
  SFT_ASSIGN_OR_RETURN(const std::optional<std::string> source,
                       ChatTemplateSource(folder, configs.tokenizer));
  if (source.has_value()) {
    SFT_ASSIGN_OR_RETURN(
        parts.chat_template,
        ChatTemplate::Compile(
            *source, folder + "/chat_template.jinja",
            formats::TokenText(configs.tokenizer, "bos_token"),
            formats::TokenText(configs.tokenizer, "eos_token")));
  }
  // What no config names is what the model itself names.
  SFT_ASSIGN_OR_RETURN(const auto bos,
                       SpecialId(configs, "bos", parts, folder));
  if (bos.has_value()) parts.bos_id = bos;
  SFT_ASSIGN_OR_RETURN(const auto eos,
                       SpecialId(configs, "eos", parts, folder));
  if (eos.has_value()) parts.eos_id = eos;
  // Pads are masked: one that is no token decides nothing.
  const auto pad = SpecialId(configs, "pad", parts, folder);
  if (pad.ok() && pad->has_value()) parts.pad_id = *pad;
  parts.end_of_turn_id = parts.eos_id;
  parts.more_stop_ids = StopIdsOf(configs);
  return std::make_unique<ComposedTokenizer>(std::move(parts));
}

}  // namespace sft::text
