#include "harness/launch/task_index.h"

#include <map>
#include <string>

#include "tests/support/catch_torch.h"

namespace sft::launch {
namespace {

absl::StatusOr<size_t> IndexWith(
    const std::map<std::string, std::string>& variables) {
  return TaskIndexFrom([&variables](const char* name) -> const char* {
    const auto it = variables.find(name);
    return it == variables.end() ? nullptr : it->second.c_str();
  });
}

TEST_CASE("the task number of each batch system is counted from 0",
          "[launch][task]") {
  CHECK(*IndexWith({{"SLURM_ARRAY_TASK_ID", "3"}}) == 3);
  CHECK(*IndexWith({{"SGE_TASK_ID", "3"}}) == 2);
  CHECK(*IndexWith({{"PBS_ARRAY_INDEX", "3"}}) == 3);
  CHECK(*IndexWith({{"PBS_ARRAYID", "3"}}) == 3);
  CHECK(*IndexWith({{"LSB_JOBINDEX", "3"}}) == 2);
  CHECK(*IndexWith({{"JOB_COMPLETION_INDEX", "3"}}) == 3);
  CHECK(*IndexWith({{"HQ_TASK_ID", "3"}}) == 3);
}

TEST_CASE("a job that is no array is none, and the inner system counts",
          "[launch][task]") {
  CHECK(absl::IsNotFound(IndexWith({}).status()));
  CHECK(absl::IsNotFound(IndexWith({{"SGE_TASK_ID", "undefined"}}).status()));
  CHECK(absl::IsNotFound(IndexWith({{"LSB_JOBINDEX", "0"}}).status()));
  CHECK(*IndexWith({{"HQ_TASK_ID", "5"}, {"SLURM_ARRAY_TASK_ID", "1"}}) == 5);
  CHECK(*IndexWith({{"LSB_JOBINDEX", "0"}, {"SLURM_ARRAY_TASK_ID", "1"}}) == 1);
}

TEST_CASE("a task number that is none is refused by its name",
          "[launch][task]") {
  for (const char* text : {"x", "-1", "1.5", "99999999999999999999"}) {
    const auto index = IndexWith({{"PBS_ARRAY_INDEX", text}});
    CHECK(absl::IsInvalidArgument(index.status()));
    CHECK(std::string(index.status().message()).find("PBS_ARRAY_INDEX") == 0);
  }
}

}  // namespace
}  // namespace sft::launch
