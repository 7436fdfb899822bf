// The file of tasks that an array executes.
#include "harness/launch/task_lines.h"

#include "harness/core/files.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"

namespace sft::launch::task_lines_test {
namespace {

TEST_CASE("lines of tasks read back as they were", "[launch][task]") {
  const support::TempDir dir;
  const std::string path = (dir.path() / "t.tasks").string();
  const TaskPlaces tasks = {{0}, {3, 1, 2}, {70000}};
  CHECK(TaskLines(tasks) == "0\n3 1 2\n70000\n");
  REQUIRE(WriteFileAtomically(path, TaskLines(tasks)).ok());
  const auto read = ReadTaskLines(path);
  REQUIRE(read.ok());
  CHECK(*read == tasks);
}

TEST_CASE("a line of tasks that is none is refused by its number",
          "[launch][task]") {
  const support::TempDir dir;
  const std::string path = (dir.path() / "t.tasks").string();
  for (const char* line : {"x", "-1", "1.5", "1,2", ""}) {
    CAPTURE(line);
    REQUIRE(WriteFileAtomically(path, absl::StrCat("0\n", line, "\n2\n")).ok());
    const auto read = ReadTaskLines(path);
    REQUIRE_FALSE(read.ok());
    CHECK(std::string(read.status().message()).find("t.tasks:2: ") !=
          std::string::npos);
  }
}

}  // namespace
}  // namespace sft::launch::task_lines_test
