#include "harness/data/entity_spans.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <algorithm>

#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/data/unicode.h"

namespace sft::data {
namespace {

using Json = nlohmann::json;

enum class CharKind { kSpace, kWord, kDigit, kOwnWord };

CharKind KindOf(char32_t code_point) {
  const auto c = static_cast<UChar32>(code_point);
  if (u_isUWhiteSpace(c)) return CharKind::kSpace;
  UErrorCode error = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(c, &error);
  if (u_hasBinaryProperty(c, UCHAR_IDEOGRAPHIC) || script == USCRIPT_HIRAGANA ||
      script == USCRIPT_KATAKANA) {
    return CharKind::kOwnWord;
  }
  if (u_isdigit(c)) return CharKind::kDigit;
  const uint32_t kept = U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK;
  return c == '_' || (U_GET_GC_MASK(c) & kept) != 0 ? CharKind::kWord
                                                    : CharKind::kOwnWord;
}

// Between two characters of a word: don't, U.S, 1,000.
bool Joins(char32_t c, CharKind before, CharKind behind) {
  const auto of_word = [](CharKind kind) {
    return kind == CharKind::kWord || kind == CharKind::kDigit;
  };
  if (!of_word(before) || !of_word(behind)) return false;
  if (c == ',') {
    return before == CharKind::kDigit && behind == CharKind::kDigit;
  }
  return c == '.' || c == '\'' || c == U'\u2019';
}

struct TextChar {
  char32_t code_point = 0;
  size_t begin = 0, end = 0;  // bytes
  CharKind kind = CharKind::kSpace;
};

std::vector<TextChar> CharsOf(std::string_view text) {
  std::vector<TextChar> chars;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = DecodeUtf8At(text, at);
    chars.push_back(
        {c.code_point, at, at + c.size_bytes, KindOf(c.code_point)});
    at += c.size_bytes;
  }
  return chars;
}

// Characters of each word, half open.
std::vector<std::pair<int64_t, int64_t>> CharRangesOfWords(
    const std::vector<TextChar>& chars) {
  std::vector<std::pair<int64_t, int64_t>> words;
  const int64_t count = std::ssize(chars);
  for (int64_t i = 0; i < count;) {
    if (chars[i].kind == CharKind::kSpace) {
      ++i;
      continue;
    }
    int64_t end = i + 1;
    while (chars[i].kind != CharKind::kOwnWord && end < count) {
      const CharKind kind = chars[end].kind;
      const bool joins =
          end + 1 < count && Joins(chars[end].code_point, chars[end - 1].kind,
                                   chars[end + 1].kind);
      if (kind != CharKind::kWord && kind != CharKind::kDigit && !joins) break;
      end += joins ? 2 : 1;
    }
    words.emplace_back(i, end);
    i = end;
  }
  return words;
}

absl::StatusOr<int64_t> OffsetAt(const Json& span,
                                 std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto found = span.find(name);
    if (found == span.end()) continue;
    if (found->is_number_integer()) return found->get<int64_t>();
    return absl::InvalidArgumentError(absl::StrCat(
        "an entity's ", name, ": wanted a number, found ", found->type_name()));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("an entity without '", *names.begin(), "'"));
}

absl::StatusOr<EntitySpan> SpanOfObject(const Json& span) {
  EntitySpan out;
  SFT_ASSIGN_OR_RETURN(out.begin,
                       OffsetAt(span, {"start", "start_offset", "begin"}));
  SFT_ASSIGN_OR_RETURN(out.end, OffsetAt(span, {"end", "end_offset"}));
  for (const char* name : {"label", "type", "tag", "entity_group", "labels"}) {
    const auto found = span.find(name);
    if (found == span.end()) continue;
    const Json& label =
        found->is_array() && found->size() == 1 ? (*found)[0] : *found;
    if (label.is_string()) {
      out.type = label.get<std::string>();
      return out;
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "an entity's ", name, ": wanted a text, found ", label.dump()));
  }
  return absl::InvalidArgumentError("an entity without 'label'");
}

std::string ShownSpan(const std::vector<TextChar>& chars,
                      const std::string& text, const EntitySpan& span) {
  const size_t from = chars[span.begin].begin, to = chars[span.end - 1].end;
  return absl::StrCat("entity '",
                      ShownText(text.substr(from, to - from)).substr(0, 60),
                      "' (characters ", span.begin, " to ", span.end, ")");
}

}  // namespace

