#include "harness/measure/machine_facts.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "harness/core/parallel_for.h"
#include "harness/core/status.h"

namespace sft::measure {
namespace {
namespace fs = std::filesystem;

constexpr int64_t kUnlimited = INT64_MAX;
// Version 1 writes the largest page-aligned number for no limit.
constexpr int64_t kAsGoodAsUnlimited = int64_t{1} << 60;

std::string TextOf(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The first number of a small file; nullopt where it is absent or says "max".
std::optional<int64_t> NumberIn(const std::string& path) {
  const std::string text = TextOf(path);
  int64_t value = 0;
  const auto read =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc()) return std::nullopt;
  return value;
}

// The number behind `key` in lines "key 12" or "key: 12 kB".
std::optional<int64_t> ValueOf(const std::string& path, std::string_view key) {
  std::istringstream lines(TextOf(path));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    int64_t value = 0;
    words >> name >> value;
    if (!name.empty() && name.back() == ':') name.pop_back();
    if (name == key && !words.fail()) return value;
  }
  return std::nullopt;
}

// The folders of this process's control group and of all groups above it, for
// a controller of version 1, or "" for the one tree of version 2. A container
// may see its own group as the root, or show a path that is not mounted.
std::vector<std::string> GroupFolders(const std::string& root,
                                      const std::string& controller) {
  std::string path;
  std::istringstream lines(TextOf(root + "/proc/self/cgroup"));
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    const std::vector<std::string> names = absl::StrSplit(parts[1], ',');
    if (std::find(names.begin(), names.end(), controller) != names.end()) {
      path = parts[2];
    }
  }
  const std::string mount =
      root + "/sys/fs/cgroup" + (controller.empty() ? "" : "/" + controller);
  std::vector<std::string> folders;
  for (fs::path at = path; at != at.root_path() && !at.empty();
       at = at.parent_path()) {
    folders.push_back(mount + at.string());
  }
  folders.push_back(mount);
  return folders;
}

// Cores by quota; kUnlimited without one.
int64_t QuotaCores(const std::string& root) {
  int64_t cores = kUnlimited;
  const auto bound = [&cores](int64_t quota, int64_t period) {
    if (quota > 0 && period > 0) cores = std::min(cores, quota / period);
  };
  for (const std::string& folder : GroupFolders(root, "")) {
    std::istringstream words(TextOf(folder + "/cpu.max"));
    int64_t quota = 0, period = 0;
    if (words >> quota >> period) bound(quota, period);
  }
  for (const std::string& folder : GroupFolders(root, "cpu")) {
    bound(NumberIn(folder + "/cpu.cfs_quota_us").value_or(-1),
          NumberIn(folder + "/cpu.cfs_period_us").value_or(0));
  }
  return cores;
}

// Takes the bounds of one group into `facts`: its limit, and what is left of
// it. Pages of files that nobody uses go before anyone is killed.
void BoundMemory(int64_t limit, int64_t used, int64_t cached,
                 MachineFacts& facts) {
  if (limit <= 0 || limit >= kAsGoodAsUnlimited) return;
  facts.memory_bytes = std::min(facts.memory_bytes, limit);
  const int64_t left = limit - std::max<int64_t>(0, used - cached);
  facts.free_bytes = std::clamp<int64_t>(left, 0, facts.free_bytes);
}

}  // namespace

MachineFacts ReadMachineFacts(const std::string& root, int affinity) {
  MachineFacts facts;
  const int64_t cores =
      affinity > 0 ? affinity : static_cast<int64_t>(UsableCores());
  facts.cores =
      static_cast<int>(std::max<int64_t>(1, std::min(cores, QuotaCores(root))));

  const std::string meminfo = root + "/proc/meminfo";
  facts.memory_bytes = ValueOf(meminfo, "MemTotal").value_or(0) << 10;
  facts.free_bytes = ValueOf(meminfo, "MemAvailable").value_or(0) << 10;
  for (const std::string& folder : GroupFolders(root, "")) {
    for (const char* limit : {"/memory.max", "/memory.high"}) {
      BoundMemory(NumberIn(folder + limit).value_or(0),
                  NumberIn(folder + "/memory.current").value_or(0),
                  ValueOf(folder + "/memory.stat", "inactive_file").value_or(0),
                  facts);
    }
  }
  for (const std::string& folder : GroupFolders(root, "memory")) {
    BoundMemory(
        NumberIn(folder + "/memory.limit_in_bytes").value_or(0),
        NumberIn(folder + "/memory.usage_in_bytes").value_or(0),
        ValueOf(folder + "/memory.stat", "total_inactive_file").value_or(0),
        facts);
  }
  return facts;
}

std::optional<int64_t> CountOutOfMemoryKills(const std::string& root) {
  // The own group, which children share, counts whoever's limit it was. Those
  // above it count other people's processes.
  for (const std::string& folder : GroupFolders(root, "")) {
    const auto kills = ValueOf(folder + "/memory.events", "oom_kill");
    if (kills) return kills;
  }
  for (const std::string& folder : GroupFolders(root, "memory")) {
    const auto kills = ValueOf(folder + "/memory.oom_control", "oom_kill");
    if (kills) return kills;
  }
  return ValueOf(root + "/proc/vmstat", "oom_kill");
}

std::vector<std::string> VisibleCards(const char* visible,
                                      const std::string& root) {
  std::vector<std::string> cards;
  if (visible != nullptr) {
    for (absl::string_view name : absl::StrSplit(absl::string_view(visible),
                                                 ',', absl::SkipWhitespace())) {
      name = absl::StripAsciiWhitespace(name);
      // As CUDA reads it: nothing counts behind a name that is none.
      if (name[0] == '-' || name == "none" || name == "NoDevFiles") break;
      // Of a card that is named twice CUDA makes none; it has one run.
      if (std::find(cards.begin(), cards.end(), name) == cards.end()) {
        cards.emplace_back(name);
      }
    }
    return cards;
  }
  std::vector<int> numbers;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(root + "/dev", none)) {
    const std::string name = entry.path().filename().string();
    int number = 0;
    if (name.rfind("nvidia", 0) == 0 &&
        absl::SimpleAtoi(name.substr(6), &number)) {
      numbers.push_back(number);
    }
  }
  // CUDA counts what it finds from 0, whatever the files are called.
  for (size_t i = 0; i < numbers.size(); ++i) {
    cards.push_back(absl::StrCat(i));
  }
  return cards;
}

int64_t ResidentBytesOf(int64_t pid) {
  std::istringstream words(TextOf(absl::StrCat("/proc/", pid, "/statm")));
  int64_t whole = 0, resident = 0;
  if (!(words >> whole >> resident)) return 0;
  return resident * sysconf(_SC_PAGESIZE);
}

}  // namespace sft::measure
