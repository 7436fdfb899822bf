#include "harness/spec/experiment_spec.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_split.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/spec/run_config.h"
#include "harness/spec/spec_messages.h"
#include "harness/spec/yaml_tree.h"

namespace sft::spec {
namespace {

using Kind = YamlNode::Kind;

const std::vector<std::string>& TopLevelKeys() {
  static const std::vector<std::string> kKeys = {
      "question", "model", "data",  "train", "evaluate", "budget",
      "set",      "grid",  "cases", "zip",   "baseline", "select"};
  return kKeys;
}

class SpecReader {
 public:
  SpecReader(const std::string& path, const SpecTables& tables)
      : path_(path), tables_(tables), fields_(KnownFields(tables)) {
    for (const auto& [name, field] : fields_) names_.push_back(name);
  }

  absl::Status Read(const YamlNode& root, ExperimentSpec& spec) {
    SFT_RETURN_IF_ERROR(Want(root, Kind::kMap, "a spec"));
    // First, for the other keys may name its sets.
    for (const auto& [key, value] : root.entries) {
      if (key.text == "data") SFT_RETURN_IF_ERROR(ReadData(value, spec));
    }
    for (const auto& [key, value] : root.entries) {
      spec.lines[key.text] = key.line;
      for (const auto& [part, node] : value.entries) {
        spec.lines[absl::StrCat(key.text, ".", part.text)] = part.line;
      }
      SFT_RETURN_IF_ERROR(ReadTopLevel(key, value, spec));
    }
    return CheckWhole(spec);
  }

 private:
  absl::Status Error(const YamlNode& node, std::string_view what) const {
    return InputError(absl::StrCat(path_, ":", node.line), what);
  }
  absl::Status Want(const YamlNode& node, Kind kind,
                    std::string_view name) const {
    if (node.kind == kind) return absl::OkStatus();
    return Error(node, WrongKindText(name, kind, node));
  }
  absl::Status Unknown(const YamlNode& key, const YamlNode& value,
                       std::string_view where,
                       const std::vector<std::string>& known) const {
    return Error(key, UnknownKeyText(key, &value, where, known));
  }

  absl::StatusOr<FieldSpec> FindField(const YamlNode& key,
                                      const YamlNode& value,
                                      std::string_view where) const {
    const auto it = fields_.find(key.text);
    if (it == fields_.end()) return Unknown(key, value, where, names_);
    return it->second;
  }

  absl::StatusOr<SpecValue> ReadValue(const FieldSpec& field,
                                      const YamlNode& node) const {
    std::string text = node.text;
    if (node.kind == Kind::kList && field.type == FieldType::kStringList) {
      std::vector<std::string> items;
      for (const YamlNode& item : node.items) {
        SFT_RETURN_IF_ERROR(Want(item, Kind::kScalar, field.name));
        if (item.text.empty() || item.text.find(',') != std::string::npos) {
          return Error(
              item, absl::StrCat(field.name, ": '", item.text, "' is no name"));
        }
        items.push_back(item.text);
      }
      text = CanonicalText(items);
    } else if (node.kind == Kind::kList) {
      return Error(node, absl::StrCat(field.name,
                                      ": wanted a single value, found a list; "
                                      "values to compare stand under grid:"));
    } else {
      const bool list = field.type == FieldType::kStringList;
      SFT_RETURN_IF_ERROR(
          node.kind == Kind::kScalar
              ? absl::OkStatus()
              : Want(node, list ? Kind::kList : Kind::kScalar, field.name));
    }
    absl::StatusOr<std::string> value =
        CanonicalSpecValue(field, text, tables_);
    if (!value.ok()) return Error(node, ToStd(value.status().message()));
    return SpecValue{*value, node.line};
  }

  absl::Status Set(const YamlNode& key, const FieldSpec& field,
                   const YamlNode& node,
                   std::map<std::string, SpecValue>& set) const {
    SFT_ASSIGN_OR_RETURN(SpecValue value, ReadValue(field, node));
    const auto [it, is_new] = set.emplace(field.name, value);
    if (is_new) return absl::OkStatus();
    return Error(key, absl::StrCat(field.name, " stands already on line ",
                                   it->second.line));
  }