std::vector<std::pair<size_t, size_t>> WordsIn(std::string_view text) {
  const std::vector<TextChar> chars = CharsOf(text);
  std::vector<std::pair<size_t, size_t>> words;
  for (const auto& [begin, end] : CharRangesOfWords(chars)) {
    words.emplace_back(chars[begin].begin, chars[end - 1].end);
  }
  return words;
}

absl::StatusOr<std::vector<EntitySpan>> ReadEntitySpans(const Json& value) {
  std::vector<EntitySpan> spans;
  if (value.is_null()) return spans;
  if (value.is_object() && value.contains("entities")) {
    return ReadEntitySpans(value["entities"]);
  }
  if (!value.is_array()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "wanted a list of {start, end, label}, found ", value.type_name()));
  }
  for (const Json& span : value) {
    if (span.is_object()) {
      SFT_ASSIGN_OR_RETURN(spans.emplace_back(), SpanOfObject(span));
    } else if (span.is_array() && span.size() == 3 &&
               span[0].is_number_integer() && span[1].is_number_integer() &&
               span[2].is_string()) {
      spans.push_back({span[0].get<int64_t>(), span[1].get<int64_t>(),
                       span[2].get<std::string>()});
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("an entity is ", span.dump().substr(0, 80),
                       ": wanted {start, end, label} or [start, end, label]"));
    }
  }
  return spans;
}

absl::StatusOr<TaggedWords> TagWords(const std::string& text,
                                     std::vector<EntitySpan> spans,
                                     CutSpans cut) {
  const std::vector<TextChar> chars = CharsOf(text);
  const auto words = CharRangesOfWords(chars);
  TaggedWords out;
  for (const auto& [begin, end] : words) {
    const size_t from = chars[begin].begin;
    out.words.push_back(text.substr(from, chars[end - 1].end - from));
  }
  out.tags.assign(out.words.size(), "O");
  std::stable_sort(spans.begin(), spans.end(),
                   [](const EntitySpan& a, const EntitySpan& b) {
                     return a.begin < b.begin;
                   });
  std::string last;  // entity that was tagged
  for (EntitySpan span : spans) {
    if (span.begin < 0 || span.end <= span.begin ||
        span.end > std::ssize(chars)) {
      return absl::InvalidArgumentError(
          absl::StrCat("an entity of characters ", span.begin, " to ", span.end,
                       " of a text of ", chars.size()));
    }
    const std::string shown = ShownSpan(chars, text, span);
    const auto is_space = [&chars](int64_t i) {
      return chars[i].kind == CharKind::kSpace;
    };
    while (span.begin < span.end && is_space(span.begin)) ++span.begin;
    while (span.begin < span.end && is_space(span.end - 1)) --span.end;
    if (span.begin == span.end) {
      return absl::InvalidArgumentError(absl::StrCat(shown, " holds no word"));
    }
    const auto first = std::find_if(
        words.begin(), words.end(),
        [&span](const auto& word) { return word.second > span.begin; });
    auto behind = first;
    while (behind != words.end() && behind->first < span.end) ++behind;
    const auto& cut_word = first->first != span.begin ? *first : *(behind - 1);
    if (first->first != span.begin || (behind - 1)->second != span.end) {
      if (cut == CutSpans::kFail) {
        const size_t from = chars[cut_word.first].begin;
        return absl::InvalidArgumentError(absl::StrCat(
            shown, " cuts the word '",
            ShownText(text.substr(from, chars[cut_word.second - 1].end - from))
                .substr(0, 60),
            "': mend its offsets, or say cut_spans: widen, or drop"));
      }
      ++out.cut;
      if (cut == CutSpans::kDrop) continue;
    }
    for (auto word = first; word != behind; ++word) {
      std::string& tag = out.tags[word - words.begin()];
      if (tag != "O") {
        return absl::InvalidArgumentError(absl::StrCat(
            shown, " overlaps ", last, ": a word can be of one alone"));
      }
      tag = absl::StrCat(word == first ? "B-" : "I-", span.type);
    }
    last = shown;
  }
  return out;
}

}  // namespace sft::data
