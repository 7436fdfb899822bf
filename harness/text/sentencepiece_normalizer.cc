#include "harness/text/sentencepiece_normalizer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "harness/core/status.h"
#include "harness/core/utf8.h"

namespace sft::text {
namespace {

// The new text, and for each of its bytes where in the old one it comes from.
struct Written {
  bool tracked;
  std::string text;
  std::vector<size_t> from;  // empty if not tracked

  void Add(std::string_view bytes, size_t at) {
    text.append(bytes);
    if (tracked) from.resize(text.size(), at);
  }
  void AddRun(std::string_view bytes, size_t at) {
    text.append(bytes);
    if (!tracked) return;
    for (size_t i = 0; i < bytes.size(); ++i) from.push_back(at + i);
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<SentencePieceNormalizer>>
SentencePieceNormalizer::Make(const formats::SentencePieceModel& model,
                              DummyPrefix prefix, const std::string& file) {
  std::unique_ptr<SentencePieceNormalizer> out(new SentencePieceNormalizer());
  SFT_ASSIGN_OR_RETURN(out->charsmap_,
                       PrecompiledCharsmap::Parse(model.charsmap, file));
  std::vector<ByteTrie::Entry> symbols;
  for (const formats::SentencePiece& piece : model.pieces) {
    if (piece.type == formats::PieceType::kUserDefined) {
      symbols.emplace_back(piece.text, 0);
    }
  }
  out->symbols_ = ByteTrie(std::move(symbols));
  for (int c = 1; c < 0x80; ++c) {
    const char first = static_cast<char>(c);
    bool plain = !out->symbols_.HasBegin(std::string_view(&first, 1)) &&
                 !out->charsmap_.Longest(std::string_view(&first, 1));
    for (int d = 0; plain && d < 0x80; ++d) {
      const char pair[] = {first, static_cast<char>(d)};
      plain = !out->charsmap_.HasBegin(std::string_view(pair, 2));
    }
    out->plain_[static_cast<size_t>(c)] = plain && c != ' ';
  }
  out->prefix_ = prefix;
  out->collapses_spaces_ = model.remove_extra_whitespaces;
  out->escapes_spaces_ = model.escape_whitespaces;
  out->as_suffix_ = model.whitespace_as_suffix;
  return out;
}

SentencePieceNormalizer::Step SentencePieceNormalizer::StepAt(
    std::string_view text) const {
  if (const auto symbol = symbols_.Longest(text)) {
    return {text.substr(0, symbol->second), symbol->second};
  }
  if (const auto match = charsmap_.Longest(text)) {
    return {match->normal, match->size_bytes};
  }
  const size_t size = DecodeUtf8At(text, 0).size_bytes;
  return {text.substr(0, size), size};
}

size_t SentencePieceNormalizer::PlainRun(std::string_view text,
                                         size_t at) const {
  size_t end = at;
  while (end < text.size() && plain_[static_cast<unsigned char>(text[end])]) {
    ++end;
  }
  // The last one may be the beginning of what the map takes together.
  const bool cut = end < text.size() && end > at &&
                   static_cast<unsigned char>(text[end]) >= 0x80;
  return end - at - (cut ? 1 : 0);
}

void SentencePieceNormalizer::Apply(AlignedText* text) const {
  const std::string_view old = text->text();
  size_t at = 0;
  while (collapses_spaces_ && at < old.size()) {
    const Step step = StepAt(old.substr(at));
    if (step.normal != " ") break;
    at += step.size_bytes;
  }
  Written out{text->tracked(), {}, {}};
  const std::string_view space = escapes_spaces_ ? kSpaceSymbol : " ";
  const bool prefixes =
      prefix_ == DummyPrefix::kEverySection ||
      (prefix_ == DummyPrefix::kFirstSection && text->starts_original());
  if (at < old.size()) {
    out.text.reserve(old.size() + old.size() / 4 + space.size());
    if (prefixes && !as_suffix_) out.Add(space, at);
  }
  const bool empty = at >= old.size();
  bool after_space = collapses_spaces_;
  while (at < old.size()) {
    if (const size_t run = PlainRun(old, at); run > 0) {
      out.AddRun(old.substr(at, run), at);
      at += run;
      after_space = false;
      continue;
    }
    const Step step = StepAt(old.substr(at));
    std::string_view normal = step.normal;
    while (after_space && normal.starts_with(' ')) normal.remove_prefix(1);
    for (size_t i = 0; i < normal.size();) {
      const size_t blank = normal.find(' ', i);
      const size_t end = std::min(blank, normal.size());
      out.Add(normal.substr(i, end - i), at);
      if (blank != std::string_view::npos) out.Add(space, at);
      i = end + 1;
    }
    if (!normal.empty()) after_space = normal.ends_with(' ');
    if (!collapses_spaces_) after_space = false;
    at += step.size_bytes;
  }
  size_t end = old.size();
  while (collapses_spaces_ && out.text.ends_with(space)) {
    out.text.resize(out.text.size() - space.size());
    if (!out.tracked) continue;
    end = out.from[out.text.size()];
    out.from.resize(out.text.size());
  }
  if (!empty && prefixes && as_suffix_) out.Add(space, end);
  if (out.tracked) out.from.push_back(end);
  text->Rewrite(std::move(out.text), out.from);
}

}  // namespace sft::text
