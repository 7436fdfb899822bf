// How each kind of task is measured, by the head that the model has: a table.
// A new kind of task is a file with its function, and a row.
#ifndef HARNESS_EVAL_TASK_EVALUATOR_H_
#define HARNESS_EVAL_TASK_EVALUATOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/core/records.h"
#include "harness/core/tokenizer.h"
#include "harness/data/dataset.h"
#include "harness/data/render/render.h"
#include "harness/eval/evaluator.h"
#include "harness/model/model.h"

namespace sft::eval {

// What an evaluation reads; each kind takes what it needs.
struct EvalInput {
  std::string name;  // of the data set, for the record
  const data::Task* task = nullptr;
  data::RenderOptions render;
  std::vector<data::Row> rows;
  std::vector<Example> examples;       // the rows, rendered (kInstruction)
  std::vector<std::string> documents;  // kLanguageModeling
  int64_t heldout_window = 512;
  int64_t heldout_tokens = 4096;
};

struct TaskEvaluator {
  data::TaskKind kind;
  HeadKind head;
  absl::StatusOr<EvalRecord> (*evaluate)(model::Model& model,
                                         const Tokenizer& tokenizer,
                                         const EvalInput& input,
                                         const EvalOptions& options);
};
const std::vector<TaskEvaluator>& AllTaskEvaluators();

// The primary metric first; InvalidArgument where the table has no row for the
// task's kind under the model's head.
absl::StatusOr<EvalRecord> EvaluateTask(model::Model& model,
                                        const Tokenizer& tokenizer,
                                        const EvalInput& input,
                                        const EvalOptions& options);

}  // namespace sft::eval

#endif  // HARNESS_EVAL_TASK_EVALUATOR_H_
