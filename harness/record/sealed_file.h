// An HDF5 image behind a user block of 512 bytes that names its size and its
// SHA-256. HDF5 readers skip such a block; we check it before the HDF5 library
// sees a byte, since that library crashes on damaged files. The sum is there
// against damage, not against someone who mends it too.
#ifndef HARNESS_RECORD_SEALED_FILE_H_
#define HARNESS_RECORD_SEALED_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/record/h5.h"

namespace sft::record {

// The bytes of the file.
absl::StatusOr<std::string> SealItems(std::vector<H5Item> items);
// Errors tell a truncated file from an altered one from a foreign one.
absl::StatusOr<std::vector<H5Item>> ReadSealedItems(const std::string& path);

}  // namespace sft::record

#endif  // HARNESS_RECORD_SEALED_FILE_H_
