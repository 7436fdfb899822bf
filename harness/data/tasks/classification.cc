// One of the task's labels: a decoder's likeliest label word, an encoder's
// class of the whole row.
#include <algorithm>

#include "harness/core/fields.h"
#include "harness/core/status.h"
#include "harness/data/tasks/kinds.h"
#include "harness/data/tasks/user_record.h"
#include "harness/data/unicode.h"

namespace sft::data {
namespace {

absl::Status CheckLabelWord(const Row& row, const Task& task) {
  const std::string& answer = row.turns.back().content;
  const int64_t labels = static_cast<int64_t>(task.labels.size());
  if (row.label >= 0 && row.label < labels &&
      task.labels[row.label] == answer) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("label ", row.label, " with the answer '", answer,
                   "' is none of the task's ", labels));
}

absl::StatusOr<std::vector<HeadWindow>> SequenceWindows(const HeadInput& in) {
  const Row& row = in.row;
  SFT_ASSIGN_OR_RETURN(std::vector<HeadWindow> windows, RowWindows(in));
  if (row.label < 0 || row.label >= std::ssize(in.task.labels)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "label ", row.label, " of ", in.task.labels.size(), " labels"));
  }
  windows[0].example.labels[0] = static_cast<int32_t>(row.label);
  return windows;
}

UserParts ClassificationParts(const spec::UserData&,
                              const std::vector<std::string>&) {
  return {.prompt = {"text"}, .more_prompt = {"text_pair"}, .label = "label"};
}

absl::Status FillClassification(const UserRecord& record, const Task& task,
                                Row& row) {
  SFT_ASSIGN_OR_RETURN(row.text, record.Text("text"));
  SFT_ASSIGN_OR_RETURN(row.text_pair, record.TextOrNone("text_pair"));
  SFT_ASSIGN_OR_RETURN(const std::string label, record.Text("label"));
  const auto found = std::find(task.labels.begin(), task.labels.end(), label);
  if (found == task.labels.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("label '", ShownText(label), "' is none of ",
                     CanonicalText(task.labels).substr(0, 200)));
  }
  row.label = found - task.labels.begin();
  return record.Ask(
      row.text_pair.empty() ? "{text}\nLabel:" : "{text}\n{text_pair}\nLabel:",
      label, row);
}

}  // namespace

TaskKindRow ClassificationKind() {
  TaskKindRow row{.name = "classification",
                  .summary = "one of a few labels for a text or a pair of them",
                  .has_classes = true,
                  .has_given_answers = true};
  row.decoder.task_answers = [](const Task& task) { return task.labels; };
  row.decoder.check = CheckLabelWord;
  row.head = HeadForm{HeadKind::kSequence,
                      [](const Task& task) { return std::ssize(task.labels); },
                      SequenceWindows};
  UserForm user = PlainUserForm(
      row.name, {"accuracy", "f1_macro"},
      [](const metrics::Metric& m) { return m.labels != nullptr; });
  user.parts = ClassificationParts;
  user.fill = FillClassification;
  user.label_noun = "label";
  row.user = std::move(user);
  return row;
}

}  // namespace sft::data
