// HDF5 files as flat lists of named values: the only user of the HDF5 C API.
// Files are made and read as images in memory, so that what is parsed is what
// was checked, and a full disk is an error of write(2). Object times are off.
#ifndef HARNESS_RECORD_H5_H_
#define HARNESS_RECORD_H5_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"

namespace sft::record {

// Rank 2, row-major; values.size() is a multiple of columns, columns > 0.
struct H5Matrix {
  std::vector<double> values;
  int64_t columns = 1;
  // Kept in the file as 8-bit integers, which all of them are.
  bool is_of_bytes = false;
};

using H5Value =
    std::variant<int64_t, double, std::string, std::vector<int64_t>,
                 std::vector<double>, std::vector<std::string>, H5Matrix>;

// A data set, or a scalar attribute of the object `path`,
// which is a group unless another item makes it a data set.
struct H5Item {
  std::string path;       // "/train/loss"
  std::string attribute;  // "" = the data set itself
  H5Value value;

  std::tuple<const std::string&, const std::string&> key() const {
    return {path, attribute};
  }
};

// An attribute that says what stands at a path, for readers of HDF5. It is no
// value: what is decoded does not have it.
struct H5Note {
  std::string path;
  std::string attribute;  // one of these
  std::string text;       // UTF-8 without NUL
};
inline constexpr char kMeaningNote[] = "meaning";     // of data sets
inline constexpr char kConfigNote[] = "config_json";  // of the root
inline constexpr char kAxesNote[] = "axes_json";      // of the root

// Deflated bytes hold at most this many times their own number.
inline constexpr size_t kMostInflation = 1032;

// Into path order.
void SortItems(std::vector<H5Item>& items);
// Strings must be UTF-8 without NUL (CleanUtf8).
absl::StatusOr<std::string> EncodeH5(std::vector<H5Item> items);
// Of items in path order.
absl::StatusOr<std::string> EncodeSortedH5(
    const std::vector<H5Item>& items, const std::vector<H5Note>& notes = {});

// Items in path order. `where` is for messages. Nothing larger than the image
// is allocated for a value; links other than hard ones are refused.
absl::StatusOr<std::vector<H5Item>> DecodeH5(const std::string& where,
                                             const std::string& image);

// Of these the ones that hang on the root itself: its attributes and its data
// sets.
absl::StatusOr<std::vector<H5Item>> DecodeH5Root(const std::string& where,
                                                 const std::string& image);

}  // namespace sft::record

#endif  // HARNESS_RECORD_H5_H_
