// What is asked of Slurm for an array of tasks, and the script of its tasks.
// Options go to sbatch as words and not into the script as #SBATCH lines: no
// name can end a line there and begin a command.
#ifndef HARNESS_LAUNCH_SLURM_JOB_SCRIPT_H_
#define HARNESS_LAUNCH_SLURM_JOB_SCRIPT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/fields.h"

namespace sft::launch {

// By the names of sbatch; "" and 0 leave a choice to the site. A profile holds
// the same names, and flags have them with dashes.
struct SlurmOptions {
  std::string partition, account, qos, time;
  int64_t cpus_per_task = 0;
  std::string mem, gpus, gres, constraint, exclude, nodelist, dependency;
  std::string mail_user, job_name;
  int64_t array_limit = 0;
  int64_t runs_per_task = 1;
  int64_t max_requeues = 20;
  int64_t signal_delay = 120;
  int64_t max_submit = 0;
  std::vector<std::string> setup;   // lines of shell, before the program
  std::vector<std::string> sbatch;  // further words for sbatch

  // All but the two lists, whose items may hold commas.
  template <class V>
  void VisitFields(V& v) {
    const Limits any, positive{.min = 1}, natural{.min = 0};
    v("partition", partition, any, "as sbatch");
    v("account", account, any, "as sbatch");
    v("qos", qos, any, "as sbatch");
    v("time", time, any, "limit of a task, as sbatch; it saves before");
    v("cpus_per_task", cpus_per_task, natural, "0 = the runs' threads");
    v("mem", mem, any, "as sbatch");
    v("gpus", gpus, any, "as sbatch");
    v("gres", gres, any, "as sbatch");
    v("constraint", constraint, any, "as sbatch");
    v("exclude", exclude, any, "as sbatch");
    v("nodelist", nodelist, any, "as sbatch");
    v("dependency", dependency, any, "as sbatch");
    v("mail_user", mail_user, any, "mail when an array ends or fails");
    v("job_name", job_name, any, "default: sftbench-DIGEST");
    v("array_limit", array_limit, natural, "tasks at a time, 0 = all");
    v("runs_per_task", runs_per_task, positive,
      "runs of one task, one after the other: for runs of seconds");
    v("max_requeues", max_requeues, natural,
      "how often a task whose time is up is put back");
    v("signal_delay", signal_delay, Limits{10, 65535, {}},
      "seconds before the time limit at which a task saves");
    v("max_submit", max_submit, natural,
      "tasks in the queue at most; 0 = what Slurm says");
  }
};

// A site's defaults: YAML, `name: value` by the names above; setup and sbatch
// may be lists. What it names is set in `options`.
absl::Status ReadSlurmProfile(const std::string& path, SlurmOptions& options);

// What sbatch would take and no task survive: a word in the script's place, a
// warning before the time limit that comes at once, a folder in whose name
// Slurm reads patterns of its own.
absl::Status CheckSubmission(const SlurmOptions& options,
                             const std::string& out);

// Words that every task executes: the program, `task`, the manifest and its
// flags. The script is called with the array's file of tasks and, `has_rungs`,
// with the rung at whose end they stop.
std::string JobScript(const std::vector<std::string>& task_words,
                      const std::vector<std::string>& setup,
                      bool has_rungs = false);
// What bash says of lines that it cannot read, as an error: of a quote that is
// left open every task would die.
absl::Status CheckSetup(const std::vector<std::string>& setup);
// That of a job that runs `words` and is done.
std::string PlainScript(const std::vector<std::string>& words,
                        const std::vector<std::string>& setup);

struct ArrayJob {
  std::string script;
  // File of them (task_lines.h); "": the script takes no words.
  std::string tasks;
  size_t count = 0;
  std::string log;                 // folder
  int64_t threads = 1;             // of the runs
  std::optional<int> rung;         // none: the script takes none
  std::vector<std::string> after;  // jobs that must have ended before
};
// The words of sbatch for one array.
std::vector<std::string> SbatchWords(const SlurmOptions& options,
                                     const ArrayJob& job);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_SLURM_JOB_SCRIPT_H_
