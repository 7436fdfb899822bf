// What was sent to Slurm is cancelled and waited for; its programs are scripts,
// as in submit_test.cc.
#include "harness/launch/slurm/queued_sweep.h"

#include <filesystem>

#include "tests/harness/launch/slurm/sweep_to_submit.h"

namespace sft::launch::queued_sweep_test {
namespace {
namespace fs = std::filesystem;
using Sweep = SixRunSweep;

TEST_CASE("cancelling reaches this folder's jobs alone", "[launch][slurm]") {
  const FakeSlurm slurm;
  Sweep sweep;
  sweep.Submit();
  slurm.Queue("102|0|RUNNING|None\n102|1|PENDING|Resources\n9|0|RUNNING|x\n");
  CHECK(*CancelSubmitted(sweep.request.paths.out) == 2);
  const std::vector<std::string> calls = slurm.Calls("scancel");
  REQUIRE(calls.size() == 1);
  CHECK(calls[0].ends_with("/scancel 102"));
  slurm.Queue("");
  CHECK(*CancelSubmitted(sweep.request.paths.out) == 0);
  CHECK(slurm.Calls("scancel").size() == 1);
  // A folder that is none's is no folder without tasks.
  const auto none = CancelSubmitted(sweep.request.paths.out + "/typo");
  REQUIRE_FALSE(none.ok());
  CHECK(Says(std::string(none.status().message()),
             "/typo: nothing was submitted from here"));
}

TEST_CASE("counting and cancelling read no manifest", "[launch][slurm]") {
  const FakeSlurm slurm;
  Sweep sweep;
  sweep.Submit();
  fs::remove_all(sweep.request.paths.Manifests());
  slurm.Queue("102|1|PENDING|Resources\n102|7|RUNNING|x\n9|0|RUNNING|x\n");
  CHECK(*CancelSubmitted(sweep.request.paths.out) == 1);
}

TEST_CASE("waiting outlives a controller that is away", "[launch][slurm]") {
  const FakeSlurm slurm;
  Sweep sweep;
  sweep.Submit();
  std::vector<std::string> said;
  const auto wait = [&](absl::Duration patience) {
    said.clear();
    return WaitForSubmitted(
        sweep.request.paths.out, {absl::Milliseconds(1), patience},
        [&said](const std::string& text) { said.push_back(text); });
  };
  // Twice there is a task, twice no answer, then the queue is empty.
  slurm.Program("squeue",
                "n=$(cat \"$here/looks\" 2>/dev/null || echo 0)\n"
                "n=$((n + 1)); echo $n > \"$here/looks\"\n"
                "case $n in 1|2) echo '102|1|RUNNING|None';;\n"
                "3|4) echo 'slurm_load_jobs error: away' >&2; exit 1;; esac\n");
  CHECK(wait(absl::Minutes(1)).ok());
  REQUIRE(said.size() == 2);
  CHECK(Says(said[0],
             "squeue ended with 1: slurm_load_jobs error: away; "
             "asking again for up to 1m"));
  CHECK(said[1] == "Slurm answers again");
  CHECK(slurm.Calls("squeue").size() == 6);  // one of the submit
  slurm.Program("squeue", "echo 'gone' >&2; exit 1\n");
  const absl::Status given_up = wait(absl::Milliseconds(5));
  CHECK(Says(std::string(given_up.message()), "squeue ended with 1: gone"));
  CHECK(said.size() == 1);
}

}  // namespace
}  // namespace sft::launch::queued_sweep_test
