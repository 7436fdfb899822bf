#include "harness/launch/program_output.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/time/clock.h"
#include "harness/core/status.h"

extern char** environ;

namespace sft::launch {
namespace {

// Both ends of a pipe, closed with it.
class Pipe {
 public:
  Pipe() { good_ = pipe2(ends_, O_CLOEXEC) == 0; }
  ~Pipe() {
    Close(0);
    Close(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  bool good() const { return good_; }
  int end(int which) const { return ends_[which]; }
  void Close(int which) {
    if (ends_[which] >= 0) close(ends_[which]);
    ends_[which] = -1;
  }

 private:
  int ends_[2] = {-1, -1};
  bool good_ = false;
};

// An error number, 0 where it runs.
int SpawnWithPipes(std::vector<std::string> words, const Pipe& out,
                   const Pipe& error, pid_t& pid) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
                                   O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.end(1), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, error.end(1), STDERR_FILENO);
  const int number =
      posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return number;
}

// False once the other end is closed.
bool ReadSome(int fd, std::string& text) {
  char bytes[65536];
  const ssize_t n = read(fd, bytes, sizeof(bytes));
  if (n > 0) text.append(bytes, static_cast<size_t>(n));
  return n > 0 || (n < 0 && errno == EINTR);
}

}  // namespace

absl::StatusOr<ProgramOutput> OutputOf(const std::vector<std::string>& words,
                                       absl::Duration limit) {
  Pipe out, error;
  if (!out.good() || !error.good()) {
    return absl::InternalError(absl::StrCat("pipe: ", strerror(errno)));
  }
  pid_t pid = 0;
  if (const int number = SpawnWithPipes(words, out, error, pid); number != 0) {
    const std::string what =
        absl::StrCat(words[0], ": cannot be started: ", strerror(number));
    return number == ENOENT ? absl::NotFoundError(what)
                            : absl::InternalError(what);
  }
  out.Close(1);
  error.Close(1);
  ProgramOutput output;
  const absl::Time end = absl::Now() + limit;
  bool late = false;
  while ((out.end(0) >= 0 || error.end(0) >= 0) && !late) {
    pollfd files[] = {{out.end(0), POLLIN, 0}, {error.end(0), POLLIN, 0}};
    const int64_t left = absl::ToInt64Milliseconds(end - absl::Now());
    late = left <= 0;
    if (late || poll(files, 2, static_cast<int>(left)) <= 0) continue;
    if (files[0].revents != 0 && !ReadSome(out.end(0), output.out)) {
      out.Close(0);
    }
    if (files[1].revents != 0 && !ReadSome(error.end(0), output.error)) {
      error.Close(0);
    }
  }
  if (late) kill(pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (late) {
    return absl::DeadlineExceededError(absl::StrCat(
        words[0], ": gave no answer in ", absl::FormatDuration(limit)));
  }
  output.exit_status =
      WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return output;
}

}  // namespace sft::launch
