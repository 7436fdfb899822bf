// See json_fields.h.
#include "harness/text/json_fields.h"

#include "harness/core/status.h"

namespace sft::text {
namespace {

absl::Status WrongType(const std::string& file, const char* name,
                       const char* wanted) {
  return InputError(file,
                    absl::StrCat("field \"", name, "\" must be ", wanted));
}

}  // namespace

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

}  // namespace sft::text
