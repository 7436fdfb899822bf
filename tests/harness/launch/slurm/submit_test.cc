// What is sent to Slurm, in how many arrays, and what is sent again. Slurm's
// programs are scripts that note their words and answer what a test wrote down;
// tests/slurm has the real ones.
#include "harness/launch/slurm/submit.h"

#include <filesystem>

#include "harness/core/files.h"
#include "harness/launch/slurm/queued_sweep.h"
#include "tests/harness/launch/slurm/sweep_to_submit.h"

namespace sft::launch::submit_test {
namespace {
namespace fs = std::filesystem;

using Sweep = SixRunSweep;

TEST_CASE("arrays are cut by Slurm's limits, the untuned run first",
          "[launch][slurm]") {
  RunsToSend runs;
  runs.untuned = {0, 1};
  runs.tuned = {2, 3, 4, 5, 6};
  const PlannedArrays all = CutIntoArrays(runs, 1, 3, kUnlimitedTasks);
  REQUIRE(all.arrays.size() == 3);
  CHECK(all.arrays[0].is_untuned);
  CHECK(all.arrays[0].tasks == std::vector<std::vector<size_t>>{{0}, {1}});
  CHECK(all.arrays[1].tasks == std::vector<std::vector<size_t>>{{2}, {3}, {4}});
  CHECK(all.arrays[2].tasks.size() == 2);
  CHECK(all.left_out == 0);
  // Several runs a task, but not of untuned ones.
  const PlannedArrays wide = CutIntoArrays(runs, 2, 100, kUnlimitedTasks);
  REQUIRE(wide.arrays.size() == 2);
  CHECK(wide.arrays[1].tasks ==
        std::vector<std::vector<size_t>>{{2, 3}, {4, 5}, {6}});
  const PlannedArrays tight = CutIntoArrays(runs, 1, 100, 3);
  CHECK(tight.left_out == 4);
  CHECK(tight.arrays.back().tasks.size() == 1);
  CHECK(CutIntoArrays(runs, 1, 100, 0).arrays.empty());
}

TEST_CASE("a sweep is submitted in arrays that are written down",
          "[launch][slurm]") {
  const FakeSlurm slurm;
  Sweep sweep;
  sweep.request.slurm.partition = "a b";
  const SubmitSummary summary = sweep.Submit();
  // MaxArraySize is 3: the five others are two arrays.
  REQUIRE(summary.arrays.size() == 3);
  CHECK(summary.arrays[0].tasks == 1);
  CHECK(summary.arrays[1].tasks == 3);
  const std::vector<std::string> calls = slurm.Calls("sbatch");
  REQUIRE(calls.size() == 3);
  CHECK(Says(calls[0], "--array=0-0 "));
  CHECK_FALSE(Says(calls[0], "--dependency"));
  CHECK(Says(calls[1], "--array=0-2 "));
  CHECK(Says(calls[1], "--dependency=afterany:101 "));
  CHECK(Says(calls[2], "--dependency=afterany:101 "));
  CHECK(Says(calls[2], "--partition=a b "));
  const SlurmFolder folder = sweep.Folder();
  CHECK(FileExists(folder.Script(sweep.request.digest)));
  const auto submissions = ReadSubmissions(folder);
  REQUIRE(submissions.ok());
  REQUIRE(submissions->size() == 3);
  const auto runs = RunsOf(folder, submissions->at(2));
  REQUIRE(runs.ok());
  REQUIRE(runs->size() == 2);
  CHECK(runs->at(0).run_id == "04");
  CHECK(runs->at(1).task == SlurmTask{"103", 1});
}

TEST_CASE("a sweep that is submitted again sends what is missing",
          "[launch][slurm]") {
  const FakeSlurm slurm;
  Sweep sweep;
  sweep.Submit();
  // Of the three arrays: 01 runs, 02 waits; 03, 04 and 05 have left the queue.
  slurm.Queue("102|0|RUNNING|None\n102|1|PENDING|Resources\n9|0|RUNNING|x\n");
  sweep.Publish("0a", RunStatus::kOk, 1);
  sweep.Publish("03", RunStatus::kDiverged, 1);
  sweep.Publish("04", RunStatus::kFailed, 1);
  sweep.Publish("04", RunStatus::kFailed, 2);
  const SubmitSummary again = sweep.Submit();
  CHECK(again.runs.done == 2);
  CHECK(again.runs.queued == 2);
  CHECK(again.runs.failed == 1);  // two attempts, no third
  CHECK(again.runs.tuned == std::vector<size_t>{5});
  REQUIRE(again.arrays.size() == 1);
  CHECK(again.arrays[0].tasks == 1);
  // Nothing untuned is on its way: nothing is waited for.
  CHECK_FALSE(Says(slurm.Calls("sbatch").back(), "--dependency"));
}

TEST_CASE("runs wait for an untuned one that is in the queue already",
          "[launch][slurm]") {
  const FakeSlurm slurm;
  Sweep sweep;
  sweep.Submit();
  slurm.Queue("101|0|PENDING|Resources\n");
  const SubmitSummary again = sweep.Submit();
  CHECK(again.runs.untuned.empty());
  CHECK(again.runs.queued == 1);
  CHECK(Says(slurm.Calls("sbatch").back(), "--dependency=afterany:101 "));
}

TEST_CASE("a damaged record is no run that is done", "[launch][slurm]") {
  const FakeSlurm slurm;
  const Sweep sweep;
  sweep.Publish("02", RunStatus::kOk, 1);
  const std::string record = sweep.request.paths.Record("02");
  fs::resize_file(record, fs::file_size(record) - 1);
  const auto summary = SubmitSweep(sweep.plan, sweep.request);
  REQUIRE_FALSE(summary.ok());
  CHECK(Says(std::string(summary.status().message()),
             "runs/02.h5: is damaged; move it away"));
  CHECK(slurm.Calls("sbatch").empty());
  CHECK_FALSE(DescribeSubmission(sweep.plan, sweep.request).ok());
}

TEST_CASE("what was not asked for is not sent", "[launch][slurm]") {
  const FakeSlurm slurm;
  Sweep sweep;
  sweep.request.places = {0, 2, 4};
  const SubmitSummary summary = sweep.Submit();
  CHECK(summary.runs.untuned == std::vector<size_t>{0});
  CHECK(summary.runs.tuned == std::vector<size_t>{2, 4});
  CHECK(summary.runs.others == 3);
  // Places are the manifest's.
  const SlurmFolder folder = sweep.Folder();
  const auto runs = RunsOf(folder, ReadSubmissions(folder)->at(1));
  REQUIRE(runs.ok());
  CHECK(runs->at(1).run_id == "04");
}

TEST_CASE("only runs of one kind are sent when that is asked for",
          "[launch][slurm]") {
  const FakeSlurm slurm;
  slurm.Program("sacct", "exit 1\n");
  Sweep sweep;
  sweep.request.max_attempts = 3;
  sweep.Publish("01", RunStatus::kFailed, 1);
  sweep.Publish("02", RunStatus::kTimeout, 1);
  sweep.Publish("03", RunStatus::kOutOfMemory, 1);
  sweep.request.only = "failed";
  CHECK(sweep.Submit().runs.tuned == std::vector<size_t>{1, 3});
  sweep.request.only = "timeout";
  CHECK(sweep.Submit().runs.tuned == std::vector<size_t>{2});
  sweep.request.only = "missing";
  const RunsToSend missing = sweep.Submit().runs;
  CHECK(missing.untuned == std::vector<size_t>{0});
  CHECK(missing.tuned == std::vector<size_t>{4, 5});
  CHECK(missing.others == 3);
}

TEST_CASE("what Slurm's own time limit ended is out of its time",
          "[launch][slurm]") {
  const FakeSlurm slurm;
  Sweep sweep;
  sweep.Submit();
  slurm.Program("sacct",
                "echo '101_0|COMPLETED|0:0'; echo '102_1|TIMEOUT|0'\n");
  sweep.request.only = "timeout";
  const RunsToSend late = sweep.Submit().runs;
  CHECK(late.tuned == std::vector<size_t>{2});
  CHECK(late.others == 5);
  // Without accounting it is only missing.
  slurm.Program("sacct", "echo disabled >&2; exit 1\n");
  sweep.request.only = "missing";
  CHECK(sweep.Submit().runs.tuned.size() == 5);
}

TEST_CASE("a run that only ran out of time is sent again", "[launch][slurm]") {
  const FakeSlurm slurm;
  Sweep sweep;
  sweep.request.max_attempts = 1;
  sweep.Publish("01", RunStatus::kFailed, 1);
  sweep.Publish("02", RunStatus::kTimeout, 1);
  sweep.request.only = "timeout";
  const RunsToSend runs = sweep.Submit().runs;
  CHECK(runs.tuned == std::vector<size_t>{2});
  CHECK(runs.failed == 1);
}

TEST_CASE("no more is sent than there is room for", "[launch][slurm]") {
  const FakeSlurm slurm;
  Sweep sweep;
  slurm.Queue("9|0|RUNNING|x\n9|1|RUNNING|x\n");
  sweep.request.slurm.max_submit = 5;
  const SubmitSummary summary = sweep.Submit();
  CHECK(summary.left_out == 3);
  size_t sent = 0;
  for (const SubmittedArray& array : summary.arrays) sent += array.tasks;
  CHECK(sent == 3);
}

TEST_CASE("what Slurm refuses is an error in its words", "[launch][slurm]") {
  const FakeSlurm slurm;
  const Sweep sweep;
  slurm.Program("sbatch",
                "echo 'sbatch: error: invalid partition: x' >&2; exit 1\n");
  const auto summary = SubmitSweep(sweep.plan, sweep.request);
  REQUIRE_FALSE(summary.ok());
  CHECK(Says(std::string(summary.status().message()),
             "sbatch ended with 1: sbatch: error: invalid partition: x"));
  slurm.Program("squeue", "exit 1\n");
  CHECK_FALSE(SubmitSweep(sweep.plan, sweep.request).ok());
}

TEST_CASE("a state is told of runs that are not done", "[launch][slurm]") {
  const FakeSlurm slurm;
  Sweep sweep;
  CHECK(ReadSlurmStates(sweep.request.paths.out)->empty());
  sweep.Submit();
  slurm.Queue("102|1|PENDING|Resources\n");
  sweep.Publish("01", RunStatus::kOk, 1);
  const auto states = ReadSlurmStates(sweep.request.paths.out);
  REQUIRE(states.ok());
  REQUIRE(states->size() == 5);
  CHECK(states->at(0).run_id == "0a");
  CHECK(states->at(0).state == "101_0 TIMEOUT");
  CHECK(states->at(1).run_id == "02");
  CHECK(states->at(1).state == "102_1 PENDING (Resources)");
  CHECK(states->at(2).state == "102_2 left the queue");
}

TEST_CASE("where no Slurm is installed, or none answers, it is said",
          "[launch][slurm]") {
  FakeSlurm slurm;
  Sweep sweep;
  sweep.Submit();
  const std::string& out = sweep.request.paths.out;
  const auto all_say = [&](const std::string& what) {
    for (const absl::Status& status :
         {SubmitSweep(sweep.plan, sweep.request).status(),
          CancelSubmitted(out).status(), ReadSlurmStates(out).status()}) {
      CHECK(std::string(status.message()) == what);
    }
  };
  slurm.Program("squeue",
                "echo 'slurm_load_jobs error: Unable to contact slurm "
                "controller' >&2; exit 1\n");
  all_say(
      "squeue ended with 1: slurm_load_jobs error: Unable to contact slurm "
      "controller");
  // What is asked of a site's limits is a help, and no need.
  slurm.Program("scontrol", "exit 1\n");
  CHECK(DescribeSubmission(sweep.plan, sweep.request).ok());
  const size_t calls = slurm.Calls("sbatch").size();
  {
    const support::TempDir empty;
    const std::string path = getenv("PATH");
    setenv("PATH", empty.path().c_str(), 1);
    all_say("squeue: is not in PATH; wanted a machine of a Slurm cluster");
    CHECK(DescribeSubmission(sweep.plan, sweep.request).ok());
    setenv("PATH", path.c_str(), 1);
  }
  CHECK(slurm.Calls("sbatch").size() == calls);
}

TEST_CASE("a dry run shows the script and the commands, and sends nothing",
          "[launch][slurm]") {
  const FakeSlurm slurm;
  Sweep sweep;
  sweep.request.slurm.job_name = "a\nb";
  const auto described = DescribeSubmission(sweep.plan, sweep.request);
  REQUIRE(described.ok());
  const std::string& text = *described;
  CHECK(Says(text, "#!/bin/bash\n"));
  CHECK(Says(text, "\nexec /bin/sftbench task "));
  CHECK(Says(text, "\n# sbatch --parsable "));
  CHECK(Says(text, "--dependency=afterany:UNTUNED"));
  // A name's second line is none of the script's.
  CHECK(Says(text, "$'--job-name=a\\012b'"));
  CHECK(slurm.Calls("sbatch").empty());
  CHECK(slurm.Calls("squeue").empty());
  CHECK_FALSE(FileExists(sweep.Folder().Path()));
  CHECK_FALSE(Says(text, "nothing is to be sent"));
  sweep.request.only = "failed";
  const auto none = DescribeSubmission(sweep.plan, sweep.request);
  REQUIRE(none.ok());
  CHECK_FALSE(Says(*none, "# sbatch"));
  CHECK(Says(*none, "# nothing is to be sent: 0 done, 0 failed for good, "));
}

}  // namespace
}  // namespace sft::launch::submit_test
