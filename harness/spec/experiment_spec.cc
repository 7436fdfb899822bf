#include "harness/spec/experiment_spec.h"

#include <algorithm>
#include <utility>

#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/spec/field_reader.h"
#include "harness/spec/search_block.h"
#include "harness/spec/spec_messages.h"
#include "harness/spec/yaml_tree.h"

namespace sft::spec {
namespace {

using Kind = YamlNode::Kind;

// The keys at the top, each with what reads it.
class SpecReader {
 public:
  SpecReader(const SpecTables& tables, ExperimentSpec& spec)
      : spec_(spec), reader_(tables, spec) {}

  void Read(const YamlNode& root) {
    if (!reader_.Want(root, Kind::kMap, "a spec")) return reader_.Doubt("");
    // First, for the other keys may name its sets.
    for (const auto& [key, value] : root.entries) {
      if (key.text == "data") ReadData(value);
      // Axes are drawn as it says.
      if (key.text == "search") ReadSearchBlock(value, reader_, spec_);
    }
    for (const auto& [key, value] : root.entries) {
      spec_.lines[key.text] = key.line;
      for (const auto& [part, node] : value.entries) {
        spec_.lines[absl::StrCat(key.text, ".", part.text)] = part.line;
      }
      ReadTopLevel(key, value);
    }
    CheckWhole();
    CheckSearchBlock(spec_);
  }

 private:
  struct Block {
    const char* key;
    void (SpecReader::*read)(const YamlNode&);
  };
  static const std::vector<Block>& Blocks() {
    static const auto& blocks =
        *new std::vector<Block>{{"question", &SpecReader::ReadQuestion},
                                {"model", &SpecReader::ReadModel},
                                {"data", nullptr},  // read already
                                {"train", &SpecReader::ReadTrain},
                                {"evaluate", &SpecReader::ReadEvaluate},
                                {"budget", &SpecReader::ReadBudget},
                                {"replay", &SpecReader::ReadReplay},
                                {"set", &SpecReader::ReadSet},
                                {"grid", &SpecReader::ReadGrid},
                                {"cases", &SpecReader::ReadCases},
                                {"zip", &SpecReader::ReadZip},
                                {"exclude", &SpecReader::ReadExclude},
                                {"baseline", &SpecReader::ReadBaseline},
                                {"select", &SpecReader::ReadSelect},
                                {"search", nullptr}};  // read already
    return blocks;
  }

  void ReadTopLevel(const YamlNode& key, const YamlNode& value) {
    std::vector<std::string> names;
    for (const Block& block : Blocks()) {
      if (key.text == block.key) {
        if (block.read != nullptr) (this->*block.read)(value);
        return;
      }
      names.emplace_back(block.key);
    }
    if (reader_.fields().count(key.text) != 0) {
      reader_.Complain(key, absl::StrCat("'", key.text,
                                         "' stands under set: or grid:, not at "
                                         "the top; is it indented?"));
      return reader_.Doubt(key.text);
    }
    reader_.ComplainOfKey(key, value, "", names);
    // A block that is lost leaves no field as it was meant.
    if (value.kind == Kind::kMap || value.kind == Kind::kList) {
      reader_.Doubt("");
    }
    const std::string near = NearestName(key.text, names);
    if (!near.empty()) reader_.Doubt(near);
  }

  void ReadQuestion(const YamlNode& node) {
    if (reader_.Want(node, Kind::kScalar, "question")) {
      spec_.question = node.text;
    }
  }
  void ReadModel(const YamlNode& node) {
    reader_.Set(node, reader_.fields().at("model"), node, spec_.set);
  }
  void ReadTrain(const YamlNode& node) {
    reader_.Set(node, reader_.fields().at("train"), node, spec_.set);
  }
  void ReadSet(const YamlNode& node) { reader_.ReadSet(node, spec_.set); }
  void ReadGrid(const YamlNode& node) {
    reader_.ReadAxes("grid", node, spec_.grid);
  }

