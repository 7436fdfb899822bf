// Any number of the task's labels: an encoder scores each by itself, a decoder
// writes those that there are.
#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"
#include "harness/data/tasks/kinds.h"
#include "harness/data/tasks/user_record.h"
#include "harness/data/unicode.h"
#include "harness/formats/json.h"

namespace sft::data {
namespace {

constexpr char kNoLabel[] = "none";  // what a decoder writes of no label

absl::StatusOr<std::vector<HeadWindow>> LabelSetWindows(const HeadInput& in) {
  const Row& row = in.row;
  const int64_t labels = std::ssize(in.task.labels);
  SFT_ASSIGN_OR_RETURN(std::vector<HeadWindow> windows, RowWindows(in));
  Example& example = windows[0].example;
  example.labels[0] = 0;
  example.values.assign(static_cast<size_t>(labels), 0.0);
  for (const int64_t label : row.label_set) {
    if (label < 0 || label >= labels) {
      return absl::InvalidArgumentError(
          absl::StrCat("label ", label, " of ", labels, " labels"));
    }
    example.values[static_cast<size_t>(label)] = 1;
  }
  return windows;
}

UserParts MultiLabelParts(const spec::UserData&,
                          const std::vector<std::string>&) {
  return {
      .prompt = {"text"}, .more_prompt = {"text_pair"}, .answer = {"labels"}};
}

// A list, also as JSON in a table of texts; or one text with commas.
absl::StatusOr<std::vector<std::string>> LabelsOf(const UserRecord& record) {
  const nlohmann::json* value = record.Find("labels");
  if (value == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("column '", record.Column("labels"),
                     "' (labels) is missing; a row without a label has []"));
  }
  nlohmann::json list = *value;
  if (list.is_string() &&
      absl::StartsWith(list.get_ref<const std::string&>(), "[")) {
    SFT_ASSIGN_OR_RETURN(list, formats::ParseJson(list.get<std::string>()));
  }
  std::vector<std::string> labels;
  const auto add = [&labels](absl::string_view text) {
    const absl::string_view label = absl::StripAsciiWhitespace(text);
    if (!label.empty()) labels.emplace_back(label);
  };
  if (list.is_array()) {
    for (const nlohmann::json& label : list) {
      if (label.is_structured() || label.is_null()) {
        return absl::InvalidArgumentError(
            absl::StrCat("column '", record.Column("labels"),
                         "': wanted a list of labels, found a ",
                         label.type_name(), " in it"));
      }
      add(TextOf(label));
    }
  } else if (list.is_string()) {
    for (const absl::string_view part :
         absl::StrSplit(list.get_ref<const std::string&>(), ',')) {
      add(part);
    }
  } else {
    return WantedText(record.Column("labels"), list);
  }
  return labels;
}

absl::Status FillMultiLabel(const UserRecord& record, const Task& task,
                            Row& row) {
  SFT_ASSIGN_OR_RETURN(row.text, record.Text("text"));
  SFT_ASSIGN_OR_RETURN(row.text_pair, record.TextOrNone("text_pair"));
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> labels, LabelsOf(record));
  for (const std::string& label : labels) {
    const auto found = std::find(task.labels.begin(), task.labels.end(), label);
    if (found == task.labels.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("label '", ShownText(label), "' is none of ",
                       CanonicalText(task.labels).substr(0, 200)));
    }
    row.label_set.push_back(found - task.labels.begin());
  }
  std::sort(row.label_set.begin(), row.label_set.end());
  row.label_set.erase(std::unique(row.label_set.begin(), row.label_set.end()),
                      row.label_set.end());
  const std::string answer = LabelListOf(task, row.label_set);
  if (!answer.empty()) row.references = {answer};
  return record.Ask(row.text_pair.empty() ? "{text}\nLabels:"
                                          : "{text}\n{text_pair}\nLabels:",
                    answer.empty() ? task.no_answer : answer, row);
}

absl::Status AddLabels(const UserRecord& record,
                       std::set<std::string>& labels) {
  const absl::StatusOr<std::vector<std::string>> own = LabelsOf(record);
  if (!own.ok()) return absl::OkStatus();  // is said of the row
  labels.insert(own->begin(), own->end());
  return absl::OkStatus();
}

std::string LabelComplaint(const std::string& label) {
  if (absl::EqualsIgnoreCase(label, kNoLabel)) {
    return absl::StrCat("the label '", label,
                        "' is what stands for no label at all; name it "
                        "otherwise, or leave it out of the lists");
  }
  if (label.find_first_of(",\n") == std::string::npos) return "";
  return absl::StrCat("the label '", ShownText(label),
                      "' holds a comma or a new line, which stand between "
                      "labels; name it otherwise in the file");
}

}  // namespace

std::string LabelListOf(const Task& task,
                        const std::vector<int64_t>& label_set) {
  return absl::StrJoin(label_set, ", ", [&](std::string* out, int64_t label) {
    out->append(task.labels[static_cast<size_t>(label)]);
  });
}

TaskKindRow MultiLabelKind() {
  TaskKindRow row{.name = "multi_label",
                  .summary =
                      "any number of labels for a text or a pair of "
                      "them",
                  .has_label_sets = true,
                  .generates = true,
                  .has_references = true,
                  .may_lack_answer = true};
  row.head = HeadForm{HeadKind::kLabels,
                      [](const Task& task) { return std::ssize(task.labels); },
                      LabelSetWindows};
  UserForm user = PlainUserForm(
      row.name, {"labels_f1_micro", "labels_f1_macro", "subset_accuracy"},
      [](const metrics::Metric& m) { return m.label_sets != nullptr; });
  user.task.no_answer = kNoLabel;
  user.parts = MultiLabelParts;
  user.fill = FillMultiLabel;
  user.label_noun = "label";
  user.add_labels = AddLabels;
  user.label_complaint = LabelComplaint;
  row.user = std::move(user);
  return row;
}

}  // namespace sft::data
