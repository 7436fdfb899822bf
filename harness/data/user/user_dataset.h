// A data set out of a spec's `data:` block: any table, CoNLL or parallel file
// as a task, without a line of code.
#ifndef HARNESS_DATA_USER_USER_DATASET_H_
#define HARNESS_DATA_USER_USER_DATASET_H_

#include "absl/status/statusor.h"
#include "harness/data/dataset.h"
#include "harness/spec/user_data.h"

namespace sft::data {

// The labels are read from the file where `data` does not name them. Columns
// of a task (each named as here unless data.columns says otherwise; * = may be
// absent):
//   classification      text, text_pair*, label
//   token_labels        words, tags (lists, or separated by spaces)
//   question_answering  question, context, answers, answer_start*,
//                       is_impossible*
//   generation          source, target (one, or a list of references)
//   instruction         instruction, input*, output; or messages
//   multiple_choice     question, choices (a list), answer (index or text)
//   language_modeling   text
// Rows are split 0.8, 0.1, 0.1 unless data.prepare or data.test says
// otherwise; data.prepare is PrepareOptions, cleaning off by default. Bad rows
// are an error, or with on_bad_row: skip are refused and counted.
absl::StatusOr<DatasetRow> MakeUserDataset(const spec::UserData& data);

}  // namespace sft::data

#endif  // HARNESS_DATA_USER_USER_DATASET_H_
