// Typed look-ups in a JSON object, whose errors name file, key and value; a
// null counts as absent.
#ifndef HARNESS_FORMATS_JSON_FIELDS_H_
#define HARNESS_FORMATS_JSON_FIELDS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/status.h"

namespace sft::formats {

// nullptr where absent or null, or where `object` is none.
inline const nlohmann::json* FindField(const nlohmann::json& object,
                                       const char* name) {
  const auto it = object.find(name);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

// A key that may only have one value, if any.
struct OnlyValue {
  const char* key;
  const char* value;  // JSON
};

class JsonFields {
 public:
  JsonFields(std::string where, const nlohmann::json& object)
      : where_(std::move(where)), object_(object) {}

  const nlohmann::json* Find(const char* key) const {
    return FindField(object_, key);
  }
  absl::Status Wrong(const char* key, const char* wanted) const {
    const nlohmann::json* value = Find(key);
    if (value == nullptr) {
      return InputError(where_, absl::StrCat("key \"", key, "\" is missing"));
    }
    // Invalid UTF-8 cannot be: the parser refuses it.
    return InputError(
        where_, absl::StrCat("key \"", key, "\": ", value->dump().substr(0, 60),
                             " is not ", wanted));
  }
  // Also where it is null.
  bool Has(const char* key) const { return object_.contains(key); }
  absl::Status Int(const char* key, int64_t& out) const {
    const nlohmann::json* value = Find(key);
    if (value == nullptr || !value->is_number_integer() ||
        (value->is_number_unsigned() &&
         value->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))) {
      return Wrong(key, "an integer");
    }
    out = value->get<int64_t>();
    return absl::OkStatus();
  }
  absl::Status Real(const char* key, double& out) const {
    const nlohmann::json* value = Find(key);
    if (value == nullptr || !value->is_number()) return Wrong(key, "a number");
    out = value->get<double>();
    return absl::OkStatus();
  }
  absl::Status Bool(const char* key, bool& out) const {
    const nlohmann::json* value = Find(key);
    if (value == nullptr) return absl::OkStatus();
    if (!value->is_boolean()) return Wrong(key, "true or false");
    out = value->get<bool>();
    return absl::OkStatus();
  }
  // A key that may only have one value here.
  absl::Status Only(const char* key, const nlohmann::json& wanted) const {
    const nlohmann::json* value = Find(key);
    if (value == nullptr || *value == wanted) return absl::OkStatus();
    return Wrong(key, absl::StrCat("supported, only ", wanted.dump()).c_str());
  }
  // Of a checkpoint's config. Weights packed by another tool are refused: what
  // they hold is not what is stored.
  absl::Status Supported(const std::vector<OnlyValue>& only) const {
    for (const OnlyValue& one : only) {
      SFT_RETURN_IF_ERROR(Only(one.key, nlohmann::json::parse(one.value)));
    }
    if (Find("quantization_config") == nullptr) return absl::OkStatus();
    return InputError(where_,
                      "quantized weights (quantization_config) are not "
                      "supported");
  }

 private:
  std::string where_;
  const nlohmann::json& object_;
};

}  // namespace sft::formats

#endif  // HARNESS_FORMATS_JSON_FIELDS_H_
