#include "harness/core/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "harness/core/packed_file.h"
#include "harness/core/process_place.h"
#include "harness/core/status.h"
#include "harness/core/stop_point.h"

namespace sft {
namespace fs = std::filesystem;
namespace {

absl::Status SystemError(const std::string& path, std::string_view doing) {
  return FileError(path, doing, errno);
}

// The file system has no such call, or none for such files.
bool IsLacking(int error) {
  return error == EPERM || error == ENOTSUP || error == EOPNOTSUPP ||
         error == ENOSYS || error == EINVAL || error == EMLINK;
}

// Whether both are names of one file: a server that is asked again, because its
// first answer was lost, says of our own link that it stands there.
bool IsSameFile(const std::string& a, const std::string& b) {
  struct stat of_a, of_b;
  return stat(a.c_str(), &of_a) == 0 && stat(b.c_str(), &of_b) == 0 &&
         of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

// As PublishByLink, on a file system without links. An errno, 0 for `made`.
int PublishByRename(const std::string& temporary, const std::string& path) {
  if (renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(),
                RENAME_NOREPLACE) == 0) {
    return 0;
  }
  if (!IsLacking(errno)) return errno;
  if (FileExists(path)) return EEXIST;
  return rename(temporary.c_str(), path.c_str()) == 0 ? 0 : errno;
}

// Puts the folder `temporary` in place of the folder `path`. An errno.
int ReplaceFolder(const std::string& temporary, const std::string& path) {
  if (renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(),
                RENAME_EXCHANGE) == 0) {
    return 0;
  }
  if (!IsLacking(errno)) return errno;
  const std::string aside = AsideOf(path);
  if (!RemoveAll(aside).ok()) return EBUSY;
  if (rename(path.c_str(), aside.c_str()) != 0) return errno;
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    FinishPublish(path);
    return error;
  }
  return 0;
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string ParentOf(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

// An errno, 0 for `written`; what cannot be written whole is removed.
int WriteAndSync(const std::string& path, std::string_view bytes) {
  const auto failed = [&path] {
    const int error = errno;
    unlink(path.c_str());
    return error;
  };
  FileDescriptor fd(
      open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (fd.get() < 0) return errno;
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t n = write(fd.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed();
    done += static_cast<size_t>(n);
  }
  return fsync(fd.get()) == 0 ? 0 : failed();
}

// What stands in a temporary name between the file's and its writer's number.
std::string TemporaryMark() {
  return absl::StrCat(".tmp.", ProcessPlace(), ".");
}

std::string SizeText(double bytes) {
  return absl::StrFormat("%.1f MiB", bytes / (1 << 20));
}

}  // namespace

absl::Status FileError(const std::string& path, std::string_view doing,
                       int error) {
  const std::string text =
      absl::StrCat(path, ": ", ToAbsl(doing), ": ", std::strerror(error));
  if (error == ENOENT) {
    return absl::NotFoundError(absl::StrCat(path, ": no such file or folder"));
  }
  if (error == ENOSPC || error == EDQUOT) return absl::UnavailableError(text);
  return absl::InvalidArgumentError(text);
}

bool IsDiskFull(const absl::Status& status) {
  return absl::IsUnavailable(status);
}

absl::Status WriteError(const std::string& path, int error, int64_t bytes) {
  const absl::Status status = FileError(path, "cannot be written", error);
  if (!IsDiskFull(status)) return status;
  struct statvfs space;
  const bool known = statvfs(ParentOf(path).c_str(), &space) == 0;
  return absl::UnavailableError(absl::StrCat(
      status.message(), "; it needs ", SizeText(static_cast<double>(bytes)),
      known ? absl::StrCat(", there are ",
                           SizeText(static_cast<double>(space.f_bavail) *
                                    static_cast<double>(space.f_frsize)))
            : ""));
}

absl::StatusOr<std::string> ReadFile(const std::string& path,
                                     int64_t max_bytes) {
  FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return SystemError(path, "cannot be opened");
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return SystemError(path, "cannot be read");
  if (!S_ISREG(info.st_mode)) return InputError(path, "is not a file");
  if (info.st_size > max_bytes) {
    return InputError(
        path, absl::StrCat("has ", info.st_size, " bytes; at most ", max_bytes,
                           " are read"));
  }
  std::string bytes(static_cast<size_t>(info.st_size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = read(fd.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemError(path, "cannot be read");
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  bytes.resize(done);
  return bytes;
}

absl::StatusOr<std::vector<std::string>> ReadLines(const std::string& path,
                                                   int64_t max_line_bytes) {
  SFT_ASSIGN_OR_RETURN(PackedFile file, PackedFile::Open(path));
  std::vector<std::string> lines;
  std::string line;
  bool open_line = false;
  const auto end_line = [&] {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(std::move(line));
    line.clear();
    open_line = false;
  };
  while (true) {
    StopPoint();
    const absl::StatusOr<std::string_view> piece = file.Next();
    const std::string where = absl::StrCat(path, ":", lines.size() + 1);
    if (!piece.ok()) return InputError(where, ToStd(piece.status().message()));
    if (piece->empty()) break;
    for (std::string_view left = *piece; !left.empty();) {
      const size_t newline = left.find('\n');
      const std::string_view text = left.substr(0, newline);
      if (static_cast<int64_t>(line.size() + text.size()) > max_line_bytes) {
        return InputError(
            absl::StrCat(path, ":", lines.size() + 1),
            absl::StrCat("the line is longer than ", max_line_bytes, " bytes"));
      }
      line += text;
      open_line = true;
      if (newline == std::string_view::npos) break;
      end_line();
      left.remove_prefix(newline + 1);
    }
  }
  if (open_line) end_line();
  return lines;
}

absl::Status FsyncPath(const std::string& path) {
  FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return SystemError(path, "cannot be opened");
  // Some file systems sync files, and no folders.
  if (fsync(fd.get()) != 0 && !IsLacking(errno)) {
    return SystemError(path, "cannot be synced");
  }
  return absl::OkStatus();
}

absl::Status WriteWhole(const std::string& path, std::string_view bytes) {
  const int error = WriteAndSync(path, bytes);
  if (error != 0) return WriteError(path, error, std::ssize(bytes));
  return absl::OkStatus();
}

std::string TemporaryBeside(const std::string& path) {
  static std::atomic<int> counter{0};
  return absl::StrCat(path, TemporaryMark(), getpid(), ".", counter++);
}

void RemoveStaleTemporaries(const std::string& folder, std::string_view name) {
  const std::string mark = TemporaryMark();
  std::error_code error;
  std::vector<fs::path> stale;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string found = entry.path().filename().string();
    const size_t at = found.rfind(mark);
    if (at == std::string::npos || (!name.empty() && at != name.size()) ||
        found.compare(0, name.size(), name) != 0) {
      continue;
    }
    if (HasEnded(std::atoi(found.c_str() + at + mark.size()))) {
      stale.push_back(entry.path());
    }
  }
  for (const fs::path& path : stale) fs::remove_all(path, error);
}

absl::Status WriteFileAtomically(const std::string& path,
                                 std::string_view bytes) {
  const std::string temporary = TemporaryBeside(path);
  const int error = WriteAndSync(temporary, bytes);
  if (error != 0) return WriteError(path, error, std::ssize(bytes));
  return ReplaceFile(temporary, path);
}

absl::Status ReplaceFile(const std::string& temporary,
                         const std::string& path) {
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    unlink(temporary.c_str());
    return FileError(path, "cannot be written", error);
  }
  return FsyncPath(ParentOf(path));
}

absl::StatusOr<bool> PublishByLink(const std::string& temporary,
                                   const std::string& path) {
  SFT_RETURN_IF_ERROR(FsyncPath(temporary));
  int error = link(temporary.c_str(), path.c_str()) == 0 ? 0 : errno;
  if (error != 0 && IsSameFile(temporary, path)) error = 0;
  if (IsLacking(error)) error = PublishByRename(temporary, path);
  unlink(temporary.c_str());
  if (error != 0 && error != EEXIST) {
    return FileError(path, "cannot be published", error);
  }
  SFT_RETURN_IF_ERROR(FsyncPath(ParentOf(path)));
  return error == 0;
}

absl::Status PublishFolder(const std::string& temporary,
                           const std::string& path) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(temporary, error)) {
    SFT_RETURN_IF_ERROR(FsyncPath(entry.path().string()));
  }
  if (error) return InputError(temporary, error.message());
  SFT_RETURN_IF_ERROR(FsyncPath(temporary));
  // rename cannot replace a folder that holds files: swap the two at once, so
  // that a kill leaves the old one or the new one, never none.
  if (FileExists(path)) {
    if (const int error = ReplaceFolder(temporary, path); error != 0) {
      return FileError(path, "cannot be replaced", error);
    }
    SFT_RETURN_IF_ERROR(RemoveAll(temporary));
    SFT_RETURN_IF_ERROR(RemoveAll(AsideOf(path)));
  } else if (rename(temporary.c_str(), path.c_str()) != 0) {
    return SystemError(path, "cannot be renamed");
  }
  return FsyncPath(ParentOf(path));
}

std::string AsideOf(const std::string& path) { return path + ".old"; }

void FinishPublish(const std::string& path) {
  const std::string aside = AsideOf(path);
  if (!FileExists(aside)) return;
  if (FileExists(path)) {
    RemoveAll(aside).IgnoreError();
  } else {
    rename(aside.c_str(), path.c_str());
  }
}

absl::Status MakeFolders(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return FileError(path, "cannot be made", error.value());
  return absl::OkStatus();
}

bool FileExists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

bool IsFolder(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

absl::Status RemoveAll(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return InputError(path, "cannot be removed: " + error.message());
  return absl::OkStatus();
}

absl::StatusOr<MappedFile> MappedFile::Open(const std::string& path) {
  FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return SystemError(path, "cannot be opened");
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return SystemError(path, "cannot be read");
  if (!S_ISREG(info.st_mode)) return InputError(path, "is not a file");
  MappedFile file;
  file.path_ = path;
  file.size_bytes_ = static_cast<size_t>(info.st_size);
  if (file.size_bytes_ == 0) return file;
  void* data =
      mmap(nullptr, file.size_bytes_, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED) return SystemError(path, "cannot be mapped");
  file.data_ = static_cast<const uint8_t*>(data);
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept {
  *this = std::move(other);
}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_bytes_, other.size_bytes_);
  std::swap(path_, other.path_);
  return *this;
}

void MappedFile::Forget(const uint8_t* begin, size_t size_bytes) const {
  if (size_bytes == 0) return;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const auto at = static_cast<size_t>(begin - data_);
  const size_t first = at / page * page;
  // It is a read-only map: nothing is lost, and a refusal only costs memory.
  madvise(const_cast<uint8_t*>(data_) + first, at + size_bytes - first,
          MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<uint8_t*>(data_), size_bytes_);
}

}  // namespace sft
