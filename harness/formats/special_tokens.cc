#include "harness/formats/special_tokens.h"

namespace sft::formats {
namespace {

const nlohmann::json* FieldOf(const nlohmann::json& object,
                              const std::string& name) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(name);
  return it == object.end() ? nullptr : &*it;
}

}  // namespace

std::string TokenText(const nlohmann::json& config, const std::string& token) {
  const nlohmann::json* field = FieldOf(config, token);
  if (field != nullptr && field->is_object()) {
    field = FieldOf(*field, "content");
  }
  return field != nullptr && field->is_string() ? field->get<std::string>()
                                                : std::string();
}

const nlohmann::json* FirstTokenId(const nlohmann::json& config,
                                   const std::string& key) {
  const nlohmann::json* field = FieldOf(config, key);
  if (field != nullptr && field->is_array() && !field->empty()) {
    field = &field->front();
  }
  const bool is_id =
      field != nullptr && field->is_number_integer() && *field != -1;
  return is_id ? field : nullptr;
}

}  // namespace sft::formats
