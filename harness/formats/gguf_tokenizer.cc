#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "harness/core/status.h"
#include "harness/formats/gguf.h"

namespace sft::formats {
namespace {

// A token id of the vocabulary, or nothing if the key is absent.
absl::StatusOr<std::optional<int32_t>> ReadTokenId(const GgufFile& file,
                                                   const std::string& name,
                                                   size_t vocabulary) {
  const std::string key = absl::StrCat("tokenizer.ggml.", name, "_token_id");
  if (!file.Has(key)) return std::optional<int32_t>();
  SFT_ASSIGN_OR_RETURN(int64_t id, file.Get<int64_t>(key));
  if (id < 0 || static_cast<uint64_t>(id) >= vocabulary) {
    return InputError(
        file.path(),
        absl::StrCat("key ", key, ": ", id, " is no token of ", vocabulary));
  }
  return std::optional<int32_t>(static_cast<int32_t>(id));
}

absl::StatusOr<std::optional<bool>> ReadFlag(const GgufFile& file,
                                             const std::string& key) {
  if (!file.Has(key)) return std::optional<bool>();
  SFT_ASSIGN_OR_RETURN(const bool value, file.Get<bool>(key));
  return std::optional<bool>(value);
}

absl::Status WrongLength(const GgufFile& file, const std::string& key,
                         size_t has, size_t wanted) {
  return InputError(file.path(), absl::StrCat("key ", key, " has ", has,
                                              " entries, wanted ", wanted));
}

}  // namespace

absl::StatusOr<GgufTokenizerData> TokenizerOf(const GgufFile& file) {
  GgufTokenizerData out;
  SFT_ASSIGN_OR_RETURN(out.model,
                       file.Get<std::string>("tokenizer.ggml.model"));
  if (file.Has("tokenizer.ggml.pre")) {
    SFT_ASSIGN_OR_RETURN(out.pre, file.Get<std::string>("tokenizer.ggml.pre"));
  }
  SFT_ASSIGN_OR_RETURN(
      out.tokens, file.Get<std::vector<std::string>>("tokenizer.ggml.tokens"));
  const size_t vocabulary = out.tokens.size();
  const std::string types = "tokenizer.ggml.token_type";
  if (file.Has(types)) {
    SFT_ASSIGN_OR_RETURN(std::vector<int64_t> values,
                         file.Get<std::vector<int64_t>>(types));
    if (values.size() != vocabulary) {
      return WrongLength(file, types, values.size(), vocabulary);
    }
    for (int64_t value : values) {
      if (value < 0 || value > std::numeric_limits<int32_t>::max()) {
        return InputError(file.path(), absl::StrCat("key ", types,
                                                    ": no token type ", value));
      }
      out.token_types.push_back(static_cast<int32_t>(value));
    }
  }
  if (file.Has("tokenizer.ggml.merges")) {
    SFT_ASSIGN_OR_RETURN(out.merges, file.Get<std::vector<std::string>>(
                                         "tokenizer.ggml.merges"));
  }
  const std::string scores = "tokenizer.ggml.scores";
  if (file.Has(scores)) {
    SFT_ASSIGN_OR_RETURN(std::vector<double> values,
                         file.Get<std::vector<double>>(scores));
    if (values.size() != vocabulary) {
      return WrongLength(file, scores, values.size(), vocabulary);
    }
    out.scores.assign(values.begin(), values.end());
  }
  SFT_ASSIGN_OR_RETURN(out.bos, ReadTokenId(file, "bos", vocabulary));
  SFT_ASSIGN_OR_RETURN(out.eos, ReadTokenId(file, "eos", vocabulary));
  SFT_ASSIGN_OR_RETURN(out.eot, ReadTokenId(file, "eot", vocabulary));
  SFT_ASSIGN_OR_RETURN(out.eom, ReadTokenId(file, "eom", vocabulary));
  SFT_ASSIGN_OR_RETURN(out.unk, ReadTokenId(file, "unknown", vocabulary));
  SFT_ASSIGN_OR_RETURN(out.pad, ReadTokenId(file, "padding", vocabulary));
  // So the key is spelled.
  SFT_ASSIGN_OR_RETURN(out.sep, ReadTokenId(file, "seperator", vocabulary));
  SFT_ASSIGN_OR_RETURN(out.add_bos,
                       ReadFlag(file, "tokenizer.ggml.add_bos_token"));
  SFT_ASSIGN_OR_RETURN(out.add_eos,
                       ReadFlag(file, "tokenizer.ggml.add_eos_token"));
  SFT_ASSIGN_OR_RETURN(out.add_space_prefix,
                       ReadFlag(file, "tokenizer.ggml.add_space_prefix"));
  SFT_ASSIGN_OR_RETURN(
      out.remove_extra_whitespaces,
      ReadFlag(file, "tokenizer.ggml.remove_extra_whitespaces"));
  const std::string charsmap = "tokenizer.ggml.precompiled_charsmap";
  if (file.Has(charsmap)) {
    SFT_ASSIGN_OR_RETURN(const std::vector<int64_t> bytes,
                         file.Get<std::vector<int64_t>>(charsmap));
    // Of type u8, or i8.
    for (int64_t byte : bytes) out.charsmap.push_back(static_cast<char>(byte));
  }
  if (const auto name = file.Get<std::string>("general.name"); name.ok()) {
    const std::string low = absl::AsciiStrToLower(*name);
    out.strips_behind_special =
        absl::StrContains(low, "phi-3") || absl::StrContains(low, "phi3");
  }
  if (file.Has("tokenizer.chat_template")) {
    SFT_ASSIGN_OR_RETURN(std::string text,
                         file.Get<std::string>("tokenizer.chat_template"));
    out.chat_template = std::move(text);
  }
  return out;
}

}  // namespace sft::formats
