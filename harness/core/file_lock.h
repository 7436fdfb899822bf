// A lock on a file that ends with the last process that holds it, however that
// ends: the kernel keeps it. Open-file-description locks of fcntl, which a
// process hands to its child with the descriptor, and which NFS knows too.
#ifndef HARNESS_CORE_FILE_LOCK_H_
#define HARNESS_CORE_FILE_LOCK_H_

#include <string>

namespace sft {

struct FileLock {
  enum class State {
    kTaken,
    kHeld,  // by another
    kNone,  // the file system has no locks, or the file cannot be made
  };
  State state = State::kNone;
  int fd = -1;  // kTaken: 10 or above, closed on exec; every copy holds it
  // Host of who holds it, or (kTaken) of who held it last; "" = nobody's.
  std::string host;
};
// Takes the lock of `path`, which is made if need be and names this host from
// then on. Closing every copy of the descriptor ends the lock.
FileLock TakeFileLock(const std::string& path);
// Asks without taking it; false where there is no such file, or no locks.
bool IsFileLocked(const std::string& path);

// Of this machine, or `unknown` where it has none.
std::string HostName(const std::string& unknown = "host");

}  // namespace sft

#endif  // HARNESS_CORE_FILE_LOCK_H_
