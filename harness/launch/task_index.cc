#include "harness/launch/task_index.h"

#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "harness/core/status.h"

namespace sft::launch {

const std::vector<TaskIndexVariable>& TaskIndexVariables() {
  static const auto& rows = *new std::vector<TaskIndexVariable>{
      {"HQ_TASK_ID", 0, "HyperQueue"},
      {"JOB_COMPLETION_INDEX", 0, "a Kubernetes indexed Job"},
      {"PBS_ARRAY_INDEX", 0, "PBS Pro, OpenPBS"},
      {"PBS_ARRAYID", 0, "Torque"},
      {"LSB_JOBINDEX", 1, "LSF"},
      {"SGE_TASK_ID", 1, "Grid Engine"},
      {"SLURM_ARRAY_TASK_ID", 0, "Slurm"},
  };
  return rows;
}

absl::StatusOr<size_t> TaskIndexFrom(
    const std::function<const char*(const char*)>& variable) {
  std::vector<std::string> names;
  for (const TaskIndexVariable& row : TaskIndexVariables()) {
    names.push_back(row.name);
    const char* value = variable(row.name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view text = value;
    // Jobs that are no arrays have these.
    if (text == "undefined") continue;
    if (text == "0" && row.first == 1) continue;
    int64_t number = 0;
    if (!absl::SimpleAtoi(ToAbsl(text), &number) || number < row.first) {
      return absl::InvalidArgumentError(
          absl::StrCat(row.name, " = '", ToAbsl(text),
                       "': wanted a whole number of at least ", row.first));
    }
    return static_cast<size_t>(number - row.first);
  }
  return absl::NotFoundError(absl::StrCat(
      "no --index, and none of ", absl::StrJoin(names, ", "), " is set"));
}

}  // namespace sft::launch
