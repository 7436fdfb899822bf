#include "harness/record/merged_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "harness/core/digest.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/record/h5_tree.h"
#include "harness/record/schema.h"
#include "harness/record/sealed_file.h"

namespace sft::record {
namespace {

constexpr hsize_t kChunkBytes = hsize_t{1} << 20;
constexpr unsigned kFastDeflate = 1;  // what HDF5 keeps is mostly blanks

std::string PathOfRecord(const std::string& name) {
  return absl::StrCat(kMergedRunsPath, "/", EncodePathName(name));
}

// HDF5 failed. Of the system's own errors it leaves errno, which counts where
// it says that the disk is full: others may be left of calls before.
absl::Status WriteFailed(const std::string& path, const std::string& what,
                         int64_t bytes) {
  const int error = errno;
  if (IsDiskFull(FileError(path, what, error))) {
    return WriteError(path, error, bytes);
  }
  return InputError(path, what);
}

int64_t SizeOf(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : static_cast<int64_t>(size);
}

// SHA-256 and size of what follows the first 512 bytes of `temporary`; they get
// the seal. Errors name `path`.
absl::Status SealFile(const std::string& temporary, const std::string& path) {
  const int fd = open(temporary.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return FileError(path, "cannot be opened again", errno);
  Sha256 digest;
  size_t size = 0;
  std::string buffer(size_t{1} << 20, '\0');
  ssize_t n = 0;
  do {
    n = pread(fd, buffer.data(), buffer.size(),
              static_cast<off_t>(kSealBytes + size));
    if (n <= 0) continue;
    digest.Update(buffer.data(), static_cast<size_t>(n));
    size += static_cast<size_t>(n);
  } while (n > 0 || (n < 0 && errno == EINTR));
  int error = n < 0 ? errno : 0;
  const std::string seal = SealOf(size, digest.Hex());
  // The first bytes stand there: a short write is an error of the disk.
  errno = 0;
  if (error == 0 && pwrite(fd, seal.data(), seal.size(), 0) !=
                        static_cast<ssize_t>(seal.size())) {
    error = errno != 0 ? errno : EIO;
  }
  if (error == 0 && fsync(fd) != 0) error = errno;
  if (close(fd) != 0 && error == 0) error = errno;
  if (error == 0) return absl::OkStatus();
  return WriteError(path, error, SizeOf(temporary));
}

}  // namespace

std::vector<std::string> PlansIn(const std::vector<H5Item>& items) {
  for (const H5Item& item : items) {
    if (item.path != kMergedPlanPath || !item.attribute.empty()) continue;
    if (const auto* texts =
            std::get_if<std::vector<std::string>>(&item.value)) {
      return *texts;
    }
  }
  return {};
}

struct MergedWriter::Impl {
  std::string path, temporary;
  int64_t max_bytes = 0;
  std::optional<H5Handle> file;
};

MergedWriter::MergedWriter(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

MergedWriter::~MergedWriter() {
  H5Session session;
  impl_->file.reset();
  unlink(impl_->temporary.c_str());
}

absl::StatusOr<std::unique_ptr<MergedWriter>> MergedWriter::Create(
    const std::string& path, const std::vector<std::string>& plans,
    int64_t max_bytes) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->max_bytes = max_bytes;
  impl->temporary = TemporaryBeside(path);
  const std::filesystem::path beside(path);
  RemoveStaleTemporaries(
      beside.has_parent_path() ? beside.parent_path().string() : ".",
      beside.filename().string());
  std::unique_ptr<MergedWriter> writer(new MergedWriter(std::move(impl)));
  SFT_RETURN_IF_ERROR(writer->Begin(plans));
  return writer;
}

absl::Status MergedWriter::Begin(const std::vector<std::string>& plans) {
  std::vector<H5Item> items = {{"/", "complete", int64_t{1}},
                               {"/", "kind", std::string(kMergedFilesKind)},
                               {"/", "schema_version", kSchemaVersion}};
  if (!plans.empty()) {
    items.push_back({kMergedPlanPath, "", plans});
    items.push_back({kMergedPlanPath, "unit", std::string("JSON")});
  }
  H5Session session;
  errno = 0;
  H5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  SetH5Format(access.get());
  // File systems of clusters have no flock(2); nobody else knows this name.
  H5Pset_file_locking(access.get(), false, true);
  const H5Handle creation = MakeH5CreationList(kSealBytes);
  impl_->file.emplace(H5Fcreate(impl_->temporary.c_str(), H5F_ACC_TRUNC,
                                creation.get(), access.get()),
                      H5Fclose);
  if (!impl_->file->ok()) {
    return WriteFailed(impl_->path, "cannot be written", 0);
  }
  SFT_RETURN_IF_ERROR(WriteH5Items(impl_->file->get(), items));
  H5Handle group_list(H5Pcreate(H5P_GROUP_CREATE), H5Pclose);
  H5Pset_obj_track_times(group_list.get(), false);
  H5Handle group(H5Gcreate2(impl_->file->get(), kMergedRunsPath, H5P_DEFAULT,
                            group_list.get(), H5P_DEFAULT),
                 H5Gclose);
  if (!group.ok()) return WriteFailed(impl_->path, "cannot be written", 0);
  return absl::OkStatus();
}

absl::Status MergedWriter::Add(const std::string& name,
                               std::string_view bytes) {
  H5Session session;
  errno = 0;
  const hsize_t size = bytes.size();
  const hsize_t chunk = std::max<hsize_t>(std::min(size, kChunkBytes), 1);
  H5Handle space(H5Screate_simple(1, &size, nullptr), H5Sclose);
  H5Handle list(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_obj_track_times(list.get(), false);
  H5Pset_chunk(list.get(), 1, &chunk);
  H5Pset_deflate(list.get(), kFastDeflate);
  H5Handle data(
      H5Dcreate2(impl_->file->get(), PathOfRecord(name).c_str(), H5T_STD_U8LE,
                 space.get(), H5P_DEFAULT, list.get(), H5P_DEFAULT),
      H5Dclose);
  if (!data.ok() ||
      H5Dwrite(data.get(), H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT,
               bytes.data()) < 0 ||
      !data.Close()) {
    return WriteFailed(impl_->path,
                       absl::StrCat("record ", name, " cannot be written"),
                       std::ssize(bytes));
  }
  return absl::OkStatus();
}

absl::Status MergedWriter::Finish() {
  {
    H5Session session;
    errno = 0;
    if (H5Fflush(impl_->file->get(), H5F_SCOPE_GLOBAL) < 0 ||
        !impl_->file->Close()) {
      return WriteFailed(impl_->path, "cannot be written",
                         SizeOf(impl_->temporary));
    }
    impl_->file.reset();
  }
  const int64_t size = SizeOf(impl_->temporary);
  if (size > impl_->max_bytes) {
    return InputError(
        impl_->path,
        absl::StrCat("would have ", size, " bytes; at most ", impl_->max_bytes,
                     " are read: merge in parts"));
  }
  SFT_RETURN_IF_ERROR(SealFile(impl_->temporary, impl_->path));
  return ReplaceFile(impl_->temporary, impl_->path);
}

struct MergedReader::Impl {
  std::string where;
  size_t size_bytes = 0;
  std::optional<H5Handle> file;
  std::vector<std::string> names, plans;
};

MergedReader::MergedReader(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

MergedReader::~MergedReader() {
  H5Session session;
  impl_->file.reset();
}

const std::vector<std::string>& MergedReader::names() const {
  return impl_->names;
}
const std::vector<std::string>& MergedReader::plans() const {
  return impl_->plans;
}

absl::StatusOr<std::unique_ptr<MergedReader>> MergedReader::Open(
    const std::string& where, const std::string& bytes) {
  auto impl = std::make_unique<Impl>();
  impl->where = where;
  impl->size_bytes = bytes.size();
  std::unique_ptr<MergedReader> reader(new MergedReader(std::move(impl)));
  SFT_RETURN_IF_ERROR(reader->Begin(bytes));
  return reader;
}

absl::Status MergedReader::Begin(const std::string& bytes) {
  H5Session session;
  OpenH5Image(bytes, impl_->file);
  const std::string& where = impl_->where;
  if (!impl_->file->ok()) return InputError(where, "is no HDF5 file");
  const hid_t file = impl_->file->get();
  SFT_ASSIGN_OR_RETURN(const std::vector<H5Item> items,
                       ReadH5Items(where, file, bytes.size(), H5Depth::kRoot));
  impl_->plans = PlansIn(items);
  H5Handle group(H5Gopen2(file, kMergedRunsPath, H5P_DEFAULT), H5Gclose);
  hsize_t at = 0;
  const auto add = [](hid_t, const char* name, const H5L_info_t*,
                      void* names) -> herr_t {
    static_cast<std::vector<std::string>*>(names)->push_back(
        DecodePathName(name));
    return 0;
  };
  if (!group.ok() || H5Literate(group.get(), H5_INDEX_NAME, H5_ITER_INC, &at,
                                add, &impl_->names) < 0) {
    return InputError(where, "its list of records cannot be read");
  }
  std::sort(impl_->names.begin(), impl_->names.end());
  return absl::OkStatus();
}

absl::StatusOr<std::string> MergedReader::Read(const std::string& name) const {
  const auto error = [&](const char* what) {
    return InputError(absl::StrCat(impl_->where, ":", name), what);
  };
  H5Session session;
  const std::string path = PathOfRecord(name);
  H5L_info_t link;
  if (H5Lget_info(impl_->file->get(), path.c_str(), &link, H5P_DEFAULT) < 0 ||
      link.type != H5L_TYPE_HARD) {
    return error("is not there");
  }
  H5Handle data(H5Dopen2(impl_->file->get(), path.c_str(), H5P_DEFAULT),
                H5Dclose);
  if (!data.ok()) return error("cannot be opened");
  H5Handle space(H5Dget_space(data.get()), H5Sclose);
  H5Handle type(H5Dget_type(data.get()), H5Tclose);
  const hssize_t size = H5Sget_simple_extent_npoints(space.get());
  const size_t stored =
      std::min<size_t>(H5Dget_storage_size(data.get()), impl_->size_bytes);
  if (H5Sget_simple_extent_ndims(space.get()) != 1 || size < 0 ||
      H5Tget_class(type.get()) != H5T_INTEGER || H5Tget_size(type.get()) != 1) {
    return error("holds no bytes of a file");
  }
  if (static_cast<size_t>(size) / kMostInflation > stored) {
    return error("claims more bytes than the file can hold");
  }
  std::string bytes(static_cast<size_t>(size), '\0');
  if (size > 0 && H5Dread(data.get(), H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL,
                          H5P_DEFAULT, bytes.data()) < 0) {
    return error("cannot be read");
  }
  return bytes;
}

}  // namespace sft::record
