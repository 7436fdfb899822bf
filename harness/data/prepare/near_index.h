// Finds rows that are nearly the same: MinHash signatures, bands of them as
// hash keys (LSH), and the true Jaccard similarity of every candidate.
#ifndef HARNESS_DATA_PREPARE_NEAR_INDEX_H_
#define HARNESS_DATA_PREPARE_NEAR_INDEX_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "harness/data/prepare/rows.h"
#include "harness/data/shingles.h"

namespace sft::data {

class NearIndex {
 public:
  NearIndex(const RowSource& rows, double similarity, int64_t shingle_words);
  // `row` is an index of `rows`; its text has `signature`.
  void Insert(uint32_t row, const Signature& signature);
  // Every inserted row at least as similar to `shingles`, ascending. A pair
  // exactly at the threshold is missed once in a thousand times.
  absl::StatusOr<std::vector<uint32_t>> Find(const Signature& signature,
                                             const RowShingles& shingles);
  // Queries that met more candidates than are compared.
  int64_t cut_queries() const { return cut_queries_; }

 private:
  uint32_t BandKey(const Signature& signature, int band) const;

  const RowSource& rows_;
  double similarity_;
  int64_t shingle_words_;
  int band_hashes_ = 1;
  int bands_ = kHashes;
  int min_equal_ = 0;  // places, below which a candidate is not compared
  // Band key -> the entry inserted last, and from each the one before.
  std::vector<absl::flat_hash_map<uint32_t, uint32_t>> last_;
  std::vector<uint32_t> before_;  // [entry, band]
  std::vector<uint32_t> row_;     // [entry]
  std::vector<Signature> signatures_;
  std::vector<uint32_t> seen_;  // [entry], number of the last query
  uint32_t query_ = 0;
  int64_t cut_queries_ = 0;
};

}  // namespace sft::data

#endif  // HARNESS_DATA_PREPARE_NEAR_INDEX_H_
