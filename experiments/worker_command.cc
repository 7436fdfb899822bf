#include "experiments/worker_command.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "experiments/recording_flags.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/thread_waiting.h"
#include "harness/launch/execute_run.h"
#include "harness/launch/progress.h"
#include "harness/record/manifest_store.h"

namespace sft::experiments {
namespace {

struct WorkerFlags {
  launch::RecordingOptions recording;
  std::string manifest;
  size_t index = 0;
  std::string run_id;
  int progress_fd = -1;
  int attempt = 1;
  int rung = 0;
};

void DeclareWorker(CLI::App& app, WorkerFlags& flags) {
  DeclareRecording(app, flags.recording);
  app.add_option("--manifest", flags.manifest, "the plan")->required();
  app.add_option("--index", flags.index, "the run of it to execute, from 0");
  app.add_option("--run-id", flags.run_id, "the id that this run must have");
  app.add_option("--progress-fd", flags.progress_fd, "where progress lines go");
  app.add_option("--attempt", flags.attempt, "which try this is");
  app.add_option("--rung", flags.rung, "at whose end it pauses, 0 = none");
}

volatile sig_atomic_t stop_asked = 0;
void AskToStop(int) { stop_asked = 1; }

// Whether who reads a worker's progress is gone. Its process id says nothing:
// in a container it may be 1, as whose children all orphans are.
bool IsLauncherGone(int progress_fd) {
  pollfd file{progress_fd, 0, 0};
  return poll(&file, 1, 0) == 1 && (file.revents & (POLLERR | POLLNVAL)) != 0;
}

absl::StatusOr<int> RunWorker(const WorkerFlags& flags) {
  // A worker must not outlive its launcher: the next one starts it anew. One
  // without a launcher is somebody's own.
  if (flags.progress_fd >= 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (IsLauncherGone(flags.progress_fd)) return kExitRunFailed;
  }
  // Batch systems warn every process of a job, the workers of a task too.
  for (const int number : {SIGTERM, SIGINT, SIGUSR1, SIGUSR2}) {
    signal(number, AskToStop);
  }
  signal(SIGPIPE, SIG_IGN);
  const CrowdWatch watch;
  launch::WorkerOptions options;
  launch::RecordingOptions& recording = options;
  recording = flags.recording;
  options.attempt = flags.attempt;
  options.rung = flags.rung;
  options.should_stop = [] { return stop_asked != 0; };
  // The launcher has made it the run's log.
  options.log = [](const std::string& line) {
    fprintf(stderr, "%s\n", line.c_str());
  };
  const int fd = flags.progress_fd;
  options.show_progress = [fd](const launch::Progress& progress) {
    if (fd < 0) return;
    const std::string line = launch::FormatProgress(progress) + "\n";
    // Progress is worth nothing to a launcher that is gone.
    if (write(fd, line.data(), line.size()) < 0) return;
  };
  SFT_ASSIGN_OR_RETURN(
      const record::ManifestFile manifest,
      record::ManifestFile::Open(flags.manifest,
                                 TheWorkbench().LaterOptionsOfMethods()));
  SFT_ASSIGN_OR_RETURN(const spec::PlannedRun run, manifest->Run(flags.index));
  if (run.run_id != flags.run_id) {
    return InputError(flags.manifest,
                      absl::StrCat("run ", flags.index, " is '", run.run_id,
                                   "', not '", flags.run_id, "'"));
  }
  // What is spilled lies beside the run's other files, not on a node's /tmp.
  const std::string work = options.paths.Work(flags.run_id);
  SFT_RETURN_IF_ERROR(MakeFolders(work));
  setenv("TMPDIR", work.c_str(), 1);
  SFT_ASSIGN_OR_RETURN(
      const launch::WorkerOutcome outcome,
      launch::ExecuteRun(TheWorkbench(), run, manifest->header(), options));
  return static_cast<int>(outcome);
}

}  // namespace

Command WorkerCommand() {
  return MakeCommand(
      {.name = "worker",
       .usage = "worker --out DIR --manifest FILE --index N",
       .summary = "Execute one run of a manifest (called by run).",
       .help = "",
       .exit_status = "0 good, 1 the run failed, 2 bad input, 12 no "
                      "memory for its record, 28 the disk is full, 124 out "
                      "of its time, 130 interrupted",
       .hidden = true},
      DeclareWorker, RunWorker);
}

}  // namespace sft::experiments
