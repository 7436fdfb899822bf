// A data set out of a spec's `data:` block: any table, CoNLL or parallel file
// as a task, without a line of code.
#ifndef HARNESS_DATA_USER_USER_DATASET_H_
#define HARNESS_DATA_USER_USER_DATASET_H_

#include "absl/status/statusor.h"
#include "harness/data/dataset.h"
#include "harness/spec/user_data.h"

namespace sft::data {

// The labels are read from the file where `data` does not name them, a task's
// columns are its kind's UserForm::parts, each named as there unless
// data.columns says otherwise. Rows are split 0.8, 0.1, 0.1 unless data.prepare
// or data.test says otherwise; data.prepare is PrepareOptions, cleaning off by
// default. Bad rows are an error, or with on_bad_row: skip are refused and
// counted.
absl::StatusOr<DatasetRow> MakeUserDataset(const spec::UserData& data);

}  // namespace sft::data

#endif  // HARNESS_DATA_USER_USER_DATASET_H_
