#include "harness/launch/local_pool.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "harness/core/file_lock.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/stopwatch.h"
#include "harness/measure/machine_facts.h"
#include "harness/record/run_store.h"

extern char** environ;

namespace sft::launch {
namespace {

constexpr int kProgressFd = 3;
constexpr int kLockFd = 4;  // keeps the run's lock until the worker ends
constexpr int kPollMilliseconds = 200;
// Between looks at a worker that has closed its pipe.
constexpr int kEndMilliseconds = 5;
constexpr char kCardsVariable[] = "CUDA_VISIBLE_DEVICES";

struct Process {
  std::string run_id;
  pid_t pid = 0;
  int pipe = -1;
  bool hung_up = false;  // it says no more, and will end
  std::string buffer;
  std::string disk;  // as in EndedRun
  std::string card;  // "" = whatever this process sees
  Stopwatch since_start;
  std::optional<int64_t> memory_kills;  // of the machine, when it began
};

// Of what a worker writes, whole lines; false where there is nothing more.
bool ReadProgress(Process& process, PoolNews& news) {
  char bytes[4096];
  const ssize_t n = read(process.pipe, bytes, sizeof(bytes));
  if (n <= 0) return false;
  process.buffer.append(bytes, static_cast<size_t>(n));
  size_t end = 0;
  while ((end = process.buffer.find('\n')) != std::string::npos) {
    if (auto p = ParseProgress(process.buffer.substr(0, end))) {
      if (p->phase.rfind(kNoticePhase, 0) == 0) {
        news.notices.push_back(p->phase.substr(sizeof(kNoticePhase) - 1));
      } else if (p->phase.rfind(kDiskFullPhase, 0) == 0) {
        process.disk = p->phase.substr(sizeof(kDiskFullPhase) - 1);
      } else {
        news.progress[process.run_id] = *std::move(p);
      }
    }
    process.buffer.erase(0, end + 1);
  }
  return true;
}

EndedRun EndOf(const Process& process, int wait_status) {
  EndedRun ended;
  ended.run_id = process.run_id;
  ended.disk = process.disk;
  ended.wall_seconds = process.since_start.WallSeconds();
  if (WIFSIGNALED(wait_status)) {
    ended.signal = WTERMSIG(wait_status);
    return ended;
  }
  ended.exit_status = WEXITSTATUS(wait_status);
  ended.outcome = OutcomeOf(ended.exit_status);
  return ended;
}

// The environment of a worker that is to see this card alone.
std::vector<std::string> EnvironmentWith(const std::string& card) {
  const std::string begin = absl::StrCat(kCardsVariable, "=");
  std::vector<std::string> out;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!absl::StartsWith(*variable, begin)) out.emplace_back(*variable);
  }
  out.push_back(begin + card);
  return out;
}

