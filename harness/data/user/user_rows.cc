#include "harness/data/user/user_rows.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_join.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"
#include "harness/data/tasks/user_record.h"

namespace sft::data {

absl::StatusOr<const TaskKindRow*> UserKindByName(const std::string& name) {
  std::vector<std::string> known;
  for (const TaskKindRow& kind : AllTaskKinds()) {
    if (!kind.user) continue;
    if (kind.name == name) return &kind;
    known.push_back(kind.name);
  }
  if (name.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("needs task: one of ", absl::StrJoin(known, ", ")));
  }
  return InputError("task", absl::StrCat("'", name, "' is unknown",
                                         NearestOrKnown(name, known)));
}

absl::StatusOr<Row> UserRow(const nlohmann::json& record, int64_t line,
                            const Task& task, const spec::UserData& data,
                            bool text_table) {
  Row row;
  row.id = line;
  SFT_RETURN_IF_ERROR(KindRow(task.kind).user->fill(
      UserRecord(record, data, text_table), task, row));
  return row;
}

}  // namespace sft::data
