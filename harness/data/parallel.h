// Two text files of which line i of one translates line i of the other.
#ifndef HARNESS_DATA_PARALLEL_H_
#define HARNESS_DATA_PARALLEL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/data/dataset.h"

namespace sft::data {

struct SentencePair {
  int64_t line = 0;  // from 1
  std::string source, target;
};
struct ParallelTable {
  std::vector<SentencePair> pairs;
  std::vector<RefusedRow> refused;
};

// The pairs of two files, each unpacked if it is gzip or zstd, without white
// space at the lines' ends. A pair of which one line is empty, no UTF-8 or
// above `max_line_bytes` is refused, with the file:line of the fault. Files
// with different numbers of lines, and such without a good pair, are errors.
absl::StatusOr<ParallelTable> ReadParallel(const std::string& source_path,
                                           const std::string& target_path,
                                           int64_t max_line_bytes = int64_t{1}
                                                                    << 20);

}  // namespace sft::data

#endif  // HARNESS_DATA_PARALLEL_H_
