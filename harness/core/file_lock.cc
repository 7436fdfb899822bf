#include "harness/core/file_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace sft {
namespace {

constexpr int kLowestDescriptor = 10;  // those below are given out by number
constexpr size_t kMaxHostBytes = 256;

struct flock WholeFile() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

std::string HostIn(int fd) {
  char bytes[kMaxHostBytes];
  const ssize_t n = pread(fd, bytes, sizeof(bytes), 0);
  const std::string text(bytes, n > 0 ? static_cast<size_t>(n) : 0);
  return text.substr(0, text.find('\n'));
}

// Worth nothing but to a reader: a full disk does not matter.
void WriteHost(int fd) {
  const std::string line = HostName() + "\n";
  if (ftruncate(fd, 0) != 0) return;
  if (pwrite(fd, line.data(), line.size(), 0) < 0) return;
}

}  // namespace

std::string HostName(const std::string& unknown) {
  char host[kMaxHostBytes] = "";
  if (gethostname(host, sizeof(host) - 1) != 0) return unknown;
  return host;
}

FileLock TakeFileLock(const std::string& path) {
  FileLock lock;
  const int low = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (low < 0) return lock;
  const int fd = fcntl(low, F_DUPFD_CLOEXEC, kLowestDescriptor);
  close(low);
  if (fd < 0) return lock;
  struct flock whole = WholeFile();
  if (fcntl(fd, F_OFD_SETLK, &whole) == 0) {
    lock = {FileLock::State::kTaken, fd, HostIn(fd)};
    WriteHost(fd);
    return lock;
  }
  if (errno == EAGAIN || errno == EACCES) {
    lock = {FileLock::State::kHeld, -1, HostIn(fd)};
  }
  close(fd);
  return lock;
}

bool IsFileLocked(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  struct flock lock = WholeFile();
  const bool asked = fcntl(fd, F_OFD_GETLK, &lock) == 0;
  close(fd);
  return asked && lock.l_type != F_UNLCK;
}

}  // namespace sft
