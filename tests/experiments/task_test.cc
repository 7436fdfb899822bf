// A sweep without its launcher: as lines for another engine, as tasks that are
// stopped and put back, as shards, and two sweeps in one folder. The records
// are those of a plain run.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"
#include "tests/support/subprocess.h"

namespace sft::experiments::task_test {
namespace {
namespace fs = std::filesystem;
using TextLines = std::vector<std::string>;

std::string TaskSpec(const std::string& methods, int steps = 6) {
  return "question: is a task's run the same run?\n"
         "model: glassllm\n"
         "train: [rotten_tomatoes]\n"
         "evaluate: {tasks: [rotten_tomatoes]}\n"
         "budget: {steps: " +
         std::to_string(steps) +
         "}\n"
         "set: {batch_size: 4, max_length: 96, test_limit: 8,\n"
         "      validation_limit: 4, learning_rate: 1.0e-3, threads: 1}\n"
         "grid: {method: [" +
         methods + "], seed: [0, 1]}\n";
}

// A folder, a spec in it, and the records of an undisturbed run of it.
struct TaskScene {
  explicit TaskScene(const std::string& text = TaskSpec("full, lora"),
                     bool with_records = true) {
    support::RequireAssets("models/glassllm/config.json");
    spec = (dir.path() / "spec.yaml").string();
    std::ofstream(spec) << text;
    calm = (dir.path() / "calm").string();
    if (!with_records) return;
    const support::Finished run = Sftbench({"run", spec, "--out", calm});
    INFO(run.error);
    REQUIRE(run.exit_status == 0);
  }
  static support::Finished Sftbench(TextLines words) {
    words.insert(words.begin(), SFTBENCH_BINARY);
    return support::RunProgram(words);
  }
  static std::set<std::string> RecordNames(const std::string& out) {
    std::set<std::string> names;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(out + "/runs", none)) {
      names.insert(entry.path().filename());
    }
    return names;
  }
  static TextLines ManifestsOf(const std::string& out) {
    TextLines paths;
    for (const auto& entry : fs::directory_iterator(out + "/manifests")) {
      paths.push_back(entry.path().string());
    }
    return paths;
  }
  void CheckSameAsCalm(const std::string& out) const {
    REQUIRE(RecordNames(out) == RecordNames(calm));
    for (const std::string& name : RecordNames(calm)) {
      const support::Finished same = Sftbench(
          {"verify", "--same", calm + "/runs/" + name, out + "/runs/" + name});
      INFO(name << ": " << same.out << same.error);
      CHECK(same.exit_status == 0);
    }
  }

