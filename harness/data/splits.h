// Splits that depend on the rows' texts and on nothing else: rows of the same
// key fall on the same side, on every machine and in every order of reading.
#ifndef HARNESS_DATA_SPLITS_H_
#define HARNESS_DATA_SPLITS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/data/dataset.h"

namespace sft::data {

// The first 64 bits of SHA-256 over "sftbench split 1\n" and the key.
uint64_t SplitHash(std::string_view key);

// A row with the text that decides its side, and where it was read.
struct KeyedRow {
  Row row;
  std::string key;
  std::string where;
};

// Drops the rows whose key and answer stood before, each one reported in
// `refused` as a duplicate of the first.
std::vector<KeyedRow> DropDuplicates(std::vector<KeyedRow> rows,
                                     std::vector<RefusedRow>& refused);

// Groups of one key, in the order of their hash: each goes whole to the test
// set if it still fits there, else to the validation set, else to the train
// set. Within a split, rows stand in hash order, which is a fixed shuffle.
// Error if the two sizes cannot be met exactly, or nothing is left to train.
absl::StatusOr<Splits> SplitByHash(std::vector<KeyedRow> rows,
                                   int64_t validation_rows, int64_t test_rows,
                                   std::string_view name);

// For rows whose groups are large (questions about one article): groups of one
// key, in the order of their hash, go whole to the test set until it holds
// `test_rows` or more, then to the validation set until it holds
// `validation_rows` or more, and the rest to the train set. Rows of a group
// stand in the order given. Error if nothing is left to train.
absl::StatusOr<Splits> SplitGroupsByHash(std::vector<KeyedRow> rows,
                                         int64_t validation_rows,
                                         int64_t test_rows,
                                         std::string_view name);

}  // namespace sft::data

#endif  // HARNESS_DATA_SPLITS_H_
