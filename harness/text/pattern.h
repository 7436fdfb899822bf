// The "pattern" field of Split and Replace: {"String": s} or {"Regex": r}.
#ifndef HARNESS_TEXT_PATTERN_H_
#define HARNESS_TEXT_PATTERN_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "harness/text/regex.h"

namespace sft::text {

absl::StatusOr<Regex> PatternField(const nlohmann::json& object,
                                   const std::string& file);

}  // namespace sft::text

#endif  // HARNESS_TEXT_PATTERN_H_
