// The script of an array's tasks and the words of sbatch: no name in them is
// read by a shell.
#include "harness/launch/slurm/job_script.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "harness/core/files.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/skips.h"
#include "tests/support/subprocess.h"

namespace sft::launch::job_script_test {
namespace {

const std::vector<std::string>& HostileNames() {
  static const auto& names = *new std::vector<std::string>{"it's",
                                                           "$(touch ran)",
                                                           "`touch ran`",
                                                           "a; touch ran",
                                                           "a\ntouch ran",
                                                           "../../up",
                                                           "\"; touch ran; \"",
                                                           "-n",
                                                           ""};
  return names;
}

bool Has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

TEST_CASE("a job script hands its words on as they are", "[launch][slurm]") {
  const support::TempDir dir;
  const std::string path = (dir.path() / "job.sh").string();
  for (const std::string& name : HostileNames()) {
    CAPTURE(name);
    // Prints its words, each on a line of its own.
    const std::vector<std::string> words = {"/usr/bin/printf", "<%s>\\n", name};
    std::ofstream(path) << JobScript(words, {});
    const support::Finished said = support::RunProgram(
        {"/bin/sh", "-c",
         "cd \"$0\" && SLURM_ARRAY_TASK_ID=7 /bin/bash job.sh \"$1\"",
         dir.path().string(), name});
    CHECK(said.exit_status == 0);
    CHECK(said.out == "<" + name + ">\n<--tasks=" + name + ">\n<--index=7>\n");
    CHECK_FALSE(std::filesystem::exists(dir.path() / "ran"));
  }
}

TEST_CASE("lines of a site's setup come before the program",
          "[launch][slurm]") {
  const support::TempDir dir;
  const std::string path = (dir.path() / "job.sh").string();
  std::ofstream(path) << JobScript({"/bin/sh", "-c", "echo \"$site\""},
                                   {"export site=here", ": $not_set"});
  const std::vector<std::string> words = {
      "/usr/bin/env", "SLURM_ARRAY_TASK_ID=0", "/bin/bash", path, "t"};
  CHECK(support::RunProgram(words).out == "here\n");
  // One that fails ends the task.
  std::ofstream(path) << JobScript({"/bin/echo", "ran"}, {"false"});
  const support::Finished failed = support::RunProgram(words);
  CHECK(failed.exit_status == 1);
  CHECK(failed.out.empty());
}

TEST_CASE("a job script passes shellcheck", "[launch][slurm]") {
  const support::TempDir dir;
  const std::string path = (dir.path() / "job.sh").string();
  const support::Finished has =
      support::RunProgram({"/bin/sh", "-c", "command -v shellcheck"});
  if (has.exit_status != 0) {
    support::Skip(support::Need::kTools, "shellcheck is not installed");
  }
  for (const std::string& name : HostileNames()) {
    std::ofstream(path) << JobScript({"/opt/sftbench", "task", name},
                                     {"module load cuda"});
    const support::Finished checked =
        support::RunProgram({has.out.substr(0, has.out.size() - 1), path});
    INFO(checked.out);
    CHECK(checked.exit_status == 0);
  }
}

TEST_CASE("options are words of sbatch, each one word", "[launch][slurm]") {
  SlurmOptions options;
  options.partition = "gpu --wrap=rm";
  options.job_name = "a\nb; $(touch ran)";
  options.time = "1:00:00";
  options.mail_user = "me@here";
  options.array_limit = 4;
  options.signal_delay = 90;
  options.dependency = "afterok:7";
  options.sbatch = {"--reservation=x", "--mem=9G"};
  ArrayJob job;
  job.script = "/out/slurm/d.sh";
  job.tasks = "/out/slurm/t.tasks";
  job.count = 24;
  job.log = "/o%ut/slurm/logs";
  job.threads = 2;
  const std::vector<std::string> words = SbatchWords(options, job);
  CHECK(words.front() == "sbatch");
  for (const char* word :
       {"--parsable", "--requeue", "--open-mode=append", "--signal=B:USR1@90",
        "--array=0-23%4", "--cpus-per-task=2", "--partition=gpu --wrap=rm",
        "--job-name=a\nb; $(touch ran)", "--time=1:00:00",
        "--mail-user=me@here", "--mail-type=END,FAIL", "--dependency=afterok:7",
        "--output=/o%%ut/slurm/logs/%A_%a.log"}) {
    CAPTURE(word);
    CHECK(Has(words, word));
  }
  // A user's own words come last and win; then what the script is given.
  CHECK(std::vector<std::string>(words.end() - 4, words.end()) ==
        std::vector<std::string>{"--reservation=x", "--mem=9G",
                                 "/out/slurm/d.sh", "/out/slurm/t.tasks"});
  job.after = {"11", "12"};
  CHECK(
      Has(SbatchWords(options, job), "--dependency=afterok:7,afterany:11:12"));
  // What is left to the site is not said.
  const std::vector<std::string> plain = SbatchWords(SlurmOptions(), job);
  for (const std::string& word : plain) {
    CHECK(word.find("--partition") != 0);
    CHECK(word.find("--mem") != 0);
  }
}

TEST_CASE("what no task would survive is refused", "[launch][slurm]") {
  SlurmOptions options;
  options.signal_delay = 120;
  for (const char* good : {"", "3", "2:31", "1:00:00", "1-0", "infinite"}) {
    CAPTURE(good);
    options.time = good;
    CHECK(CheckSubmission(options, "/out").ok());
  }
  for (const char* bad : {"1", "2", "2:30", "0:02:00"}) {
    options.time = bad;
    CHECK(std::string(CheckSubmission(options, "/out").message())
              .find(absl::StrCat("--time ", bad, " and --signal-delay 120")) ==
          0);
  }
  CHECK_FALSE(CheckSubmission(SlurmOptions(), "/a\\b").ok());
  options = SlurmOptions();
  options.sbatch = {"--reservation=x", "-pgpu", "--hold"};
  CHECK(CheckSubmission(options, "/out").ok());
  for (const char* bad : {"", "-", "x", "reservation=x", " --hold"}) {
    CAPTURE(bad);
    options.sbatch = {"--hold", bad};
    CHECK(std::string(CheckSubmission(options, "/out").message())
              .find(absl::StrCat("--sbatch '", bad,
                                 "': sbatch would take it "
                                 "for the script")) == 0);
  }
}

TEST_CASE("lines that no shell reads are refused, and none is executed",
          "[launch][slurm]") {
  const support::TempDir dir;
  const std::string ran = (dir.path() / "ran").string();
  CHECK(CheckSetup({}).ok());
  CHECK(CheckSetup({"module load cuda", absl::StrCat("touch ", ran), "if true",
                    "then X='a b'; fi", ""})
            .ok());
  CHECK_FALSE(FileExists(ran));
  for (const char* bad : {"echo \"open", "X='", "fi", "(", "$("}) {
    CAPTURE(bad);
    const std::string error(CheckSetup({"true", bad}).message());
    CHECK(error.find("--setup: no line of shell: ") == 0);
    CHECK(error.find('\n') == std::string::npos);
  }
}

TEST_CASE("a profile sets what it names, and a slip is refused by its line",
          "[launch][slurm]") {
  const support::TempDir dir;
  const std::string path = (dir.path() / "site.yaml").string();
  std::ofstream(path) << "partition: gpu\n"
                         "cpus-per-task: 4\n"
                         "setup:\n"
                         "  - module load a,b\n"
                         "  - export X='1'\n"
                         "sbatch: --reservation=x\n";
  SlurmOptions options;
  options.qos = "high";
  const absl::Status read = ReadSlurmProfile(path, options);
  INFO(read.ToString());
  REQUIRE(read.ok());
  CHECK(options.partition == "gpu");
  CHECK(options.qos == "high");
  CHECK(options.cpus_per_task == 4);
  CHECK(options.setup ==
        std::vector<std::string>{"module load a,b", "export X='1'"});
  CHECK(options.sbatch == std::vector<std::string>{"--reservation=x"});

  const auto refusal = [&](const std::string& text) {
    std::ofstream(path) << text;
    SlurmOptions fresh;
    return std::string(ReadSlurmProfile(path, fresh).message());
  };
  CHECK(refusal("qos: a\npartitoin: b\n")
            .find(":2: unknown option "
                  "'partitoin'; did you mean "
                  "'partition'?") != std::string::npos);
  CHECK(refusal("signal_delay: soon\n").find(":1: ") != std::string::npos);
  CHECK(refusal("qos: [a, b]\n").find("wanted one value") != std::string::npos);
  CHECK_FALSE(refusal("- a\n").empty());
  for (const char* no_texts :
       {"setup: {a: b}\n", "sbatch:\n", "setup: [{a: b}]\n"}) {
    CAPTURE(no_texts);
    CHECK(refusal(no_texts).find(":1: wanted a text, or a list of texts") !=
          std::string::npos);
  }
}

}  // namespace
}  // namespace sft::launch::job_script_test
