// See vocabulary.h.
#include "harness/text/vocabulary.h"

#include <utility>

#include "harness/core/status.h"

namespace sft::text {
namespace {
constexpr size_t kMaxHoles = 65536;
constexpr size_t kMaxTokens = size_t{1} << 24;
}  // namespace

absl::StatusOr<Vocabulary> Vocabulary::FromJson(const nlohmann::json& object,
                                                const std::string& file) {
  if (!object.is_object() || object.empty()) {
    return InputError(file, "model.vocab must be an object with tokens");
  }
  if (object.size() > kMaxTokens) {
    return InputError(file, "model.vocab has more than 2^24 tokens");
  }
  const size_t limit = object.size() + kMaxHoles;
  Vocabulary out;
  out.ids_.reserve(object.size());
  for (const auto& [token, id] : object.items()) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= limit) {
      return InputError(
          file,
          absl::StrFormat("id %s of token \"%s\" is not in [0, %d)",
                          id.dump().substr(0, 32), token.substr(0, 64), limit));
    }
    const size_t index = id.get<size_t>();
    if (index >= out.tokens_.size()) {
      out.tokens_.resize(index + 1);
      out.present_.resize(index + 1, false);
    }
    if (out.present_[index]) {
      return InputError(file,
                        absl::StrFormat("id %d is that of two tokens", index));
    }
    out.tokens_[index] = token;
    out.present_[index] = true;
    out.ids_.emplace(token, static_cast<int32_t>(index));
  }
  return out;
}

absl::StatusOr<Vocabulary> Vocabulary::FromTokens(
    std::vector<std::string> tokens, const std::string& file) {
  if (tokens.empty() || tokens.size() > kMaxTokens) {
    return InputError(
        file, absl::StrFormat("%d tokens, wanted 1 to 2^24", tokens.size()));
  }
  Vocabulary out;
  out.tokens_ = std::move(tokens);
  out.present_.assign(out.tokens_.size(), true);
  out.ids_.reserve(out.tokens_.size());
  for (size_t i = 0; i < out.tokens_.size(); ++i) {
    out.ids_.emplace(out.tokens_[i], static_cast<int32_t>(i));
  }
  return out;
}

std::optional<int32_t> Vocabulary::Id(std::string_view token) const {
  const auto it = ids_.find(ToAbsl(token));
  if (it == ids_.end()) return std::nullopt;
  return it->second;
}

const std::string* Vocabulary::Token(int32_t id) const {
  if (id < 0 || id >= size() || !present_[static_cast<size_t>(id)]) {
    return nullptr;
  }
  return &tokens_[static_cast<size_t>(id)];
}

}  // namespace sft::text