  void ReadEvaluate(const YamlNode& node) {
    if (!reader_.Want(node, Kind::kMap, "evaluate")) {
      reader_.Doubt("evaluate");
      return reader_.Doubt("retain");
    }
    static const std::vector<std::string> kParts = {
        "tasks", "retain", "curve", "rewind", "at_points", "distance"};
    for (const auto& [part, names] : node.entries) {
      if (std::find(kParts.begin(), kParts.end(), part.text) == kParts.end()) {
        reader_.ComplainOfKey(part, names, " under evaluate:", kParts);
        reader_.Doubt("evaluate");
        reader_.Doubt("retain");
        continue;
      }
      const std::string field = part.text == "tasks" ? "evaluate" : part.text;
      reader_.Set(part, reader_.fields().at(field), names, spec_.set);
    }
  }

  void ReadBudget(const YamlNode& node) {
    static const std::vector<std::string> kKinds = {"steps", "target_tokens",
                                                    "epochs", "wall_seconds"};
    const auto refuse = [this](const YamlNode& at, std::string_view what) {
      reader_.Complain(at, what);
      reader_.Doubt("budget");
    };
    if (!reader_.Want(node, Kind::kMap, "budget")) {
      return reader_.Doubt("budget");
    }
    if (node.entries.size() != 1) {
      return refuse(node,
                    "budget: wanted exactly one of steps, target_tokens, "
                    "epochs, wall_seconds");
    }
    const auto& [key, value] = node.entries[0];
    if (std::find(kKinds.begin(), kKinds.end(), key.text) == kKinds.end()) {
      reader_.ComplainOfKey(key, value, " under budget:", kKinds);
      return reader_.Doubt("budget");
    }
    const FieldSpec& field =
        reader_.fields().at(absl::StrCat("budget.", key.text));
    reader_.Set(key, field, value, spec_.set);
    const auto set = spec_.set.find(field.name);
    if (set == spec_.set.end()) return reader_.Doubt("budget");
    if (set->second.text == "0") {
      refuse(value, absl::StrCat(field.name, ": wanted more than 0"));
    }
  }

  void ReadReplay(const YamlNode& node) {
    if (!reader_.Want(node, Kind::kMap, "replay")) {
      return reader_.Doubt("replay.from");
    }
    for (const auto& [part, value] : node.entries) {
      const auto field =
          reader_.fields().find(absl::StrCat("replay.", part.text));
      if (field == reader_.fields().end()) {
        reader_.ComplainOfKey(part, value, " under replay:", {"from", "share"});
        reader_.Doubt("replay.from");
        continue;
      }
      reader_.Set(part, field->second, value, spec_.set);
    }
  }

  void ReadCases(const YamlNode& node) {
    if (!reader_.Want(node, Kind::kList, "cases")) return reader_.Doubt("");
    for (const YamlNode& item : node.items) ReadCase(item);
  }

  void ReadCase(const YamlNode& node) {
    if (!reader_.Want(node, Kind::kMap, "a case")) return reader_.Doubt("");
    SpecCase one;
    one.line = node.line;
    bool is_whole = true, has_when = false, has_values = false;
    for (const auto& [key, value] : node.entries) {
      if (key.text == "grid") {
        has_values = true;
        reader_.ReadAxes("grid", value, one.grid);
      } else if (key.text == "set") {
        has_values = true;
        reader_.ReadSet(value, one.set);
      } else if (key.text == "when") {
        has_when = value.kind != Kind::kMap || !value.entries.empty();
        is_whole = reader_.ReadMatch("when", value, one.when) && is_whole;
      } else {
        reader_.ComplainOfKey(key, value, " in a case",
                              {"when", "grid", "set"});
        is_whole = false;
        has_when = has_values = true;  // one of them, misspelt
      }
    }
    if (!has_when) reader_.Complain(node, "a case needs when:");
    if (!has_values) reader_.Complain(node, "a case needs grid: or set:");
    if (is_whole && has_when && has_values) {
      spec_.cases.push_back(std::move(one));
      return;
    }
    // Cells that it was meant for are without these.
    for (const SpecAxis& axis : one.grid) reader_.Doubt(axis.name);
    for (const auto& [name, value] : one.set) reader_.Doubt(name);
  }

