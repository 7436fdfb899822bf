#include "harness/launch/launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "harness/core/file_lock.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/launch/progress.h"
#include "harness/record/run_record.h"

extern char** environ;

namespace sft::launch {
namespace {

constexpr int kProgressFd = 3;
constexpr int kLockFd = 4;  // keeps the run's lock until the worker ends

volatile sig_atomic_t interrupts = 0;
void CountInterrupt(int) { interrupts = interrupts + 1; }

struct Worker {
  const spec::PlannedRun* run = nullptr;
  pid_t pid = 0;
  int pipe = -1;
  std::string buffer;
  Progress progress;
  std::vector<std::string> notices;  // not said yet
  absl::Time started;
};

// "lora packed seed=0": method and batching first, then what else varies.
std::string Label(const spec::PlannedRun& run) {
  std::vector<std::string> parts = {run.config.method};
  if (run.config.method != spec::kUntuned) parts.push_back(run.config.batching);
  for (const auto& [name, value] : run.axes) {
    if (name == "method" || name == "batching") continue;
    parts.push_back(absl::StrCat(name, "=", value));
  }
  return absl::StrJoin(parts, " ");
}

absl::StatusOr<Worker> StartWorker(const spec::PlannedRun& run,
                                   const LaunchOptions& options) {
  const record::RunPaths& paths = options.paths;
  SFT_RETURN_IF_ERROR(MakeFolders(paths.Work(run.run_id)));
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return absl::InternalError(absl::StrCat("pipe: ", strerror(errno)));
  }
  const int lock = TakeFileLock(paths.Lock(run.run_id));
  std::vector<std::string> words = {
      options.executable,
      "worker",
      "--out=" + paths.out,
      "--run-id=" + run.run_id,
      absl::StrCat("--progress-fd=", kProgressFd),
      absl::StrCat("--attempt=", CountAttempts(paths, run.run_id) + 1),
      "--checkpoint-every=" + absl::FormatDuration(options.checkpoint_every),
      absl::StrCat("--keep-text=", options.keep_text ? "true" : "false"),
      absl::StrCat("--save-weights=", options.save_weights ? "true" : "false"),
  };
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::string log = paths.Log(run.run_id);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
                                   O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], kProgressFd);
  if (lock >= 0) posix_spawn_file_actions_adddup2(&actions, lock, kLockFd);
  // A group of its own: Ctrl-C reaches the launcher, which passes it on once.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  Worker worker;
  const int error = posix_spawn(&worker.pid, options.executable.c_str(),
                                &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (lock >= 0) close(lock);
  if (error != 0) {
    close(ends[0]);
    return InputError(options.executable,
                      absl::StrCat("cannot be started: ", strerror(error)));
  }
  worker.run = &run;
  worker.pipe = ends[0];
  worker.started = absl::Now();
  return worker;
}

// False where there is nothing more.
bool ReadProgress(Worker& worker) {
  char bytes[4096];
  const ssize_t n = read(worker.pipe, bytes, sizeof(bytes));
  if (n <= 0) return false;
  worker.buffer.append(bytes, static_cast<size_t>(n));
  size_t end = 0;
  while ((end = worker.buffer.find('\n')) != std::string::npos) {
    if (auto p = ParseProgress(worker.buffer.substr(0, end))) {
      if (p->phase.rfind(kNoticePhase, 0) == 0) {
        worker.notices.push_back(p->phase.substr(sizeof(kNoticePhase) - 1));
      } else {
        worker.progress = *p;
      }
    }
    worker.buffer.erase(0, end + 1);
  }
  return true;
}

// A worker that died without a word (killed, out of memory) leaves its record
// to us: a failed run is a record, never a hole.
absl::Status RecordDeath(const spec::PlannedRun& run,
                         const LaunchOptions& options, int wait_status) {
  record::RunRecord record;
  record.run_id = run.run_id;
  record.config = run.config;
  record.axes = run.axes;
  record.status = RunStatus::kFailed;
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    record.status_message =
        absl::StrCat("killed by signal ", signal, " (", strsignal(signal), ")");
    // What the kernel does to the largest process when memory runs out.
    if (signal == SIGKILL) record.status = RunStatus::kOutOfMemory;
  } else {
    record.status_message =
        absl::StrCat("ended with exit status ", WEXITSTATUS(wait_status));
  }
  const int k = CountAttempts(options.paths, run.run_id) + 1;
  return record::PublishRunRecord(record, options.paths.Attempt(run.run_id, k))
      .status();
}

