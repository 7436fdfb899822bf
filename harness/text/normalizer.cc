// See normalizer.h. Semantics: `tokenizers` 0.23, normalizers/*.rs.
#include "harness/text/normalizer.h"

#include <optional>
#include <utility>
#include <vector>

#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/formats/json_fields.h"
#include "harness/text/pattern.h"
#include "harness/text/precompiled_normalizer.h"
#include "harness/text/unicode_class.h"
#include "harness/text/unicode_normalization.h"

namespace sft::text {
namespace {

using nlohmann::json;

template <class F>
std::vector<CharChange> MapChars(const std::string& text, F&& map) {
  std::vector<CharChange> changes;
  changes.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = DecodeUtf8At(text, i);
    i += c.size_bytes;
    map(c.code_point, &changes);
  }
  return changes;
}

void LowerCaseText(AlignedText* text) {
  text->Transform(MapChars(text->text(),
                           [](char32_t c, std::vector<CharChange>* out) {
                             int change = 0;
                             for (char32_t lower : LowerCase(c)) {
                               out->push_back({lower, change});
                               change = 1;
                             }
                           }),
                  0);
}

class NoNormalizer : public Normalizer {
 public:
  void Apply(AlignedText*) const override {}
};

class UnicodeNormalizer : public Normalizer {
 public:
  explicit UnicodeNormalizer(UnicodeForm form) : form_(form) {}
  void Apply(AlignedText* text) const override {
    NormalizeUnicode(form_, text);
  }

 private:
  UnicodeForm form_;
};

class LowercaseNormalizer : public Normalizer {
 public:
  void Apply(AlignedText* text) const override { LowerCaseText(text); }
};

class StripAccentsNormalizer : public Normalizer {
 public:
  void Apply(AlignedText* text) const override {
    text->Filter([](char32_t c) { return !IsMark(c); });
  }
};

class StripNormalizer : public Normalizer {
 public:
  StripNormalizer(bool left, bool right) : left_(left), right_(right) {}
  void Apply(AlignedText* text) const override {
    const std::string& s = text->text();
    size_t begin = 0, end = 0;  // of what is kept; end is after the last one
    bool seen = false;
    for (size_t i = 0; i < s.size();) {
      const Utf8Char c = DecodeUtf8At(s, i);
      if (!IsWhitespace(c.code_point)) {
        if (!seen) begin = i;
        seen = true;
        end = i + c.size_bytes;
      }
      i += c.size_bytes;
    }
    if (!seen) begin = left_ || right_ ? s.size() : 0;
    if (!left_ && seen) begin = 0;
    if (!right_ || !seen) end = s.size();
    *text = text->Slice({begin, end});
  }

 private:
  bool left_;
  bool right_;
};

class BertNormalizer : public Normalizer {
 public:
  BertNormalizer(bool clean_text, bool chinese, bool strip_accents,
                 bool lowercase)
      : clean_text_(clean_text),
        chinese_(chinese),
        strip_accents_(strip_accents),
        lowercase_(lowercase) {}
  void Apply(AlignedText* text) const override {
    if (clean_text_) {
      text->Filter([](char32_t c) {
        const bool blank = c == '\t' || c == '\n' || c == '\r';
        return blank || (c != 0 && c != kReplacementChar && !IsOther(c));
      });
      text->Transform(
          MapChars(text->text(),
                   [](char32_t c, std::vector<CharChange>* out) {
                     out->push_back({IsWhitespace(c) ? U' ' : c, 0});
                   }),
          0);
    }
    if (chinese_) {
      text->Transform(MapChars(text->text(),
                               [](char32_t c, std::vector<CharChange>* out) {
                                 if (!IsCjkIdeograph(c)) {
                                   out->push_back({c, 0});
                                   return;
                                 }
                                 out->push_back({U' ', 0});
                                 out->push_back({c, 1});
                                 out->push_back({U' ', 1});
                               }),
                      0);
    }
    if (strip_accents_) {
      NormalizeUnicode(UnicodeForm::kNfd, text);
      text->Filter([](char32_t c) { return !IsNonspacingMark(c); });
    }
    if (lowercase_) LowerCaseText(text);
  }

