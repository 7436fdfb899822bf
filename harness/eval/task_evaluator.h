// How each kind of task is measured, by what its row says and by the head that
// the model has: a table. A new kind is measured by the evaluator that fits it;
// only where none does, it is a function of its own and a row.
#ifndef HARNESS_EVAL_TASK_EVALUATOR_H_
#define HARNESS_EVAL_TASK_EVALUATOR_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/core/records.h"
#include "harness/core/tokenizer.h"
#include "harness/data/dataset.h"
#include "harness/data/render/render.h"
#include "harness/data/tasks/task_kind.h"
#include "harness/eval/evaluator.h"
#include "harness/model/model.h"

namespace sft::eval {

// What an evaluation reads; each kind takes what it needs.
struct EvalInput {
  std::string name;  // of the data set, for the record
  const data::Task* task = nullptr;
  data::RenderOptions render;
  std::vector<data::Row> rows;
  std::vector<Example> examples;       // the rows, rendered (measured_by_loss)
  std::vector<std::string> documents;  // is_text
  int64_t heldout_window = 512, heldout_stride = 0;
  int64_t heldout_tokens = 4096;
};

struct TaskEvaluator {
  std::string_view name;  // what it measures, in a few words
  HeadKind head;
  // Whether it is the one for tasks of this kind under that head.
  bool (*fits)(const data::TaskKindRow& kind);
  absl::StatusOr<EvalRecord> (*evaluate)(model::Model& model,
                                         const Tokenizer& tokenizer,
                                         const EvalInput& input,
                                         const EvalOptions& options);
};
const std::vector<TaskEvaluator>& AllTaskEvaluators();

// The one of the table; nullptr where tasks of this kind have no such head.
const TaskEvaluator* EvaluatorOf(const data::TaskKindRow& kind, HeadKind head);

// The primary metric first; InvalidArgument where no row of the table fits the
// task's kind under the model's head.
absl::StatusOr<EvalRecord> EvaluateTask(model::Model& model,
                                        const Tokenizer& tokenizer,
                                        const EvalInput& input,
                                        const EvalOptions& options);

}  // namespace sft::eval

#endif  // HARNESS_EVAL_TASK_EVALUATOR_H_
