// What Slurm's programs print, as they printed it (22.05).
#include "harness/launch/slurm/slurm_text.h"

#include "tests/support/catch_torch.h"

namespace sft::launch::slurm_text_test {
namespace {

TEST_CASE("limits are read off Slurm's config, and else are its defaults",
          "[launch][slurm]") {
  const SlurmLimits limits = ParseSlurmConfig(
      "Configuration data as of 2026-01-01T00:00:00\n"
      "MaxArraySize            = 100001\n"
      "MaxDBDMsgs              = 20012\n"
      "MaxJobCount             = 10000\n"
      "SlurmctldParameters     = (null)\n");
  CHECK(limits.array_size == 100001);
  CHECK(limits.jobs == 10000);
  CHECK(ParseSlurmConfig("").array_size == 1001);
  CHECK(ParseSlurmConfig("MaxArraySize = x\n").array_size == 1001);
  CHECK(ParseSlurmConfig("").jobs == 0);
  CHECK(ParseMaxSubmitJobs("\n500\n200\n") == 200);
  CHECK(ParseMaxSubmitJobs("\n\n") == 0);
}

TEST_CASE("a time limit in each of sbatch's forms", "[launch][slurm]") {
  CHECK(ParseSlurmTime("2") == absl::Minutes(2));
  CHECK(ParseSlurmTime("2:30") == absl::Seconds(150));
  CHECK(ParseSlurmTime("1:00:00") == absl::Hours(1));
  CHECK(ParseSlurmTime("1-2") == absl::Hours(26));
  CHECK(ParseSlurmTime("1-2:30") == absl::Hours(26) + absl::Minutes(30));
  CHECK(ParseSlurmTime("1-2:30:15") ==
        absl::Hours(26) + absl::Minutes(30) + absl::Seconds(15));
  for (const char* none :
       {"", "UNLIMITED", "x:1", "1:2:3:4", "-1", "1-", "0"}) {
    CAPTURE(none);
    CHECK_FALSE(ParseSlurmTime(none));
  }
}

TEST_CASE("the number of a submitted job", "[launch][slurm]") {
  CHECK(ParseJobId("123\n") == "123");
  CHECK(ParseJobId("123;cluster\n") == "123");
  CHECK(ParseJobId("sbatch: warning: 7\n124\n") == "124");
  CHECK(ParseJobId("").empty());
  CHECK(ParseJobId("Submitted batch job 5\n").empty());
}

TEST_CASE("a task is named by its array, not by its own job",
          "[launch][slurm]") {
  std::map<std::string, std::string> variables;
  const auto job = [&variables] {
    return ThisSlurmJob([&variables](const char* name) -> const char* {
      const auto it = variables.find(name);
      return it == variables.end() ? nullptr : it->second.c_str();
    });
  };
  CHECK(job().empty());
  variables["SLURM_JOB_ID"] = "7";
  CHECK(job() == "7");
  // As the last task of array 7 has them: 7 alone would be all of it.
  variables["SLURM_ARRAY_JOB_ID"] = "7";
  variables["SLURM_ARRAY_TASK_ID"] = "3";
  CHECK(job() == "7_3");
}

TEST_CASE("a queue's lines are tasks of arrays", "[launch][slurm]") {
  const std::string text =
      "12|0|RUNNING|None\n"
      "12|1|PENDING|Resources\n"
      "13|N/A|RUNNING|None\n"
      "14|3|PENDING|Dependency\n"
      "\n";
  const auto queue = ParseQueue(text);
  REQUIRE(queue.size() == 3);
  CHECK(queue.at({"12", 1}).state == "PENDING");
  CHECK(queue.at({"12", 1}).reason == "Resources");
  CHECK(queue.at({"14", 3}).reason == "Dependency");
  CHECK(CountLines(text) == 4);
  CHECK(ParseQueue("").empty());
}

TEST_CASE("accounting's lines are states of tasks", "[launch][slurm]") {
  const auto states = ParseAccounting(
      "12_0|COMPLETED|0:0\n"
      "12_1|TIMEOUT|0:15\n"
      "13|FAILED|1:0\n"
      "14_[2-7]|PENDING|0:0\n"
      "15_2|CANCELLED by 0|0:0\n");
  REQUIRE(states.size() == 3);
  CHECK(states.at({"12", 1}) == "TIMEOUT");
  CHECK(states.at({"15", 2}) == "CANCELLED by 0");
}

}  // namespace
}  // namespace sft::launch::slurm_text_test
