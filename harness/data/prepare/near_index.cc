#include "harness/data/prepare/near_index.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/core/rng.h"
#include "harness/core/status.h"

namespace sft::data {
namespace {

constexpr uint32_t kNone = ~uint32_t{0};
constexpr int kMaxWalked = 4000;     // entries of one query
constexpr size_t kMaxCompared = 64;  // texts of one query, the likeliest
constexpr double kMaxMiss = 1e-3;

}  // namespace

NearIndex::NearIndex(const RowSource& rows, double similarity,
                     int64_t shingle_words)
    : rows_(rows), similarity_(similarity), shingle_words_(shingle_words) {
  for (const int hashes : {1, 2, 4, 8}) {
    const double miss = std::pow(1 - std::pow(similarity, hashes),
                                 static_cast<double>(kHashes / hashes));
    if (miss <= kMaxMiss) band_hashes_ = hashes;
  }
  bands_ = kHashes / band_hashes_;
  const double deviation = std::sqrt(similarity * (1 - similarity) / kHashes);
  min_equal_ = static_cast<int>(
      std::floor(kHashes * std::max(0.0, similarity - 4 * deviation)));
  last_.resize(bands_);
}

uint32_t NearIndex::BandKey(const Signature& signature, int band) const {
  uint64_t key = 0;
  for (int i = 0; i < band_hashes_; ++i) {
    key = SplitMix64(key ^ signature[band * band_hashes_ + i]);
  }
  return static_cast<uint32_t>(key);
}

void NearIndex::Insert(uint32_t row, const Signature& signature) {
  const uint32_t entry = static_cast<uint32_t>(row_.size());
  row_.push_back(row);
  signatures_.push_back(signature);
  seen_.push_back(0);
  for (int band = 0; band < bands_; ++band) {
    auto [it, fresh] = last_[band].try_emplace(BandKey(signature, band), entry);
    before_.push_back(fresh ? kNone : it->second);
    it->second = entry;
  }
}

absl::StatusOr<std::vector<uint32_t>> NearIndex::Find(
    const Signature& signature, const RowShingles& shingles) {
  std::vector<std::pair<int, uint32_t>> candidates;  // -equal places, row
  ++query_;
  int walked = 0;
  for (int band = 0; band < bands_ && walked < kMaxWalked; ++band) {
    const auto it = last_[band].find(BandKey(signature, band));
    if (it == last_[band].end()) continue;
    for (uint32_t entry = it->second; entry != kNone && walked < kMaxWalked;
         entry = before_[size_t{entry} * bands_ + band]) {
      ++walked;
      if (seen_[entry] == query_) continue;
      seen_[entry] = query_;
      int equal = 0;
      for (int k = 0; k < kHashes; ++k) {
        equal += signatures_[entry][k] == signature[k];
      }
      if (equal >= min_equal_) candidates.emplace_back(-equal, row_[entry]);
    }
  }
  if (walked >= kMaxWalked || candidates.size() > kMaxCompared) ++cut_queries_;
  std::sort(candidates.begin(), candidates.end());
  if (candidates.size() > kMaxCompared) candidates.resize(kMaxCompared);
  std::vector<uint32_t> found;
  for (const auto& [unused, row] : candidates) {
    SFT_ASSIGN_OR_RETURN(const TableRow other, rows_.Get(row));
    if (Similarity(shingles, ShinglesOf(other.text, shingle_words_)) >=
        similarity_) {
      found.push_back(row);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace sft::data
