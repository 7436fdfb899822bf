// What a record says of itself to readers of HDF5: the meaning of each data
// set, config and axes as JSON. It follows from the values and the schema, so
// it is no value: no digest covers it, and it is not read back.
#ifndef HARNESS_RECORD_DESCRIBE_H_
#define HARNESS_RECORD_DESCRIBE_H_

#include <vector>

#include "harness/record/h5.h"

namespace sft::record {

std::vector<H5Note> NotesOn(const std::vector<H5Item>& items);

}  // namespace sft::record

#endif  // HARNESS_RECORD_DESCRIBE_H_
