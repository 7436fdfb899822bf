// What a task of each kind is where a user's data say no more.
#include "harness/core/fields.h"
#include "harness/core/status.h"
#include "harness/data/user_rows.h"

namespace sft {
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

UserColumns ColumnsOf(TaskKind kind, const UserData& data) {
  auto column = [&data](const std::string& part) {
    const auto it = data.columns.find(part);
    return it == data.columns.end() ? part : it->second;
  };
  switch (kind) {
    case TaskKind::kClassification:
      if (data.columns.count("text_pair") != 0) {
        return {{column("text"), column("text_pair")}, column("label")};
      }
      return {{column("text")}, column("label")};
    case TaskKind::kTokenLabels:
      return {{column("words")}, ""};
    case TaskKind::kQuestionAnswering:
      return {{column("question"), column("context")}, ""};
    case TaskKind::kGeneration:
      return {{column("source")}, ""};
    case TaskKind::kMultipleChoice:
      return {{column("question")}, ""};
    case TaskKind::kLanguageModeling:
      return {{column("text")}, ""};
    default:
      if (data.columns.count("messages") != 0)
        return {{column("messages")}, ""};
      return {{column("instruction")}, ""};
  }
}

}  // namespace sft
