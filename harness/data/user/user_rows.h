// One record of a user's table as a row of a task.
#ifndef HARNESS_DATA_USER_USER_ROWS_H_
#define HARNESS_DATA_USER_USER_ROWS_H_

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "harness/data/dataset.h"
#include "harness/data/tasks/task_kind.h"
#include "harness/spec/user_data.h"

namespace sft::data {

// The kind of task that a user's data may name so: one that has a UserForm. The
// error names them all where none is named.
absl::StatusOr<const TaskKindRow*> UserKindByName(const std::string& name);

// `text_table`: every value is a text (CSV, TSV). The error says which column
// is wrong, without file and line.
absl::StatusOr<Row> UserRow(const nlohmann::json& record, int64_t line,
                            const Task& task, const spec::UserData& data,
                            bool text_table = false);

}  // namespace sft::data

#endif  // HARNESS_DATA_USER_USER_ROWS_H_
