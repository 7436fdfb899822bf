// See added_tokens.h.
#include "harness/text/added_tokens.h"

#include <algorithm>
#include <utility>

#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/formats/json_fields.h"
#include "harness/text/unicode_class.h"

namespace sft::text {
namespace {

constexpr size_t kMaxContentBytes = 4096;
constexpr size_t kMaxAddedTokens = 1 << 20;
constexpr int64_t kMaxIdsBehindVocabulary = 65536;

// The last character before `end`, which is not 0.
Utf8Char CharBefore(std::string_view text, size_t end) {
  size_t begin = end - 1;
  while (begin > 0 && (text[begin] & 0xC0) == 0x80) --begin;
  return DecodeUtf8At(text, begin);
}

bool InsideWord(std::string_view text, ByteRange range) {
  if (range.begin > 0 && IsWordChar(CharBefore(text, range.begin).code_point)) {
    return true;
  }
  return range.end < text.size() &&
         IsWordChar(DecodeUtf8At(text, range.end).code_point);
}

size_t SkipSpacesLeft(std::string_view text, size_t end, size_t limit) {
  while (end > limit) {
    const Utf8Char c = CharBefore(text, end);
    if (!IsWhitespace(c.code_point)) break;
    end -= c.size_bytes;
  }
  return std::max(end, limit);
}

size_t SkipSpacesRight(std::string_view text, size_t begin) {
  while (begin < text.size()) {
    const Utf8Char c = DecodeUtf8At(text, begin);
    if (!IsWhitespace(c.code_point)) break;
    begin += c.size_bytes;
  }
  return begin;
}

}  // namespace

absl::StatusOr<std::vector<AddedToken>> AddedTokens::Parse(
    const nlohmann::json& list, const std::string& file) {
  std::vector<AddedToken> tokens;
  if (list.is_null()) return tokens;
  if (!list.is_array() || list.size() > kMaxAddedTokens) {
    return InputError(file, "added_tokens must be an array of at most 2^20");
  }
  for (const nlohmann::json& item : list) {
    AddedToken token;
    SFT_ASSIGN_OR_RETURN(const int64_t id,
                         formats::IntField(item, "id", -1, file));
    SFT_ASSIGN_OR_RETURN(token.content,
                         formats::StringField(item, "content", "", file));
    if (id < 0 || id > INT32_MAX) {
      return InputError(file, absl::StrFormat("added token \"%s\" has id %d",
                                              token.content.substr(0, 64), id));
    }
    token.id = static_cast<int32_t>(id);
    SFT_ASSIGN_OR_RETURN(token.special,
                         formats::BoolField(item, "special", false, file));
    SFT_ASSIGN_OR_RETURN(token.single_word,
                         formats::BoolField(item, "single_word", false, file));
    SFT_ASSIGN_OR_RETURN(token.lstrip,
                         formats::BoolField(item, "lstrip", false, file));
    SFT_ASSIGN_OR_RETURN(token.rstrip,
                         formats::BoolField(item, "rstrip", false, file));
    SFT_ASSIGN_OR_RETURN(
        token.normalized,
        formats::BoolField(item, "normalized", !token.special, file));
    tokens.push_back(std::move(token));
  }
  return tokens;
}

absl::StatusOr<AddedTokens> AddedTokens::Make(std::vector<AddedToken> tokens,
                                              const Vocabulary& vocabulary,
                                              const Normalizer& normalizer,
                                              const std::string& file) {
  AddedTokens out;
  const int64_t limit = vocabulary.size() + kMaxIdsBehindVocabulary;
  for (AddedToken& token : tokens) {
    if (token.content.empty()) continue;
    if (token.content.size() > kMaxContentBytes) {
      return InputError(file, "an added token is longer than 4096 bytes");
    }
    token.id = vocabulary.Id(token.content).value_or(token.id);
    if (token.id < 0 || token.id >= limit) {
      return InputError(
          file, absl::StrFormat("id %d of added token \"%s\" is not in [0, %d)",
                                token.id, token.content.substr(0, 64), limit));
    }
    const std::string* other = vocabulary.Token(token.id);
    if (other != nullptr && *other != token.content) {
      return InputError(
          file,
          absl::StrFormat("id %d of added token \"%s\" is that of token \"%s\"",
                          token.id, token.content.substr(0, 64),
                          other->substr(0, 64)));
    }
    if (!out.ids_.emplace(token.content, token.id).second) continue;
    if (!out.by_id_.emplace(token.id, out.tokens_.size()).second) {
      return InputError(
          file, absl::StrFormat("id %d is that of two added tokens", token.id));
    }
    out.max_id_ = std::max(out.max_id_, token.id);
    if (token.normalized) {
      AlignedText content(token.content, /*track=*/false);
      normalizer.Apply(&content);
      out.normalized_.Add(content.text(), out.tokens_.size());
      token.written = content.text();
    } else {
      token.written = token.content;
      out.raw_.Add(token.content, out.tokens_.size());
    }
    out.tokens_.push_back(std::move(token));
  }
  return out;
}

void AddedTokens::Trie::Add(std::string_view content, size_t token) {
  if (content.empty()) return;
  starts[static_cast<unsigned char>(content[0])] = true;
  uint32_t node = 0;
  for (char c : content) {
    const uint64_t key = (uint64_t{node} << 8) | static_cast<unsigned char>(c);
    const auto [it, added] =
        edges.emplace(key, static_cast<uint32_t>(token_of_node.size()));
    if (added) token_of_node.push_back(-1);
    node = it->second;
  }
  if (token_of_node[node] < 0)
    token_of_node[node] = static_cast<int64_t>(token);
}

std::optional<size_t> AddedTokens::Trie::Longest(std::string_view text,
                                                 size_t position,
                                                 size_t* length_bytes) const {
  std::optional<size_t> found;
  uint32_t node = 0;
  for (size_t i = position; i < text.size(); ++i) {
    const auto it =
        edges.find((uint64_t{node} << 8) | static_cast<unsigned char>(text[i]));
    if (it == edges.end()) break;
    node = it->second;
    if (token_of_node[node] >= 0) {
      found = static_cast<size_t>(token_of_node[node]);
      *length_bytes = i + 1 - position;
    }
  }
  return found;
}

std::vector<AddedSection> AddedTokens::Split(std::string_view text,
                                             bool normalized) const {
  const Trie& trie = normalized ? normalized_ : raw_;
  std::vector<AddedSection> sections;
  size_t done = 0;  // end of the last section
  for (size_t i = 0; i < text.size();) {
    size_t length = 0;
    std::optional<size_t> found;
    if (trie.starts[static_cast<unsigned char>(text[i])]) {
      found = trie.Longest(text, i, &length);
    }
    if (!found.has_value()) {
      ++i;
      continue;
    }
    const AddedToken& token = tokens_[*found];
    ByteRange match{i, i + length};
    i = match.end;
    // A match may lie in what the last token's rstrip swallowed.
    if (match.begin < done) continue;
    if (token.single_word && InsideWord(text, match)) continue;
    if (token.lstrip) match.begin = SkipSpacesLeft(text, match.begin, done);
    if (token.rstrip) match.end = SkipSpacesRight(text, match.end);
    if (done < match.begin) sections.push_back({{done, match.begin}, {}});
    sections.push_back({match, token.id});
    done = match.end;
  }
  if (done < text.size()) sections.push_back({{done, text.size()}, {}});
  return sections;
}

const AddedToken* AddedTokens::Find(int32_t id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : &tokens_[it->second];
}

std::optional<int32_t> AddedTokens::Id(std::string_view content) const {
  const auto it = ids_.find(ToAbsl(content));
  if (it == ids_.end()) return std::nullopt;
  return it->second;
}

}  // namespace sft::text
