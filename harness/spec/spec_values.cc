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

}  // namespace sft