  support::TempDir dir;
  std::string spec, calm;
};

TextLines LinesIn(const std::string& text) {
  std::istringstream in(text);
  TextLines lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST_CASE("the lines of a plan, in any order, make the records of its run",
          "[experiments][task][slow]") {
  const TaskScene scene;
  // A name that would run something, were it read by the shell.
  const std::string out = (scene.dir.path() / "it's $(touch ran); a").string();
  const support::Finished plan =
      TaskScene::Sftbench({"plan", scene.spec, "--out", out});
  INFO(plan.error);
  REQUIRE(plan.exit_status == 0);
  const TextLines lines = LinesIn(plan.out);
  REQUIRE(lines.size() == 5);
  // The last first: each executes the untuned run if it is not there.
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    const support::Finished task =
        support::RunProgram({"/bin/sh", "-c", *line});
    INFO(*line << "\n" << task.error);
    CHECK(task.exit_status == 0);
  }
  scene.CheckSameAsCalm(out);
  CHECK_FALSE(fs::exists("ran"));
  // Started again, it is done already; by the number of a batch system too.
  CHECK(support::RunProgram({"/bin/sh", "-c", lines[2]}).exit_status == 0);
  const std::string manifest = TaskScene::ManifestsOf(out).at(0);
  const support::Finished task = support::RunProgram(
      {"/usr/bin/env", "SGE_TASK_ID=5", SFTBENCH_BINARY, "task", manifest});
  INFO(task.error);
  CHECK(task.exit_status == 0);
  CHECK(support::RunProgram({"/usr/bin/env", "SGE_TASK_ID=6", SFTBENCH_BINARY,
                             "task", manifest})
            .exit_status == 2);
}

TEST_CASE("a plan is printed as rows and as JSON", "[experiments][task]") {
  const TaskScene scene(TaskSpec("full, lora"), /*with_records=*/false);
  const std::string out = (scene.dir.path() / "plan").string();
  const TextLines rows = LinesIn(
      TaskScene::Sftbench({"plan", scene.spec, "--out", out, "--format", "tsv"})
          .out);
  REQUIRE(rows.size() == 6);
  CHECK(rows[0].find("index\trun_id\t") == 0);
  CHECK(rows[1].find("0\t") == 0);
  CHECK(rows[1].find("\tuntuned\t") != std::string::npos);
  const support::Finished json = TaskScene::Sftbench(
      {"plan", scene.spec, "--out", out, "--format", "json"});
  CHECK(json.out.find("\"command\"") != std::string::npos);
  CHECK(json.out.find("--index=4") != std::string::npos);
  // Of a part the rows are the whole plan's, and so is the manifest.
  const TextLines part =
      LinesIn(TaskScene::Sftbench({"plan", scene.spec, "--out", out, "--format",
                                   "tsv", "--filter", "method=lora"})
                  .out);
  REQUIRE(part.size() == 4);
  CHECK(part[1] == rows[1]);
  for (const std::string& row : {part[2], part[3]}) {
    CHECK(row.find("\tlora\t") != std::string::npos);
    CHECK(std::count(rows.begin(), rows.end(), row) == 1);
  }
  CHECK(TaskScene::ManifestsOf(out).size() == 1);
  CHECK(TaskScene::Sftbench({"plan", scene.spec, "--filter", "method=hft"})
            .exit_status == 2);
}

TEST_CASE("a task of another build refuses, or says so",
          "[experiments][task]") {
  const TaskScene scene(TaskSpec("full", 1));
  const std::string manifest = TaskScene::ManifestsOf(scene.calm).at(0);
  const support::Finished refused = TaskScene::Sftbench(
      {"task", manifest, "--index", "0", "--build", "0123456789abcdef"});
  CHECK(refused.exit_status == 2);
  CHECK(refused.error.find("another build") != std::string::npos);
  const support::Finished warned =
      TaskScene::Sftbench({"task", manifest, "--index", "0", "--build",
                           "0123456789abcdef", "--allow-other-build"});
  CHECK(warned.exit_status == 0);
  CHECK(warned.error.find("another build") != std::string::npos);
}

// Tasks that save after each step, and stop where a test tells them to.
struct StoppedTask {
  explicit StoppedTask(const std::string& spec, const std::string& out)
      : out(out) {
    REQUIRE(TaskScene::Sftbench({"plan", spec, "--out", out}).exit_status == 0);
    manifest = TaskScene::ManifestsOf(out).at(0);
  }
  TextLines Words(int index) const {
    return {SFTBENCH_BINARY, "task", manifest,
            "--index=" + std::to_string(index), "--checkpoint-every=0s"};
  }
  bool HasSaved() const {
    std::error_code none;
    for (const auto& work : fs::directory_iterator(out + "/work", none)) {
      for (const auto& one : fs::directory_iterator(work.path(), none)) {
        if (fs::exists(one.path() / "checkpoint/state.json")) return true;
      }
    }
    return false;
  }
  std::string out, manifest;
};

TEST_CASE("a task that is asked to stop saves, ends with 75 and goes on",
          "[experiments][task][slow]") {
  const TaskScene scene(TaskSpec("full", 20));
  for (const int signal : {SIGUSR1, SIGUSR2, SIGTERM}) {
    const StoppedTask task(
        scene.spec, (scene.dir.path() / std::to_string(signal)).string());
    REQUIRE(support::RunProgram(task.Words(0)).exit_status == 0);
    support::RunningProgram running(task.Words(1));
    for (int i = 0; i < 600 && !task.HasSaved() && !running.Ended(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    REQUIRE_FALSE(running.Ended());
    running.Kill(signal);
    running.Kill(signal);  // twice is no reason not to save
    CHECK(running.Wait() == 75);
    CHECK(TaskScene::RecordNames(task.out).size() == 1);
    CHECK(task.HasSaved());
    for (const int index : {1, 2}) {
      CHECK(support::RunProgram(task.Words(index)).exit_status == 0);
    }
    scene.CheckSameAsCalm(task.out);
    CHECK_FALSE(task.HasSaved());
  }
}

TEST_CASE("a task that runs twice at once is one run",
          "[experiments][task][slow]") {
  const TaskScene scene(TaskSpec("full", 12));
  const StoppedTask task(scene.spec, (scene.dir.path() / "twice").string());
  {
    support::RunningProgram one(task.Words(1)), other(task.Words(1));
    CHECK(one.Wait() == 0);
    CHECK(other.Wait() == 0);
  }
  CHECK(support::RunProgram(task.Words(2)).exit_status == 0);
  scene.CheckSameAsCalm(task.out);
  CHECK_FALSE(task.HasSaved());
}

TEST_CASE("shards of a sweep are the sweep, under one manifest",
          "[experiments][task][slow]") {
  const TaskScene scene;
  const std::string out = (scene.dir.path() / "shards").string();
  {
    support::RunningProgram first(
        {SFTBENCH_BINARY, "run", scene.spec, "--out", out, "--shard", "1/3"});
    CHECK(
        TaskScene::Sftbench({"run", scene.spec, "--out", out, "--shard", "2/3"})
            .exit_status == 0);
    CHECK(first.Wait() == 0);
  }
  CHECK(TaskScene::RecordNames(out).size() == 4);
  CHECK(TaskScene::Sftbench({"status", out}).error.find(" 1 waiting") !=
        std::string::npos);
  CHECK(TaskScene::Sftbench({"run", scene.spec, "--out", out, "--shard", "3/3"})
            .exit_status == 0);
  scene.CheckSameAsCalm(out);
  CHECK(TaskScene::ManifestsOf(out).size() == 1);
  CHECK(TaskScene::Sftbench({"run", scene.spec, "--shard", "4/3"})
            .error.find("--shard wants a part such as 2/3") !=
        std::string::npos);
}

TEST_CASE("two specs run into one folder at once",
          "[experiments][task][slow]") {
  const TaskScene scene;
  const std::string other = (scene.dir.path() / "other.yaml").string();
  std::ofstream(other) << TaskSpec("hft");
  const std::string out = (scene.dir.path() / "both").string();
  {
    support::RunningProgram one(
        {SFTBENCH_BINARY, "run", scene.spec, "--out", out});
    support::RunningProgram two({SFTBENCH_BINARY, "run", other, "--out", out});
    CHECK(one.Wait() == 0);
    CHECK(two.Wait() == 0);
  }
  CHECK(TaskScene::ManifestsOf(out).size() == 2);
  CHECK(TaskScene::Sftbench({"status", out}).error.find("7 done, 0 failed") !=
        std::string::npos);
  const support::Finished report = TaskScene::Sftbench({"report", out});
  CHECK(report.exit_status == 0);
  CHECK(report.out.find("from 2 sweeps") != std::string::npos);
  CHECK(report.out.find("hft") != std::string::npos);
  CHECK(report.out.find("lora") != std::string::npos);
}

TEST_CASE("a submission's script is whole, and no name in it is a command",
          "[experiments][submit]") {
  support::RequireAssets("models/glassllm/config.json");
  const support::TempDir dir;
  const fs::path folder = dir.path() / "a; touch ran\n'$(touch ran)'";
  fs::create_directories(folder);
  const std::string spec = (folder / "`touch ran`.yaml").string();
  std::ofstream(spec) << TaskSpec("full, lora");
  const std::string out = (folder / "out").string();
  const support::Finished dry = TaskScene::Sftbench(
      {"submit", spec, "--out", out, "--dry-run", "--job-name", "x;touch ran",
       "--partition", "p;touch ran", "--array-limit", "2", "--setup",
       "export A=1", "--setup", "export B=2", "--sbatch=--reservation=r"});
  INFO(dry.error);
  REQUIRE(dry.exit_status == 0);
  CHECK_FALSE(fs::exists(out));
  CHECK(dry.out.find("\nexport A=1\nexport B=2\n") != std::string::npos);
  CHECK(dry.out.find("--reservation=r") != std::string::npos);
  CHECK(dry.out.find("--array=0-3%2") != std::string::npos);
  // Every line is a comment, the setup's, or the one command.
  int commands = 0;
  for (const std::string& line : LinesIn(dry.out)) {
    commands += line.find("exec ") == 0;
    CHECK(line.find("touch ran") != 0);
  }
  CHECK(commands == 1);
  const std::string script = (dir.path() / "job.sh").string();
  std::ofstream(script) << dry.out;
  // The manifest is not there: the program is started, and refuses.
  const support::Finished started = support::RunProgram(
      {"/usr/bin/env", "SLURM_ARRAY_TASK_ID=0", "/bin/bash", script, "tasks"});
  CHECK(started.exit_status == 2);
  CHECK(started.error.find("manifests/") != std::string::npos);
  CHECK_FALSE(fs::exists("ran"));
  const support::Finished two_lines =
      TaskScene::Sftbench({"submit", spec, "--out", out, "--dry-run",
                           "--job-name", "x\ntouch ran"});
  CHECK(two_lines.exit_status == 2);
  CHECK(two_lines.error ==
        "error: job_name = '...': wanted one line of text\n");
  CHECK(TaskScene::Sftbench({"submit", spec, "--out", out, "--only", "lost"})
            .exit_status == 2);
  const support::Finished part =
      TaskScene::Sftbench({"submit", spec, "--out", out, "--dry-run",
                           "--filter", "method=lora,seed=1"});
  CHECK(part.out.find("--array=0-0 ") != std::string::npos);
  CHECK(part.out.find("--array=0-3") == std::string::npos);
  const support::Finished late = TaskScene::Sftbench(
      {"submit", spec, "--out", out, "--dry-run", "--time", "1"});
  CHECK(late.exit_status == 2);
  CHECK(late.error.find("--time 1 and --signal-delay 120") !=
        std::string::npos);
}

TEST_CASE("words of variables that are not set are refused",
          "[experiments][submit]") {
  const support::TempDir dir;
  const std::string spec = (dir.path() / "spec.yaml").string();
  std::ofstream(spec) << TaskSpec("full");
  // Else all of a sweep would lie at the root.
  for (const char* command : {"run", "plan", "submit"}) {
    INFO(command);
    const support::Finished nowhere =
        TaskScene::Sftbench({command, spec, "--out", ""});
    CHECK(nowhere.exit_status == 2);
    CHECK(nowhere.error.find("--out wants a folder, not ''") !=
          std::string::npos);
  }
  const support::Finished site = TaskScene::Sftbench(
      {"submit", spec, "--out", dir.path().string(), "--profile", ""});
  CHECK(site.exit_status == 2);
  CHECK(site.error.find("--profile wants a file, not ''") != std::string::npos);
}

TEST_CASE("a folder from which nothing was submitted has nothing to cancel",
          "[experiments][submit]") {
  const support::TempDir dir;
  const std::string typo = (dir.path() / "typo").string();
  const support::Finished cancel = TaskScene::Sftbench({"cancel", typo});
  CHECK(cancel.exit_status == 2);
  CHECK(cancel.error.find(typo + ": nothing was submitted from here") !=
        std::string::npos);
}

}  // namespace
}  // namespace sft::experiments::task_test