std::string ProgressText(const std::vector<Worker>& workers, size_t over,
                         size_t total, double run_seconds, size_t left) {
  std::string text = absl::StrFormat("[%d/%d]", over, total);
  for (const Worker& worker : workers) {
    const Progress& p = worker.progress;
    absl::StrAppend(&text, " ", Label(*worker.run), ": ", p.phase);
    if (p.phase == "train") {
      absl::StrAppend(
          &text,
          absl::StrFormat(" step %d/%d loss %.4f %.0f tok/s, %s left", p.step,
                          p.steps, p.loss, p.real_tokens_per_second,
                          FormatSeconds(p.seconds_left)));
    }
    absl::StrAppend(&text, ";");
  }
  if (run_seconds > 0) {
    absl::StrAppend(&text, " sweep ",
                    FormatSeconds(run_seconds * static_cast<double>(left)),
                    " left");
  }
  return text;
}

class Sweep {
 public:
  Sweep(const spec::RunPlan& plan, const LaunchOptions& options)
      : plan_(plan), options_(options) {}

  absl::StatusOr<LaunchSummary> Run() {
    for (const spec::PlannedRun& run : plan_.runs) {
      if (IsFinal(options_.paths, run.run_id)) {
        ++summary_.skipped;
        settled_.insert(run.run_id);
      } else {
        waiting_.push_back(&run);
      }
    }
    while (!waiting_.empty() || !workers_.empty()) {
      if (interrupts > 0) PassOnInterrupt();
      SFT_RETURN_IF_ERROR(StartWhatCanStart());
      if (workers_.empty()) break;
      Poll();
      SFT_RETURN_IF_ERROR(Reap());
    }
    return summary_;
  }

 private:
  absl::Status StartWhatCanStart() {
    while (!summary_.interrupted &&
           static_cast<int>(workers_.size()) < options_.jobs) {
      // A tuned run reads the untuned model's scores: that one goes first.
      auto next = std::find_if(waiting_.begin(), waiting_.end(),
                               [this](const spec::PlannedRun* run) {
                                 return run->untuned_id.empty() ||
                                        run->untuned_id == run->run_id ||
                                        settled_.contains(run->untuned_id);
                               });
      if (next == waiting_.end()) return absl::OkStatus();
      const spec::PlannedRun* run = *next;
      waiting_.erase(next);
      if (CountAttempts(options_.paths, run->run_id) >= options_.max_attempts) {
        Settle(*run, "failed before, no attempt left (--max-attempts)");
        ++summary_.failed;
        continue;
      }
      SFT_ASSIGN_OR_RETURN(Worker worker, StartWorker(*run, options_));
      workers_.push_back(std::move(worker));
    }
    return absl::OkStatus();
  }

  void PassOnInterrupt() {
    if (!summary_.interrupted) {
      line_.Say("interrupted: saving; the same command continues");
    }
    summary_.interrupted = true;
    const int signal = interrupts > 1 ? SIGKILL : SIGTERM;
    for (const Worker& worker : workers_) kill(worker.pid, signal);
    interrupts = 0;
    waiting_.clear();
  }

  void Poll() {
    std::vector<pollfd> files;
    for (const Worker& worker : workers_) {
      files.push_back({worker.pipe, POLLIN, 0});
    }
    poll(files.data(), files.size(), 200);
    for (size_t i = 0; i < files.size(); ++i) {
      if ((files[i].revents & POLLIN) == 0) continue;
      ReadProgress(workers_[i]);
      SayNotices(workers_[i]);
    }
    if (!summary_.interrupted) {
      line_.Show(ProgressText(workers_, settled_.size(), plan_.runs.size(),
                              mean_seconds_,
                              waiting_.size() + workers_.size()));
    }
  }

  void SayNotices(Worker& worker) {
    for (const std::string& notice : worker.notices) {
      if (said_.insert(notice).second) line_.Say("warning: " + notice);
    }
    worker.notices.clear();
  }

