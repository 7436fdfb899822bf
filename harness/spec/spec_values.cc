// What a value of a spec may be: by its field, and by the tables of names.
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "harness/core/status.h"
#include "harness/spec/experiment_spec.h"
#include "harness/spec/mixture.h"
#include "harness/spec/run_config.h"

namespace sft {
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
  const std::string near = NearestName(name, known);
  std::string what = absl::StrCat("unknown ", ToAbsl(kind), " '", name, "'");
  if (!near.empty()) {
    absl::StrAppend(&what, "; did you mean '", near, "'?");
  } else if (known.empty()) {
    absl::StrAppend(&what, "; there is none");
  } else {
    absl::StrAppend(&what, "; known are ", CanonicalText(known));
  }
  return absl::InvalidArgumentError(what);
}

absl::Status CheckNames(std::string_view kind, const std::string& list,
                        const std::vector<std::string>& known) {
  if (list.empty()) return absl::OkStatus();
  for (absl::string_view name : absl::StrSplit(list, ',')) {
    SFT_RETURN_IF_ERROR(CheckName(kind, std::string(name), known));
  }
  return absl::OkStatus();
}

}  // namespace

std::map<std::string, FieldSpec> KnownFields(const SpecTables& tables) {
  std::map<std::string, FieldSpec> fields;
  for (FieldSpec& field : DescribeFields<RunConfig>()) {
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
  SFT_ASSIGN_OR_RETURN(const std::string value, CanonicalizeField(field, text));
  absl::Status status = absl::OkStatus();
  if (field.name == "method") {
    if (value == kUntuned) {
      return absl::InvalidArgumentError(
          "method 'untuned' is added by itself; leave it out");
    }
    status = CheckName("method", value, NamesOf(tables.update_methods));
  } else if (field.name == "batching") {
    status =
        CheckName("batching method", value, NamesOf(tables.batching_methods));
  } else if (field.name == "model") {
    // A folder or a file is looked at when it is loaded.
    const bool is_path =
        absl::StrContains(value, "/") || absl::EndsWith(value, ".gguf");
    if (!is_path) status = CheckName("model", value, tables.models);
  } else if (field.name == "train") {
    std::vector<std::string> stages;
    if (!value.empty()) stages = absl::StrSplit(value, ',');
    SFT_ASSIGN_OR_RETURN(const std::vector<std::string> sets, SetsOf(stages));
    for (const std::string& name : sets) {
      SFT_RETURN_IF_ERROR(CheckName("data set", name, tables.datasets));
    }
  } else if (field.name == "evaluate") {
    status = CheckNames("task", value, tables.tasks);
  } else if (field.name == "retain") {
    status = CheckNames("retained task or text", value, tables.retained);
  }
  if (!status.ok()) return status;
  return value;
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

}  // namespace sft
