// Reading fields of untrusted JSON: every wrong type is one InputError that
// names file and field.
#ifndef HARNESS_TEXT_JSON_FIELDS_H_
#define HARNESS_TEXT_JSON_FIELDS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "harness/formats/json_fields.h"

namespace sft::text {

// `object[name]`; absent or null gives `fallback`.
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
using formats::FindField;

}  // namespace sft::text

#endif  // HARNESS_TEXT_JSON_FIELDS_H_
