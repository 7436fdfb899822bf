// Reading fields of untrusted JSON: size and depth are checked before parsing,
// every wrong type is one InputError that names file and field.
#ifndef HARNESS_TEXT_JSON_FIELDS_H_
#define HARNESS_TEXT_JSON_FIELDS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace sft {

inline constexpr int64_t kMaxTokenizerFileBytes = int64_t{256} << 20;

absl::StatusOr<nlohmann::json> ParseUntrustedJson(const std::string& text,
                                                  const std::string& file);
absl::StatusOr<nlohmann::json> ReadUntrustedJson(const std::string& path);

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
// nullptr where absent or null.
const nlohmann::json* FindField(const nlohmann::json& object, const char* name);

}  // namespace sft

#endif  // HARNESS_TEXT_JSON_FIELDS_H_
