// Items as one deflated string of bytes. The HDF5 library takes some 25 us for
// an object or attribute, under one lock, and a small record has 360 of them:
// reading thousands of records goes by this form, beside which the file keeps
// the objects themselves for everybody else (sealed_file.h).
#ifndef HARNESS_RECORD_PACKED_ITEMS_H_
#define HARNESS_RECORD_PACKED_ITEMS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/record/h5.h"

namespace sft::record {

// The items one after another, lengths before texts; equal for equal values
// alone, NaNs included.
std::string FlatBytes(const std::vector<H5Item>& items);
absl::StatusOr<std::vector<H5Item>> ItemsOfFlatBytes(const std::string& where,
                                                     std::string_view flat);

// The same deflated, behind its size.
absl::StatusOr<std::string> PackItems(const std::vector<H5Item>& items);
// Nothing is allocated that `packed` cannot hold, whatever it claims.
absl::StatusOr<std::vector<H5Item>> UnpackItems(const std::string& where,
                                                std::string_view packed);

}  // namespace sft::record

#endif  // HARNESS_RECORD_PACKED_ITEMS_H_
