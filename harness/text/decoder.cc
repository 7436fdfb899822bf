// See decoder.h. Semantics: `tokenizers` 0.23, decoders/*.rs.
#include "harness/text/decoder.h"

#include <charconv>
#include <optional>
#include <utility>

#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/formats/json_fields.h"
#include "harness/text/byte_level.h"
#include "harness/text/pattern.h"

namespace sft::text {
namespace {

using nlohmann::json;
using Tokens = std::vector<std::string>;

std::string Join(const Tokens& tokens) {
  std::string out;
  for (const std::string& token : tokens) out += token;
  return out;
}

void ReplaceAll(std::string_view from, std::string_view to, std::string* s) {
  for (size_t at = s->find(from); at != std::string::npos;
       at = s->find(from, at + to.size())) {
    s->replace(at, from.size(), to);
  }
}

class SpaceDecoder : public TokenDecoder {
 public:
  void Apply(Tokens* tokens) const override {
    for (size_t i = 1; i < tokens->size(); ++i) {
      (*tokens)[i].insert(0, " ");
    }
  }
};

class ByteLevelDecoder : public TokenDecoder {
 public:
  void Apply(Tokens* tokens) const override {
    std::string bytes;
    for (const std::string& token : *tokens) {
      bytes += CharsToBytes(token).value_or(token);
    }
    *tokens = {SanitizeUtf8(bytes)};
  }
};

class WordPieceDecoder : public TokenDecoder {
 public:
  WordPieceDecoder(std::string prefix, bool cleanup)
      : prefix_(std::move(prefix)), cleanup_(cleanup) {}
  void Apply(Tokens* tokens) const override {
    for (size_t i = 0; i < tokens->size(); ++i) {
      std::string& token = (*tokens)[i];
      if (i > 0) {
        if (token.starts_with(prefix_)) {
          token.erase(0, prefix_.size());
        } else {
          token.insert(0, " ");
        }
      }
      if (!cleanup_) continue;
      static constexpr std::pair<std::string_view, std::string_view> kRules[] =
          {{" .", "."},     {" ?", "?"},           {" !", "!"},
           {" ,", ","},     {" ' ", "'"},          {" n't", "n't"},
           {" 'm", "'m"},   {" do not", " don't"}, {" 's", "'s"},
           {" 've", "'ve"}, {" 're", "'re"}};
      for (const auto& [from, to] : kRules) ReplaceAll(from, to, &token);
    }
  }

 private:
  std::string prefix_;
  bool cleanup_;
};

class MetaspaceDecoder : public TokenDecoder {
 public:
  MetaspaceDecoder(std::string replacement, bool prepended)
      : replacement_(std::move(replacement)), prepended_(prepended) {}
  void Apply(Tokens* tokens) const override {
    for (size_t i = 0; i < tokens->size(); ++i) {
      ReplaceAll(replacement_, i == 0 && prepended_ ? "" : " ", &(*tokens)[i]);
    }
  }

 private:
  std::string replacement_;
  bool prepended_;
};

class ReplaceDecoder : public TokenDecoder {
 public:
  ReplaceDecoder(Regex pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}
  void Apply(Tokens* tokens) const override {
    for (std::string& token : *tokens) {
      AlignedText text(token, /*track=*/false);
      text.Replace(pattern_.FindAll(text.text()), content_);
      token = text.text();
    }
  }

 private:
  Regex pattern_;
  std::string content_;
};

std::optional<char> ByteToken(const std::string& token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') {
    return std::nullopt;
  }
  unsigned value = 0;
  const char* begin = token.data() + 3;
  const auto [end, error] = std::from_chars(begin, begin + 2, value, 16);
  if (error != std::errc() || end != begin + 2) return std::nullopt;
  return static_cast<char>(value);
}

class ByteFallbackDecoder : public TokenDecoder {
 public:
  void Apply(Tokens* tokens) const override {
    Tokens out;
    std::string bytes;
    const auto flush = [&] {
      if (bytes.empty()) return;
      if (IsValidUtf8(bytes)) {
        out.push_back(bytes);
      } else {
        for (size_t i = 0; i < bytes.size(); ++i) out.push_back("\uFFFD");
      }
      bytes.clear();
    };
    for (std::string& token : *tokens) {
      if (const std::optional<char> byte = ByteToken(token)) {
        bytes.push_back(*byte);
      } else {
        flush();
        out.push_back(std::move(token));
      }
    }
    flush();
    *tokens = std::move(out);
  }
};

class FuseDecoder : public TokenDecoder {
 public:
  void Apply(Tokens* tokens) const override { *tokens = {Join(*tokens)}; }
};

class StripDecoder : public TokenDecoder {
 public:
  StripDecoder(std::string content, int64_t start, int64_t stop)
      : content_(std::move(content)), start_(start), stop_(stop) {}
  void Apply(Tokens* tokens) const override {
    const size_t step = content_.size();
    for (std::string& token : *tokens) {
      size_t begin = 0, end = token.size();
      for (int64_t i = 0; i < start_ && begin + step <= end &&
                          token.compare(begin, step, content_) == 0;
           ++i) {
        begin += step;
      }
      for (int64_t i = 0; i < stop_ && begin + step <= end &&
                          token.compare(end - step, step, content_) == 0;
           ++i) {
        end -= step;
      }
      token = token.substr(begin, end - begin);
    }
  }

