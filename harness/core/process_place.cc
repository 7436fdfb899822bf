#include "harness/core/process_place.h"

#include <signal.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "harness/core/digest.h"
#include "harness/core/file_lock.h"

namespace sft {
namespace {

constexpr size_t kDigestDigits = 12;

std::string TextOf(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What no other process has.
std::string OwnMark() {
  static const uint64_t number = [] {
    uint64_t drawn = 0;
    return getrandom(&drawn, sizeof(drawn), 0) == sizeof(drawn)
               ? drawn
               : static_cast<uint64_t>(absl::GetCurrentTimeNanos());
  }();
  return absl::StrCat(number);
}

// "" where it does not tell. The namespace's number alone is another's on
// another machine, and the first one's is the same on all.
std::string BootAndNamespace(const std::string& proc) {
  const std::string boot = TextOf(proc + "/sys/kernel/random/boot_id");
  struct stat space;
  if (boot.empty() || stat((proc + "/self/ns/pid").c_str(), &space) != 0) {
    return "";
  }
  return absl::StrCat(boot, space.st_dev, ":", space.st_ino);
}

// It may be that of another namespace, where numbers are other processes'.
bool IsProcOurs() {
  char text[32];
  const ssize_t n = readlink("/proc/self", text, sizeof(text));
  int64_t pid = 0;
  return n > 0 &&
         absl::SimpleAtoi(absl::string_view(text, static_cast<size_t>(n)),
                          &pid) &&
         pid == getpid();
}

}  // namespace

std::string ProcessPlace(const std::string& proc) {
  std::string text = BootAndNamespace(proc);
  if (text.empty()) text = OwnMark();
  return absl::StrCat(HostName(), "+",
                      Sha256Hex(text).substr(0, kDigestDigits));
}

bool HasEnded(int64_t pid) {
  if (pid <= 0) return false;
  if (kill(static_cast<pid_t>(pid), 0) != 0) return errno == ESRCH;
  if (!IsProcOurs()) return false;
  // The state stands behind the name, which may hold anything but ends so.
  const std::string text = TextOf(absl::StrCat("/proc/", pid, "/stat"));
  const size_t end = text.rfind(')');
  return end != std::string::npos && end + 2 < text.size() &&
         (text[end + 2] == 'Z' || text[end + 2] == 'X');
}

}  // namespace sft
