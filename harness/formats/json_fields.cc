#include "harness/formats/json_fields.h"

#include "harness/core/status.h"
#include "harness/formats/json.h"

namespace sft::formats {
namespace {

constexpr size_t kShownBytes = 60;  // of a wrong value

}  // namespace

const nlohmann::json* FindField(const nlohmann::json& object,
                                const char* name) {
  const auto it = object.find(name);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

absl::Status JsonFields::Wrong(const char* key, const char* wanted) const {
  const nlohmann::json* value = Find(key);
  if (value == nullptr) {
    return InputError(where_, absl::StrCat("key \"", key, "\" is missing"));
  }
  return InputError(
      where_, absl::StrCat("key \"", key,
                           "\": ", JsonText(*value).substr(0, kShownBytes),
                           " is not ", wanted));
}

absl::Status JsonFields::Int(const char* key, int64_t& out) const {
  const nlohmann::json* value = Find(key);
  if (value == nullptr || !value->is_number_integer() ||
      (value->is_number_unsigned() &&
       value->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))) {
    return Wrong(key, "an integer");
  }
  out = value->get<int64_t>();
  return absl::OkStatus();
}

absl::Status JsonFields::Real(const char* key, double& out) const {
  const nlohmann::json* value = Find(key);
  if (value == nullptr || !value->is_number()) return Wrong(key, "a number");
  out = value->get<double>();
  return absl::OkStatus();
}

absl::Status JsonFields::Text(const char* key, std::string& out) const {
  const nlohmann::json* value = Find(key);
  if (value == nullptr || !value->is_string()) return Wrong(key, "a string");
  out = value->get<std::string>();
  return absl::OkStatus();
}

absl::StatusOr<const nlohmann::json*> JsonFields::Array(const char* key) const {
  const nlohmann::json* value = Find(key);
  if (value == nullptr || !value->is_array()) return Wrong(key, "an array");
  return value;
}

absl::Status JsonFields::Bool(const char* key, bool& out) const {
  const nlohmann::json* value = Find(key);
  if (value == nullptr) return absl::OkStatus();
  if (!value->is_boolean()) return Wrong(key, "true or false");
  out = value->get<bool>();
  return absl::OkStatus();
}

absl::Status JsonFields::Only(const char* key,
                              const nlohmann::json& wanted) const {
  const nlohmann::json* value = Find(key);
  if (value == nullptr || *value == wanted) return absl::OkStatus();
  return Wrong(key, absl::StrCat("supported, only ", JsonText(wanted)).c_str());
}

absl::Status JsonFields::Supported(const std::vector<OnlyValue>& only) const {
  for (const OnlyValue& one : only) {
    SFT_RETURN_IF_ERROR(Only(one.key, nlohmann::json::parse(one.value)));
  }
  if (Find("quantization_config") == nullptr) return absl::OkStatus();
  return InputError(where_,
                    "quantized weights (quantization_config) are not "
                    "supported");
}

absl::StatusOr<bool> BoolField(const nlohmann::json& object, const char* name,
                               bool fallback, const std::string& file) {
  SFT_RETURN_IF_ERROR(JsonFields(file, object).Bool(name, fallback));
  return fallback;
}

absl::StatusOr<int64_t> IntField(const nlohmann::json& object, const char* name,
                                 int64_t fallback, const std::string& file) {
  if (FindField(object, name) == nullptr) return fallback;
  SFT_RETURN_IF_ERROR(JsonFields(file, object).Int(name, fallback));
  return fallback;
}

absl::StatusOr<std::string> StringField(const nlohmann::json& object,
                                        const char* name,
                                        const std::string& fallback,
                                        const std::string& file) {
  if (FindField(object, name) == nullptr) return fallback;
  std::string text;
  SFT_RETURN_IF_ERROR(JsonFields(file, object).Text(name, text));
  return text;
}

absl::StatusOr<std::string> TypeField(const nlohmann::json& object,
                                      const std::string& file) {
  std::string type;
  SFT_RETURN_IF_ERROR(JsonFields(file, object).Text("type", type));
  return type;
}

absl::StatusOr<const nlohmann::json*> ArrayField(const nlohmann::json& object,
                                                 const char* name,
                                                 const std::string& file) {
  return JsonFields(file, object).Array(name);
}

}  // namespace sft::formats
