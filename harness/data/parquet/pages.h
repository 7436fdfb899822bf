// The values of one column of a row group, out of its pages.
#ifndef HARNESS_DATA_PARQUET_PAGES_H_
#define HARNESS_DATA_PARQUET_PAGES_H_

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/data/parquet/encodings.h"
#include "harness/data/parquet/schema.h"

namespace sft::data::parquet {

struct Cells {
  // A copy's values would point into the other one's pages.
  Cells() = default;
  Cells(Cells&&) = default;
  Cells& operator=(Cells&&) = default;

  // Of each entry; empty where the leaf has none above 0.
  std::vector<uint32_t> definitions, repetitions;
  std::vector<Cell> values;  // of the entries that have one, in order
  int64_t entries = 0;
  // What the values point into, beside the file.
  std::deque<std::string> pages;
  std::deque<std::vector<std::string>> made;
};

// `file` must outlive the cells. Pages unpack to kMaxUnpacking times their size
// and 1 MiB at most.
absl::StatusOr<Cells> ReadChunk(std::string_view file, const Chunk& chunk,
                                const Node& leaf);

}  // namespace sft::data::parquet

#endif  // HARNESS_DATA_PARQUET_PAGES_H_
