#include "harness/measure/memory_limit.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace sft::measure {
namespace {

constexpr int64_t kNoBound = std::numeric_limits<int64_t>::max();

int64_t MachineBytes(const std::string& meminfo) {
  std::ifstream file(meminfo);
  for (std::string word; file >> word;) {
    int64_t kibibytes = 0;
    if (word == "MemTotal:" && file >> kibibytes) return kibibytes * 1024;
  }
  return kNoBound;
}

// "max", or version 1's number near the largest, is no bound.
int64_t BoundIn(const std::string& path) {
  std::ifstream file(path);
  std::string word;
  int64_t bytes = 0;
  return file >> word && absl::SimpleAtoi(word, &bytes) && bytes > 0 ? bytes
                                                                     : kNoBound;
}

// The least bound of `group` and of those above it, up to `root`.
int64_t GroupBytes(const std::string& root, std::string group,
                   const char* file) {
  int64_t least = kNoBound;
  while (true) {
    least = std::min(least, BoundIn(absl::StrCat(root, group, "/", file)));
    const size_t slash = group.rfind('/');
    if (slash == std::string::npos) return least;
    group.resize(slash);
  }
}

}  // namespace

int64_t MemoryLimitBytes(const MemorySources& sources) {
  int64_t least = MachineBytes(sources.meminfo);
  std::ifstream groups(sources.own_groups);
  // "0::/user.slice/x", or of version 1 "7:memory:/docker/x".
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers =
        absl::StrCat(",", line.substr(first + 1, second - first - 1), ",");
    const std::string group = line.substr(second + 1);
    if (controllers == ",,") {
      least =
          std::min(least, GroupBytes(sources.group_root, group, "memory.max"));
    } else if (absl::StrContains(controllers, ",memory,")) {
      least = std::min(
          least, GroupBytes(absl::StrCat(sources.group_root, "/memory"), group,
                            "memory.limit_in_bytes"));
    }
  }
  return least == kNoBound ? 0 : least;
}

}  // namespace sft::measure
