// Which of an array's tasks a process is, as the batch system says it.
#ifndef HARNESS_LAUNCH_TASK_INDEX_H_
#define HARNESS_LAUNCH_TASK_INDEX_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace sft::launch {

struct TaskIndexVariable {
  const char* name;
  int first;  // what the first task of an array has; one that may be chosen: 0
  const char* engine;
};
// In the order in which they are looked at: what may run inside another's job
// comes first.
const std::vector<TaskIndexVariable>& TaskIndexVariables();

// Counted from 0. `variable` is getenv. NotFound, with the names, where none is
// set; InvalidArgument for one that is no number.
absl::StatusOr<size_t> TaskIndexFrom(
    const std::function<const char*(const char*)>& variable);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_TASK_INDEX_H_
