// Typed look-ups in a JSON object nobody vouches for, whose errors name file,
// key and value; a null counts as absent.
#ifndef HARNESS_FORMATS_JSON_FIELDS_H_
#define HARNESS_FORMATS_JSON_FIELDS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sft::formats {

// nullptr where absent or null, or where `object` is none.
const nlohmann::json* FindField(const nlohmann::json& object, const char* name);

// A key that may only have one value, if any.
struct OnlyValue {
  const char* key;
  const char* value;  // JSON
};

class JsonFields {
 public:
  // `object` outlives it.
  JsonFields(std::string where, const nlohmann::json& object)
      : where_(std::move(where)), object_(object) {}

  const nlohmann::json& object() const { return object_; }
  const nlohmann::json* Find(const char* key) const {
    return FindField(object_, key);
  }
  // Also where it is null.
  bool Has(const char* key) const { return object_.contains(key); }
  // `key "rank": [1] is not an integer`, or that it is missing.
  absl::Status Wrong(const char* key, const char* wanted) const;

  // Required.
  absl::Status Int(const char* key, int64_t& out) const;
  absl::Status Real(const char* key, double& out) const;
  absl::Status Text(const char* key, std::string& out) const;
  absl::StatusOr<const nlohmann::json*> Array(const char* key) const;
  // Where it is absent, `out` stays.
  absl::Status Bool(const char* key, bool& out) const;
  // A key that may only have one value here.
  absl::Status Only(const char* key, const nlohmann::json& wanted) const;
  // Of a checkpoint's config. Weights packed by another tool are refused: what
  // they hold is not what is stored.
  absl::Status Supported(const std::vector<OnlyValue>& only) const;

 private:
  std::string where_;
  const nlohmann::json& object_;
};

// The same of one field; absent or null gives `fallback`.
absl::StatusOr<bool> BoolField(const nlohmann::json& object, const char* name,
                               bool fallback, const std::string& file);
absl::StatusOr<int64_t> IntField(const nlohmann::json& object, const char* name,
                                 int64_t fallback, const std::string& file);
absl::StatusOr<std::string> StringField(const nlohmann::json& object,
                                        const char* name,
                                        const std::string& fallback,
                                        const std::string& file);
// The required string `object["type"]`.
absl::StatusOr<std::string> TypeField(const nlohmann::json& object,
                                      const std::string& file);
// The required array `object[name]`.
absl::StatusOr<const nlohmann::json*> ArrayField(const nlohmann::json& object,
                                                 const char* name,
                                                 const std::string& file);

}  // namespace sft::formats

#endif  // HARNESS_FORMATS_JSON_FIELDS_H_
