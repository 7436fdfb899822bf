#include "harness/spec/config_json.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace sft::spec {
namespace {

using TypedJson = nlohmann::ordered_json;

// A number or a truth value where `text` is one from end to end, else the text.
TypedJson ByLooks(const std::string& text) {
  TypedJson value = TypedJson::parse(text, nullptr, /*allow_exceptions=*/false);
  const bool is_plain = value.is_number() || value.is_boolean();
  return is_plain ? value : TypedJson(text);
}

}  // namespace

TypedJson ConfigToJson(const RunConfig& config) {
  TypedJson json = TypedJson::object();
  const auto visitor = [&json](std::string_view name, auto& value,
                               const Limits&, std::string_view) {
    json[std::string(name)] = value;
  };
  RunConfig copy = config;  // fields are visited to be written, too
  copy.VisitFields(visitor);
  for (const auto& [name, text] : config.method_options) {
    json[name] = ByLooks(text);
  }
  for (const auto& [name, text] : config.user_data) {
    TypedJson value =
        TypedJson::parse(text, nullptr, /*allow_exceptions=*/false);
    json["data." + name] = value.is_discarded() ? TypedJson(text) : value;
  }
  return json;
}

TypedJson AxesToJson(const std::map<std::string, std::string>& axes) {
  static const auto& fields =
      *new std::vector<FieldSpec>(DescribeFields<RunConfig>());
  TypedJson json = TypedJson::object();
  for (const auto& [name, text] : axes) {
    const auto field = std::find_if(
        fields.begin(), fields.end(),
        [&name = name](const FieldSpec& one) { return one.name == name; });
    const bool is_text =
        field != fields.end() && (field->type == FieldType::kString ||
                                  field->type == FieldType::kStringList);
    json[name] = is_text ? TypedJson(text) : ByLooks(text);
  }
  return json;
}

}  // namespace sft::spec
