// See json_fields.h.
#include "harness/text/json_fields.h"

#include <exception>

#include "harness/core/files.h"
#include "harness/core/json_depth.h"
#include "harness/core/not_the_file.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"

namespace sft {
namespace {

constexpr int kMaxDepth = 64;

absl::Status WrongType(const std::string& file, const char* name,
                       const char* wanted) {
  return InputError(file,
                    absl::StrCat("field \"", name, "\" must be ", wanted));
}

}  // namespace

absl::StatusOr<nlohmann::json> ParseUntrustedJson(const std::string& text,
                                                  const std::string& file) {
  if (static_cast<int64_t>(text.size()) > kMaxTokenizerFileBytes) {
    return InputError(file, "JSON is larger than 256 MiB");
  }
  SFT_RETURN_IF_ERROR(CheckIsTheFile(file, text));
  if (JsonDepth(text) > kMaxDepth) {
    return InputError(file, "JSON is nested deeper than 64 levels");
  }
  try {
    return nlohmann::json::parse(text);
  } catch (const std::exception& e) {
    // The message quotes the bad bytes, which need not be UTF-8.
    return InputError(file,
                      absl::StrCat("not valid JSON: ",
                                   SanitizeUtf8(e.what()).substr(0, 200)));
  }
}

absl::StatusOr<nlohmann::json> ReadUntrustedJson(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(std::string text,
                       ReadFile(path, kMaxTokenizerFileBytes));
  return ParseUntrustedJson(text, path);
}

const nlohmann::json* FindField(const nlohmann::json& object,
                                const char* name) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(name);
  if (it == object.end() || it->is_null()) return nullptr;
  return &*it;
}

absl::StatusOr<bool> BoolField(const nlohmann::json& object, const char* name,
                               bool fallback, const std::string& file) {
  const nlohmann::json* field = FindField(object, name);
  if (field == nullptr) return fallback;
  if (!field->is_boolean()) return WrongType(file, name, "true or false");
  return field->get<bool>();
}

absl::StatusOr<int64_t> IntField(const nlohmann::json& object, const char* name,
                                 int64_t fallback, const std::string& file) {
  const nlohmann::json* field = FindField(object, name);
  if (field == nullptr) return fallback;
  if (!field->is_number_integer() ||
      (field->is_number_unsigned() && field->get<uint64_t>() > INT64_MAX)) {
    return WrongType(file, name, "an integer");
  }
  return field->get<int64_t>();
}

absl::StatusOr<std::string> StringField(const nlohmann::json& object,
                                        const char* name,
                                        const std::string& fallback,
                                        const std::string& file) {
  const nlohmann::json* field = FindField(object, name);
  if (field == nullptr) return fallback;
  if (!field->is_string()) return WrongType(file, name, "a string");
  return field->get<std::string>();
}

absl::StatusOr<std::string> TypeField(const nlohmann::json& object,
                                      const std::string& file) {
  const nlohmann::json* field = FindField(object, "type");
  if (field == nullptr || !field->is_string()) {
    return WrongType(file, "type", "a string");
  }
  return field->get<std::string>();
}

absl::StatusOr<const nlohmann::json*> ArrayField(const nlohmann::json& object,
                                                 const char* name,
                                                 const std::string& file) {
  const nlohmann::json* field = FindField(object, name);
  if (field == nullptr || !field->is_array()) {
    return WrongType(file, name, "an array");
  }
  return field;
}

}  // namespace sft
