// Histograms of row lengths: how many rows have how many tokens. The file is
// CSV with the header `length,count`, a line each length in any order.
#ifndef HARNESS_DATA_LENGTH_HISTOGRAM_H_
#define HARNESS_DATA_LENGTH_HISTOGRAM_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace sft::data {

inline constexpr int64_t kMaxHistogramLength = int64_t{1} << 20;
// So that rows times the longest length stays below 2^60.
inline constexpr int64_t kMaxHistogramRows = int64_t{1} << 40;

// counts[l] rows have l tokens; counts.size() is the longest length + 1. A
// line that is no pair of numbers in their ranges, a length that stands twice
// and a file without a row are errors that name the line.
absl::StatusOr<std::vector<int64_t>> ReadLengthHistogram(
    const std::string& path);

// counts[l] of these lengths.
std::vector<int64_t> CountLengths(const std::vector<int64_t>& lengths);

}  // namespace sft::data

#endif  // HARNESS_DATA_LENGTH_HISTOGRAM_H_