  absl::Status ReadSet(const YamlNode& node,
                       std::map<std::string, SpecValue>& set) const {
    SFT_RETURN_IF_ERROR(Want(node, Kind::kMap, "set"));
    for (const auto& [key, value] : node.entries) {
      SFT_ASSIGN_OR_RETURN(FieldSpec field,
                           FindField(key, value, " under set:"));
      SFT_RETURN_IF_ERROR(Set(key, field, value, set));
    }
    return absl::OkStatus();
  }

  absl::Status ReadAxes(std::string_view where, const YamlNode& node,
                        std::vector<SpecAxis>& axes) const {
    SFT_RETURN_IF_ERROR(Want(node, Kind::kMap, where));
    for (const auto& [key, values] : node.entries) {
      SFT_ASSIGN_OR_RETURN(
          FieldSpec field,
          FindField(key, values,
                    absl::StrCat(" under ", ToAbsl(where), ":").c_str()));
      SpecAxis axis;
      axis.name = field.name;
      axis.line = key.line;
      SFT_RETURN_IF_ERROR(Want(values, Kind::kList, field.name));
      if (values.items.empty()) {
        return Error(values, absl::StrCat("axis ", field.name, " is empty"));
      }
      std::set<std::string> seen;
      for (const YamlNode& item : values.items) {
        SFT_ASSIGN_OR_RETURN(SpecValue value, ReadValue(field, item));
        if (!seen.insert(value.text).second && where != "zip") {
          return Error(item, absl::StrCat("axis ", field.name, " has '",
                                          value.text, "' twice"));
        }
        axis.values.push_back(std::move(value));
      }
      axes.push_back(std::move(axis));
    }
    return absl::OkStatus();
  }

  absl::Status ReadCase(const YamlNode& node, SpecCase& out) const {
    SFT_RETURN_IF_ERROR(Want(node, Kind::kMap, "a case"));
    out.line = node.line;
    for (const auto& [key, value] : node.entries) {
      if (key.text == "grid") {
        SFT_RETURN_IF_ERROR(ReadAxes("grid", value, out.grid));
      } else if (key.text == "set") {
        SFT_RETURN_IF_ERROR(ReadSet(value, out.set));
      } else if (key.text == "when") {
        SFT_RETURN_IF_ERROR(ReadWhen(value, out.when));
      } else {
        return Unknown(key, value, " in a case", {"when", "grid", "set"});
      }
    }
    if (out.when.empty()) return Error(node, "a case needs when:");
    if (out.grid.empty() && out.set.empty()) {
      return Error(node, "a case needs grid: or set:");
    }
    return absl::OkStatus();
  }

  absl::Status ReadWhen(
      const YamlNode& node,
      std::map<std::string, std::vector<std::string>>& when) const {
    SFT_RETURN_IF_ERROR(Want(node, Kind::kMap, "when"));
    for (const auto& [key, value] : node.entries) {
      SFT_ASSIGN_OR_RETURN(FieldSpec field,
                           FindField(key, value, " under when:"));
      std::vector<std::string>& wanted = when[field.name];
      const bool is_list = value.kind == Kind::kList;
      if (is_list && value.items.empty()) {
        return Error(value, absl::StrCat(field.name, ": matches nothing"));
      }
      for (const YamlNode& item :
           is_list ? value.items : std::vector<YamlNode>{value}) {
        SFT_ASSIGN_OR_RETURN(SpecValue one, ReadValue(field, item));
        wanted.push_back(one.text);
      }
    }
    return absl::OkStatus();
  }

  absl::Status ReadZip(const YamlNode& node, ExperimentSpec& spec) const {
    SFT_RETURN_IF_ERROR(Want(node, Kind::kList, "zip"));
    for (const YamlNode& group : node.items) {
      std::vector<SpecAxis> axes;
      SFT_RETURN_IF_ERROR(ReadAxes("zip", group, axes));
      if (axes.empty()) return Error(group, "zip: a group has no axis");
      for (const SpecAxis& axis : axes) {
        if (axis.values.size() != axes[0].values.size()) {
          return Error(
              group, absl::StrCat("zip: ", axes[0].name, " has ",
                                  axes[0].values.size(), " values, ", axis.name,
                                  " has ", axis.values.size()));
        }
      }
      spec.zip.push_back(std::move(axes));
    }
    return absl::OkStatus();
  }

