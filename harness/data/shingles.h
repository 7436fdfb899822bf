// A text as a set of hashed word shingles, and the MinHash signature of it.
#ifndef HARNESS_DATA_SHINGLES_H_
#define HARNESS_DATA_SHINGLES_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sft::data {

// Words are runs of letters and digits in lower case; scripts written without
// spaces have a word a character.
std::vector<uint64_t> WordHashes(std::string_view text);
// Of `words` in a row, sorted, each once; a shorter text is one shingle.
std::vector<uint64_t> Shingles(const std::vector<uint64_t>& hashes,
                               int64_t words);
// Jaccard similarity of two sorted sets, 0 where one is empty.
double Jaccard(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b);

// The shingles of a row's columns: each by itself, and all, those of different
// columns being different. A column without a word is its text, one shingle,
// where another column has words.
struct RowShingles {
  std::vector<std::vector<uint64_t>> columns;
  std::vector<uint64_t> all;  // sorted; empty if no column has a word
};
RowShingles ShinglesOf(const std::vector<std::string>& columns, int64_t words);
// The least similar column's Jaccard similarity: rows are alike if each of
// their columns is. Empty columns are equal.
double Similarity(const RowShingles& a, const RowShingles& b);

inline constexpr int kHashes = 64;
using Signature = std::array<uint32_t, kHashes>;
// Equal places of two signatures / kHashes estimates the similarity.
Signature MinHash(const std::vector<uint64_t>& shingles);

// Of a text without runs of white space; equal texts have equal hashes.
uint64_t TextHash(std::string_view text);

}  // namespace sft::data

#endif  // HARNESS_DATA_SHINGLES_H_
