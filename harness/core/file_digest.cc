#include "harness/core/file_digest.h"

#include <sys/stat.h>

#include <map>
#include <mutex>

#include "harness/core/digest.h"
#include "harness/core/status.h"

namespace sft {

absl::StatusOr<std::string> DigestOfFile(const std::string& path) {
  static std::mutex mutex;
  static auto& known = *new std::map<std::string, std::string>();
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    return absl::NotFoundError(absl::StrCat(path, ": no such file"));
  }
  const std::string key =
      absl::StrCat(path, "\n", info.st_size, "\n", info.st_ino, "\n",
                   info.st_mtim.tv_sec, ".", info.st_mtim.tv_nsec);
  const std::lock_guard<std::mutex> lock(mutex);
  const auto it = known.find(key);
  if (it != known.end()) return it->second;
  SFT_ASSIGN_OR_RETURN(std::string digest, Sha256OfFile(path));
  known[key] = digest;
  return digest;
}

}  // namespace sft
