// Facts of made-up machines: folders that stand for /proc, /sys and /dev.
#include "harness/measure/machine_facts.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"

namespace sft::measure::machine_facts_test {
namespace {
namespace fs = std::filesystem;

constexpr int64_t kMiB = 1 << 20;

struct Machine {
  Machine() {
    Put("/proc/meminfo",
        "MemTotal:       16384 kB\nMemFree:  1 kB\n"
        "MemAvailable:    8192 kB\n");
  }
  void Put(const std::string& path, const std::string& text) {
    const fs::path file = root() + path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::string root() const { return folder.path().string(); }
  MachineFacts Facts(int affinity = 8) const {
    return ReadMachineFacts(root(), affinity);
  }
  support::TempDir folder;
};

TEST_CASE("a machine without limits has what it has", "[measure][machine]") {
  const Machine machine;
  const MachineFacts facts = machine.Facts();
  CHECK(facts.cores == 8);
  CHECK(facts.memory_bytes == 16 * kMiB);
  CHECK(facts.free_bytes == 8 * kMiB);
  CHECK_FALSE(CountOutOfMemoryKills(machine.root()).has_value());
}

TEST_CASE("a group's limits bound it, and those of the groups above",
          "[measure][machine]") {
  Machine machine;
  machine.Put("/proc/self/cgroup", "0::/pod/box\n");
  const std::string pod = "/sys/fs/cgroup/pod", box = pod + "/box";
  machine.Put(pod + "/cpu.max", "250000 100000\n");
  machine.Put(box + "/cpu.max", "max 100000\n");
  machine.Put(pod + "/memory.max", "max\n");
  machine.Put(box + "/memory.max", "4194304\n");
  machine.Put(box + "/memory.current", "3145728\n");
  machine.Put(box + "/memory.stat", "anon 7\ninactive_file 1048576\n");
  machine.Put(pod + "/memory.events", "oom 9\noom_kill 9\n");
  machine.Put(box + "/memory.events", "low 0\noom 3\noom_kill 2\n");
  const MachineFacts facts = machine.Facts();
  CHECK(facts.cores == 2);
  CHECK(facts.memory_bytes == 4 * kMiB);
  CHECK(facts.free_bytes == 2 * kMiB);  // old pages of files go first
  CHECK(CountOutOfMemoryKills(machine.root()) == 2);
  CHECK(machine.Facts(1).cores == 1);
}

TEST_CASE("a container that sees its own group as the root",
          "[measure][machine]") {
  Machine machine;
  // Its path on the host, which is not mounted here.
  machine.Put("/proc/self/cgroup", "0::/host/path/of/it\n");
  machine.Put("/sys/fs/cgroup/cpu.max", "50000 100000\n");
  machine.Put("/sys/fs/cgroup/memory.max", "2097152\n");
  machine.Put("/sys/fs/cgroup/memory.events", "oom_kill 5\n");
  const MachineFacts facts = machine.Facts();
  CHECK(facts.cores == 1);  // half a core is one
  CHECK(facts.memory_bytes == 2 * kMiB);
  CHECK(facts.free_bytes == 2 * kMiB);
  CHECK(CountOutOfMemoryKills(machine.root()) == 5);
}

TEST_CASE("groups of version 1", "[measure][machine]") {
  Machine machine;
  machine.Put("/proc/self/cgroup", "4:memory:/job\n2:cpu,cpuacct:/job\n0::/\n");
  machine.Put("/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "300000\n");
  machine.Put("/sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
  machine.Put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  machine.Put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  const std::string job = "/sys/fs/cgroup/memory/job";
  machine.Put(job + "/memory.limit_in_bytes", "5242880\n");
  machine.Put(job + "/memory.usage_in_bytes", "1048576\n");
  machine.Put(job + "/memory.oom_control",
              "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
  machine.Put("/sys/fs/cgroup/memory/memory.limit_in_bytes",
              "9223372036854771712\n");
  machine.Put("/proc/vmstat", "nr_free_pages 1\noom_kill 77\n");
  const MachineFacts facts = machine.Facts();
  CHECK(facts.cores == 3);
  CHECK(facts.memory_bytes == 5 * kMiB);
  CHECK(facts.free_bytes == 4 * kMiB);
  CHECK(CountOutOfMemoryKills(machine.root()) == 1);
}

TEST_CASE("without groups the whole machine's count is asked",
          "[measure][machine]") {
  Machine machine;
  machine.Put("/proc/vmstat", "nr_free_pages 1\noom_kill 77\n");
  CHECK(CountOutOfMemoryKills(machine.root()) == 77);
}

TEST_CASE("cards are those that the variable names, or all",
          "[measure][machine]") {
  using Cards = std::vector<std::string>;
  Machine machine;
  CHECK(VisibleCards(nullptr, machine.root()).empty());
  for (const char* file : {"nvidia0", "nvidia3", "nvidiactl", "nvidia-uvm"}) {
    machine.Put(std::string("/dev/") + file, "");
  }
  CHECK(VisibleCards(nullptr, machine.root()) == Cards{"0", "1"});
  CHECK(VisibleCards("3,1", machine.root()) == Cards{"3", "1"});
  CHECK(VisibleCards("MIG-a,GPU-b", machine.root()) == Cards{"MIG-a", "GPU-b"});
  CHECK(VisibleCards("", machine.root()).empty());
  CHECK(VisibleCards("-1", machine.root()).empty());
  CHECK(VisibleCards("2,-1,3", machine.root()) == Cards{"2"});
  CHECK(VisibleCards("2,-7,3", machine.root()) == Cards{"2"});
  CHECK(VisibleCards(" 3, 1 ,", machine.root()) == Cards{"3", "1"});
  CHECK(VisibleCards("1,0,1", machine.root()) == Cards{"1", "0"});
  CHECK(VisibleCards("GPU-a,GPU-a", machine.root()) == Cards{"GPU-a"});
  CHECK(VisibleCards(" ", machine.root()).empty());
}

TEST_CASE("this machine has a core, memory and a process that holds some",
          "[measure][machine]") {
  const MachineFacts facts = ReadMachineFacts();
  CHECK(facts.cores >= 1);
  CHECK(facts.memory_bytes > 0);
  CHECK(facts.free_bytes <= facts.memory_bytes);
  CHECK(ResidentBytesOf(getpid()) > kMiB);
  CHECK(ResidentBytesOf(-1) == 0);
}

}  // namespace
}  // namespace sft::measure::machine_facts_test
