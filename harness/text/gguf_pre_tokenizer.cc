#include "harness/text/gguf_pre_tokenizer.h"

#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "harness/core/status.h"

namespace sft::text {
namespace {

using nlohmann::json;

// The contraction, the word and what else there is, of the family of patterns
// that differ in how many digits stand together.
#define SFT_WORDS_WITH_DIGITS(digits)                                \
  R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|)" digits \
  R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"
constexpr char kThreeDigits[] = SFT_WORDS_WITH_DIGITS(R"(\p{N}{1,3})");
constexpr char kOneDigit[] = SFT_WORDS_WITH_DIGITS(R"(\p{N})");
#undef SFT_WORDS_WITH_DIGITS

constexpr char kMarksInWords[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N})"
    R"(| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// Words are cut where capitals begin.
#define SFT_UPPER R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define SFT_LOWER R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"
#define SFT_BEFORE R"([^\r\n\p{L}\p{N}]?)"
#define SFT_SHORT R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
#define SFT_REST R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"
constexpr char kCapitals[] = SFT_BEFORE SFT_UPPER
    "*" SFT_LOWER "+|" SFT_BEFORE SFT_UPPER "+" SFT_LOWER R"(*|\p{N})" SFT_REST;
constexpr char kCapitalsThreeDigits[] =
    SFT_BEFORE SFT_UPPER "*" SFT_LOWER "+" SFT_SHORT "|" SFT_BEFORE SFT_UPPER
                         "+" SFT_LOWER "*" SFT_SHORT R"(|\p{N}{1,3})" SFT_REST;
#undef SFT_UPPER
#undef SFT_LOWER
#undef SFT_BEFORE
#undef SFT_SHORT
#undef SFT_REST

constexpr char kIdeographs[] =
    R"([\x{4E00}-\x{9FA5}\x{0800}-\x{4E00}\x{AC00}-\x{D7FF}]+)";
constexpr char kIdeographsAndKana[] =
    R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)";
constexpr char kPunctuatedWords[] =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+)"
    R"(|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";

json Sequence(json::array_t steps) {
  return {{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
}

json SplitJson(const char* pattern) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", pattern}}},
          {"behavior", "Isolated"},
          {"invert", false}};
}

json DigitsJson() { return {{"type", "Digits"}, {"individual_digits", true}}; }

json SplitThenBytes(const char* pattern) {
  return Sequence({SplitJson(pattern), ByteLevelJson(false)});
}

// What decides of a pre-tokenizer how text is cut: neither offsets nor
// defaults that are written out.
json Canonical(const json& pre) {
  const auto type = pre.value("type", "");
  if (type == "Sequence") {
    json parts = json::array();
    for (const json& part : pre.value("pretokenizers", json::array())) {
      parts.push_back(Canonical(part));
    }
    return parts.size() == 1 ? parts[0] : parts;
  }
  if (type != "ByteLevel") return pre;
  return {{"type", type},
          {"add_prefix_space", pre.value("add_prefix_space", true)},
          {"use_regex", pre.value("use_regex", true)}};
}

json PlainBytes() { return ByteLevelJson(true); }
json DigitsThenBytes() { return Sequence({DigitsJson(), ByteLevelJson(true)}); }
json WordsOfThreeDigits() { return SplitThenBytes(kThreeDigits); }
json WordsOfOneDigit() { return SplitThenBytes(kOneDigit); }
json WordsWithMarks() { return SplitThenBytes(kMarksInWords); }
json CapitalWords() { return SplitThenBytes(kCapitals); }
json CapitalWordsOfThreeDigits() {
  return SplitThenBytes(kCapitalsThreeDigits);
}
json LettersThenIdeographs() {
  return Sequence({SplitJson("[\r\n]"), SplitJson(R"(\s?\p{L}+)"),
                   SplitJson(R"(\s?\p{P}+)"), SplitJson(kIdeographs),
                   DigitsJson(), ByteLevelJson(false)});
}
json DigitsKanaWords() {
  return Sequence({SplitJson(R"(\p{N}{1,3})"), SplitJson(kIdeographsAndKana),
                   SplitJson(kPunctuatedWords), ByteLevelJson(false)});
}

struct PreRow {
  const char* names;  // between spaces
  json (*make)();
  bool ignore_merges = false;
  bool adds_bos = false;
};

constexpr PreRow kRows[] = {
    {"smollm starcoder refact command-r codeshell exaone", DigitsThenBytes},
    {"gpt-2 gpt2 phi-2 olmo mpt exaone4 gigachat", PlainBytes},
    {"llama-bpe llama3 llama-v3 falcon3", WordsOfThreeDigits, true, true},
    {"dbrx smaug-bpe glm4 chatglm-bpe", WordsOfThreeDigits},
    {"qwen2 deepseek-r1-qwen megrez hunyuan stablelm2", WordsOfOneDigit},
    {"qwen35", WordsWithMarks},
    {"deepseek-coder", LettersThenIdeographs},
    {"deepseek-v3 hunyuan-dense", DigitsKanaWords},
    {"tekken", CapitalWords, true, true},
    {"gpt-4o llama4", CapitalWordsOfThreeDigits},
};

}  // namespace

json ByteLevelJson(bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

absl::StatusOr<GgufPreTokenizer> GgufPreTokenizerOf(const std::string& pre,
                                                    const std::string& file) {
  std::vector<std::string> known;
  for (const PreRow& row : kRows) {
    for (absl::string_view name : absl::StrSplit(row.names, ' ')) {
      if (name == pre) {
        return GgufPreTokenizer{row.make(), row.ignore_merges, row.adds_bos};
      }
      known.emplace_back(name);
    }
  }
  return InputError(
      file, absl::StrCat("tokenizer.ggml.pre \"", pre, "\" is not supported (",
                         absl::StrJoin(known, ", "),
                         " are); give the model as a folder with its "
                         "tokenizer.json"));
}

std::string GgufPreTokenizerName(const json& pre_tokenizer,
                                 bool ignore_merges) {
  if (!pre_tokenizer.is_object()) return "";
  const json wanted = Canonical(pre_tokenizer);
  for (const PreRow& row : kRows) {
    if (row.ignore_merges == ignore_merges && Canonical(row.make()) == wanted) {
      const std::string names = row.names;
      return names.substr(0, names.find(' '));
    }
  }
  return "";
}

}  // namespace sft::text
