#include "harness/launch/task_lines.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "harness/core/files.h"
#include "harness/core/status.h"

namespace sft::launch {

std::string TaskLines(const TaskPlaces& tasks) {
  std::string text;
  for (const std::vector<size_t>& places : tasks) {
    absl::StrAppend(&text, absl::StrJoin(places, " "), "\n");
  }
  return text;
}

absl::StatusOr<TaskPlaces> ReadTaskLines(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> lines, ReadLines(path));
  TaskPlaces tasks;
  for (const std::string& line : lines) {
    std::vector<size_t> places;
    for (const absl::string_view word :
         absl::StrSplit(line, ' ', absl::SkipEmpty())) {
      uint64_t place = 0;
      if (!absl::SimpleAtoi(word, &place)) {
        return InputError(absl::StrCat(path, ":", tasks.size() + 1),
                          absl::StrCat("'", word, "': wanted whole numbers"));
      }
      places.push_back(static_cast<size_t>(place));
    }
    if (places.empty()) {
      return InputError(absl::StrCat(path, ":", tasks.size() + 1),
                        "is empty: wanted places of runs");
    }
    tasks.push_back(std::move(places));
  }
  return tasks;
}

}  // namespace sft::launch
