// See pattern.h.
#include "harness/text/pattern.h"

#include "harness/core/status.h"
#include "harness/formats/json_fields.h"

namespace sft::text {

absl::StatusOr<Regex> PatternField(const nlohmann::json& object,
                                   const std::string& file) {
  const nlohmann::json* pattern = formats::FindField(object, "pattern");
  if (pattern != nullptr) {
    const nlohmann::json* literal = formats::FindField(*pattern, "String");
    if (literal != nullptr && literal->is_string()) {
      return Regex::Compile(Regex::Escape(literal->get<std::string>()), file);
    }
    const nlohmann::json* regex = formats::FindField(*pattern, "Regex");
    if (regex != nullptr && regex->is_string()) {
      return Regex::Compile(regex->get<std::string>(), file);
    }
  }
  return InputError(
      file, "field \"pattern\" must be {\"String\": ..} or {\"Regex\": ..}");
}

}  // namespace sft::text
