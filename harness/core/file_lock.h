// A lock on a file that ends with the last process that holds it, however that
// ends: the kernel keeps it. Open-file-description locks of fcntl, which a
// process hands to its child with the descriptor, and which NFS knows too.
#ifndef HARNESS_CORE_FILE_LOCK_H_
#define HARNESS_CORE_FILE_LOCK_H_

#include <string>

namespace sft {

// A descriptor (10 or above, closed on exec) that holds the lock of `path`,
// which is made if need be; -1 where another holds it, or the file system has
// no locks. Closing every copy of it ends the lock.
int TakeFileLock(const std::string& path);
// Asks without taking it; false where there is no such file.
bool IsFileLocked(const std::string& path);

}  // namespace sft

#endif  // HARNESS_CORE_FILE_LOCK_H_
