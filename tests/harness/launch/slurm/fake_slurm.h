// Slurm's programs as scripts that note their words and answer what a test
// wrote down.
#ifndef TESTS_HARNESS_LAUNCH_SLURM_FAKE_SLURM_H_
#define TESTS_HARNESS_LAUNCH_SLURM_FAKE_SLURM_H_

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "harness/core/files.h"
#include "tests/support/paths.h"

namespace sft::launch {

// A folder with sbatch, squeue and the like, first in PATH while it lives.
class FakeSlurm {
 public:
  explicit FakeSlurm(int array_size = 3) : path_(getenv("PATH")) {
    setenv("PATH", absl::StrCat(dir_.path().string(), ":", path_).c_str(), 1);
    // Gives out 101, 102, ...
    Program("sbatch",
            "n=$(cat \"$here/n\" 2>/dev/null || echo 100)\n"
            "n=$((n + 1)); echo $n > \"$here/n\"; echo $n\n");
    Program("squeue", "cat \"$here/queue\" 2>/dev/null || :\n");
    Program("scancel", ":\n");
    Program("scontrol",
            absl::StrCat("echo 'MaxArraySize = ", array_size, "'\n"));
    Program("sacctmgr", "exit 1\n");
    Program("sacct", "echo '101_0|TIMEOUT|0:15'\n");
  }
  ~FakeSlurm() { setenv("PATH", path_.c_str(), 1); }

  void Program(const std::string& name, const std::string& script) const {
    const std::string path = (dir_.path() / name).string();
    std::ofstream(path) << "#!/bin/sh\nhere='" << dir_.path().string()
                        << "'\necho \"$0 $*\" >> \"$here/said\"\n"
                        << script;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }
  void Queue(const std::string& lines) const {
    std::ofstream(dir_.path() / "queue") << lines;
  }
  // Lines of the calls of a program so far.
  std::vector<std::string> Calls(const std::string& name) const {
    std::vector<std::string> calls;
    const auto lines = ReadLines((dir_.path() / "said").string());
    if (!lines.ok()) return calls;
    for (const std::string& line : *lines) {
      if (line.find(absl::StrCat("/", name, " ")) != std::string::npos) {
        calls.push_back(line);
      }
    }
    return calls;
  }

 private:
  support::TempDir dir_;
  const std::string path_;
};

}  // namespace sft::launch

#endif  // TESTS_HARNESS_LAUNCH_SLURM_FAKE_SLURM_H_