  absl::Status Reap() {
    for (size_t i = 0; i < workers_.size();) {
      int wait_status = 0;
      const pid_t pid = waitpid(workers_[i].pid, &wait_status, WNOHANG);
      if (pid == 0 || (pid < 0 && errno == EINTR)) {
        ++i;
        continue;
      }
      Worker worker = std::move(workers_[i]);
      workers_.erase(workers_.begin() + static_cast<int64_t>(i));
      while (ReadProgress(worker)) {
      }
      SayNotices(worker);
      close(worker.pipe);
      SFT_RETURN_IF_ERROR(Finish(worker, wait_status));
    }
    return absl::OkStatus();
  }

  absl::Status Finish(const Worker& worker, int wait_status) {
    const spec::PlannedRun& run = *worker.run;
    const double seconds = absl::ToDoubleSeconds(absl::Now() - worker.started);
    if (IsFinal(options_.paths, run.run_id)) {
      SFT_ASSIGN_OR_RETURN(
          const record::RunRecord record,
          record::ReadRunRecord(options_.paths.Record(run.run_id)));
      if (record.status == RunStatus::kOk) {
        ++summary_.finished;
      } else {
        ++summary_.diverged;
      }
      ++timed_runs_;
      mean_seconds_ += (seconds - mean_seconds_) / timed_runs_;
      Settle(run, absl::StrCat(ToAbsl(record::RunStatusName(record.status)),
                               " in ", FormatSeconds(seconds)));
      return absl::OkStatus();
    }
    if (summary_.interrupted) return absl::OkStatus();
    // The worker published an attempt itself unless it died.
    const bool spoke = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 1;
    if (!spoke) SFT_RETURN_IF_ERROR(RecordDeath(run, options_, wait_status));
    const int attempts = CountAttempts(options_.paths, run.run_id);
    std::string why = "failed";
    if (auto record =
            record::ReadRunRecord(options_.paths.Attempt(run.run_id, attempts));
        record.ok()) {
      why = absl::StrCat(ToAbsl(record::RunStatusName(record->status)), ": ",
                         record->status_message);
    }
    if (attempts < options_.max_attempts) {
      line_.Say(absl::StrCat(Label(run), ": ", why, "; trying again"));
      waiting_.push_back(&run);
    } else {
      ++summary_.failed;
      Settle(run,
             absl::StrCat(why, " (log: ", options_.paths.Log(run.run_id), ")"));
    }
    return absl::OkStatus();
  }

  void Settle(const spec::PlannedRun& run, const std::string& how) {
    settled_.insert(run.run_id);
    line_.Say(absl::StrFormat("[%d/%d] %s %s: %s", settled_.size(),
                              plan_.runs.size(), run.run_id, Label(run), how));
  }

  const spec::RunPlan& plan_;
  const LaunchOptions& options_;
  LaunchSummary summary_;
  ProgressLine line_;
  std::deque<const spec::PlannedRun*> waiting_;
  std::set<std::string> settled_;
  std::set<std::string> said_;  // notices
  std::vector<Worker> workers_;
  double mean_seconds_ = 0;
  int timed_runs_ = 0;
};

}  // namespace

bool IsFinal(const record::RunPaths& paths, const std::string& run_id) {
  const std::string path = paths.Record(run_id);
  return FileExists(path) && record::ReadRunRecord(path).ok();
}

int CountAttempts(const record::RunPaths& paths, const std::string& run_id) {
  int k = 0;
  while (FileExists(paths.Attempt(run_id, k + 1))) ++k;
  return k;
}

absl::StatusOr<LaunchSummary> RunSweep(const spec::RunPlan& plan,
                                       const LaunchOptions& options) {
  SFT_RETURN_IF_ERROR(MakeFolders(options.paths.Runs()));
  record::RemoveStaleTemporaries(options.paths.Runs());
  for (const spec::PlannedRun& run : plan.runs) {
    const std::string path = options.paths.Record(run.run_id);
    // A damaged record must not pass for a finished run, nor vanish.
    if (FileExists(path) && !record::ReadRunRecord(path).ok()) {
      return InputError(path, "is damaged; move it away to run it again");
    }
  }
  struct sigaction action {};
  action.sa_handler = CountInterrupt;
  sigemptyset(&action.sa_mask);
  struct sigaction old_int, old_term;
  sigaction(SIGINT, &action, &old_int);
  sigaction(SIGTERM, &action, &old_term);
  absl::StatusOr<LaunchSummary> summary = Sweep(plan, options).Run();
  sigaction(SIGINT, &old_int, nullptr);
  sigaction(SIGTERM, &old_term, nullptr);
  return summary;
}

}  // namespace sft::launch
