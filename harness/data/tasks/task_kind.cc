#include "harness/data/tasks/task_kind.h"

#include <c10/util/Exception.h>

#include <algorithm>

#include "harness/data/tasks/kinds.h"

namespace sft::data {

const std::vector<TaskKindRow>& AllTaskKinds() {
  static const auto& table = *new std::vector<TaskKindRow>{
      ClassificationKind(), TokenLabelsKind(),     QuestionAnsweringKind(),
      GenerationKind(),     InstructionKind(),     MultipleChoiceKind(),
      LastWordKind(),       LanguageModelingKind()};
  return table;
}

const TaskKindRow& KindRow(TaskKind kind) {
  const auto& table = AllTaskKinds();
  const auto found =
      std::find_if(table.begin(), table.end(),
                   [&](const TaskKindRow& row) { return row.kind == kind; });
  TORCH_CHECK(found != table.end(), "task kind ", static_cast<int>(kind),
              " has no row in harness/data/tasks/task_kind.cc");
  return *found;
}

std::string_view TaskKindName(TaskKind kind) { return KindRow(kind).name; }

UserForm PlainUserForm(TaskKind kind, const std::vector<std::string>& metrics,
                       size_t own) {
  UserForm form;
  form.task.kind = kind;
  form.task.default_form = "plain";
  form.task.stop_strings = {"\n"};
  form.task.metrics.assign(
      metrics.begin(),
      metrics.begin() + static_cast<int64_t>(std::min(own, metrics.size())));
  form.metrics = metrics;
  return form;
}

}  // namespace sft::data
