// What the file system of a folder lacks of what files.h and file_lock.h use
// where they find it. Nothing of it is needed; each has its price.
#ifndef HARNESS_CORE_FILE_SYSTEM_H_
#define HARNESS_CORE_FILE_SYSTEM_H_

#include <string>

#include "absl/status/statusor.h"

namespace sft {

struct FileSystemFacts {
  bool links = true;     // two names of one file
  bool exchange = true;  // two folders change places at once
  bool locks = true;     // that end with their process
};
// Tries them on files of its own in `folder`, which are gone afterwards. An
// error where nothing can be written there.
absl::StatusOr<FileSystemFacts> TryFileSystem(const std::string& folder);

// "has no hard links and no locks: ...", with what follows from it; "" where
// nothing is lacking.
std::string LackingOf(const FileSystemFacts& facts);

}  // namespace sft

#endif  // HARNESS_CORE_FILE_SYSTEM_H_
