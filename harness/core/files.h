// Files that are whole or absent: temporary name, fsync, rename or link.
#ifndef HARNESS_CORE_FILES_H_
#define HARNESS_CORE_FILES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sft {

// The whole file. Errors: NotFound, or InvalidArgument above `max_bytes`.
absl::StatusOr<std::string> ReadFile(const std::string& path,
                                     int64_t max_bytes = int64_t{1} << 31);
// The lines of a text file, gunzipped if the name ends in .gz; "\r\n" and
// "\n" end a line. A line above `max_line_bytes` is an error naming it.
absl::StatusOr<std::vector<std::string>> ReadLines(
    const std::string& path, int64_t max_line_bytes = int64_t{64} << 20);

// Written to a temporary name beside `path`, fsynced, renamed over it.
absl::Status WriteFileAtomically(const std::string& path,
                                 std::string_view bytes);
// fsyncs `temporary` and links it to `path`, first wins: returns true if this
// call made it, false if it stood there already. `temporary` is removed.
absl::StatusOr<bool> PublishByLink(const std::string& temporary,
                                   const std::string& path);
// fsyncs every file of the folder `temporary`, then puts it in place of
// `path` (an older folder there is replaced).
absl::Status PublishFolder(const std::string& temporary,
                           const std::string& path);
absl::Status FsyncPath(const std::string& path);
absl::Status MakeFolders(const std::string& path);
bool FileExists(const std::string& path);
bool IsFolder(const std::string& path);
absl::Status RemoveAll(const std::string& path);

// A read-only memory map; moves, does not copy.
class MappedFile {
 public:
  static absl::StatusOr<MappedFile> Open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();
  const uint8_t* data() const { return data_; }
  size_t size_bytes() const { return size_bytes_; }
  const std::string& path() const { return path_; }

 private:
  MappedFile() = default;
  const uint8_t* data_ = nullptr;
  size_t size_bytes_ = 0;
  std::string path_;
};

}  // namespace sft

#endif  // HARNESS_CORE_FILES_H_
