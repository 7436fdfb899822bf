// What a value of a spec may be: by its field, and by the tables of names.
#include <algorithm>

#include "absl/strings/str_split.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/spec/experiment_spec.h"
#include "harness/spec/foreign_names.h"
#include "harness/spec/mixture.h"
#include "harness/spec/points.h"
#include "harness/spec/run_config.h"
#include "harness/spec/spec_messages.h"

namespace sft::spec {
namespace {

std::vector<std::string> NamesOf(const std::vector<MethodSpecRow>& rows) {
  std::vector<std::string> names;
  for (const MethodSpecRow& row : rows) names.push_back(row.name);
  return names;
}

absl::Status CheckName(std::string_view kind, const std::string& name,
                       const std::vector<std::string>& known) {
  for (const std::string& candidate : known) {
    if (candidate == name) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(UnknownNameText(kind, name, known));
}

absl::Status CheckNames(std::string_view kind, const std::string& list,
                        const std::vector<std::string>& known) {
  if (list.empty()) return absl::OkStatus();
  for (absl::string_view name : absl::StrSplit(list, ',')) {
    SFT_RETURN_IF_ERROR(CheckName(kind, std::string(name), known));
  }
  return absl::OkStatus();
}

// A set that can be retained and nothing else is held-out text.
absl::Status CheckIsNoText(const std::string& name,
                           const std::vector<std::string>& known,
                           const SpecTables& tables) {
  const auto holds = [&name](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (holds(known) || !holds(tables.retained)) return absl::OkStatus();
  return absl::InvalidArgumentError(HeldOutText(name));
}

// As CanonicalSpecValue, without what other tools call it.
absl::StatusOr<std::string> Canonical(const FieldSpec& field,
                                      const std::string& text,
                                      const SpecTables& tables) {
  // From here on the number is what was asked for: ids are of it.
  const absl::StatusOr<std::string> canonical =
      CanonicalizeField(field, field.name == "threads" && text == "auto"
                                   ? absl::StrCat(tables.cores)
                                   : text);
  if (!canonical.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(canonical.status().message(), " (", field.help, ")"));
  }
  const std::string& value = *canonical;
  absl::Status status = absl::OkStatus();
  if (field.name == "method") {
    if (value == kUntuned) {
      return absl::InvalidArgumentError(
          "method 'untuned' is added by itself; leave it out");
    }
    if (value.find('+') != std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat(
          "method '", value,
          "': update methods do not combine. A half of the weights is drawn "
          "among those that train, and an adapter freezes all of them: "
          "nothing would be left to draw. Name one method a cell"));
    }
    status = CheckName("method", value, NamesOf(tables.update_methods));
  } else if (field.name == "batching") {
    status =
        CheckName("batching method", value, NamesOf(tables.batching_methods));
  } else if (field.name == "model") {
    // What is in a folder or file is looked at when the plan is checked.
    const auto& listed = tables.models;
    if (std::find(listed.begin(), listed.end(), value) == listed.end() &&
        !IsFolder(value) && !FileExists(value)) {
      return absl::InvalidArgumentError(UnknownModelText(value, listed));
    }
  } else if (field.name == "train") {
    std::vector<std::string> stages;
    if (!value.empty()) stages = absl::StrSplit(value, ',');
    SFT_ASSIGN_OR_RETURN(const std::vector<std::string> sets, SetsOf(stages));
    for (const std::string& name : sets) {
      SFT_RETURN_IF_ERROR(CheckIsNoText(name, tables.datasets, tables));
      SFT_RETURN_IF_ERROR(CheckName("data set", name, tables.datasets));
    }
  } else if (field.name == "evaluate") {
    std::vector<std::string> names;
    if (!value.empty()) names = absl::StrSplit(value, ',');
    for (const std::string& name : names) {
      SFT_RETURN_IF_ERROR(CheckIsNoText(name, tables.tasks, tables));
    }
    status = CheckNames("task", value, tables.tasks);
  } else if (field.name == "retain") {
    status = CheckNames("retained task or text", value, tables.retained);
  } else if (field.name == "curve" || field.name == "rewind") {
    std::vector<std::string> points;
    if (!value.empty()) points = absl::StrSplit(value, ',');
    status = field.name == "curve" ? ParseCurve(points).status()
                                   : ParseRewind(points).status();
  } else if (field.name == "at_points") {
    status = CheckNames("retained task or text", value, tables.retained);
  } else if (field.name == "replay.from") {
    std::vector<std::string> known = tables.datasets;
    known.insert(known.begin(), kEarlierRows);
    known.insert(known.end(), tables.retained.begin(), tables.retained.end());
    status = CheckNames("rows to replay", value, known);
  } else if (field.name == "score_end_of_turn") {
    status = CheckNames("task", value, tables.tasks);
  }
  if (!status.ok()) return status;
  return value;
}

}  // namespace

LaterOptions LaterOptionsOf(const SpecTables& tables) {
  LaterOptions later;
  for (const auto* rows : {&tables.update_methods, &tables.batching_methods}) {
    for (const MethodSpecRow& row : *rows) {
      later.merge(LaterOptionsOf(row.options));
    }
  }
  return later;
}

std::map<std::string, FieldSpec> KnownFields(const SpecTables& tables) {
  std::map<std::string, FieldSpec> fields;
  for (FieldSpec& field : DescribeFields<RunConfig>()) {
    if (field.name == "optimizer") {
      for (const OptimizerSpecRow& row : tables.optimizers) {
        field.limits.choices.push_back(row.name);
      }
    }
    fields.emplace(field.name, field);
  }
  for (const auto* rows : {&tables.update_methods, &tables.batching_methods}) {
    for (const MethodSpecRow& row : *rows) {
      for (const FieldSpec& option : row.options) {
        fields.emplace(option.name, option);
      }
    }
  }
  return fields;
}

absl::StatusOr<std::string> CanonicalSpecValue(const FieldSpec& field,
                                               const std::string& text,
                                               const SpecTables& tables) {
  absl::StatusOr<std::string> value = Canonical(field, text, tables);
  if (value.ok()) return value;
  const std::string remedy = RemedyForValue(field.name, text);
  if (remedy.empty()) return value;
  return absl::InvalidArgumentError(
      absl::StrCat(field.name, " = '", text, "': ", remedy));
}

std::string WhereInSpec(const ExperimentSpec& spec, const std::string& field,
                        const std::string& value) {
  int line = 0;   // of the value
  int named = 0;  // of the field
  const auto look = [&](const SpecValue& one) {
    if (one.text == value) line = one.line;
    named = one.line;
  };
  const auto look_axes = [&](const std::vector<SpecAxis>& axes) {
    for (const SpecAxis& axis : axes) {
      if (axis.name != field) continue;
      for (const SpecValue& one : axis.values) look(one);
      named = axis.line;
    }
  };
  const auto look_set = [&](const std::map<std::string, SpecValue>& set) {
    if (const auto it = set.find(field); it != set.end()) look(it->second);
  };
  look_set(spec.set);
  look_axes(spec.grid);
  for (const auto& group : spec.zip) look_axes(group);
  for (const SpecCase& one : spec.cases) {
    look_set(one.set);
    look_axes(one.grid);
  }
  if (line == 0) line = named;
  if (line == 0) {
    if (const auto it = spec.lines.find(field); it != spec.lines.end()) {
      line = it->second;
    }
  }
  return line == 0 ? spec.path : absl::StrCat(spec.path, ":", line);
}

std::string MeasureOf(const std::string& select_by) {
  return select_by.substr(select_by.rfind('/') + 1);
}

std::string TaskOfMeasure(const std::string& select_by) {
  const size_t slash = select_by.rfind('/');
  return slash == std::string::npos ? "" : select_by.substr(0, slash);
}

std::vector<std::string> AxisNames(const ExperimentSpec& spec) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(name);
    }
  };
  const auto add_axes = [&](const std::vector<SpecAxis>& axes) {
    for (const SpecAxis& axis : axes) add(axis.name);
  };
  add_axes(spec.grid);
  for (const auto& group : spec.zip) add_axes(group);
  for (const SpecCase& one : spec.cases) {
    add_axes(one.grid);
    // What a case sets differs between cells too.
    for (const auto& [name, value] : one.set) add(name);
  }
  return names;
}

bool HasDrawnAxis(const ExperimentSpec& spec) {
  const auto has = [](const std::vector<SpecAxis>& axes) {
    return std::any_of(axes.begin(), axes.end(),
                       [](const SpecAxis& axis) { return axis.is_drawn; });
  };
  return has(spec.grid) ||
         std::any_of(spec.cases.begin(), spec.cases.end(),
                     [&](const SpecCase& one) { return has(one.grid); });
}

}  // namespace sft::spec