  void ReadZip(const YamlNode& node) {
    if (!reader_.Want(node, Kind::kList, "zip")) return reader_.Doubt("");
    for (const YamlNode& group : node.items) {
      std::vector<SpecAxis> axes;
      const size_t before = spec_.complaints.lines().size();
      reader_.ReadAxes("zip", group, axes);
      bool is_whole = spec_.complaints.lines().size() == before;
      if (is_whole && axes.empty()) {
        reader_.Complain(group, "zip: a group has no axis");
      }
      for (const SpecAxis& axis : axes) {
        if (!is_whole || axis.values.size() == axes[0].values.size()) continue;
        reader_.Complain(
            group,
            absl::StrCat("zip: ", axes[0].name, " has ", axes[0].values.size(),
                         " values, ", axis.name, " has ", axis.values.size()));
        is_whole = false;
      }
      for (const SpecAxis& axis : axes) {
        if (!is_whole) reader_.Doubt(axis.name);
      }
      if (is_whole && !axes.empty()) spec_.zip.push_back(std::move(axes));
    }
  }

  void ReadExclude(const YamlNode& node) {
    if (!reader_.Want(node, Kind::kList, "exclude")) return;
    for (const YamlNode& item : node.items) {
      SpecExclusion one;
      one.line = item.line;
      if (!reader_.ReadMatch("exclude", item, one.when)) continue;
      if (one.when.empty()) {
        reader_.Complain(item, "exclude: an entry names no field");
        continue;
      }
      spec_.exclude.push_back(std::move(one));
    }
  }

  void ReadData(const YamlNode& node) {
    const bool is_list = node.kind == Kind::kList;
    for (const YamlNode& item :
         is_list ? node.items : std::vector<YamlNode>{node}) {
      absl::StatusOr<UserData> read = ReadDataMap(spec_.path, item);
      if (!read.ok()) {
        spec_.complaints.Add(read.status());
        // Where it is named, it is not unknown.
        reader_.AddDataset(DataMapName(item));
        for (const char* field : {"train", "evaluate", "retain"}) {
          reader_.Doubt(field);
        }
        continue;
      }
      const auto& known = reader_.tables().retained;
      const auto& own = spec_.data;
      const bool is_own = std::any_of(
          own.begin(), own.end(),
          [&read](const UserData& other) { return other.name == read->name; });
      if (std::find(known.begin(), known.end(), read->name) != known.end()) {
        reader_.Complain(
            item, absl::StrCat("data: '", read->name,
                               is_own ? "' stands twice"
                                      : "' is a built-in data set's name"));
        continue;
      }
      reader_.AddDataset(read->name);
      spec_.data.push_back(*std::move(read));
    }
  }

  void ReadBaseline(const YamlNode& node) {
    if (!reader_.Want(node, Kind::kMap, "baseline")) {
      return reader_.Doubt("baseline");
    }
    for (const auto& [part, value] : node.entries) {
      const FieldSpec* field =
          reader_.FindField(part, value, " under baseline:");
      const std::optional<SpecValue> one =
          field == nullptr ? std::nullopt : reader_.ReadValue(*field, value);
      if (one) {
        spec_.baseline[field->name] = one->text;
      } else {
        reader_.Doubt("baseline");
      }
    }
  }

  void ReadSelectPer(const YamlNode& node) {
    if (!reader_.Want(node, Kind::kList, "select.per")) return;
    for (const YamlNode& item : node.items) {
      if (!reader_.Want(item, Kind::kScalar, "select.per") ||
          reader_.FindField(item, item, " in select.per") == nullptr) {
        continue;
      }
      if (item.text == "seed") {
        reader_.Complain(item,
                         "select.per: a cell is chosen by the mean over its "
                         "seeds; leave seed out");
        continue;
      }
      spec_.select_per.push_back(item.text);
    }
  }

