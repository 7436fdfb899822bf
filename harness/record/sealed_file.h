// A record's file: an HDF5 image behind a user block, which HDF5 readers skip.
// Its first 512 bytes name the size and the SHA-256 of all that follows; we
// check these before the HDF5 library sees a byte, since that library crashes
// on damaged files. The rest of the block holds the same items packed, for
// readers that have thousands of files to go through. The sum is there against
// damage, not against someone who mends it too.
#ifndef HARNESS_RECORD_SEALED_FILE_H_
#define HARNESS_RECORD_SEALED_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/record/h5.h"

namespace sft::record {

// The smallest user block that HDF5 skips, and the one of a file without packed
// items: a merged one, or one that an older build wrote.
inline constexpr size_t kSealBytes = 512;

// Larger files are not read, so none is written.
inline constexpr int64_t kMaxRecordBytes = int64_t{1} << 32;

// The bytes of a file of these items.
absl::StatusOr<std::string> SealItems(std::vector<H5Item> items);
// The first 512 bytes of a file without packed items, of what follows them.
std::string SealOf(size_t size_bytes, const std::string& sha256);

// The bytes of a file whose seal holds. Errors tell a truncated file from an
// altered one from a foreign one.
absl::StatusOr<std::string> ReadSealed(const std::string& path);
absl::Status CheckSeal(const std::string& where, std::string_view bytes);

// Whether a file begins as one with packed items does, a record by itself; its
// seal is not looked at.
bool BeginsPacked(const std::string& path);

// Of bytes whose seal holds.
bool HasPackedItems(std::string_view bytes);
// The packed items where there are some, else HDF5's.
absl::StatusOr<std::vector<H5Item>> ItemsOfSealed(const std::string& where,
                                                  const std::string& bytes);
// An error where `items`, which are the packed ones of `bytes`, are not those
// that HDF5 readers find.
absl::Status CheckPackedItems(const std::string& where,
                              const std::string& bytes,
                              const std::vector<H5Item>& items);

}  // namespace sft::record

#endif  // HARNESS_RECORD_SEALED_FILE_H_
