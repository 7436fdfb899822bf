// See pre_tokenizer.h. Semantics: `tokenizers` 0.23, pre_tokenizers/*.rs.
#include "harness/text/pre_tokenizer.h"

#include <optional>
#include <utility>

#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/formats/json_fields.h"
#include "harness/text/byte_level.h"
#include "harness/text/pattern.h"
#include "harness/text/split.h"
#include "harness/text/unicode_class.h"

namespace sft::text {
namespace {

using nlohmann::json;

// Rebuilds the text piece by piece: `rewrite` appends one piece's new form.
template <class F>
void RewritePieces(PreTokenizedText* text, F&& rewrite) {
  AlignedText out = text->text.EmptyLikeThis();
  std::vector<ByteRange> pieces;
  pieces.reserve(text->pieces.size());
  for (size_t i = 0; i < text->pieces.size(); ++i) {
    const size_t begin = out.text().size();
    rewrite(i, text->pieces[i], &out);
    if (out.text().size() > begin) pieces.push_back({begin, out.text().size()});
  }
  text->text = std::move(out);
  text->pieces = std::move(pieces);
}

class NoPreTokenizer : public PreTokenizer {
 public:
  void Apply(PreTokenizedText*) const override {}
};

class SplitPreTokenizer : public PreTokenizer {
 public:
  SplitPreTokenizer(FindMatches find, SplitBehavior behavior, bool invert)
      : find_(std::move(find)), behavior_(behavior), invert_(invert) {}
  void Apply(PreTokenizedText* text) const override {
    SplitPieces(find_, behavior_, invert_, text);
  }

 private:
  FindMatches find_;
  SplitBehavior behavior_;
  bool invert_;
};

class ByteLevelPreTokenizer : public PreTokenizer {
 public:
  ByteLevelPreTokenizer(bool add_prefix_space, std::optional<Regex> pattern)
      : add_prefix_space_(add_prefix_space), pattern_(std::move(pattern)) {}
  void Apply(PreTokenizedText* text) const override {
    if (add_prefix_space_) {
      RewritePieces(text, [&](size_t, ByteRange piece, AlignedText* out) {
        if (text->Piece(piece).front() != ' ') {
          out->AppendAs(text->text, piece.begin, " ");
        }
        out->AppendRange(text->text, piece);
      });
    }
    if (pattern_.has_value()) {
      SplitPieces([this](std::string_view s) { return pattern_->FindAll(s); },
                  SplitBehavior::kIsolated, false, text);
    }
    RewritePieces(text, [&](size_t, ByteRange piece, AlignedText* out) {
      for (size_t i = piece.begin; i < piece.end; ++i) {
        const auto byte = static_cast<unsigned char>(text->text.text()[i]);
        out->AppendAs(text->text, i, ByteToChar(byte));
      }
    });
  }

 private:
  bool add_prefix_space_;
  std::optional<Regex> pattern_;
};

enum class PrependScheme { kAlways, kFirst, kNever };

class MetaspacePreTokenizer : public PreTokenizer {
 public:
  MetaspacePreTokenizer(std::string replacement, PrependScheme scheme,
                        bool split, Regex pattern)
      : replacement_(std::move(replacement)),
        scheme_(scheme),
        split_(split),
        pattern_(std::move(pattern)) {}
  void Apply(PreTokenizedText* text) const override {
    RewritePieces(text, [&](size_t index, ByteRange piece, AlignedText* out) {
      const std::string_view s = text->Piece(piece);
      const bool marked = s.front() == ' ' || s.starts_with(replacement_);
      const bool first =
          index == 0 && piece.begin == 0 && text->text.starts_original();
      if (!marked && (scheme_ == PrependScheme::kAlways ||
                      (scheme_ == PrependScheme::kFirst && first))) {
        out->AppendAs(text->text, piece.begin, replacement_);
      }
      for (size_t i = piece.begin; i < piece.end; ++i) {
        if (text->text.text()[i] == ' ') {
          out->AppendAs(text->text, i, replacement_);
        } else {
          out->AppendRange(text->text, {i, i + 1});
        }
      }
    });
    if (split_) {
      SplitPieces([this](std::string_view s) { return pattern_.FindAll(s); },
                  SplitBehavior::kMergedWithNext, false, text);
    }
  }

 private:
  std::string replacement_;
  PrependScheme scheme_;
  bool split_;
  Regex pattern_;
};

class SequencePreTokenizer : public PreTokenizer {
 public:
  explicit SequencePreTokenizer(
      std::vector<std::unique_ptr<PreTokenizer>> steps)
      : steps_(std::move(steps)) {}
  void Apply(PreTokenizedText* text) const override {
    for (const auto& step : steps_) step->Apply(text);
  }

