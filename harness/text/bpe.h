// Byte-pair encoding (arXiv 1508.07909): the adjacent pair with the lowest
// merge rank, leftmost first, is joined until none is left. A heap over a
// linked list makes it O(n log n) for a word of n characters. Where no merge
// joins what stands around a U+2581, the word is cut there: the same tokens.
#ifndef HARNESS_TEXT_BPE_H_
#define HARNESS_TEXT_BPE_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "harness/formats/sentencepiece.h"
#include "harness/text/byte_trie.h"
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
  // SentencePiece's form: two neighbours are joined if that makes a piece, the
  // one of the highest score first. `model` has been checked.
  static absl::StatusOr<std::unique_ptr<BpeModel>> MakeByScores(
      const formats::SentencePieceModel& model, const std::string& file);
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
  static uint64_t PairKey(int32_t left, int32_t right) {
    return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) |
           static_cast<uint32_t>(right);
  }
  const MergeResult* FindMerge(int32_t left, int32_t right) const;
  // Once all merges are noted. `knows_space`: U+2581 is a token.
  void LearnCuts(bool knows_space);
  void NoteCrossing(std::string_view left, std::string_view right);
  // Whether no merge crosses `at`, where a U+2581 begins.
  bool CutsAt(std::string_view word, size_t at) const;
  // What lies between the symbols that are never merged.
  void EncodePlain(std::string_view word, size_t begin, size_t end,
                   std::vector<Subword>* out) const;
  void EncodeChunk(std::string_view word, size_t begin, size_t end,
                   std::vector<Subword>* out) const;
  void Initials(std::string_view word, std::vector<Subword>* out) const;
  void InitialsByScores(std::string_view word, std::vector<Subword>* out) const;
  // Characters that are still no tokens become bytes or the unknown one.
  void ResolveUnknown(std::string_view word, size_t begin,
                      std::vector<Subword>* out) const;
  // Merges the tokens of `out` from index `begin` on.
  void MergeAll(size_t begin, std::vector<Subword>* out) const;

  Vocabulary vocabulary_;
  BpeOptions options_;
  std::optional<int32_t> unk_id_;
  absl::flat_hash_map<uint64_t, MergeResult> merges_;
  std::vector<int32_t> byte_ids_;  // of <0xNN>, -1 if no token
  bool cuts_ = false;
  // Characters before a U+2581 in what some merge joins.
  absl::flat_hash_set<char32_t> before_space_;

  // Of MakeByScores alone. Characters have symbols: their ids, or numbers from
  // the vocabulary's size on where they are no tokens but begin some.
  bool by_scores_ = false;
  absl::flat_hash_map<char32_t, int32_t> symbols_;
  ByteTrie whole_;  // user-defined pieces: never cut, never merged
  mutable WordCache cache_;
};

}  // namespace sft::text

#endif  // HARNESS_TEXT_BPE_H_