 private:
  std::string content_;
  int64_t start_;
  int64_t stop_;
};

class SequenceDecoder : public TokenDecoder {
 public:
  explicit SequenceDecoder(std::vector<std::unique_ptr<TokenDecoder>> steps)
      : steps_(std::move(steps)) {}
  void Apply(Tokens* tokens) const override {
    for (const auto& step : steps_) step->Apply(tokens);
  }

 private:
  std::vector<std::unique_ptr<TokenDecoder>> steps_;
};

using ParsedDecoder = absl::StatusOr<std::unique_ptr<TokenDecoder>>;

ParsedDecoder ParseMetaspaceDecoder(const json& config,
                                    const std::string& file) {
  SFT_ASSIGN_OR_RETURN(std::string replacement,
                       formats::StringField(config, "replacement", "▁", file));
  SFT_ASSIGN_OR_RETURN(
      const bool legacy,
      formats::BoolField(config, "add_prefix_space", true, file));
  SFT_ASSIGN_OR_RETURN(const std::string scheme,
                       formats::StringField(config, "prepend_scheme",
                                            legacy ? "always" : "never", file));
  if (replacement.empty()) {
    return InputError(file, "Metaspace: \"replacement\" is empty");
  }
  return std::make_unique<MetaspaceDecoder>(std::move(replacement),
                                            scheme != "never");
}

ParsedDecoder ParseStrip(const json& config, const std::string& file) {
  SFT_ASSIGN_OR_RETURN(std::string content,
                       formats::StringField(config, "content", " ", file));
  SFT_ASSIGN_OR_RETURN(const int64_t start,
                       formats::IntField(config, "start", 0, file));
  SFT_ASSIGN_OR_RETURN(const int64_t stop,
                       formats::IntField(config, "stop", 0, file));
  if (content.empty()) return InputError(file, "Strip: \"content\" is empty");
  return std::make_unique<StripDecoder>(std::move(content), start, stop);
}

}  // namespace

ParsedDecoder ParseDecoder(const json& config, const std::string& file) {
  if (config.is_null()) return std::make_unique<SpaceDecoder>();
  SFT_ASSIGN_OR_RETURN(const std::string type,
                       formats::TypeField(config, file));
  if (type == "ByteLevel") return std::make_unique<ByteLevelDecoder>();
  if (type == "ByteFallback") return std::make_unique<ByteFallbackDecoder>();
  if (type == "Fuse") return std::make_unique<FuseDecoder>();
  if (type == "Metaspace") return ParseMetaspaceDecoder(config, file);
  if (type == "Strip") return ParseStrip(config, file);
  if (type == "WordPiece") {
    SFT_ASSIGN_OR_RETURN(std::string prefix,
                         formats::StringField(config, "prefix", "##", file));
    SFT_ASSIGN_OR_RETURN(const bool cleanup,
                         formats::BoolField(config, "cleanup", true, file));
    return std::make_unique<WordPieceDecoder>(std::move(prefix), cleanup);
  }
  if (type == "Replace") {
    SFT_ASSIGN_OR_RETURN(Regex pattern, PatternField(config, file));
    SFT_ASSIGN_OR_RETURN(std::string content,
                         formats::StringField(config, "content", "", file));
    return std::make_unique<ReplaceDecoder>(std::move(pattern),
                                            std::move(content));
  }
  if (type == "Sequence") {
    SFT_ASSIGN_OR_RETURN(const json* list,
                         formats::ArrayField(config, "decoders", file));
    std::vector<std::unique_ptr<TokenDecoder>> steps;
    for (const json& item : *list) {
      SFT_ASSIGN_OR_RETURN(auto step, ParseDecoder(item, file));
      steps.push_back(std::move(step));
    }
    return std::make_unique<SequenceDecoder>(std::move(steps));
  }
  return InputError(file, absl::StrCat("unknown decoder \"", type, "\""));
}

}  // namespace sft::text
