// A file of tasks: a line a task, the places in the manifest of its runs by
// spaces. What `submit` sends, and what `task --tasks` executes.
#ifndef HARNESS_LAUNCH_TASK_LINES_H_
#define HARNESS_LAUNCH_TASK_LINES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace sft::launch {

using TaskPlaces = std::vector<std::vector<size_t>>;  // of each task

std::string TaskLines(const TaskPlaces& tasks);
absl::StatusOr<TaskPlaces> ReadTaskLines(const std::string& path);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_TASK_LINES_H_
