// How Parquet's pages hold levels and values.
// https://github.com/apache/parquet-format/blob/master/Encodings.md
#ifndef HARNESS_DATA_PARQUET_ENCODINGS_H_
#define HARNESS_DATA_PARQUET_ENCODINGS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/data/parquet/schema.h"

namespace sft::data::parquet {

// A value as it is stored: a number's bits, or bytes. Bytes are of the page, or
// of Cells::made.
struct Cell {
  int64_t number = 0;  // whole numbers; a double's bits
  std::string_view bytes;
};

// Bit-packed and run-length coded numbers below 2^width, `count` of them, from
// the beginning of `bytes`, which are then those behind them.
absl::Status TakeHybrid(std::string_view& bytes, int width, int64_t count,
                        std::vector<uint32_t>& out);

// `count` values of a leaf's physical type in that encoding (dictionary indices
// excepted), from all of `bytes`. What must be put together stands in `made`,
// which must live as long as the cells.
absl::Status DecodeValues(std::string_view bytes, int64_t encoding,
                          const Node& leaf, int64_t count,
                          std::vector<Cell>& out,
                          std::vector<std::string>& made);

}  // namespace sft::data::parquet

#endif  // HARNESS_DATA_PARQUET_ENCODINGS_H_
