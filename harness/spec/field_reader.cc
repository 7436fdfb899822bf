#include "harness/spec/field_reader.h"

#include <set>
#include <utility>

#include "harness/core/status.h"
#include "harness/spec/axis_values.h"
#include "harness/spec/spec_messages.h"

namespace sft::spec {
namespace {

using Kind = YamlNode::Kind;

}  // namespace

FieldReader::FieldReader(const SpecTables& tables, ExperimentSpec& spec)
    : spec_(spec), tables_(tables), fields_(KnownFields(tables)) {
  for (const auto& [name, field] : fields_) names_.push_back(name);
}

void FieldReader::AddDataset(const std::string& name) {
  tables_.datasets.push_back(name);
  tables_.tasks.push_back(name);
  tables_.retained.push_back(name);
}

void FieldReader::Complain(const YamlNode& node, std::string_view what) {
  spec_.complaints.Add(absl::StrCat(spec_.path, ":", node.line), what);
}

void FieldReader::ComplainOfKey(const YamlNode& key, const YamlNode& value,
                                std::string_view where,
                                const std::vector<std::string>& known) {
  Complain(key, UnknownKeyText(key, &value, where, known));
  // What was meant now lacks its value.
  if (const std::string near = NearestName(key.text, names_); !near.empty()) {
    Doubt(near);
  }
}

bool FieldReader::Want(const YamlNode& node, Kind kind, std::string_view name) {
  if (node.kind == kind) return true;
  Complain(node, WrongKindText(name, kind, node));
  return false;
}

const FieldSpec* FieldReader::FindField(const YamlNode& key,
                                        const YamlNode& value,
                                        std::string_view where) {
  const auto it = fields_.find(key.text);
  if (it != fields_.end()) return &it->second;
  ComplainOfKey(key, value, where, names_);
  return nullptr;
}

std::optional<SpecValue> FieldReader::ReadValue(const FieldSpec& field,
                                                const YamlNode& node) {
  const bool takes_list = field.type == FieldType::kStringList;
  const auto refuse = [&](const YamlNode& at, std::string_view what) {
    Complain(at, what);
    Doubt(field.name);
    return std::nullopt;
  };
  std::string text = node.text;
  if (node.kind == Kind::kList && takes_list) {
    std::vector<std::string> items;
    for (const YamlNode& item : node.items) {
      if (item.kind != Kind::kScalar) {
        return refuse(item, WrongKindText(field.name, Kind::kScalar, item));
      }
      if (item.text.empty() || item.text.find(',') != std::string::npos) {
        return refuse(
            item, absl::StrCat(field.name, ": '", item.text, "' is no name"));
      }
      items.push_back(item.text);
    }
    text = CanonicalText(items);
  } else if (node.kind == Kind::kList) {
    return refuse(node, absl::StrCat(field.name,
                                     ": wanted a single value, found a list; "
                                     "values to compare stand under grid:"));
  } else if (node.kind != Kind::kScalar) {
    return refuse(
        node, WrongKindText(field.name,
                            takes_list ? Kind::kList : Kind::kScalar, node));
  }
  const absl::StatusOr<std::string> value =
      CanonicalSpecValue(field, text, tables_);
  if (!value.ok()) return refuse(node, ToStd(value.status().message()));
  return SpecValue{*value, node.line};
}

void FieldReader::Set(const YamlNode& key, const FieldSpec& field,
                      const YamlNode& node,
                      std::map<std::string, SpecValue>& set) {
  std::optional<SpecValue> value = ReadValue(field, node);
  if (!value) return;
  const auto [it, is_new] = set.emplace(field.name, *std::move(value));
  if (is_new) return;
  Complain(key, absl::StrCat(field.name, " stands already on line ",
                             it->second.line));
  Doubt(field.name);
}

void FieldReader::ReadSet(const YamlNode& node,
                          std::map<std::string, SpecValue>& set) {
  if (!Want(node, Kind::kMap, "set")) return Doubt("");
  for (const auto& [key, value] : node.entries) {
    const FieldSpec* field = FindField(key, value, " under set:");
    if (field != nullptr) Set(key, *field, value, set);
  }
}

void FieldReader::ReadAxis(std::string_view where, const FieldSpec& field,
                           const YamlNode& values, SpecAxis& axis) {
  const AxisDraws draws{spec_.search.draws, spec_.search.seed};
  const auto content = ReadAxisContent(field, values, draws);
  if (!content.ok()) {
    // A search that was refused might have said how often.
    if (!spec_.Doubts("search")) {
      Complain(values, ToStd(content.status().message()));
    }
    return Doubt(field.name);
  }
  axis.is_drawn = content->is_drawn;
  if (axis.is_drawn && where == "zip") {
    Complain(values, absl::StrCat("zip: ", field.name,
                                  " is drawn; axes that are drawn stand under "
                                  "grid:, and move together there"));
    return Doubt(field.name);
  }
  if (content->items.empty()) {
    Complain(values, absl::StrCat("axis ", field.name, " is empty"));
    return Doubt(field.name);
  }
  std::set<std::string> seen;
  for (const YamlNode& item : content->items) {
    std::optional<SpecValue> value = ReadValue(field, item);
    if (!value) continue;
    if (!seen.insert(value->text).second && where != "zip" && !axis.is_drawn) {
      Complain(item, absl::StrCat("axis ", field.name, " has '", value->text,
                                  "' twice"));
      continue;
    }
    axis.values.push_back(*std::move(value));
  }
}

void FieldReader::ReadAxes(std::string_view where, const YamlNode& node,
                           std::vector<SpecAxis>& axes) {
  if (!Want(node, Kind::kMap, where)) return Doubt("");
  for (const auto& [key, values] : node.entries) {
    const FieldSpec* field =
        FindField(key, values, absl::StrCat(" under ", ToAbsl(where), ":"));
    if (field == nullptr) continue;
    SpecAxis axis;
    axis.name = field->name;
    axis.line = key.line;
    ReadAxis(where, *field, values, axis);
    if (!axis.values.empty()) axes.push_back(std::move(axis));
  }
}

bool FieldReader::ReadMatch(std::string_view where, const YamlNode& node,
                            SpecMatch& match) {
  if (!Want(node, Kind::kMap, where)) return false;
  bool is_whole = true;
  for (const auto& [key, value] : node.entries) {
    const FieldSpec* field =
        FindField(key, value, absl::StrCat(" under ", ToAbsl(where), ":"));
    if (field == nullptr) {
      is_whole = false;
      continue;
    }
    const bool is_list = value.kind == Kind::kList;
    if (is_list && value.items.empty()) {
      Complain(value, absl::StrCat(field->name, ": matches nothing"));
      is_whole = false;
    }
    std::vector<std::string>& wanted = match[field->name];
    for (const YamlNode& item :
         is_list ? value.items : std::vector<YamlNode>{value}) {
      const std::optional<SpecValue> one = ReadValue(*field, item);
      if (one) wanted.push_back(one->text);
      is_whole = is_whole && one.has_value();
    }
  }
  return is_whole;
}

}  // namespace sft::spec
