// See composed_tokenizer.h. The order of steps: `tokenizers` 0.23,
// added_vocabulary.rs (extract_and_normalize) and tokenizer/mod.rs.
#include "harness/text/composed_tokenizer.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_join.h"
#include "harness/core/digest.h"
#include "harness/core/status.h"

namespace sft::text {

std::optional<int32_t> TokenizerParts::TokenId(std::string_view token) const {
  const std::optional<int32_t> id = added.Id(token);
  return id.has_value() ? id : model->vocabulary().Id(token);
}

int32_t TokenizerParts::VocabSize() const {
  return std::max(model->vocabulary().size(), added.max_id() + 1);
}

ComposedTokenizer::ComposedTokenizer(TokenizerParts parts)
    : parts_(std::move(parts)),
      vocab_size_(parts_.VocabSize()),
      digest_(ComputeDigest()) {}

std::vector<int32_t> ComposedTokenizer::Encode(std::string_view text) const {
  return Run(text, /*with_offsets=*/false).ids;
}

Encoding ComposedTokenizer::EncodeWithOffsets(std::string_view text) const {
  Encoding out = EncodeInPlace(text);
  if (parts_.post.trims_offsets) TrimOffsets(&out);
  return out;
}

Encoding ComposedTokenizer::EncodeInPlace(std::string_view text) const {
  return Run(text, /*with_offsets=*/true);
}

namespace {

void AddToken(int32_t id, const AlignedText& text, ByteRange range,
              Encoding* out) {
  out->ids.push_back(id);
  if (!text.tracked()) return;
  const ByteRange original = text.OriginalRange(range);
  out->offsets.emplace_back(static_cast<int64_t>(original.begin),
                            static_cast<int64_t>(original.end));
}

// Spaces that begin and end a token as the vocabulary writes it, where a space
// is U+0120.
std::pair<int64_t, int64_t> SpacesAround(std::string_view token) {
  constexpr std::string_view kSpaces[] = {"\u0120", " ", "\t", "\n", "\r"};
  int64_t front = 0, back = 0;
  std::string_view rest = token;
  for (bool found = true; found;) {
    found = false;
    for (std::string_view space : kSpaces) {
      if (!rest.starts_with(space)) continue;
      rest.remove_prefix(space.size());
      ++front;
      found = true;
    }
  }
  rest = token;
  for (bool found = true; found;) {
    found = false;
    for (std::string_view space : kSpaces) {
      if (!rest.ends_with(space)) continue;
      rest.remove_suffix(space.size());
      ++back;
      found = true;
    }
  }
  return {front, back};
}

}  // namespace

Encoding ComposedTokenizer::Run(std::string_view text,
                                bool with_offsets) const {
  Encoding out;
  const AlignedText whole(text, with_offsets);
  for (const AddedSection& outer : parts_.added.Split(whole.text(), false)) {
    if (outer.id.has_value()) {
      AddToken(*outer.id, whole, outer.range, &out);
      continue;
    }
    AlignedText section = whole.Slice(outer.range);
    parts_.normalizer->Apply(&section);
    for (const AddedSection& inner : parts_.added.Split(section.text(), true)) {
      if (inner.id.has_value()) {
        AddToken(*inner.id, section, inner.range, &out);
        continue;
      }
      RunSection(section.Slice(inner.range), &out);
    }
  }
  return out;
}

// As process_offsets() of processors/byte_level.rs; a space is one byte here
// and there.
void ComposedTokenizer::TrimOffsets(Encoding* out) const {
  for (size_t i = 0; i < out->ids.size(); ++i) {
    const AddedToken* added = parts_.added.Find(out->ids[i]);
    const std::string* known = parts_.model->vocabulary().Token(out->ids[i]);
    if (added == nullptr && known == nullptr) continue;
    const std::string_view token = added != nullptr ? added->content : *known;
    const auto [front, back] = SpacesAround(token);
    auto& [begin, end] = out->offsets[i];
    const bool keeps =
        front > 0 && (i == 0 || begin == 0) && parts_.post.keeps_first_space;
    begin = std::min(begin + front - (keeps ? 1 : 0), end);
    if (end >= back) end = std::max(end - back, begin);
  }
}

void ComposedTokenizer::RunSection(AlignedText section, Encoding* out) const {
  PreTokenizedText words;
  words.pieces = {{0, section.text().size()}};
  words.text = std::move(section);
  parts_.pre_tokenizer->Apply(&words);
  std::vector<Subword> subwords;
  for (const ByteRange& piece : words.pieces) {
    subwords.clear();
    parts_.model->Encode(words.Piece(piece), &subwords);
    for (const Subword& s : subwords) {
      AddToken(s.id, words.text, {piece.begin + s.begin, piece.begin + s.end},
               out);
    }
  }
}

std::string ComposedTokenizer::Decode(const std::vector<int32_t>& ids,
                                      bool skip_special_tokens) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (int32_t id : ids) {
    const AddedToken* added = parts_.added.Find(id);
    if (added != nullptr) {
      if (!(skip_special_tokens && added->special)) {
        tokens.push_back(added->written);
      }
    } else if (const std::string* token =
                   parts_.model->vocabulary().Token(id)) {
      tokens.push_back(*token);
    }
  }
  parts_.decoder->Apply(&tokens);
  std::string out;
  for (const std::string& token : tokens) out += token;
  return out;
}

