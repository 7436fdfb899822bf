// Items into an open HDF5 file and out of it; for h5*.cc and merged_file.cc
// only, within an H5Session.
#ifndef HARNESS_RECORD_H5_TREE_H_
#define HARNESS_RECORD_H5_TREE_H_

#include <hdf5.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/record/h5.h"
#include "harness/record/h5_handle.h"

namespace sft::record {

// `items` in path order, into a file that has none of them.
absl::Status WriteH5Items(hid_t file, const std::vector<H5Item>& items,
                          const std::vector<H5Note>& notes = {});

enum class H5Depth {
  kAll,
  kRoot,  // what hangs on the root itself: its attributes and data sets
};
// In path order. `image_bytes`: the size of the file, which bounds what its
// values may claim.
absl::StatusOr<std::vector<H5Item>> ReadH5Items(const std::string& where,
                                                hid_t file, size_t image_bytes,
                                                H5Depth depth);

// How files are made: in the compact format of HDF5 1.8, without times.
// `user_block_bytes` are left free at the beginning.
H5Handle MakeH5CreationList(hsize_t user_block_bytes);
void SetH5Format(hid_t access_list);

// Opens an image in memory; it is copied. Not ok where it is no HDF5 file.
void OpenH5Image(const std::string& image, std::optional<H5Handle>& file);

}  // namespace sft::record

#endif  // HARNESS_RECORD_H5_TREE_H_
