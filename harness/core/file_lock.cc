#include "harness/core/file_lock.h"

#include <fcntl.h>
#include <unistd.h>

namespace sft {
namespace {

constexpr int kLowestDescriptor = 10;  // those below are given out by number

struct flock WholeFile() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

int TakeFileLock(const std::string& path) {
  const int low = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (low < 0) return -1;
  const int fd = fcntl(low, F_DUPFD_CLOEXEC, kLowestDescriptor);
  close(low);
  if (fd < 0) return -1;
  struct flock lock = WholeFile();
  if (fcntl(fd, F_OFD_SETLK, &lock) == 0) return fd;
  close(fd);
  return -1;
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