  absl::Status ReadBudget(const YamlNode& node, ExperimentSpec& spec) const {
    static const std::vector<std::string> kKinds = {"steps", "target_tokens",
                                                    "epochs", "wall_seconds"};
    SFT_RETURN_IF_ERROR(Want(node, Kind::kMap, "budget"));
    if (node.entries.size() != 1) {
      return Error(node,
                   "budget: wanted exactly one of steps, target_tokens, "
                   "epochs, wall_seconds");
    }
    const auto& [key, value] = node.entries[0];
    if (std::find(kKinds.begin(), kKinds.end(), key.text) == kKinds.end()) {
      return Unknown(key, value, " under budget:", kKinds);
    }
    const FieldSpec& field = fields_.at("budget." + key.text);
    SFT_RETURN_IF_ERROR(Set(key, field, value, spec.set));
    if (spec.set[field.name].text == "0") {
      return Error(value, absl::StrCat(field.name, ": wanted more than 0"));
    }
    return absl::OkStatus();
  }

  absl::Status ReadData(const YamlNode& node, ExperimentSpec& spec) {
    SFT_ASSIGN_OR_RETURN(spec.data, ReadDataBlock(path_, node));
    for (const UserData& data : spec.data) {
      const auto& known = tables_.retained;
      if (std::find(known.begin(), known.end(), data.name) != known.end()) {
        return Error(node, absl::StrCat("data: '", data.name,
                                        "' is a built-in data set's name"));
      }
      tables_.datasets.push_back(data.name);
      tables_.tasks.push_back(data.name);
      tables_.retained.push_back(data.name);
    }
    return absl::OkStatus();
  }

  absl::Status ReadSelect(const YamlNode& node, ExperimentSpec& spec) const {
    SFT_RETURN_IF_ERROR(Want(node, Kind::kMap, "select"));
    const YamlNode* by = nullptr;
    for (const auto& [key, value] : node.entries) {
      if (key.text == "by") {
        SFT_RETURN_IF_ERROR(Want(value, Kind::kScalar, "select.by"));
        spec.select_by = value.text;
        by = &value;
      } else if (key.text == "per") {
        SFT_RETURN_IF_ERROR(Want(value, Kind::kList, "select.per"));
        for (const YamlNode& item : value.items) {
          SFT_RETURN_IF_ERROR(Want(item, Kind::kScalar, "select.per"));
          SFT_RETURN_IF_ERROR(FindField(item, item, " in select.per").status());
          if (item.text == "seed") {
            return Error(item,
                         "select.per: a cell is chosen by the mean over its "
                         "seeds; leave seed out");
          }
          spec.select_per.push_back(item.text);
        }
      } else {
        return Unknown(key, value, " under select:", {"by", "per"});
      }
    }
    if (spec.select_by.empty()) return Error(node, "select: needs by:");
    // What every task records of its validation rows.
    if (spec.select_by != "validation_loss") {
      return Error(*by, absl::StrCat("select.by: '", spec.select_by,
                                     "' is recorded of no validation rows; "
                                     "wanted validation_loss"));
    }
    return absl::OkStatus();
  }

