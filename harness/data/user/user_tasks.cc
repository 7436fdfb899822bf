// What a task of each kind is where a user's data say no more.
#include <algorithm>

#include "harness/core/fields.h"
#include "harness/core/status.h"
#include "harness/data/user/user_rows.h"
#include "harness/metrics/metrics.h"

namespace sft::data {
namespace {

constexpr TaskKind kKinds[] = {
    TaskKind::kClassification,    TaskKind::kTokenLabels,
    TaskKind::kQuestionAnswering, TaskKind::kGeneration,
    TaskKind::kInstruction,       TaskKind::kMultipleChoice,
    TaskKind::kLanguageModeling};

// Whether any task of `kind` can be measured by `metric`: of classes by those
// of labels, of what is written by those of texts.
bool Measures(const metrics::Metric& metric, TaskKind kind) {
  const bool of_labels = metric.labels != nullptr;
  const bool of_texts = !of_labels && metric.text.score != nullptr;
  const bool of_tags = metric.text.format == metrics::ItemFormat::kTags;
  switch (kind) {
    case TaskKind::kClassification:
      return of_labels;
    case TaskKind::kTokenLabels:
      return of_texts && of_tags;
    case TaskKind::kQuestionAnswering:
    case TaskKind::kGeneration:
      return of_texts && !of_tags;
    default:
      return false;
  }
}

}  // namespace

absl::StatusOr<TaskKind> TaskKindByName(const std::string& name) {
  std::vector<std::string> known;
  for (TaskKind kind : kKinds) {
    known.emplace_back(TaskKindName(kind));
    if (known.back() == name) return kind;
  }
  const std::string near = NearestName(name, known);
  return InputError(
      "task", absl::StrCat("'", name, "' is unknown; ",
                           near.empty() ? "known are " + CanonicalText(known)
                                        : "did you mean '" + near + "'?"));
}

Task DefaultTask(TaskKind kind) {
  Task task;
  task.kind = kind;
  task.default_form = "plain";
  task.stop_strings = {"\n"};
  switch (kind) {
    case TaskKind::kClassification:
      task.metrics = {"accuracy", "f1_macro"};
      break;
    case TaskKind::kTokenLabels:
      task.metrics = {"span_f1", "span_f1_strict"};
      break;
    case TaskKind::kQuestionAnswering:
      task.metrics = {"squad_f1", "exact_match"};
      task.max_new_tokens = 32;
      task.no_answer = "unanswerable";
      break;
    case TaskKind::kGeneration:
      task.metrics = {"rougeL", "bleu", "chrf"};
      break;
    case TaskKind::kMultipleChoice:
      task.metrics = {"accuracy", "accuracy_norm"};
      break;
    case TaskKind::kLanguageModeling:
      task.metrics = {"cross_entropy", "perplexity"};
      break;
    default:
      task.metrics = {"validation_loss"};
      task.default_form = "chat";
      task.stop_strings = {};
  }
  return task;
}

std::vector<std::string> MetricsOf(TaskKind kind) {
  std::vector<std::string> names = DefaultTask(kind).metrics;
  for (const metrics::Metric& metric : metrics::AllMetrics()) {
    if (Measures(metric, kind) &&
        std::find(names.begin(), names.end(), metric.name) == names.end()) {
      names.push_back(metric.name);
    }
  }
  return names;
}

UserParts PartsOf(TaskKind kind, const spec::UserData& data,
                  const std::vector<std::string>& columns) {
  switch (kind) {
    case TaskKind::kClassification:
      return {{"text"}, {"text_pair"}, "label", {}, {}, {}};
    case TaskKind::kTokenLabels:
      return {{"words"}, {}, "", {"tags"}, {}, {}};
    case TaskKind::kQuestionAnswering:
      return {{"question", "context"}, {}, "", {"answers", "is_impossible"},
              {"answer_start"},        {}};
    case TaskKind::kGeneration:
      return {{"source"}, {}, "", {"target"}, {}, {}};
    case TaskKind::kMultipleChoice:
      return {{"question", "choices"}, {}, "", {"answer", "answerKey"}, {}, {}};
    case TaskKind::kLanguageModeling:
      return {{"text"}, {}, "", {}, {}, {}};
    default:
      break;
  }
  auto has = [&](const std::string& part) {
    const auto it = data.columns.find(part);
    return std::find(columns.begin(), columns.end(),
                     it == data.columns.end() ? part : it->second) !=
           columns.end();
  };
  const bool named = data.columns.count("messages") != 0;
  if (named || (has("messages") && !has("instruction"))) {
    return {{"messages"}, {}, "", {}, {}, {"instruction", "input", "output"}};
  }
  return {{"instruction"}, {"input"}, "", {"output"}, {}, {"messages"}};
}

}  // namespace sft::data
