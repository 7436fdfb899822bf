#include "harness/metrics/constraints.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/formats/json.h"
#include "harness/metrics/unicode_text.h"
#include "harness/text/regex.h"

namespace sft::metrics {
namespace {

using nlohmann::json;

// The arguments of one constraint; the first that is missing or of another
// type is kept as the error.
class Arguments {
 public:
  Arguments(std::string id, const json& values)
      : id_(std::move(id)), values_(values) {}

  int64_t Int(const char* name) {
    const json* value = Find(name);
    // Published files hold 3 and 3.0.
    if (value != nullptr && value->is_number()) {
      const double number = value->get<double>();
      if (number >= 0 && number <= 1e9) return static_cast<int64_t>(number);
    }
    return Bad(name, "a count"), 0;
  }
  std::string Text(const char* name) {
    const json* value = Find(name);
    if (value != nullptr && value->is_string() &&
        !Strip(value->get<std::string>()).empty()) {
      return Strip(value->get<std::string>());
    }
    return Bad(name, "a text"), "";
  }
  std::vector<std::string> Texts(const char* name) {
    std::vector<std::string> out;
    const json* value = Find(name);
    if (value == nullptr || !value->is_array() || value->empty()) {
      return Bad(name, "a list of texts"), out;
    }
    for (const json& item : *value) {
      if (!item.is_string() || item.get_ref<const std::string&>().empty()) {
        return Bad(name, "a list of texts"), out;
      }
      out.push_back(item.get<std::string>());
    }
    return out;
  }
  // "less than" or "at least" the count `bound`.
  bool Compare(const char* name, int64_t count, int64_t bound) {
    const std::string relation = Text(name);
    if (relation == "less than") return count < bound;
    if (relation == "at least") return count >= bound;
    return Bad(name, "'less than' or 'at least'"), false;
  }

  static std::string Strip(std::string_view text) {
    return ToStd(absl::StripAsciiWhitespace(ToAbsl(text)));
  }
  const absl::Status& status() const { return status_; }

 private:
  const json* Find(const char* name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? nullptr : &*found;
  }
  void Bad(const char* name, const char* wanted) {
    if (!status_.ok()) return;
    status_ = absl::InvalidArgumentError(
        absl::StrCat(id_, " wants '", name, "', ", wanted));
  }