  void ReadSelect(const YamlNode& node) {
    const size_t before = spec_.complaints.lines().size();
    if (!reader_.Want(node, Kind::kMap, "select")) {
      return reader_.Doubt("select");
    }
    const YamlNode* by = nullptr;
    for (const auto& [key, value] : node.entries) {
      if (key.text == "by") {
        by = &value;
        if (reader_.Want(value, Kind::kScalar, "select.by")) {
          spec_.select_by = value.text;
        }
      } else if (key.text == "per") {
        ReadSelectPer(value);
      } else {
        reader_.ComplainOfKey(key, value, " under select:", {"by", "per"});
      }
    }
    if (by == nullptr) {
      reader_.Complain(node, "select: needs by:");
    } else if (!spec_.select_by.empty() &&
               MeasureOf(spec_.select_by) != "validation_loss") {
      // What every task records of its validation rows.
      reader_.Complain(*by, absl::StrCat("select.by: '", spec_.select_by,
                                         "' is recorded of no validation rows; "
                                         "wanted validation_loss, or "
                                         "TASK/validation_loss of one task"));
    }
    if (spec_.complaints.lines().size() != before) reader_.Doubt("select");
  }

  // An axis may stand once; a budget and something to train on are needed.
  void CheckWhole() {
    std::map<std::string, int> lines;
    for (const auto& [name, value] : spec_.set) lines[name] = value.line;
    const auto add = [&](const std::vector<SpecAxis>& axes) {
      for (const SpecAxis& axis : axes) {
        const auto [it, is_new] = lines.emplace(axis.name, axis.line);
        if (is_new) continue;
        spec_.complaints.Add(
            absl::StrCat(spec_.path, ":", axis.line),
            absl::StrCat(axis.name, " stands already on line ", it->second));
        reader_.Doubt(axis.name);
      }
    };
    add(spec_.grid);
    for (const auto& group : spec_.zip) add(group);
    std::set<std::string> names;
    for (const auto& [name, line] : lines) names.insert(name);
    for (const SpecCase& one : spec_.cases) {
      for (const auto& [name, value] : one.set) names.insert(name);
      for (const SpecAxis& axis : one.grid) names.insert(axis.name);
    }
    // What stands there and was refused is not missing beside.
    if (names.count("train") == 0 && !spec_.Doubts("train") &&
        spec_.lines.count("train") == 0) {
      spec_.complaints.Add(spec_.path,
                           "needs train: [NAME], one or more data sets of "
                           "'sftbench list datasets' or of data:");
      reader_.Doubt("train");
    }
    const auto budget = names.lower_bound("budget.");
    const bool has_budget =
        budget != names.end() && budget->rfind("budget.", 0) == 0;
    if (!has_budget && !spec_.Doubts("budget")) {
      spec_.complaints.Add(
          spec_.path,
          "needs budget: {steps|target_tokens|epochs|wall_seconds: "
          "n}");
      reader_.Doubt("budget");
    }
  }

  ExperimentSpec& spec_;
  FieldReader reader_;
};

absl::StatusOr<ExperimentSpec> WithoutComplaints(
    absl::StatusOr<ExperimentSpec> spec) {
  if (!spec.ok() || spec->complaints.empty()) return spec;
  return spec->complaints.ToStatus();
}

}  // namespace

absl::StatusOr<ExperimentSpec> ReadSpec(const std::string& path,
                                        const SpecTables& tables) {
  SFT_ASSIGN_OR_RETURN(const std::string text,
                       ReadFile(path, static_cast<int64_t>(kMaxSpecBytes)));
  return ReadSpecText(path, text, tables);
}

absl::StatusOr<ExperimentSpec> ReadSpecText(const std::string& path,
                                            std::string_view text,
                                            const SpecTables& tables) {
  ExperimentSpec spec;
  spec.path = path;
  spec.text = std::string(text);
  SFT_ASSIGN_OR_RETURN(const YamlNode root, ParseYaml(path, text));
  SpecReader(tables, spec).Read(root);
  return spec;
}

absl::StatusOr<ExperimentSpec> ParseSpec(const std::string& path,
                                         const SpecTables& tables) {
  return WithoutComplaints(ReadSpec(path, tables));
}

absl::StatusOr<ExperimentSpec> ParseSpecText(const std::string& path,
                                             std::string_view text,
                                             const SpecTables& tables) {
  return WithoutComplaints(ReadSpecText(path, text, tables));
}

}  // namespace sft::spec
