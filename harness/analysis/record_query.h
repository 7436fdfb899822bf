// Records as rows that can be filtered: every number and text of a record under
// a name.
#ifndef HARNESS_ANALYSIS_RECORD_QUERY_H_
#define HARNESS_ANALYSIS_RECORD_QUERY_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/record/record_file.h"

namespace sft::analysis {

struct QueryValue {
  std::string text;  // a number in full precision
  bool is_number = false;
};
using QueryRow = std::map<std::string, QueryValue>;

// run_id, attempt and rung (both 0: the final record), status, status_message;
// the fields of the config and the axes under their own names;
// <task>/<split>/<metric> of the last round, and with @<round> behind it of
// each; facts, forgetting, measures and texts behind "fact.", "forgetting.",
// "measured." and "text.".
QueryRow RowOfRecord(const record::NamedRecord& named);

// What a row shows if nothing is asked for: run_id, status, axes, and of each
// task the first metric of its test.
std::vector<std::string> UsualColumns(const record::NamedRecord& named);

struct QueryCondition {
  std::string name;
  std::string comparison;  // "=", "!=", "<", "<=", ">", ">="
  std::string value;
};
// "method=lora,seed<3". An error names the part that is none.
absl::StatusOr<std::vector<QueryCondition>> ParseConditions(
    std::string_view text);
// Numbers are compared as numbers. A row without the name fulfils nothing but
// "!=".
bool Fulfils(const QueryRow& row, const std::vector<QueryCondition>& all);

struct QueryResult {
  std::vector<std::string> columns;
  std::vector<QueryRow> rows;  // of these columns alone
  std::vector<std::string> damaged;
};
// Of the records of a folder or a file, in name order. No columns: the usual
// ones of the rows found. A name that no record has is an error, with the
// nearest one.
absl::StatusOr<QueryResult> QueryRecords(
    const std::string& path, const std::vector<QueryCondition>& where,
    const std::vector<std::string>& columns);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_RECORD_QUERY_H_
