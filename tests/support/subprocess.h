// Runs a program as a user would: exit status, standard output and error.
#ifndef TESTS_SUPPORT_SUBPROCESS_H_
#define TESTS_SUPPORT_SUBPROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace sft::support {

struct Finished {
  int exit_status = -1;  // 128 + signal if killed
  std::string out;
  std::string error;
};

Finished RunProgram(const std::vector<std::string>& words,
                    const std::string& input = "");

// A program that goes on until it ends or is killed; its output is dropped.
class RunningProgram {
 public:
  explicit RunningProgram(const std::vector<std::string>& words);
  ~RunningProgram();
  pid_t pid() const { return pid_; }
  // Of the processes that it has started itself, those that are there.
  std::vector<pid_t> Children() const;
  bool Ended();
  void Kill(int signal);
  int Wait();

 private:
  pid_t pid_;
  bool reaped_ = false;
  int exit_status_ = -1;
};

}  // namespace sft::support

#endif  // TESTS_SUPPORT_SUBPROCESS_H_
