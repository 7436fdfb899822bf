#include "harness/data/dataset.h"

namespace sft::data {

std::string_view TaskKindName(TaskKind kind) {
  switch (kind) {
    case TaskKind::kClassification:
      return "classification";
    case TaskKind::kTokenLabels:
      return "token_labels";
    case TaskKind::kQuestionAnswering:
      return "question_answering";
    case TaskKind::kGeneration:
      return "generation";
    case TaskKind::kInstruction:
      return "instruction";
    case TaskKind::kMultipleChoice:
      return "multiple_choice";
    case TaskKind::kLastWord:
      return "last_word";
    case TaskKind::kLanguageModeling:
      return "language_modeling";
  }
  return "";
}

}  // namespace sft::data
