// What a task of each kind is where a user's data say no more.
#include <algorithm>

#include "harness/core/fields.h"
#include "harness/core/status.h"
#include "harness/data/user/user_rows.h"

namespace sft::data {
namespace {

constexpr TaskKind kKinds[] = {
    TaskKind::kClassification,    TaskKind::kTokenLabels,
    TaskKind::kQuestionAnswering, TaskKind::kGeneration,
    TaskKind::kInstruction,       TaskKind::kMultipleChoice,
    TaskKind::kLanguageModeling};

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
  switch (kind) {
    case TaskKind::kClassification:
      return {"accuracy", "f1_macro", "f1_micro", "mcc"};
    case TaskKind::kTokenLabels:
      return {"span_f1", "span_f1_strict"};
    case TaskKind::kQuestionAnswering:
      return {"squad_f1", "exact_match", "rouge1", "rouge2",
              "rougeL",   "bleu",        "chrf",   "final_number"};
    case TaskKind::kGeneration:
      return {"rougeL",    "bleu",        "chrf",     "rouge1",      "rouge2",
              "rougeLsum", "exact_match", "squad_f1", "final_number"};
    case TaskKind::kMultipleChoice:
      return {"accuracy", "accuracy_norm"};
    case TaskKind::kLanguageModeling:
      return {"cross_entropy", "perplexity"};
    default:
      return {"validation_loss"};
  }
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
