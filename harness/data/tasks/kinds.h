// The kinds of task, a unit each.
#ifndef HARNESS_DATA_TASKS_KINDS_H_
#define HARNESS_DATA_TASKS_KINDS_H_

#include "harness/data/tasks/task_kind.h"

namespace sft::data {

TaskKindRow ClassificationKind();
TaskKindRow TokenLabelsKind();
TaskKindRow QuestionAnsweringKind();
TaskKindRow GenerationKind();
TaskKindRow InstructionKind();
TaskKindRow MultipleChoiceKind();
TaskKindRow LastWordKind();
TaskKindRow LanguageModelingKind();
TaskKindRow MultiLabelKind();
TaskKindRow RegressionKind();

}  // namespace sft::data

#endif  // HARNESS_DATA_TASKS_KINDS_H_
