// JSON out of files nobody vouches for: nesting is bounded before anything is
// built, and a key given twice is an error.
#ifndef HARNESS_MODEL_JSON_TEXT_H_
#define HARNESS_MODEL_JSON_TEXT_H_

#include <nlohmann/json.hpp>
#include <string_view>

#include "absl/status/statusor.h"

namespace sft {

// A JSON object nested at most `max_depth` deep; errors name `where`.
absl::StatusOr<nlohmann::json> ParseJsonObject(std::string_view where,
                                               std::string_view text,
                                               int max_depth);

}  // namespace sft

#endif  // HARNESS_MODEL_JSON_TEXT_H_