  absl::Status ReadTopLevel(const YamlNode& key, const YamlNode& value,
                            ExperimentSpec& spec) const {
    const std::string& name = key.text;
    if (name == "question") {
      SFT_RETURN_IF_ERROR(Want(value, Kind::kScalar, name));
      spec.question = value.text;
      return absl::OkStatus();
    }
    if (name == "data") return absl::OkStatus();  // read already
    if (name == "model" || name == "train") {
      return Set(key, fields_.at(name), value, spec.set);
    }
    if (name == "evaluate") {
      SFT_RETURN_IF_ERROR(Want(value, Kind::kMap, name));
      for (const auto& [part, names] : value.entries) {
        if (part.text != "tasks" && part.text != "retain") {
          return Unknown(part, names, " under evaluate:", {"tasks", "retain"});
        }
        const std::string field = part.text == "tasks" ? "evaluate" : "retain";
        SFT_RETURN_IF_ERROR(Set(part, fields_.at(field), names, spec.set));
      }
      return absl::OkStatus();
    }
    if (name == "budget") return ReadBudget(value, spec);
    if (name == "set") return ReadSet(value, spec.set);
    if (name == "grid") return ReadAxes("grid", value, spec.grid);
    if (name == "zip") return ReadZip(value, spec);
    if (name == "select") return ReadSelect(value, spec);
    if (name == "cases") {
      SFT_RETURN_IF_ERROR(Want(value, Kind::kList, name));
      for (const YamlNode& item : value.items) {
        SFT_RETURN_IF_ERROR(ReadCase(item, spec.cases.emplace_back()));
      }
      return absl::OkStatus();
    }
    if (name == "baseline") {
      SFT_RETURN_IF_ERROR(Want(value, Kind::kMap, name));
      for (const auto& [part, node] : value.entries) {
        SFT_ASSIGN_OR_RETURN(FieldSpec field,
                             FindField(part, node, " under baseline:"));
        SFT_ASSIGN_OR_RETURN(SpecValue one, ReadValue(field, node));
        spec.baseline[field.name] = one.text;
      }
      return absl::OkStatus();
    }
    if (fields_.count(name) != 0) {
      return Error(key, absl::StrCat("'", name,
                                     "' stands under set: or grid:, not at "
                                     "the top; is it indented?"));
    }
    return Unknown(key, value, "", TopLevelKeys());
  }

  // An axis may stand once; a budget and something to train on are needed.
  absl::Status CheckWhole(const ExperimentSpec& spec) const {
    std::map<std::string, int> lines;
    for (const auto& [name, value] : spec.set) lines[name] = value.line;
    std::vector<const SpecAxis*> axes;
    for (const SpecAxis& axis : spec.grid) axes.push_back(&axis);
    for (const auto& group : spec.zip) {
      for (const SpecAxis& axis : group) axes.push_back(&axis);
    }
    for (const SpecAxis* axis : axes) {
      const auto [it, is_new] = lines.emplace(axis->name, axis->line);
      if (is_new) continue;
      return InputError(
          absl::StrCat(path_, ":", axis->line),
          absl::StrCat(axis->name, " stands already on line ", it->second));
    }
    std::set<std::string> names;
    for (const auto& [name, line] : lines) names.insert(name);
    for (const SpecCase& one : spec.cases) {
      for (const auto& [name, value] : one.set) names.insert(name);
      for (const SpecAxis& axis : one.grid) names.insert(axis.name);
    }
    if (names.count("train") == 0) {
      return InputError(path_,
                        "needs train: [NAME], one or more data sets of "
                        "'sftbench list datasets' or of data:");
    }
    const auto budget = names.lower_bound("budget.");
    if (budget == names.end() || budget->rfind("budget.", 0) != 0) {
      return InputError(
          path_, "needs budget: {steps|target_tokens|epochs|wall_seconds: n}");
    }
    return absl::OkStatus();
  }

  const std::string path_;
  SpecTables tables_;  // with the names of the spec's own data sets
  const std::map<std::string, FieldSpec> fields_;
  std::vector<std::string> names_;
};

}  // namespace

absl::StatusOr<ExperimentSpec> ParseSpec(const std::string& path,
                                         const SpecTables& tables) {
  SFT_ASSIGN_OR_RETURN(const std::string text,
                       ReadFile(path, static_cast<int64_t>(kMaxSpecBytes)));
  return ParseSpecText(path, text, tables);
}

absl::StatusOr<ExperimentSpec> ParseSpecText(const std::string& path,
                                             std::string_view text,
                                             const SpecTables& tables) {
  ExperimentSpec spec;
  spec.path = path;
  spec.text = std::string(text);
  SFT_ASSIGN_OR_RETURN(const YamlNode root, ParseYaml(path, text));
  SpecReader reader(path, tables);
  SFT_RETURN_IF_ERROR(reader.Read(root, spec));
  return spec;
}

}  // namespace sft::spec