 private:
  bool clean_text_;
  bool chinese_;
  bool strip_accents_;
  bool lowercase_;
};

class ReplaceNormalizer : public Normalizer {
 public:
  ReplaceNormalizer(Regex pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}
  void Apply(AlignedText* text) const override {
    text->Replace(pattern_.FindAll(text->text()), content_);
  }

 private:
  Regex pattern_;
  std::string content_;
};

class PrependNormalizer : public Normalizer {
 public:
  explicit PrependNormalizer(std::string prefix) : prefix_(std::move(prefix)) {}
  void Apply(AlignedText* text) const override { text->Prepend(prefix_); }

 private:
  std::string prefix_;
};

class SequenceNormalizer : public Normalizer {
 public:
  explicit SequenceNormalizer(std::vector<std::unique_ptr<Normalizer>> steps)
      : steps_(std::move(steps)) {}
  void Apply(AlignedText* text) const override {
    for (const auto& step : steps_) step->Apply(text);
  }

 private:
  std::vector<std::unique_ptr<Normalizer>> steps_;
};

absl::StatusOr<std::unique_ptr<Normalizer>> ParseBert(const json& config,
                                                      const std::string& file) {
  SFT_ASSIGN_OR_RETURN(const bool clean,
                       formats::BoolField(config, "clean_text", true, file));
  SFT_ASSIGN_OR_RETURN(
      const bool chinese,
      formats::BoolField(config, "handle_chinese_chars", true, file));
  SFT_ASSIGN_OR_RETURN(const bool lowercase,
                       formats::BoolField(config, "lowercase", true, file));
  // Null means "as lowercase says".
  SFT_ASSIGN_OR_RETURN(
      const bool accents,
      formats::BoolField(config, "strip_accents", lowercase, file));
  return std::make_unique<BertNormalizer>(clean, chinese, accents, lowercase);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Normalizer>> ParseNormalizer(
    const json& config, const std::string& file) {
  if (config.is_null()) return std::make_unique<NoNormalizer>();
  SFT_ASSIGN_OR_RETURN(const std::string type,
                       formats::TypeField(config, file));
  const auto unicode = [](UnicodeForm form) {
    return std::make_unique<UnicodeNormalizer>(form);
  };
  if (type == "NFC") return unicode(UnicodeForm::kNfc);
  if (type == "NFD") return unicode(UnicodeForm::kNfd);
  if (type == "NFKC") return unicode(UnicodeForm::kNfkc);
  if (type == "NFKD") return unicode(UnicodeForm::kNfkd);
  if (type == "Lowercase") return std::make_unique<LowercaseNormalizer>();
  if (type == "StripAccents") return std::make_unique<StripAccentsNormalizer>();
  if (type == "BertNormalizer") return ParseBert(config, file);
  if (type == "Precompiled") return ParsePrecompiled(config, file);
  if (type == "Strip") {
    SFT_ASSIGN_OR_RETURN(const bool left,
                         formats::BoolField(config, "strip_left", true, file));
    SFT_ASSIGN_OR_RETURN(const bool right,
                         formats::BoolField(config, "strip_right", true, file));
    return std::make_unique<StripNormalizer>(left, right);
  }
  if (type == "Prepend") {
    SFT_ASSIGN_OR_RETURN(std::string prefix,
                         formats::StringField(config, "prepend", "", file));
    return std::make_unique<PrependNormalizer>(std::move(prefix));
  }
  if (type == "Replace") {
    SFT_ASSIGN_OR_RETURN(Regex pattern, PatternField(config, file));
    SFT_ASSIGN_OR_RETURN(std::string content,
                         formats::StringField(config, "content", "", file));
    return std::make_unique<ReplaceNormalizer>(std::move(pattern),
                                               std::move(content));
  }
  if (type == "Sequence") {
    SFT_ASSIGN_OR_RETURN(const json* list,
                         formats::ArrayField(config, "normalizers", file));
    std::vector<std::unique_ptr<Normalizer>> steps;
    for (const json& item : *list) {
      SFT_ASSIGN_OR_RETURN(auto step, ParseNormalizer(item, file));
      steps.push_back(std::move(step));
    }
    return std::make_unique<SequenceNormalizer>(std::move(steps));
  }
  return InputError(file, absl::StrCat("unknown normalizer \"", type, "\""));
}

}  // namespace sft::text
