// What a poorer system lacks, put before a program by LD_PRELOAD. SFT_SHIM says
// what, in words: "links" (no hard links, no renameat2 with flags, as on NFS
// and 9p), "locks" (no locks), "clock" (the wall clock jumps by a day either
// way whenever it is looked at), "full" (while the file SFT_SHIM_FILLER exists,
// no file is written whose path holds SFT_SHIM_FULL: its disk is full).
#include <dlfcn.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

bool Lacks(const char* what) {
  const char* words = getenv("SFT_SHIM");
  return words != nullptr && strstr(words, what) != nullptr;
}

template <class Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

bool IsFull(int fd) {
  const char* part = getenv("SFT_SHIM_FULL");
  const char* filler = getenv("SFT_SHIM_FILLER");
  if (!Lacks("full") || part == nullptr || filler == nullptr ||
      access(filler, F_OK) != 0) {
    return false;
  }
  char link_name[64], path[4096];
  snprintf(link_name, sizeof(link_name), "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link_name, path, sizeof(path) - 1);
  if (n < 0) return false;
  path[n] = '\0';
  return strstr(path, part) != nullptr;
}

int Control(const char* name, int fd, int command, void* argument) {
  if (Lacks("locks") && (command == F_OFD_SETLK || command == F_OFD_GETLK)) {
    errno = ENOLCK;
    return -1;
  }
  using Real = int (*)(int, int, ...);
  return Next<Real>(name)(fd, command, argument);
}

}  // namespace

extern "C" {

int link(const char* from, const char* to) noexcept {
  if (Lacks("links")) {
    errno = EPERM;
    return -1;
  }
  return Next<int (*)(const char*, const char*)>("link")(from, to);
}

int renameat2(int from_fd, const char* from, int to_fd, const char* to,
              unsigned flags) noexcept {
  if (Lacks("links") && flags != 0) {
    errno = EINVAL;
    return -1;
  }
  return Next<int (*)(int, const char*, int, const char*, unsigned)>(
      "renameat2")(from_fd, from, to_fd, to, flags);
}

// Every command takes one word at most.
int fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  return Control("fcntl", fd, command, argument);
}

int fcntl64(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  return Control("fcntl64", fd, command, argument);
}

int fsync(int fd) {
  if (IsFull(fd)) {
    errno = ENOSPC;
    return -1;
  }
  return Next<int (*)(int)>("fsync")(fd);
}

int clock_gettime(clockid_t clock, struct timespec* now) noexcept {
  static std::atomic<int> looks{0};
  const int result =
      Next<int (*)(clockid_t, struct timespec*)>("clock_gettime")(clock, now);
  if (clock == CLOCK_REALTIME && Lacks("clock")) {
    now->tv_sec += looks++ % 2 == 0 ? 86400 : -86400;
  }
  return result;
}

}  // extern "C"
