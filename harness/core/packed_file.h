// The bytes of a file, unpacked where it is gzip or zstd: its first bytes tell,
// not its name. Memory is bounded, whatever a packed file claims: zstd's window
// by 128 MiB, and what comes out by kMaxUnpacking times what went in, gzip's
// own bound.
#ifndef HARNESS_CORE_PACKED_FILE_H_
#define HARNESS_CORE_PACKED_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sft {

inline constexpr int64_t kMaxUnpacking = 1032;

class PackedFile {
 public:
  // Errors name the file.
  static absl::StatusOr<PackedFile> Open(const std::string& path);
  PackedFile(PackedFile&&) noexcept;
  PackedFile& operator=(PackedFile&&) noexcept;
  ~PackedFile();

  // The next bytes, some thousands; empty behind the end. They hold until the
  // next call. An error says what is wrong, without the file's name.
  absl::StatusOr<std::string_view> Next();

 private:
  struct State;
  explicit PackedFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// "rows.csv" of "rows.csv.gz" and "rows.csv.zst".
std::string WithoutPacking(const std::string& path);

}  // namespace sft

#endif  // HARNESS_CORE_PACKED_FILE_H_
