// Byte-pair encoding (arXiv 1508.07909): the adjacent pair with the lowest
// merge rank, leftmost first, is joined until none is left. A heap over a
// linked list makes it O(n log n) for a word of n characters.
#ifndef HARNESS_TEXT_BPE_H_
#define HARNESS_TEXT_BPE_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "harness/text/subword_model.h"
#include "harness/text/word_cache.h"

namespace sft::text {

struct BpeOptions {
  std::optional<std::string> unk_token;
  std::string continuing_subword_prefix;
  std::string end_of_word_suffix;
  bool fuse_unk = false;
  bool byte_fallback = false;  // unknown characters become <0xNN> tokens
  bool ignore_merges = false;  // a word that is a token is that token
};

class BpeModel : public SubwordModel {
 public:
  using Merge = std::pair<std::string, std::string>;

  // Every merge's two parts and their join must be tokens of `vocabulary`.
  static absl::StatusOr<std::unique_ptr<BpeModel>> Make(
      Vocabulary vocabulary, const std::vector<Merge>& merges,
      BpeOptions options, const std::string& file);
  // The "model" object of a tokenizer.json with "type": "BPE".
  static absl::StatusOr<std::unique_ptr<BpeModel>> Parse(
      const nlohmann::json& config, const std::string& file);

  void Encode(std::string_view word, std::vector<Subword>* out) const override;
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  void AddToDigest(Sha256* digest) const override;

 private:
  struct MergeResult {
    uint32_t rank;
    int32_t id;
  };
  BpeModel(Vocabulary vocabulary, BpeOptions options)
      : vocabulary_(std::move(vocabulary)), options_(std::move(options)) {}
  const MergeResult* FindMerge(int32_t left, int32_t right) const;
  void Initials(std::string_view word, std::vector<Subword>* out) const;
  // Merges the tokens of `out` from index `begin` on.
  void MergeAll(size_t begin, std::vector<Subword>* out) const;

  Vocabulary vocabulary_;
  BpeOptions options_;
  std::optional<int32_t> unk_id_;
  absl::flat_hash_map<uint64_t, MergeResult> merges_;
  std::vector<int32_t> byte_ids_;  // of <0xNN>, -1 if no token
  mutable WordCache cache_;
};

}  // namespace sft::text

#endif  // HARNESS_TEXT_BPE_H_
