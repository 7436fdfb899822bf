// JSON out of files nobody vouches for, read in one pass: nesting is bounded, a
// key given twice is an error, and so is a whole number that 64 bits cannot
// hold (a parser would round it).
#ifndef HARNESS_FORMATS_JSON_H_
#define HARNESS_FORMATS_JSON_H_

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace sft::formats {

inline constexpr int kMaxJsonDepth = 64;
inline constexpr int64_t kMaxJsonDocumentBytes = int64_t{256} << 20;

struct JsonFault {
  size_t byte = 0;   // where reading stopped, from 0
  std::string what;  // one line, without a file's name
};
// Reads all of `text` into `out`; nothing where it is good. What `out` holds
// beside a fault is anything.
std::optional<JsonFault> ReadJsonInto(std::string_view text, int max_depth,
                                      nlohmann::json& out);
std::optional<JsonFault> ReadJsonInto(std::string_view text, int max_depth,
                                      nlohmann::ordered_json& out);

// The same as a status, for callers that name the place themselves.
absl::StatusOr<nlohmann::json> ParseJson(std::string_view text,
                                         int max_depth = kMaxJsonDepth);

// A document of at most kMaxJsonDocumentBytes; errors name `where`, and say of
// a Git LFS pointer, a web page or a pickle what it is.
absl::StatusOr<nlohmann::json> ParseJsonDocument(std::string_view where,
                                                 std::string_view text,
                                                 int max_depth = kMaxJsonDepth);
// One that is an object.
absl::StatusOr<nlohmann::json> ParseJsonObject(std::string_view where,
                                               std::string_view text,
                                               int max_depth = kMaxJsonDepth);
absl::StatusOr<nlohmann::json> ReadJsonDocument(const std::string& path);

// A document as text, `indent` blanks a level (-1: one line). Bytes of a user's
// file that are no UTF-8 are replaced.
std::string JsonText(const nlohmann::json& document, int indent = -1);
std::string JsonText(const nlohmann::ordered_json& document, int indent);

// The deepest nesting of brackets outside strings; `text` need not be JSON.
int JsonDepth(std::string_view text);

}  // namespace sft::formats

#endif  // HARNESS_FORMATS_JSON_H_