 private:
  std::vector<std::unique_ptr<PreTokenizer>> steps_;
};

absl::StatusOr<SplitBehavior> BehaviorField(const json& config,
                                            const char* fallback,
                                            const std::string& file) {
  SFT_ASSIGN_OR_RETURN(
      const std::string name,
      formats::StringField(config, "behavior", fallback, file));
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  return InputError(file,
                    absl::StrCat("unknown split behavior \"", name, "\""));
}

// Maximal runs of word characters, and of what is neither word nor space.
std::vector<ByteRange> FindWords(std::string_view text) {
  std::vector<ByteRange> runs;
  int last_kind = 0;  // 0 space, 1 word, 2 other
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = DecodeUtf8At(text, i);
    const int kind = IsWordChar(c.code_point)     ? 1
                     : IsWhitespace(c.code_point) ? 0
                                                  : 2;
    if (kind != 0) {
      if (kind == last_kind) {
        runs.back().end += c.size_bytes;
      } else {
        runs.push_back({i, i + c.size_bytes});
      }
    }
    last_kind = kind;
    i += c.size_bytes;
  }
  return runs;
}

using ParsedPreTokenizer = absl::StatusOr<std::unique_ptr<PreTokenizer>>;

std::unique_ptr<PreTokenizer> MakeSplit(FindMatches find,
                                        SplitBehavior behavior,
                                        bool invert = false) {
  return std::make_unique<SplitPreTokenizer>(std::move(find), behavior, invert);
}

ParsedPreTokenizer ParseByteLevel(const json& config, const std::string& file) {
  SFT_ASSIGN_OR_RETURN(
      const bool prefix,
      formats::BoolField(config, "add_prefix_space", true, file));
  SFT_ASSIGN_OR_RETURN(const bool use_regex,
                       formats::BoolField(config, "use_regex", true, file));
  std::optional<Regex> pattern;
  if (use_regex) {
    SFT_ASSIGN_OR_RETURN(pattern, Regex::Compile(kGpt2Pattern, file));
  }
  return std::make_unique<ByteLevelPreTokenizer>(prefix, std::move(pattern));
}

ParsedPreTokenizer ParseMetaspaceSplit(const json& config,
                                       const std::string& file) {
  SFT_ASSIGN_OR_RETURN(const std::string replacement,
                       formats::StringField(config, "replacement", "▁", file));
  if (replacement.empty() ||
      DecodeUtf8At(replacement, 0).size_bytes != replacement.size()) {
    return InputError(file, "Metaspace: \"replacement\" must be one character");
  }
  SFT_ASSIGN_OR_RETURN(
      const bool legacy_prefix,
      formats::BoolField(config, "add_prefix_space", true, file));
  SFT_ASSIGN_OR_RETURN(
      const std::string scheme,
      formats::StringField(config, "prepend_scheme",
                           legacy_prefix ? "always" : "never", file));
  SFT_ASSIGN_OR_RETURN(const bool split,
                       formats::BoolField(config, "split", true, file));
  PrependScheme prepend = PrependScheme::kAlways;
  if (scheme == "first") {
    prepend = PrependScheme::kFirst;
  } else if (scheme == "never") {
    prepend = PrependScheme::kNever;
  } else if (scheme != "always") {
    return InputError(file,
                      absl::StrCat("unknown prepend_scheme \"", scheme, "\""));
  }
  SFT_ASSIGN_OR_RETURN(Regex pattern,
                       Regex::Compile(Regex::Escape(replacement), file));
  return std::make_unique<MetaspacePreTokenizer>(replacement, prepend, split,
                                                 std::move(pattern));
}

ParsedPreTokenizer ParseSplit(const json& config, const std::string& file) {
  SFT_ASSIGN_OR_RETURN(Regex pattern, PatternField(config, file));
  SFT_ASSIGN_OR_RETURN(const SplitBehavior behavior,
                       BehaviorField(config, "", file));
  SFT_ASSIGN_OR_RETURN(const bool invert,
                       formats::BoolField(config, "invert", false, file));
  return MakeSplit([pattern](std::string_view s) { return pattern.FindAll(s); },
                   behavior, invert);
}

ParsedPreTokenizer ParseSequence(const json& config, const std::string& file) {
  SFT_ASSIGN_OR_RETURN(const json* list,
                       formats::ArrayField(config, "pretokenizers", file));
  std::vector<std::unique_ptr<PreTokenizer>> steps;
  for (const json& item : *list) {
    SFT_ASSIGN_OR_RETURN(auto step, ParsePreTokenizer(item, file));
    steps.push_back(std::move(step));
  }
  return std::make_unique<SequencePreTokenizer>(std::move(steps));
}

}  // namespace

ParsedPreTokenizer ParsePreTokenizer(const json& config,
                                     const std::string& file) {
  if (config.is_null()) return std::make_unique<NoPreTokenizer>();
  SFT_ASSIGN_OR_RETURN(const std::string type,
                       formats::TypeField(config, file));
  if (type == "ByteLevel") return ParseByteLevel(config, file);
  if (type == "Metaspace") return ParseMetaspaceSplit(config, file);
  if (type == "Split") return ParseSplit(config, file);
  if (type == "Sequence") return ParseSequence(config, file);
  if (type == "Whitespace") {
    return MakeSplit(FindWords, SplitBehavior::kRemoved, /*invert=*/true);
  }
  if (type == "WhitespaceSplit") {
    return MakeSplit(EachChar(IsWhitespace), SplitBehavior::kRemoved);
  }
  if (type == "Digits") {
    SFT_ASSIGN_OR_RETURN(
        const bool individual,
        formats::BoolField(config, "individual_digits", false, file));
    return MakeSplit(EachChar(IsNumeric), individual
                                              ? SplitBehavior::kIsolated
                                              : SplitBehavior::kContiguous);
  }
  if (type == "Punctuation") {
    SFT_ASSIGN_OR_RETURN(const SplitBehavior behavior,
                         BehaviorField(config, "Isolated", file));
    return MakeSplit(EachChar(IsPunctuation), behavior);
  }
  if (type == "BertPreTokenizer") {
    std::vector<std::unique_ptr<PreTokenizer>> steps;
    steps.push_back(MakeSplit(EachChar(IsWhitespace), SplitBehavior::kRemoved));
    steps.push_back(
        MakeSplit(EachChar(IsPunctuation), SplitBehavior::kIsolated));
    return std::make_unique<SequencePreTokenizer>(std::move(steps));
  }
  return InputError(file, absl::StrCat("unknown pre_tokenizer \"", type, "\""));
}

}  // namespace sft::text
