#include "harness/data/tasks/task_kind.h"

#include <c10/util/Exception.h>

#include <algorithm>

#include "harness/data/tasks/kinds.h"

namespace sft::data {

const std::vector<TaskKindRow>& AllTaskKinds() {
  static const auto& table = *new std::vector<TaskKindRow>{
      ClassificationKind(), TokenLabelsKind(),      QuestionAnsweringKind(),
      GenerationKind(),     InstructionKind(),      MultipleChoiceKind(),
      LastWordKind(),       LanguageModelingKind(), MultiLabelKind(),
      RegressionKind()};
  return table;
}

const TaskKindRow& KindRow(const std::string& name) {
  const auto& table = AllTaskKinds();
  const auto found =
      std::find_if(table.begin(), table.end(),
                   [&](const TaskKindRow& row) { return row.name == name; });
  TORCH_CHECK(found != table.end(), "task kind '", name,
              "' has no row in harness/data/tasks/task_kind.cc");
  return *found;
}

UserForm PlainUserForm(const std::string& kind,
                       const std::vector<std::string>& metrics,
                       bool (*fits)(const metrics::Metric&)) {
  UserForm form;
  form.task.kind = kind;
  form.task.default_form = "plain";
  form.task.stop_strings = {"\n"};
  form.task.metrics = form.metrics = metrics;
  if (fits == nullptr) return form;
  for (const metrics::Metric& metric : metrics::AllMetrics()) {
    const bool is_own =
        std::find(metrics.begin(), metrics.end(), metric.name) != metrics.end();
    if (!is_own && fits(metric)) form.metrics.push_back(metric.name);
  }
  return form;
}

bool MeasuresWrittenText(const metrics::Metric& metric) {
  return metric.labels == nullptr && metric.label_sets == nullptr &&
         metric.values == nullptr && metric.text.score != nullptr &&
         metric.text.format != metrics::ItemFormat::kTags;
}

}  // namespace sft::data
