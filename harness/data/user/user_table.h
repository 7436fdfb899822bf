// The rows of a user's file, whatever its format, and what they hold.
#ifndef HARNESS_DATA_USER_USER_TABLE_H_
#define HARNESS_DATA_USER_USER_TABLE_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/data/dataset.h"
#include "harness/data/forms/table_files.h"
#include "harness/data/prepare/options.h"
#include "harness/data/prepare/rows.h"
#include "harness/data/tasks/task_kind.h"
#include "harness/spec/user_data.h"

namespace sft::data {

// Of the functions here that take a `kind`, each has a UserForm.
struct UserTable {
  std::shared_ptr<const RowSource> rows;  // null: none was read
  std::vector<RefusedRow> bad;
  std::vector<std::string> columns;  // of the file, sorted
  bool text_table = false;           // CSV, TSV: every value is a text
  std::vector<std::string> notes;    // as ReadRows has them
};
// Each row's JSON is what UserRow reads.
absl::StatusOr<UserTable> ReadUserTable(const spec::UserData& data,
                                        const TaskKindRow& kind,
                                        const PrepareOptions& options,
                                        const TableFiles& files);

// Cleaning and splitting as the block has it, with the columns of the task: all
// that its prompt and its answer are made of.
absl::StatusOr<PrepareOptions> UserPrepareOptions(const spec::UserData& data,
                                                  const TaskKindRow& kind);

// Fills in what only the whole file tells (UserForm::settle), with lines for
// people in `notes`.
absl::Status SettleUserData(const UserTable& table, const TaskKindRow& kind,
                            spec::UserData& data,
                            std::vector<std::string>& notes);

// What one look at every row finds.
struct TableSurvey {
  std::set<std::string> labels;  // classes, or entity types
  // A text that is not in form NFC; a column of the prompt, beside the one that
  // every row has, or of the answer, that holds something.
  bool not_nfc = false, more_prompt = false, answers = false;
};
absl::StatusOr<TableSurvey> SurveyTable(const UserTable& table,
                                        const TaskKindRow& kind,
                                        const spec::UserData& data,
                                        const PrepareOptions& options);

// Columns, template, metrics and labels of the block against the file's
// columns; an error is of the spec's line.
absl::Status CheckUserData(const spec::UserData& data, const TaskKindRow& kind,
                           const std::vector<std::string>& columns);

}  // namespace sft::data

#endif  // HARNESS_DATA_USER_USER_TABLE_H_
