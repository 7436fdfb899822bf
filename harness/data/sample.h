// Which rows a limit leaves, and which rows stand in two splits.
#ifndef HARNESS_DATA_SAMPLE_H_
#define HARNESS_DATA_SAMPLE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/data/dataset.h"

namespace sft::data {

// Hex SHA-256 over everything that the rows hold, in their order.
std::string DigestOfRows(const std::vector<Row>& rows);

// Key of a shuffle: of the rows' digest, of what the sample is for ("train",
// "mixture", ...) and of a seed.
uint64_t SampleKey(std::string_view rows_digest, std::string_view use,
                   int64_t seed);

// Indices of `count` rows (all if there are not more), ascending: a shuffle's
// first ones, of each stratum in its proportion (largest remainders; equal ones
// in an order of the key's). `strata[i]`: the label of row i, or -1.
std::vector<size_t> SampleIndices(const std::vector<int64_t>& strata,
                                  size_t count, uint64_t key);

// What tells rows apart: the prompt with its choices, and the answer.
struct RowIdentity {
  uint64_t prompt = 0, answer = 0;
};
RowIdentity IdentityOf(const Row& row);

}  // namespace sft::data

#endif  // HARNESS_DATA_SAMPLE_H_
