#include "tests/support/subprocess.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "tests/support/paths.h"

extern char** environ;

namespace sft::support {
namespace {

pid_t Start(const std::vector<std::string>& words, const std::string& in,
            const std::string& out, const std::string& error) {
  std::vector<std::string> copy = words;
  std::vector<char*> argv;
  for (std::string& word : copy) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, in.c_str(), O_RDONLY, 0);
  constexpr int kWrite = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), kWrite, 0644);
  posix_spawn_file_actions_addopen(&actions, 2, error.c_str(), kWrite, 0644);
  pid_t pid = -1;
  posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

int ExitStatus(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status)
                                : 128 + WTERMSIG(wait_status);
}

std::string Slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

Finished RunProgram(const std::vector<std::string>& words,
                    const std::string& input) {
  const TempDir folder;
  const std::string base = folder.path().string();
  std::ofstream(base + "/in", std::ios::binary) << input;
  const pid_t pid = Start(words, base + "/in", base + "/out", base + "/error");
  int wait_status = 0;
  waitpid(pid, &wait_status, 0);
  return {ExitStatus(wait_status), Slurp(base + "/out"),
          Slurp(base + "/error")};
}

RunningProgram::RunningProgram(const std::vector<std::string>& words)
    : pid_(Start(words, "/dev/null", "/dev/null", "/dev/null")) {}

RunningProgram::~RunningProgram() {
  if (!reaped_) {
    Kill(SIGKILL);
    Wait();
  }
}

std::vector<pid_t> RunningProgram::Children() const {
  const std::string pid = std::to_string(pid_);
  std::ifstream file("/proc/" + pid + "/task/" + pid + "/children");
  return {std::istream_iterator<pid_t>(file), std::istream_iterator<pid_t>()};
}

bool RunningProgram::Ended() {
  if (reaped_) return true;
  int wait_status = 0;
  if (waitpid(pid_, &wait_status, WNOHANG) != pid_) return false;
  reaped_ = true;
  exit_status_ = ExitStatus(wait_status);
  return true;
}

void RunningProgram::Kill(int signal) {
  if (!reaped_) kill(pid_, signal);
}

int RunningProgram::Wait() {
  if (!reaped_) {
    int wait_status = 0;
    waitpid(pid_, &wait_status, 0);
    reaped_ = true;
    exit_status_ = ExitStatus(wait_status);
  }
  return exit_status_;
}

}  // namespace sft::support
