// Sentences by rules: what a trained tokenizer (NLTK's punkt, which IFEval
// takes) would tell in plain English text.
#include <unicode/uchar.h>

#include <algorithm>
#include <array>

#include "harness/metrics/constraints.h"
#include "harness/metrics/unicode_text.h"

namespace sft::metrics {
namespace {

bool IsEnd(char32_t c) {
  return c == '.' || c == '!' || c == '?' || c == U'…' || c == U'。' ||
         c == U'！' || c == U'？';
}
bool IsClosing(char32_t c) {
  return c == '"' || c == '\'' || c == ')' || c == ']' || c == '*' ||
         c == U'”' || c == U'’' || c == U'»';
}

// Does the full stop at `stop` belong to the word before it?
bool StopsNoSentence(const std::vector<char32_t>& text, size_t stop) {
  size_t begin = stop;
  while (begin > 0 && !IsPythonSpace(text[begin - 1])) --begin;
  while (begin < stop && (text[begin] == '(' || text[begin] == '"')) ++begin;
  const std::string word =
      LowerText(FromCodePoints({text.begin() + begin, text.begin() + stop}));
  if (word.empty()) return false;
  static constexpr std::array<std::string_view, 15> kAbbreviations = {
      "mr", "mrs", "ms",  "dr",  "prof", "st", "vs",    "e.g",
      "cf", "i.e", "inc", "ltd", "jr",   "sr", "approx"};
  if (std::find(kAbbreviations.begin(), kAbbreviations.end(), word) !=
      kAbbreviations.end()) {
    return true;
  }
  const bool initial = stop - begin == 1 && u_isalpha(text[begin]);
  // "I." ends a sentence more often than it stands for a name.
  if (initial && word != "i") return true;
  const bool line_begins = begin == 0 || text[begin - 1] == '\n';
  return line_begins && std::all_of(word.begin(), word.end(), [](char c) {
           return c >= '0' && c <= '9';
         });
}

}  // namespace

int64_t CountSentences(std::string_view utf8) {
  const std::vector<char32_t> text = CodePoints(utf8);
  int64_t count = 0;
  bool open = false;  // a letter or digit since the last end
  for (size_t i = 0; i < text.size(); ++i) {
    if (!IsEnd(text[i])) {
      open = open || u_isalnum(static_cast<UChar32>(text[i]));
      continue;
    }
    const size_t first = i;
    while (i + 1 < text.size() && IsEnd(text[i + 1])) ++i;
    size_t next = i + 1;
    while (next < text.size() && IsClosing(text[next])) ++next;
    const bool wide = text[i] >= 0x3000;  // needs no space after it
    if (!open || (next < text.size() && !IsPythonSpace(text[next]) && !wide)) {
      continue;
    }
    while (next < text.size() && IsPythonSpace(text[next])) ++next;
    if (next < text.size() && u_islower(static_cast<UChar32>(text[next]))) {
      continue;
    }
    if (text[first] == '.' && first == i && StopsNoSentence(text, i)) continue;
    ++count;
    open = false;
  }
  return count + open;
}

}  // namespace sft::metrics
