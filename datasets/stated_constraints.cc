#include "datasets/stated_constraints.h"

#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "datasets/loading.h"
#include "harness/core/status.h"
#include "harness/text/regex.h"

namespace sft::datasets {
namespace {

using nlohmann::json;

constexpr char kNumber[] =
    "(?:\\d[\\d,]*|one|two|three|four|five|six|seven|eight|nine|ten)\\b";

text::Regex Compiled(const std::string& pattern) {
  return *text::Regex::Compile("(?i)" + pattern, "stated_constraints.cc");
}

// The first match of `regex`, in lower case; nothing if there is none.
std::optional<std::string> Match(const text::Regex& regex,
                                 const std::string& text) {
  const auto found = regex.FindAll(text);
  if (found.empty()) return std::nullopt;
  return absl::AsciiStrToLower(
      text.substr(found[0].begin, found[0].end - found[0].begin));
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The first number of a match, in digits or as a word.
int64_t NumberIn(const std::string& match) {
  static const text::Regex& number =
      *new text::Regex(Compiled(absl::StrCat("\\b", kNumber)));
  const std::string text =
      absl::StrReplaceAll(*Match(number, match), {{",", ""}});
  const std::vector<std::string> words = {"one",  "two", "three", "four",
                                          "five", "six", "seven", "eight",
                                          "nine", "ten"};
  for (size_t i = 0; i < words.size(); ++i) {
    if (text == words[i]) return static_cast<int64_t>(i) + 1;
  }
  return std::stoll(text.substr(0, 9));
}

// "at least 300 words", "less than ten sentences", "20+ words".
text::Regex CountOf(const std::string& unit) {
  return Compiled(absl::StrCat(
      "\\b(?:(?:at least|more than|less than|fewer than|under|at most|no more "
      "than)\\s+",
      kNumber, "|", kNumber, "(?:\\+| or more| or less))[- ]", unit,
      "s?\\b(?! or phrases)(?![^.!?\\n]{0,30}capital)"
      "(?![^.!?\\n]{0,30}all caps)"));
}

// {"relation": "at least" or "less than", `name`: count}, as IFEval has them.
json Relation(const std::string& match, const char* name) {
  int64_t count = NumberIn(match);
  const bool more = Has(match, "more than") && !Has(match, "no more");
  const bool at_least = Has(match, "at least") || Has(match, "or more") ||
                        Has(match, "+") || more;
  if (more || Has(match, "at most") || Has(match, "no more") ||
      Has(match, "or less")) {
    ++count;
  }
  return {{"relation", at_least ? "at least" : "less than"}, {name, count}};
}

// What the rules look for, compiled once.
struct Patterns {
  const text::Regex no_comma = Compiled(
      "(?:\\bnot\\b|n't|\\bno\\b|without|avoid|refrain)[^.!?\\n]{0,60}"
      "\\bcommas?\\b");
  const text::Regex lowercase = Compiled(
      "\\ball (?:in )?lower ?case|lower ?case letters|no capital letters|"
      "without (?:using )?(?:any )?capital");
  const text::Regex capital = Compiled(
      "(?:entire|whole|response|answer|written|write|reply|be|in english)"
      "[^.!?\\n]{0,60}(?:all capital letters|all caps\\b|all uppercase|"
      "capital letters only)");
  const text::Regex capital_words = Compiled(
      "\\b(?:words?|phrases)\\b[^.!?\\n]{0,30}(?:capital|all caps)|"
      "all capital words");
  const text::Regex title = Compiled("<<|double angular brackets");
  const text::Regex as_json =
      Compiled("\\bjson (?:format|block|code)|(?:in|one) json\\b");
  const text::Regex two_responses =
      Compiled("(?:6|six) asterisk symbols|(?<!\\*)\\*{6}(?!\\*)");
  const text::Regex quotation =
      Compiled("(?:wrap|enclose|put|surround)[^.!?\\n]{0,60}double quot");
  const text::Regex postscript = Compiled("\\bp\\.(?:p\\.)?s\\b");
  const text::Regex words = CountOf("word");
  const text::Regex sentences = CountOf("sentence");
  const text::Regex placeholders =
      Compiled(absl::StrCat("at least ", kNumber, " placeholders?"));
  const text::Regex highlights = Compiled(absl::StrCat(
      "highlight[^.!?\\n]{0,30}at least ", kNumber, "|at least ", kNumber,
      " (?:text )?(?:sections|parts)[^.!?\\n]{0,40}(?:highlight|markdown)|"
      "at least ",
      kNumber, " highlighted"));
  const text::Regex bullets =
      Compiled(absl::StrCat("exactly ", kNumber, " bullet"));
  const text::Regex paragraphs =
      Compiled(absl::StrCat(kNumber, " (?:different )?paragraphs?\\b"));
  const text::Regex divider = Compiled("(?<!\\*)\\*{3}(?!\\*)");
  const text::Regex repeat =
      Compiled("\\nfirst(?:ly)?,? repeat the request word for word");
};

}  // namespace

json StatedConstraints(const std::string& prompt) {
  static const Patterns& find = *new Patterns;
  json out = json::array();
  const auto add = [&out](const char* id, json arguments) {
    out.push_back({{"id", id}, {"kwargs", std::move(arguments)}});
  };
  const auto states = [&prompt](const text::Regex& regex) {
    return !regex.FindAll(prompt).empty();
  };
  const json none = json::object();
  if (states(find.no_comma)) add("punctuation:no_comma", none);
  if (states(find.lowercase)) {
    add("change_case:english_lowercase", none);
  } else if (states(find.capital) && !states(find.capital_words)) {
    add("change_case:english_capital", none);
  }
  if (states(find.title)) add("detectable_format:title", none);
  if (states(find.as_json)) add("detectable_format:json_format", none);
  if (states(find.two_responses)) add("combination:two_responses", none);
  if (states(find.quotation)) add("startend:quotation", none);
  if (const auto match = Match(find.postscript, prompt)) {
    add("detectable_content:postscript",
        {{"postscript_marker", *match == "p.s" ? "P.S." : "P.P.S"}});
  }
  if (const auto match = Match(find.words, prompt)) {
    add("length_constraints:number_words", Relation(*match, "num_words"));
  }
  if (const auto match = Match(find.sentences, prompt)) {
    add("length_constraints:number_sentences",
        Relation(*match, "num_sentences"));
  }
  if (const auto match = Match(find.placeholders, prompt)) {
    add("detectable_content:number_placeholders",
        {{"num_placeholders", NumberIn(*match)}});
  }
  if (const auto match = Match(find.highlights, prompt)) {
    add("detectable_format:number_highlighted_sections",
        {{"num_highlights", NumberIn(*match)}});
  }
  if (const auto match = Match(find.bullets, prompt)) {
    add("detectable_format:number_bullet_lists",
        {{"num_bullets", NumberIn(*match)}});
  }
  if (const auto match = Match(find.paragraphs, prompt);
      match && states(find.divider)) {
    add("length_constraints:number_paragraphs",
        {{"num_paragraphs", NumberIn(*match)}});
  }
  if (const auto found = find.repeat.FindAll(prompt); !found.empty()) {
    add("combination:repeat_prompt",
        {{"prompt_to_repeat", Stripped(prompt.substr(0, found[0].begin))}});
  }
  return out;
}

}  // namespace sft::datasets
