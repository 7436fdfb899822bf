// Who lives is told by numbers only where they are the same ones: a container
// of this host's name counts its processes for itself.
#include "harness/core/process_place.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "harness/core/file_lock.h"
#include "harness/core/files.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/skips.h"
#include "tests/support/subprocess.h"

namespace sft::process_place_test {
namespace {
namespace fs = std::filesystem;

constexpr char kFolder[] = "SFT_PROCESS_PLACE_TEST";

TEST_CASE("a process that has ended is told from one that lives",
          "[core][place]") {
  CHECK_FALSE(HasEnded(getpid()));
  CHECK_FALSE(HasEnded(0));
  const pid_t gone = fork();
  if (gone == 0) _exit(0);
  REQUIRE(gone > 0);
  siginfo_t info;  // it has ended, and is not waited for
  REQUIRE(waitid(P_PID, static_cast<id_t>(gone), &info, WEXITED | WNOWAIT) ==
          0);
  CHECK(HasEnded(gone));
  REQUIRE(waitpid(gone, nullptr, 0) == gone);
  CHECK(HasEnded(gone));
}

TEST_CASE("a place is one of boot and namespace, or nobody else's",
          "[core][place]") {
  const std::string place = ProcessPlace();
  CHECK(place == ProcessPlace());
  const std::string host = HostName() + "+";
  CHECK(place.rfind(host, 0) == 0);
  CHECK(place.size() == host.size() + 12);
  CHECK(place.find_first_not_of("0123456789abcdef", host.size()) ==
        std::string::npos);

  // A system that does not tell them, or one of them.
  const support::TempDir proc;
  const std::string own = ProcessPlace(proc.path().string());
  CHECK(own != place);
  CHECK(own == ProcessPlace(proc.path().string()));
  const fs::path kernel = proc.path() / "sys/kernel/random";
  fs::create_directories(kernel);
  std::ofstream(kernel / "boot_id") << "7\n";
  CHECK(ProcessPlace(proc.path().string()) == own);
  fs::create_directories(proc.path() / "self/ns");
  std::ofstream(proc.path() / "self/ns/pid") << "";
  const std::string told = ProcessPlace(proc.path().string());
  CHECK(told != own);
  // Another machine may have a namespace of this number.
  std::ofstream(kernel / "boot_id") << "8\n";
  CHECK(ProcessPlace(proc.path().string()) != told);
}

// What a process in a container does: the next case starts it there.
TEST_CASE("a process in a container clears its own alone",
          "[.process_place_container]") {
  const char* folder = getenv(kFolder);
  REQUIRE(folder != nullptr);
  const pid_t gone = fork();
  if (gone == 0) _exit(0);
  waitpid(gone, nullptr, 0);
  std::ofstream(
      absl::StrCat(folder, "/own.tmp.", ProcessPlace(), ".", gone, ".0"))
      << "";
  RemoveStaleTemporaries(folder);
}

TEST_CASE("a container of this host's name leaves what is written here",
          "[core][place]") {
  const support::TempDir dir;
  const std::string folder = dir.path().string();
  const std::string ours = TemporaryBeside(folder + "/ours");
  std::ofstream(ours) << "half of it";
  std::vector<std::string> words = {"/usr/bin/unshare", "--user",
                                    "--map-root-user", "--pid", "--fork"};
  if (!fs::exists(words[0])) {
    support::Skip(support::Need::kTools, "no unshare (util-linux)");
  }
  // With a /proc of its own, and with this one's, which numbers otherwise.
  for (const bool mounts : {true, false}) {
    INFO(mounts);
    std::vector<std::string> command = words;
    if (mounts) command.push_back("--mount-proc");
    std::vector<std::string> probe = command;
    probe.push_back("/bin/true");
    if (support::RunProgram(probe).exit_status != 0) {
      support::Skip(support::Need::kMachine, "no namespaces of one's own");
    }
    for (const std::string& word :
         {std::string("/usr/bin/env"), absl::StrCat(kFolder, "=", folder),
          fs::read_symlink("/proc/self/exe").string(),
          std::string("[.process_place_container]")}) {
      command.push_back(word);
    }
    const support::Finished done = support::RunProgram(command);
    INFO(done.out << done.error);
    CHECK(done.exit_status == 0);
    CHECK(done.out.find("1 test case") != std::string::npos);
    CHECK(FileExists(ours));
    size_t left = 0;
    for (const auto& entry : fs::directory_iterator(dir.path())) {
      (void)entry;
      ++left;
    }
    CHECK(left == 1);
  }
}

}  // namespace
}  // namespace sft::process_place_test