  std::string id_;
  const json& values_;
  absl::Status status_;
};

std::vector<std::string> Matches(const std::string& pattern,
                                 std::string_view text) {
  const absl::StatusOr<text::Regex> regex =
      text::Regex::Compile(pattern, "constraint");
  std::vector<std::string> out;
  if (!regex.ok()) return out;  // an argument beyond the limits of patterns
  for (const text::ByteRange& range : regex->FindAll(text)) {
    out.emplace_back(text.substr(range.begin, range.end - range.begin));
  }
  return out;
}
int64_t Count(const std::string& pattern, std::string_view text) {
  return std::ssize(Matches(pattern, text));
}
int64_t CountLiteral(const std::string& word, std::string_view text) {
  return Count("(?i)" + text::Regex::Escape(word), text);
}

// str.isupper() and str.islower(): a cased letter, and none of the other case.
bool OfOneCase(std::string_view text, bool upper) {
  bool any = false;
  for (char32_t c : CodePoints(text)) {
    const auto u = static_cast<UChar32>(c);
    if (upper ? u_isULowercase(u) : u_isUUppercase(u)) return false;
    if (u_istitle(u)) return false;
    any = any || (upper ? u_isUUppercase(u) : u_isULowercase(u));
  }
  return any;
}

// Parts between `separator`. One that is blank counts for nothing at either
// end; elsewhere it breaks the form.
bool Parts(std::string_view text, const char* separator,
           std::vector<std::string>& parts) {
  const std::vector<std::string> all =
      absl::StrSplit(ToAbsl(text), absl::string_view(separator));
  for (size_t i = 0; i < all.size(); ++i) {
    if (!Arguments::Strip(all[i]).empty()) {
      parts.push_back(Arguments::Strip(all[i]));
    } else if (i != 0 && i + 1 != all.size()) {
      return false;
    }
  }
  return true;
}

using Check = bool (*)(Arguments& args, std::string_view text);

bool Existence(Arguments& args, std::string_view text) {
  const std::vector<std::string> words = args.Texts("keywords");
  return std::all_of(words.begin(), words.end(), [&](const std::string& word) {
    return CountLiteral(word, text) > 0;
  });
}

bool ForbiddenWords(Arguments& args, std::string_view text) {
  const std::vector<std::string> words = args.Texts("forbidden_words");
  return std::none_of(words.begin(), words.end(), [&](const std::string& word) {
    return Count("(?i)\\b" + text::Regex::Escape(word) + "\\b", text) > 0;
  });
}

bool Frequency(Arguments& args, std::string_view text) {
  return args.Compare("relation", CountLiteral(args.Text("keyword"), text),
                      args.Int("frequency"));
}

bool LetterFrequency(Arguments& args, std::string_view text) {
  const std::string letter = LowerText(args.Text("letter"));
  return args.Compare("let_relation",
                      Count(text::Regex::Escape(letter), LowerText(text)),
                      args.Int("let_frequency"));
}

bool NumberWords(Arguments& args, std::string_view text) {
  return args.Compare("relation", Count("\\w+", text), args.Int("num_words"));
}

bool NumberSentences(Arguments& args, std::string_view text) {
  return args.Compare("relation", CountSentences(text),
                      args.Int("num_sentences"));
}

// Paragraphs between lines of three asterisks.
bool NumberParagraphs(Arguments& args, std::string_view text) {
  std::vector<std::string> parts;
  return Parts(text, "***", parts) &&
         std::ssize(parts) == args.Int("num_paragraphs");
}

bool NthParagraphFirstWord(Arguments& args, std::string_view text) {
  const int64_t wanted = args.Int("num_paragraphs");
  const int64_t nth = args.Int("nth_paragraph");
  const std::string first_word = LowerText(args.Text("first_word"));
  const std::vector<std::string> all = absl::StrSplit(ToAbsl(text), "\n\n");
  int64_t count = 0;
  for (const std::string& part : all) {
    count += !Arguments::Strip(part).empty();
  }
  if (count != wanted || nth < 1 || nth > count) return false;
  const std::vector<std::string> words = SplitText(all[nth - 1]);
  if (words.empty()) return false;
  std::string word = words[0];
  word.erase(0, std::min(word.find_first_not_of("'\""), word.size()));
  return LowerText(word.substr(0, word.find_first_of(".,?!'\""))) == first_word;
}

bool Placeholders(Arguments& args, std::string_view text) {
  return Count("\\[.*?\\]", text) >= args.Int("num_placeholders");
}

bool Postscript(Arguments& args, std::string_view text) {
  const std::string marker = args.Text("postscript_marker");
  std::string pattern = text::Regex::Escape(LowerText(marker));
  if (marker == "P.P.S") pattern = "p\\.\\s?p\\.\\s?s";
  if (marker == "P.S.") pattern = "p\\.\\s?s\\.";
  return Count(pattern, LowerText(text)) > 0;
}

bool BulletLists(Arguments& args, std::string_view text) {
  return Count("(?m)^\\s*\\*[^*].*$", text) + Count("(?m)^\\s*-.*$", text) ==
         args.Int("num_bullets");
}

bool ConstrainedResponse(Arguments&, std::string_view text) {
  for (const char* answer :
       {"My answer is yes.", "My answer is no.", "My answer is maybe."}) {
    if (absl::StrContains(ToAbsl(text), answer)) return true;
  }
  return false;
}

bool Highlights(Arguments& args, std::string_view text) {
  int64_t count = 0;
  for (const char* pattern : {"\\*[^\\n*]*\\*", "\\*\\*[^\\n*]*\\*\\*"}) {
    for (const std::string& match : Matches(pattern, text)) {
      count += match.find_first_not_of("* \t") != std::string::npos;
    }
  }
  return count >= args.Int("num_highlights");
}

bool Sections(Arguments& args, std::string_view text) {
  return Count(text::Regex::Escape(args.Text("section_spliter")) + "\\s?\\d+",
               text) >= args.Int("num_sections");
}

bool JsonFormat(Arguments&, std::string_view text) {
  std::string inner = Arguments::Strip(text);
  absl::string_view view = inner;
  if (absl::ConsumePrefix(&view, "```")) {
    for (const char* name : {"json", "Json", "JSON"}) {
      if (absl::ConsumePrefix(&view, name)) break;
    }
  }
  absl::ConsumeSuffix(&view, "```");
  inner = Arguments::Strip(ToStd(view));
  return formats::JsonDepth(inner) <= formats::kMaxJsonDepth &&
         json::accept(inner);
}

bool Title(Arguments&, std::string_view text) {
  for (const std::string& match : Matches("<<[^\\n]+>>", text)) {
    if (match.find_first_not_of("<> \t") != std::string::npos) return true;
  }
  return false;
}

bool TwoResponses(Arguments&, std::string_view text) {
  std::vector<std::string> parts;
  return Parts(text, "******", parts) && parts.size() == 2 &&
         parts[0] != parts[1];
}

bool RepeatPrompt(Arguments& args, std::string_view text) {
  return absl::StartsWith(LowerText(Arguments::Strip(text)),
                          LowerText(args.Text("prompt_to_repeat")));
}

bool EndPhrase(Arguments& args, std::string_view text) {
  std::string end = LowerText(Arguments::Strip(text));
  end.erase(end.find_last_not_of('"') + 1);
  return absl::EndsWith(end, LowerText(args.Text("end_phrase")));
}

bool Quotation(Arguments&, std::string_view text) {
  const std::string inner = Arguments::Strip(text);
  return inner.size() > 1 && inner.front() == '"' && inner.back() == '"';
}

bool CapitalWords(Arguments& args, std::string_view text) {
  int64_t count = 0;
  for (const std::string& word : SplitText(text))
    count += OfOneCase(word, true);
  return args.Compare("capital_relation", count, args.Int("capital_frequency"));
}

const std::map<std::string, Check, std::less<>>& Checks() {
  static const auto& table = *new std::map<std::string, Check, std::less<>>{
      {"keywords:existence", Existence},
      {"keywords:forbidden_words", ForbiddenWords},
      {"keywords:frequency", Frequency},
      {"keywords:letter_frequency", LetterFrequency},
      {"length_constraints:number_words", NumberWords},
      {"length_constraints:number_sentences", NumberSentences},
      {"length_constraints:number_paragraphs", NumberParagraphs},
      {"length_constraints:nth_paragraph_first_word", NthParagraphFirstWord},
      {"detectable_content:number_placeholders", Placeholders},
      {"detectable_content:postscript", Postscript},
      {"detectable_format:number_bullet_lists", BulletLists},
      {"detectable_format:constrained_response", ConstrainedResponse},
      {"detectable_format:number_highlighted_sections", Highlights},
      {"detectable_format:multiple_sections", Sections},
      {"detectable_format:json_format", JsonFormat},
      {"detectable_format:title", Title},
      {"combination:two_responses", TwoResponses},
      {"combination:repeat_prompt", RepeatPrompt},
      {"startend:end_checker", EndPhrase},
      {"startend:quotation", Quotation},
      {"change_case:capital_word_frequency", CapitalWords},
      {"change_case:english_capital",
       [](Arguments&, std::string_view text) { return OfOneCase(text, true); }},
      {"change_case:english_lowercase",
       [](Arguments&, std::string_view text) {
         return OfOneCase(text, false);
       }},
      {"punctuation:no_comma",
       [](Arguments&, std::string_view text) {
         return text.find(',') == std::string_view::npos;
       }},
  };
  return table;
}

}  // namespace

std::vector<std::string> KnownConstraints() {
  std::vector<std::string> ids;
  for (const auto& [id, check] : Checks()) ids.push_back(id);
  return ids;
}

absl::StatusOr<ConstraintShare> CheckConstraints(std::string_view constraints,
                                                 std::string_view response) {
  if (formats::JsonDepth(constraints) > formats::kMaxJsonDepth) {
    return absl::InvalidArgumentError("constraints nest too deep");
  }
  json list;
  if (formats::ReadJsonInto(constraints, formats::kMaxJsonDepth, list))
    list = nullptr;
  if (!list.is_array()) {
    return absl::InvalidArgumentError(
        "constraints are no JSON array of {\"id\": ..., \"kwargs\": {...}}");
  }
  const std::string text = SanitizeUtf8(response);
  ConstraintShare share;
  for (const json& item : list) {
    const json* id =
        item.is_object() && item.contains("id") ? &item["id"] : nullptr;
    const json kwargs = item.is_object() && item.contains("kwargs")
                            ? item["kwargs"]
                            : json::object();
    if (id == nullptr || !id->is_string() || !kwargs.is_object()) {
      return absl::InvalidArgumentError(
          "a constraint is no {\"id\": text, \"kwargs\": object}");
    }
    const auto found = Checks().find(id->get<std::string>());
    if (found == Checks().end()) {
      share.unknown.push_back(id->get<std::string>());
      continue;
    }
    Arguments args(found->first, kwargs);
    const bool met = found->second(args, text);
    SFT_RETURN_IF_ERROR(args.status());
    // Nothing said keeps to nothing.
    share.met += met && !Arguments::Strip(text).empty();
    ++share.checked;
  }
  return share;
}

}  // namespace sft::metrics
