// Files that are whole or absent: temporary name, fsync, rename or link. File
// systems that lack links or exchange (NFS, Lustre, 9p, FAT) are served by what
// they have (LackingOf in file_system.h says what that costs).
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

// What went wrong with `path` by `error`, an errno. A full disk (or quota) is
// Unavailable, as no other error of a run is: nobody is at fault who wrote.
absl::Status FileError(const std::string& path, std::string_view doing,
                       int error);
bool IsDiskFull(const absl::Status& status);
// The same of a file of `bytes` bytes: says how much is needed, and where.
absl::Status WriteError(const std::string& path, int error, int64_t bytes);

// The whole file. Errors: NotFound, or InvalidArgument above `max_bytes`.
absl::StatusOr<std::string> ReadFile(const std::string& path,
                                     int64_t max_bytes = int64_t{1} << 31);
// The lines of a text file, unpacked if it is gzip or zstd; "\r\n" and
// "\n" end a line. A line above `max_line_bytes` is an error naming it.
absl::StatusOr<std::vector<std::string>> ReadLines(
    const std::string& path, int64_t max_line_bytes = int64_t{64} << 20);

// A name beside `path` that no other thread, process or host takes.
std::string TemporaryBeside(const std::string& path);
// Removes files and folders of such names whose writers, in this process's
// place, were killed: those beside the files of this folder, or of its file
// `name` alone.
void RemoveStaleTemporaries(const std::string& folder,
                            std::string_view name = "");
// Written and fsynced where it stands; removed if that fails. For a name that
// is nobody else's, to be published.
absl::Status WriteWhole(const std::string& path, std::string_view bytes);
// Written to a temporary name beside `path`, fsynced, renamed over it.
absl::Status WriteFileAtomically(const std::string& path,
                                 std::string_view bytes);
// Renames `temporary`, which is synced, over `path`; removes it if that fails.
absl::Status ReplaceFile(const std::string& temporary, const std::string& path);
// fsyncs `temporary` and links it to `path`, first wins: returns true if this
// call made it, false if it stood there already. `temporary` is removed.
// Without links it is renamed, where the system can refuse to replace; where it
// cannot, of two that publish in one instant the later one stands. It is whole
// always.
absl::StatusOr<bool> PublishByLink(const std::string& temporary,
                                   const std::string& path);
// fsyncs every file of the folder `temporary`, then puts it in place of
// `path` (an older folder there is replaced). A file system that cannot
// exchange the two has the older one aside for a moment: FinishPublish.
absl::Status PublishFolder(const std::string& temporary,
                           const std::string& path);
// Before `path` is read: ends what a kill left of a PublishFolder without
// exchange. The older folder comes back where the newer one is not there.
void FinishPublish(const std::string& path);
// Where such a file system has the older folder for that moment.
std::string AsideOf(const std::string& path);
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
  // These bytes, of data(), are done with: their pages leave memory, and are
  // read anew by who looks at them again.
  void Forget(const uint8_t* begin, size_t size_bytes) const;

 private:
  MappedFile() = default;
  const uint8_t* data_ = nullptr;
  size_t size_bytes_ = 0;
  std::string path_;
};

}  // namespace sft

#endif  // HARNESS_CORE_FILES_H_