std::vector<char*> PointersTo(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (std::string& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

class LocalPool final : public WorkerPool {
 public:
  explicit LocalPool(const PoolOptions& options)
      : options_(options), store_(options.paths) {}
  // A worker does not outlive its launcher; what it was at can be continued.
  ~LocalPool() override {
    Stop(/*at_once=*/true);
    for (const Process& process : processes_) {
      waitpid(process.pid, nullptr, 0);
      close(process.pipe);
    }
  }

  // A run that found no card left would see all of them.
  int slots() const override {
    return options_.cards.empty()
               ? options_.jobs
               : std::min(options_.jobs,
                          static_cast<int>(options_.cards.size()));
  }

  absl::Status Start(const std::string& run_id, int attempt) override {
    SFT_RETURN_IF_ERROR(store_.MakeWorkFolder(run_id));
    const FileLock lock = store_.TakeLock(run_id);
    if (lock.state == FileLock::State::kHeld &&
        options_.shared_runs.count(run_id) == 0) {
      return absl::AlreadyExistsError(absl::StrCat(
          "another process is at it",
          lock.host.empty() ? "" : absl::StrCat(", on ", lock.host)));
    }
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
      const int error = errno;
      if (lock.fd >= 0) close(lock.fd);
      return absl::InternalError(absl::StrCat("pipe: ", strerror(error)));
    }
    Process process;
    process.run_id = run_id;
    process.pipe = ends[0];
    process.card = FreeCard();
    process.memory_kills = measure::CountOutOfMemoryKills();
    const std::string log = store_.paths().Log(run_id);
    const int error = Spawn(WorkerWords(options_, run_id, attempt, kProgressFd),
                            process.card, log, ends[1], lock.fd, process.pid);
    close(ends[1]);
    if (lock.fd >= 0) close(lock.fd);
    if (error != 0) {
      close(ends[0]);
      const absl::Status of_log = WriteError(log, error, 0);
      if (IsDiskFull(of_log)) return of_log;
      return InputError(options_.executable,
                        absl::StrCat("cannot be started: ", strerror(error)));
    }
    // The kernel ended its lock with it, or the file server with its host.
    if (lock.state == FileLock::State::kTaken && !lock.host.empty() &&
        lock.host != HostName()) {
      notices_.push_back(absl::StrCat("run ", run_id, " was at work on ",
                                      lock.host,
                                      ", where nothing is at it any more"));
    }
    processes_.push_back(std::move(process));
    return absl::OkStatus();
  }

  int64_t ResidentBytes(const std::string& run_id) const override {
    for (const Process& process : processes_) {
      if (process.run_id == run_id)
        return measure::ResidentBytesOf(process.pid);
    }
    return 0;
  }

  PoolNews Wait() override {
    PoolNews news;
    news.notices = std::exchange(notices_, {});
    std::vector<pollfd> files;
    int milliseconds = kPollMilliseconds;
    for (const Process& process : processes_) {
      if (process.hung_up) milliseconds = kEndMilliseconds;
      files.push_back({process.hung_up ? -1 : process.pipe, POLLIN, 0});
    }
    poll(files.data(), files.size(), milliseconds);
    for (size_t i = 0; i < files.size(); ++i) {
      if ((files[i].revents & POLLIN) != 0) {
        ReadProgress(processes_[i], news);
      } else if ((files[i].revents & (POLLHUP | POLLERR)) != 0) {
        processes_[i].hung_up = true;
      }
    }
    for (size_t i = 0; i < processes_.size();) {
      int wait_status = 0;
      const pid_t pid = waitpid(processes_[i].pid, &wait_status, WNOHANG);
      if (pid == 0 || (pid < 0 && errno == EINTR)) {
        ++i;
        continue;
      }
      Process process = std::move(processes_[i]);
      processes_.erase(processes_.begin() + static_cast<int64_t>(i));
      while (ReadProgress(process, news)) {
      }
      close(process.pipe);
      EndedRun ended = EndOf(process, wait_status);
      if (ended.signal == SIGKILL) ended.for_memory = WasForMemory(process);
      news.ended.push_back(std::move(ended));
    }
    if (getpid() == 1) ReapOrphans();
    return news;
  }

  void Stop(bool at_once) override {
    for (const Process& process : processes_) {
      kill(process.pid, at_once ? SIGKILL : SIGTERM);
    }
  }

 private:
  // Each kill that the machine counts is one worker's: of two that die, a
  // person may have killed the other.
  std::optional<bool> WasForMemory(const Process& process) {
    const std::optional<int64_t> now = measure::CountOutOfMemoryKills();
    if (!now || !process.memory_kills) return std::nullopt;
    const int64_t before = std::max(*process.memory_kills, memory_kills_told_);
    if (*now <= before) return false;
    memory_kills_told_ = before + 1;
    return true;
  }

  std::string FreeCard() const {
    for (const std::string& card : options_.cards) {
      if (std::none_of(
              processes_.begin(), processes_.end(),
              [&](const Process& process) { return process.card == card; })) {
        return card;
      }
    }
    return "";
  }

  // Process 1 of a container inherits whoever outlives its parent.
  void ReapOrphans() const {
    while (true) {
      siginfo_t info{};
      if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
          info.si_pid == 0) {
        return;
      }
      for (const Process& process : processes_) {
        if (process.pid == info.si_pid) return;  // the next Wait() takes it
      }
      waitpid(info.si_pid, nullptr, WNOHANG);
    }
  }

  // An error number, 0 where it runs. `lock` may be -1.
  int Spawn(std::vector<std::string> words, const std::string& card,
            const std::string& log, int progress, int lock, pid_t& pid) const {
    const std::vector<char*> argv = PointersTo(words);
    std::vector<std::string> variables;
    if (!card.empty()) variables = EnvironmentWith(card);
    const std::vector<char*> own = PointersTo(variables);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
                                     O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0644);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions, progress, kProgressFd);
    if (lock >= 0) posix_spawn_file_actions_adddup2(&actions, lock, kLockFd);
    // A group of its own: Ctrl-C reaches the launcher, which passes it on once.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
    const int error =
        posix_spawn(&pid, options_.executable.c_str(), &actions, &attributes,
                    argv.data(), card.empty() ? environ : own.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
  }

  const PoolOptions options_;
  const record::RunStore store_;
  std::vector<Process> processes_;
  std::vector<std::string> notices_;  // for the next Wait()
  int64_t memory_kills_told_ = 0;     // of the machine's, up to this one
};

}  // namespace

absl::StatusOr<std::unique_ptr<WorkerPool>> MakeLocalPool(
    const PoolOptions& options) {
  return std::make_unique<LocalPool>(options);
}

}  // namespace sft::launch
