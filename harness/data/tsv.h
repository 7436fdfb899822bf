// Tab-separated values without quoting, as GLUE has them.
#ifndef HARNESS_DATA_TSV_H_
#define HARNESS_DATA_TSV_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "harness/data/csv.h"

namespace sft::data {

struct TsvOptions {
  bool header = false;
  int64_t columns = 2;
};

// As ReadCsv: ragged records and such that are no UTF-8 are refused with
// file:line; a file without a good record is an error. Empty lines are skipped.
absl::StatusOr<TextTable> ReadTsv(const std::string& path,
                                  const TsvOptions& options);

}  // namespace sft::data

#endif  // HARNESS_DATA_TSV_H_
