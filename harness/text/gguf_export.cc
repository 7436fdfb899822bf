#include "harness/text/gguf_export.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/str_replace.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/formats/json.h"
#include "harness/formats/json_fields.h"
#include "harness/formats/special_tokens.h"
#include "harness/text/gguf_pre_tokenizer.h"
#include "harness/text/tokenizer_factory.h"

namespace sft::text {
namespace {

using nlohmann::json;

constexpr char kLowerBlock[] = "\xe2\x96\x81";  // SentencePiece's space

// Whether `value` or anything in it is an object with this "type".
const json* FindType(const json& value, const std::string& type) {
  if (value.is_object()) {
    const json* own = formats::FindField(value, "type");
    if (own != nullptr && *own == type) return &value;
  }
  if (!value.is_structured()) return nullptr;
  for (const json& part : value) {
    if (const json* found = FindType(part, type)) return found;
  }
  return nullptr;
}

json FieldOf(const json& object, const char* name) {
  const json* field = formats::FindField(object, name);
  return field != nullptr ? *field : json();
}

// Null counts as absent, as in the tokenizer that was read.
bool FlagOf(const json& object, const char* name, bool fallback) {
  const json* field = formats::FindField(object, name);
  return field != nullptr && field->is_boolean() ? field->get<bool>()
                                                 : fallback;
}
std::string TextOf(const json& object, const char* name,
                   const std::string& fallback) {
  const json* field = formats::FindField(object, name);
  return field != nullptr && field->is_string() ? field->get<std::string>()
                                                : fallback;
}

// "<0x0A>", of a byte.
bool IsByteToken(const std::string& token) {
  return token.size() == 6 && token.compare(0, 3, "<0x") == 0 &&
         token[5] == '>';
}

// The two parts of a merge, written as a pair or as one string.
std::pair<std::string, std::string> MergeOf(const json& merge) {
  if (merge.is_array() && merge.size() == 2) {
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  }
  const auto text = merge.get<std::string>();
  const size_t space = text.find(' ', 1);
  return {text.substr(0, space),
          space == std::string::npos ? "" : text.substr(space + 1)};
}

// Tokens by id with types, vocabulary and added ones; ids that are none get a
// name that nobody writes.
absl::Status FillTokens(const json& root, const std::string& file,
                        int64_t vocabulary, bool has_bytes,
                        formats::GgufTokenizerData& data) {
  const json& model = root["model"];
  const auto size = static_cast<size_t>(vocabulary);
  data.tokens.assign(size, "");
  data.token_types.assign(size, formats::kUnusedToken);
  for (size_t i = 0; i < size; ++i) {
    data.tokens[i] = absl::StrCat("[PAD", i, "]");
  }
  const auto put = [&](const std::string& token, int64_t id,
                       int32_t type) -> absl::Status {
    if (id < 0 || id >= vocabulary) {
      return InputError(
          file, absl::StrCat("token \"", token.substr(0, 64), "\" has the id ",
                             id, ", the embedding ", vocabulary, " rows"));
    }
    data.tokens[static_cast<size_t>(id)] = token;
    data.token_types[static_cast<size_t>(id)] = type;
    return absl::OkStatus();
  };
  for (const auto& [token, id] : model["vocab"].items()) {
    const bool is_byte = has_bytes && IsByteToken(token);
    SFT_RETURN_IF_ERROR(
        put(token, id.get<int64_t>(),
            is_byte ? formats::kByteToken : formats::kOrdinaryToken));
  }
  for (const json& added : FieldOf(root, "added_tokens")) {
    const bool special = FlagOf(added, "special", false);
    std::string content = TextOf(added, "content", "");
    // llama.cpp looks for these in text as it was written.
    if (has_bytes && !special) {
      content = absl::StrReplaceAll(content, {{kLowerBlock, " "}});
    }
    SFT_RETURN_IF_ERROR(
        put(content, added.value("id", int64_t{-1}),
            special ? formats::kControlToken : formats::kUserDefinedToken));
  }
  return absl::OkStatus();
}

// A token's score is the place of the first merge that gives it: llama.cpp
// joins the pair whose token has the largest.
std::vector<float> ScoresOf(const json& merges,
                            const std::vector<std::string>& tokens) {
  std::map<std::string, float> ranks;
  for (const json& merge : merges) {
    const auto [left, right] = MergeOf(merge);
    ranks.emplace(left + right, -static_cast<float>(ranks.size()));
  }
  // What no merge gives comes last.
  const float last = -static_cast<float>(ranks.size()) - 1;
  std::vector<float> scores;
  for (const std::string& token : tokens) {
    const auto rank = ranks.find(token);
    scores.push_back(rank == ranks.end() ? last : rank->second);
  }
  return scores;
}

// Whether text begins with a space that is not written.
bool PrependsSpace(const json& root) {
  if (FindType(FieldOf(root, "normalizer"), "Prepend") != nullptr) return true;
  const json pre = FieldOf(root, "pre_tokenizer");
  const json* metaspace = FindType(pre, "Metaspace");
  if (metaspace == nullptr) return false;
  return FlagOf(*metaspace, "add_prefix_space", true) &&
         TextOf(*metaspace, "prepend_scheme", "always") != "never";
}

absl::Status FillSpecialIds(const Tokenizer& tokenizer, const std::string& file,
                            GgufTokenizerExport& out) {
  formats::GgufTokenizerData& data = out.data;
  data.bos = tokenizer.bos_id();
  data.eos = tokenizer.eos_id();
  const AddedIds around = tokenizer.added_ids();
  const auto is = [](const std::vector<int32_t>& ids,
                     std::optional<int32_t> id) {
    return id.has_value() && ids == std::vector<int32_t>{*id};
  };
  data.add_bos = is(around.before, data.bos);
  data.add_eos = is(around.after, data.eos);
  if ((!around.before.empty() && !*data.add_bos) ||
      (!around.after.empty() && !*data.add_eos)) {
    return InputError(file,
                      "its post_processor puts other tokens around a text than "
                      "bos and eos, which llama.cpp cannot");
  }
  std::string left;
  for (int32_t id : tokenizer.stop_ids()) {
    if (id == data.eos || id == tokenizer.end_of_turn_id()) continue;
    if (!data.eom.has_value()) {
      data.eom = id;
    } else {
      absl::StrAppend(&left, left.empty() ? "" : ", ", id);
    }
  }
  if (tokenizer.end_of_turn_id() != data.eos) {
    data.eot = tokenizer.end_of_turn_id();
  }
  if (!left.empty()) {
    out.notes.push_back(absl::StrCat(
        "GGUF has no key for the tokens that end an answer beside eos and one "
        "more: ",
        left));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<GgufTokenizerExport> GgufTokenizerOfFolder(
    const std::string& folder, const Tokenizer& tokenizer, int64_t vocabulary) {
  const std::string file = folder + "/tokenizer.json";
  SFT_ASSIGN_OR_RETURN(const json root, formats::ReadJsonDocument(file));
  const json model = FieldOf(root, "model");
  const bool by_bytes =
      FindType(FieldOf(root, "pre_tokenizer"), "ByteLevel") != nullptr;
  const bool has_bytes = !by_bytes && FlagOf(model, "byte_fallback", false);
  // Files older than 2020 name no type.
  const std::string type = TextOf(model, "type", "BPE");
  if (type != "BPE" || !(by_bytes || has_bytes)) {
    return InputError(
        file, absl::StrCat("llama.cpp reads byte-level BPE and SentencePiece's "
                           "BPE with tokens of bytes; this is ",
                           type, " without"));
  }
  GgufTokenizerExport out;
  formats::GgufTokenizerData& data = out.data;
  SFT_RETURN_IF_ERROR(FillTokens(root, file, vocabulary, has_bytes, data));
  const json merges = FieldOf(model, "merges");
  const json* normalizer = formats::FindField(root, "normalizer");
  if (by_bytes) {
    data.model = "gpt2";
    data.pre = GgufPreTokenizerName(FieldOf(root, "pre_tokenizer"),
                                    FlagOf(model, "ignore_merges", false));
    if (data.pre.empty()) {
      return InputError(file,
                        "llama.cpp has no pre-tokenizer that cuts text as this "
                        "one does (or none that this program knows)");
    }
    for (const json& merge : merges) {
      const auto [left, right] = MergeOf(merge);
      data.merges.push_back(absl::StrCat(left, " ", right));
    }
    if (normalizer != nullptr) {
      out.notes.emplace_back(
          "llama.cpp does not normalize text as tokenizer.json does: what is "
          "no NFC may get other tokens");
    }
  } else {
    data.model = "llama";
    data.pre = "default";
    data.add_space_prefix = PrependsSpace(root);
    data.scores = ScoresOf(merges, data.tokens);
  }
  const std::string unknown = formats::TokenText(model, "unk_token");
  if (!unknown.empty()) {
    data.unk = tokenizer.TokenId(unknown);
    if (data.unk.has_value() && has_bytes) {
      data.token_types[static_cast<size_t>(*data.unk)] = formats::kUnknownToken;
    }
  }
  SFT_RETURN_IF_ERROR(FillSpecialIds(tokenizer, file, out));
  json config = json::object();
  const std::string config_file = folder + "/tokenizer_config.json";
  if (FileExists(config_file)) {
    SFT_ASSIGN_OR_RETURN(config, formats::ReadJsonDocument(config_file));
  }
  const std::string pad = formats::TokenText(config, "pad_token");
  if (!pad.empty()) data.pad = tokenizer.TokenId(pad);
  SFT_ASSIGN_OR_RETURN(data.chat_template, ChatTemplateSource(folder, config));
  return out;
}

}  // namespace sft::text
