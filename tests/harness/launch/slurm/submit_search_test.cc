// A search handed to Slurm: rung arrays, and between them a job that decides.
// Slurm's programs are scripts, as in submit_test.cc.
#include <cstdlib>

#include "harness/core/files.h"
#include "harness/launch/slurm/queued_sweep.h"
#include "harness/record/validation_score.h"
#include "tests/harness/launch/slurm/sweep_to_submit.h"
#include "tests/harness/search/search_plan.h"

namespace sft::launch::submit_search_test {
namespace {

// Ids become file names: hexadecimal digits.
spec::RunPlan NineCells() {
  spec::RunPlan plan = search::SearchPlanOf({"full"}, 9, 1);
  for (size_t i = 0; i < plan.runs.size(); ++i) {
    plan.runs[i].run_id = i == 0 ? "ba5e" : absl::StrCat("0", i);
    plan.runs[i].untuned_id = "ba5e";
    plan.runs[i].config.threads = 1;
  }
  return plan;
}

struct SearchedSweep : SweepToSubmit {
  SearchedSweep() : SweepToSubmit(NineCells()) {
    request.decide_words = {"/bin/sftbench", "submit", request.task_words[2],
                            "--qos=a b"};
    request.decisions = 5;
  }
  // Records of the end, or of a rung, with the learning rate as loss.
  void Publish(size_t place, int rung) const {
    record::RunRecord record;
    record.run_id = plan.runs[place].run_id;
    record.status = rung > 0 ? RunStatus::kStopped : RunStatus::kOk;
    EvalRecord eval;
    eval.task = "a";
    eval.split = record::RungSplit(rung);
    MetricRecord metric;
    metric.name = "validation_loss";
    metric.value = plan.runs[place].config.learning_rate;
    metric.higher_is_better = false;
    eval.metrics = {metric};
    record.evals = {eval};
    const record::RunStore store = Store();
    REQUIRE(
        (rung > 0 ? store.PublishRung(record, rung) : store.Publish(record, 1))
            .ok());
  }
};

TEST_CASE("a rung is sent, and a job that sends the next one",
          "[launch][slurm][search]") {
  const FakeSlurm slurm(100);
  SearchedSweep sweep;
  const SubmitSummary first = sweep.Submit();
  REQUIRE(first.arrays.size() == 2);
  CHECK(first.runs.rungs.at(1).size() == 9);
  CHECK(first.deciding_job == "103");
  std::vector<std::string> calls = slurm.Calls("sbatch");
  REQUIRE(calls.size() == 3);
  CHECK(Says(calls[0], ".tasks 0"));  // the untuned run has no rung
  CHECK(Says(calls[1], "--array=0-8 "));
  CHECK(Says(calls[1], ".tasks 1"));
  CHECK(Says(calls[2], "--array=0-0 "));
  CHECK(Says(calls[2], "--dependency=afterany:101:102 "));
  const SlurmFolder folder = sweep.Folder();
  const auto script = ReadFile(folder.Script(sweep.request.digest));
  REQUIRE(script.ok());
  CHECK(Says(*script, " --rung=\"$2\"\n"));
  const auto decides = ReadFile(folder.DecideScript(sweep.request.digest));
  REQUIRE(decides.ok());
  CHECK(Says(*decides, "\nexec /bin/sftbench submit "));
  CHECK(Says(*decides, " '--qos=a b'\n"));

  // While all of it is on its way, nothing more is sent.
  std::string queue = "103|0|PENDING|Dependency\n101|0|RUNNING|n1\n";
  for (int i = 0; i < 9; ++i) {
    queue += absl::StrCat("102|", i, "|PENDING|Dependency\n");
  }
  slurm.Queue(queue);
  CHECK(sweep.Submit().arrays.empty());
  CHECK(slurm.Calls("sbatch").size() == 3);

  // What is in the queue is waited for, what was lost is sent again.
  sweep.Publish(0, 0);
  for (size_t i = 1; i < 9; ++i) sweep.Publish(i, 1);
  slurm.Queue("103|0|RUNNING|n1\n");
  setenv("SLURM_ARRAY_JOB_ID", "103", 1);
  const SubmitSummary lost = sweep.Submit();
  CHECK(lost.runs.rungs.at(1) == std::vector<size_t>{9});
  CHECK(lost.runs.waiting == 8);
  CHECK(lost.deciding_job == "105");
  // The best of them go on.
  sweep.Publish(9, 1);
  const SubmitSummary second = sweep.Submit();
  unsetenv("SLURM_ARRAY_JOB_ID");
  CHECK(second.runs.rungs.at(2) == std::vector<size_t>{1, 2, 3});
  CHECK(second.runs.stopped == 6);
  REQUIRE(second.arrays.size() == 1);
  calls = slurm.Calls("sbatch");
  CHECK(Says(calls[calls.size() - 2], ".tasks 2"));
  CHECK_FALSE(second.deciding_job.empty());

  // The last rung needs no decision.
  slurm.Queue("");
  for (const size_t i : {1, 2, 3}) sweep.Publish(i, 2);
  const SubmitSummary third = sweep.Submit();
  CHECK(third.runs.rungs.at(3) == std::vector<size_t>{1});
  CHECK(third.deciding_job.empty());
  sweep.Publish(1, 0);
  const SubmitSummary over = sweep.Submit();
  CHECK(over.arrays.empty());
  CHECK(over.runs.done == 2);
  CHECK(over.runs.stopped == 8);
}

TEST_CASE("each plan of a folder, and each part of one, has a job that decides",
          "[launch][slurm][search]") {
  const FakeSlurm slurm(100);
  SearchedSweep sweep;
  CHECK(sweep.Submit().deciding_job == "103");
  const std::string queue = "102|0|RUNNING|n1\n103|0|PENDING|Dependency\n";
  slurm.Queue(queue);
  CHECK(sweep.Submit().deciding_job.empty());
  sweep.request.filter = "seed=0";
  const std::string of_part = sweep.Submit().deciding_job;
  REQUIRE_FALSE(of_part.empty());
  slurm.Queue(absl::StrCat(queue, of_part, "|0|PENDING|Dependency\n"));
  CHECK(sweep.Submit().deciding_job.empty());
  // The same cells, asked another question.
  sweep.plan.question = "another";
  sweep.WriteManifest();
  CHECK_FALSE(sweep.Submit().deciding_job.empty());
}

TEST_CASE("a job that decides asks for no card, no node and one core",
          "[launch][slurm][search]") {
  const FakeSlurm slurm(100);
  SearchedSweep sweep;
  sweep.request.slurm.gpus = "2";
  sweep.request.slurm.gres = "gpu:2";
  sweep.request.slurm.nodelist = "n7";
  sweep.request.slurm.cpus_per_task = 8;
  sweep.request.slurm.partition = "long";
  sweep.Submit();
  const std::vector<std::string> calls = slurm.Calls("sbatch");
  REQUIRE(calls.size() == 3);
  for (const char* word :
       {"--gpus=2", "--gres=gpu:2", "--nodelist=n7", "--cpus-per-task=8"}) {
    INFO(word);
    CHECK(Says(calls[1], word));
    CHECK_FALSE(Says(calls[2], word));
  }
  CHECK(Says(calls[2], "--cpus-per-task=1 "));
  CHECK(Says(calls[2], "--partition=long "));
}

TEST_CASE(
    "where there is little room, a place is kept for the job that decides",
    "[launch][slurm][search]") {
  const FakeSlurm slurm(100);
  SearchedSweep sweep;
  sweep.request.slurm.max_submit = 5;
  const auto described = DescribeSubmission(sweep.plan, sweep.request);
  REQUIRE(described.ok());
  CHECK(Says(*described, "# 6 tasks find no room in the queue"));
  const SubmitSummary summary = sweep.Submit();
  REQUIRE(summary.arrays.size() == 2);
  CHECK(summary.arrays[0].tasks + summary.arrays[1].tasks == 4);
  CHECK(summary.left_out == 6);
  CHECK_FALSE(summary.deciding_job.empty());
}

TEST_CASE("jobs that decide do not follow each other for ever",
          "[launch][slurm][search]") {
  const FakeSlurm slurm(100);
  SearchedSweep sweep;
  sweep.request.decisions = 0;
  const SubmitSummary summary = sweep.Submit();
  CHECK(summary.arrays.size() == 2);
  CHECK(summary.deciding_job.empty());
}

TEST_CASE("cancelling reaches the job that decides",
          "[launch][slurm][search]") {
  const FakeSlurm slurm(100);
  SearchedSweep sweep;
  sweep.Submit();
  slurm.Queue("103|0|PENDING|Dependency\n102|3|RUNNING|n1\n");
  CHECK(*CancelSubmitted(sweep.request.paths.out) == 2);
  CHECK(slurm.Calls("scancel").back().ends_with("/scancel 102 103"));
  // It executes no run: of those, the states are told.
  const auto states = ReadSlurmStates(sweep.request.paths.out);
  REQUIRE(states.ok());
  CHECK(states->size() == 10);
}

TEST_CASE("a dry run of a search shows its first rung and what decides",
          "[launch][slurm][search]") {
  const FakeSlurm slurm(100);
  SearchedSweep sweep;
  const auto described = DescribeSubmission(sweep.plan, sweep.request);
  REQUIRE(described.ok());
  const std::string& text = *described;
  CHECK(Says(text, "/TASKS 1\n"));
  CHECK(Says(text, "--dependency=afterany:UNTUNED:ARRAY"));
  CHECK(Says(text, "# which executes: /bin/sftbench submit "));
  CHECK(slurm.Calls("sbatch").empty());
}

}  // namespace
}  // namespace sft::launch::submit_search_test