std::optional<int32_t> ComposedTokenizer::TokenId(
    std::string_view token) const {
  return parts_.TokenId(token);
}

std::vector<int32_t> ComposedTokenizer::stop_ids() const {
  std::vector<int32_t> ids = Tokenizer::stop_ids();
  for (int32_t id : parts_.more_stop_ids) {
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

absl::StatusOr<RenderedChat> ComposedTokenizer::RenderChatWith(
    const std::vector<ChatTurn>& turns, std::string_view variables,
    bool add_generation_prompt) const {
  if (!parts_.chat_template.has_value()) {
    return absl::FailedPreconditionError(
        "this model has no chat template: use a plain prompt form");
  }
  return parts_.chat_template->Render(turns, variables, add_generation_prompt);
}

absl::StatusOr<std::string> ComposedTokenizer::RenderChat(
    const std::vector<ChatTurn>& turns, bool add_generation_prompt) const {
  SFT_ASSIGN_OR_RETURN(RenderedChat chat,
                       RenderChatWith(turns, "", add_generation_prompt));
  return std::move(chat.text);
}

std::string ComposedTokenizer::ComputeDigest() const {
  Sha256 digest;
  const Vocabulary& vocabulary = parts_.model->vocabulary();
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const std::string* token = vocabulary.Token(id);
    digest.UpdateField(token != nullptr ? *token : "");
  }
  parts_.model->AddToDigest(&digest);
  for (const AddedToken& token : parts_.added.tokens()) {
    digest.UpdateField(token.content);
    digest.UpdateField(absl::StrCat(
        token.id, token.special ? " special" : "",
        token.single_word ? " word" : "", token.lstrip ? " lstrip" : "",
        token.rstrip ? " rstrip" : "", token.normalized ? " normalized" : ""));
  }
  digest.UpdateField(parts_.pipeline);
  for (const auto& id : {parts_.bos_id, parts_.eos_id, parts_.end_of_turn_id,
                         std::optional<int32_t>(pad_id())}) {
    digest.UpdateField(absl::StrCat(id.value_or(-1)));
  }
  if (parts_.post.layout.has_value()) {
    const InputLayout& layout = *parts_.post.layout;
    for (const auto* ids : {&layout.before, &layout.between, &layout.after}) {
      digest.UpdateField(absl::StrJoin(*ids, " "));
    }
    digest.UpdateField(absl::StrCat("types ", layout.second_type));
  } else if (parts_.post.single != AddedIds()) {
    digest.UpdateField(absl::StrJoin(parts_.post.single.before, " "));
    digest.UpdateField(absl::StrJoin(parts_.post.single.after, " "));
  }
  // Only where the files list more than the two ids above: other digests hold.
  if (const std::vector<int32_t> stops = stop_ids();
      stops.size() > Tokenizer::stop_ids().size()) {
    digest.UpdateField(absl::StrCat("stops ", absl::StrJoin(stops, " ")));
  }
  digest.UpdateField(
      parts_.chat_template.has_value() ? parts_.chat_template->source() : "");
  return digest.Hex();
}

}  // namespace sft::text
