#include "harness/formats/special_tokens.h"

#include "harness/formats/json_fields.h"

namespace sft::formats {

std::string TokenText(const nlohmann::json& config, const std::string& token) {
  const nlohmann::json* field = FindField(config, token.c_str());
  if (field != nullptr && field->is_object()) {
    field = FindField(*field, "content");
  }
  return field != nullptr && field->is_string() ? field->get<std::string>()
                                                : std::string();
}

const nlohmann::json* FirstTokenId(const nlohmann::json& config,
                                   const std::string& key) {
  const nlohmann::json* field = FindField(config, key.c_str());
  if (field != nullptr && field->is_array() && !field->empty()) {
    field = &field->front();
  }
  const bool is_id =
      field != nullptr && field->is_number_integer() && *field != -1;
  return is_id ? field : nullptr;
}

}  // namespace sft::formats
