#include "harness/formats/json.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/formats/not_the_file.h"

namespace sft::formats {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// Builds the value as the parser walks, and stops it at the first fault.
template <class Json>
class StrictBuilder : public nlohmann::json_sax<Json> {
 public:
  StrictBuilder(std::string_view text, int max_depth, Json& out)
      : text_(text), max_depth_(max_depth), out_(out) {}

  const std::optional<JsonFault>& fault() const { return fault_; }

  bool null() override { return Put(nullptr); }
  bool boolean(bool value) override { return Put(value); }
  bool number_integer(int64_t value) override { return Put(value); }
  bool number_unsigned(uint64_t value) override { return Put(value); }
  bool number_float(double value, const std::string& token) override {
    // The parser makes a double of a whole number that it cannot hold.
    if (token.find_first_of(".eE") == std::string::npos) {
      const size_t digits = token.size() - (token[0] == '-' ? 1 : 0);
      return Stop(absl::StrCat(
          "the number ", token.substr(0, 40), token.size() > 40 ? "..." : "",
          " of ", digits,
          " digits cannot be kept exactly: write it as a text, in quotes"));
    }
    return Put(value);
  }
  bool string(std::string& value) override { return Put(std::move(value)); }
  bool binary(typename Json::binary_t&) override {
    return Stop("bytes are no JSON");
  }

  bool start_object(size_t) override { return Open(Json::object()); }
  bool start_array(size_t) override { return Open(Json::array()); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool key(std::string& name) override {
    const auto [at, is_new] = open_.back()->emplace(name, nullptr);
    if (!is_new) {
      return Stop(absl::StrCat("key \"", name.substr(0, 60), "\" given twice"));
    }
    slot_ = &*at;
    return true;
  }

  bool parse_error(size_t byte, const std::string&,
                   const nlohmann::detail::exception& error) override {
    const size_t at = std::min(byte == 0 ? 0 : byte - 1, text_.size());
    // What Python writes for no number.
    for (const std::string_view word : {"NaN", "Infinity"}) {
      if (text_.substr(at, word.size()) == word) {
        return Stop(absl::StrCat(ToAbsl(word), " is no JSON: write null"), at);
      }
    }
    // "[json.exception.parse_error.101] parse error at line 1, ..."
    const std::string what = error.what();
    const size_t bracket = what.find("] ");
    return Stop(absl::StrCat("no JSON: ", bracket == std::string::npos
                                              ? what
                                              : what.substr(bracket + 2, 200)),
                at);
  }

 private:
  template <class Value>
  bool Put(Value&& value) {
    Place() = std::forward<Value>(value);
    return true;
  }
  // Where the next value goes.
  Json& Place() {
    if (open_.empty()) return out_;
    if (slot_ != nullptr) return *std::exchange(slot_, nullptr);
    return open_.back()->emplace_back(nullptr);
  }
  bool Open(Json empty) {
    if (std::ssize(open_) >= max_depth_) {
      return Stop(absl::StrCat("nested deeper than ", max_depth_,
                               " levels (nested ", JsonDepth(text_), " deep)"));
    }
    Json& place = Place();
    place = std::move(empty);
    open_.push_back(&place);
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }
  bool Stop(std::string what, size_t byte = 0) {
    if (!fault_) fault_ = JsonFault{byte, std::move(what)};
    return false;
  }

  std::string_view text_;
  int max_depth_;
  Json& out_;
  std::vector<Json*> open_;
  Json* slot_ = nullptr;  // of a key whose value comes next
  std::optional<JsonFault> fault_;
};

template <class Json>
std::optional<JsonFault> ReadInto(std::string_view text, int max_depth,
                                  Json& out) {
  StrictBuilder<Json> builder(text, max_depth, out);
  Json::sax_parse(text, &builder);
  // What it read whole is UTF-8, but it takes a NUL for the end of the text.
  const bool whole = !builder.fault() && text.find('\0') == text.npos;
  if (whole) return std::nullopt;
  // Bytes that are no text are said first, wherever they stand.
  const size_t unclean = FirstUncleanByte(text);
  if (unclean == text.npos) return builder.fault();
  return JsonFault{unclean, Utf8Complaint(text)};
}

}  // namespace

std::optional<JsonFault> ReadJsonInto(std::string_view text, int max_depth,
                                      json& out) {
  return ReadInto(text, max_depth, out);
}

std::optional<JsonFault> ReadJsonInto(std::string_view text, int max_depth,
                                      ordered_json& out) {
  return ReadInto(text, max_depth, out);
}

absl::StatusOr<json> ParseJson(std::string_view text, int max_depth) {
  json value;
  if (std::optional<JsonFault> fault = ReadJsonInto(text, max_depth, value)) {
    return absl::InvalidArgumentError(fault->what);
  }
  return value;
}

absl::StatusOr<json> ParseJsonDocument(std::string_view where,
                                       std::string_view text, int max_depth) {
  if (static_cast<int64_t>(text.size()) > kMaxJsonDocumentBytes) {
    return InputError(where, "JSON is larger than 256 MiB");
  }
  SFT_RETURN_IF_ERROR(CheckIsTheFile(std::string(where), text));
  json value;
  if (std::optional<JsonFault> fault = ReadJsonInto(text, max_depth, value)) {
    absl::string_view what = fault->what;
    absl::ConsumePrefix(&what, "no JSON: ");
    return InputError(where, absl::StrCat("not valid JSON: ", what));
  }
  return value;
}

absl::StatusOr<json> ParseJsonObject(std::string_view where,
                                     std::string_view text, int max_depth) {
  SFT_ASSIGN_OR_RETURN(json value, ParseJsonDocument(where, text, max_depth));
  if (!value.is_object()) return InputError(where, "not a JSON object");
  return value;
}

absl::StatusOr<json> ReadJsonDocument(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const std::string text,
                       ReadFile(path, kMaxJsonDocumentBytes));
  return ParseJsonDocument(path, text);
}

std::string JsonText(const json& document, int indent) {
  return document.dump(indent, ' ', false, json::error_handler_t::replace);
}

std::string JsonText(const nlohmann::ordered_json& document, int indent) {
  return document.dump(indent, ' ', false, json::error_handler_t::replace);
}

int JsonDepth(std::string_view text) {
  int depth = 0, deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace sft::formats
