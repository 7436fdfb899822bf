#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "harness/measure/machine_facts.h"
#include "tests/support/paths.h"

namespace sft::measure::machine_memory_test {
namespace {
namespace fs = std::filesystem;

constexpr int64_t kMebibyte = 1 << 20;

// A machine of 1 GiB as its kernel's files tell it.
class ToldMachine {
 public:
  ToldMachine() {
    Write("proc/meminfo", "MemTotal: 1048576 kB\nMemFree: 5 kB\n");
  }
  void Write(const std::string& name, const std::string& text) const {
    const fs::path path = folder_.path() / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  int64_t Limit() const {
    return ReadMachineFacts(folder_.path().string(), 1).memory_bytes;
  }

 private:
  support::TempDir folder_;
};

TEST_CASE("the least of machine and control groups is what a process may have",
          "[measure][memory]") {
  const ToldMachine machine;
  CHECK(machine.Limit() == 1024 * kMebibyte);
  // Version 2: a group, and one above it.
  machine.Write("proc/self/cgroup", "0::/slice/job\n");
  machine.Write("sys/fs/cgroup/slice/job/memory.max", "max\n");
  CHECK(machine.Limit() == 1024 * kMebibyte);
  machine.Write("sys/fs/cgroup/slice/memory.max",
                std::to_string(600 * kMebibyte));
  CHECK(machine.Limit() == 600 * kMebibyte);
  machine.Write("sys/fs/cgroup/slice/job/memory.max",
                std::to_string(500 * kMebibyte));
  CHECK(machine.Limit() == 500 * kMebibyte);
  // In a container with a name space of its own.
  machine.Write("proc/self/cgroup", "0::/\n");
  machine.Write("sys/fs/cgroup/memory.max", std::to_string(300 * kMebibyte));
  CHECK(machine.Limit() == 300 * kMebibyte);
}

TEST_CASE("control groups of version 1 bound a process too",
          "[measure][memory]") {
  const ToldMachine machine;
  machine.Write("proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/docker/x\n");
  machine.Write("sys/fs/cgroup/memory/memory.limit_in_bytes",
                "9223372036854771712\n");
  CHECK(machine.Limit() == 1024 * kMebibyte);
  machine.Write("sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes",
                std::to_string(200 * kMebibyte));
  CHECK(machine.Limit() == 200 * kMebibyte);
}

TEST_CASE("where nothing says how much there is, there is no limit",
          "[measure][memory]") {
  CHECK(ReadMachineFacts("/nowhere").memory_bytes == 0);
}

TEST_CASE("this machine says how much it has", "[measure][memory]") {
  CHECK(ReadMachineFacts().memory_bytes > 64 * kMebibyte);
}

}  // namespace
}  // namespace sft::measure::machine_memory_test
