#include "harness/core/packed_file.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "harness/core/files.h"
#include "harness/core/status.h"

namespace sft {
namespace {

constexpr size_t kPieceBytes = 1 << 16;
constexpr int64_t kUnpackedForFree = int64_t{4} << 20;

absl::Status CannotUnpack(std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("cannot be decompressed: ", ToAbsl(why)));
}

}  // namespace

// One of three ways, chosen by the first bytes.
struct PackedFile::State {
  enum class Packing { kPlain, kGzip, kZstd };

  ~State() {
    if (fd >= 0) close(fd);
    if (packing == Packing::kGzip) inflateEnd(&gzip);
    ZSTD_freeDStream(zstd);
  }

  // Reads once more behind what is left of `in`.
  absl::Status Fill() {
    std::copy(in.begin() + static_cast<ptrdiff_t>(begin),
              in.begin() + static_cast<ptrdiff_t>(end), in.begin());
    end -= begin;
    begin = 0;
    ssize_t n = 0;
    do {
      n = read(fd, in.data() + end, in.size() - end);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot be read: ", strerror(errno)));
    }
    ended = n == 0;
    end += static_cast<size_t>(n);
    read_bytes += n;
    return absl::OkStatus();
  }
  // A pipe may give one byte at a time.
  absl::Status FillTo(size_t bytes) {
    while (end - begin < bytes && !ended) SFT_RETURN_IF_ERROR(Fill());
    return absl::OkStatus();
  }

  bool Begins(std::string_view bytes) const {
    return end - begin >= bytes.size() &&
           memcmp(in.data() + begin, bytes.data(), bytes.size()) == 0;
  }

  absl::Status Choose() {
    constexpr size_t kTold = 4;
    SFT_RETURN_IF_ERROR(FillTo(kTold));
    if (Begins("\x1f\x8b")) {
      if (inflateInit2(&gzip, 15 + 16) != Z_OK) return CannotUnpack("memory");
      packing = Packing::kGzip;
    } else if (Begins("\x28\xb5\x2f\xfd") ||
               (end >= kTold && (in[0] & 0xF0) == 0x50 &&
                memcmp(in.data() + 1, "\x2a\x4d\x18", 3) == 0)) {
      zstd = ZSTD_createDStream();
      if (zstd == nullptr) return CannotUnpack("memory");
      packing = Packing::kZstd;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<size_t> Inflate() {
    gzip.next_in = reinterpret_cast<Bytef*>(in.data() + begin);
    gzip.avail_in = static_cast<uInt>(end - begin);
    gzip.next_out = reinterpret_cast<Bytef*>(out.data());
    gzip.avail_out = static_cast<uInt>(out.size());
    const int rc = inflate(&gzip, Z_NO_FLUSH);
    begin = end - gzip.avail_in;
    const size_t made = out.size() - gzip.avail_out;
    if (rc == Z_STREAM_END) {
      within = false;
    } else if (rc != Z_OK && rc != Z_BUF_ERROR) {
      return CannotUnpack(gzip.msg == nullptr ? "broken gzip" : gzip.msg);
    }
    return made;
  }

  absl::StatusOr<size_t> Unzstd() {
    ZSTD_inBuffer input{in.data() + begin, end - begin, 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    const size_t rc = ZSTD_decompressStream(zstd, &output, &input);
    if (ZSTD_isError(rc)) return CannotUnpack(ZSTD_getErrorName(rc));
    begin += input.pos;
    within = rc != 0;
    return output.pos;
  }

  // The next bytes of a packed file; nothing behind its end. `within`: a frame
  // is open, and may have more to give.
  absl::StatusOr<std::string_view> Unpack() {
    while (true) {
      if (begin == end && !ended) SFT_RETURN_IF_ERROR(Fill());
      if (!within) {
        if (begin == end) return std::string_view();
        // Another frame, or, behind gzip, what gzip passes over as well.
        if (packing == Packing::kGzip && begun) {
          SFT_RETURN_IF_ERROR(FillTo(2));
          if (!Begins("\x1f\x8b")) return std::string_view();
          inflateReset(&gzip);
        }
        begun = within = true;
      }
      SFT_ASSIGN_OR_RETURN(const size_t made,
                           packing == Packing::kGzip ? Inflate() : Unzstd());
      made_bytes += static_cast<int64_t>(made);
      if (made_bytes > kUnpackedForFree + kMaxUnpacking * read_bytes) {
        return CannotUnpack(
            absl::StrCat("unpacks to more than ", kMaxUnpacking,
                         " times its size, as few files of rows do: unpack it "
                         "(zstd -d), if it is right"));
      }
      if (made > 0) return std::string_view(out.data(), made);
      if (within && begin == end && ended) {
        return CannotUnpack("unexpected end of file");
      }
    }
  }

  int fd = -1;
  Packing packing = Packing::kPlain;
  std::vector<char> in, out;
  size_t begin = 0, end = 0;  // of `in`, not yet taken
  bool ended = false;         // nothing is left to read
  bool begun = false, within = false;
  int64_t read_bytes = 0, made_bytes = 0;
  z_stream gzip = {};
  ZSTD_DStream* zstd = nullptr;
};

PackedFile::PackedFile(std::unique_ptr<State> state)
    : state_(std::move(state)) {}
PackedFile::PackedFile(PackedFile&&) noexcept = default;
PackedFile& PackedFile::operator=(PackedFile&&) noexcept = default;
PackedFile::~PackedFile() = default;

absl::StatusOr<PackedFile> PackedFile::Open(const std::string& path) {
  if (!FileExists(path)) return absl::NotFoundError(path + ": no such file");
  if (IsFolder(path)) return InputError(path, "is a folder");
  auto state = std::make_unique<State>();
  state->fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (state->fd < 0) return FileError(path, "cannot be opened", errno);
  state->in.resize(kPieceBytes);
  if (const absl::Status status = state->Choose(); !status.ok()) {
    return InputError(path, ToStd(status.message()));
  }
  if (state->packing != State::Packing::kPlain) state->out.resize(kPieceBytes);
  return PackedFile(std::move(state));
}

absl::StatusOr<std::string_view> PackedFile::Next() {
  State& state = *state_;
  if (state.packing != State::Packing::kPlain) return state.Unpack();
  if (state.begin == state.end && !state.ended) {
    SFT_RETURN_IF_ERROR(state.Fill());
  }
  const std::string_view bytes(state.in.data() + state.begin,
                               state.end - state.begin);
  state.begin = state.end;
  return bytes;
}

std::string WithoutPacking(const std::string& path) {
  for (const std::string_view ending : {".gz", ".zst"}) {
    if (path.ends_with(ending)) {
      return path.substr(0, path.size() - ending.size());
    }
  }
  return path;
}

}  // namespace sft
