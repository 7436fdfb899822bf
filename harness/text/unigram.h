// The Unigram model of SentencePiece (arXiv 1804.10959): of all ways to cut a
// word into pieces the one with the largest sum of scores, found by a Viterbi
// search. Semantics: `tokenizers` 0.23, models/unigram/model.rs.
#ifndef HARNESS_TEXT_UNIGRAM_H_
#define HARNESS_TEXT_UNIGRAM_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/text/byte_trie.h"
#include "harness/text/subword_model.h"
#include "harness/text/word_cache.h"

namespace sft::text {

struct UnigramOptions {
  int32_t unk_id = 0;
  bool byte_fallback = false;  // characters unknown become <0xNN> tokens
  // As SentencePiece computes: sums in single precision, and an unknown piece
  // is one, whatever token has its text.
  bool as_sentencepiece = false;
};

class UnigramModel : public SubwordModel {
 public:
  // The "model" object of a tokenizer.json with "type": "Unigram". Pieces must
  // be distinct, and there must be an unk_id.
  static absl::StatusOr<std::unique_ptr<UnigramModel>> Parse(
      const nlohmann::json& config, const std::string& file);
  // A score for each token; `found`, if not empty: which of them a text can
  // hold. `unk_score` is an unknown character's.
  static std::unique_ptr<UnigramModel> Make(Vocabulary vocabulary,
                                            std::vector<double> scores,
                                            double unk_score,
                                            const std::vector<bool>& found,
                                            UnigramOptions options);

  // Neighbouring characters that no piece covers are one unknown token, or
  // with byte_fallback one token a byte, each of which covers all of them.
  void Encode(std::string_view word, std::vector<Subword>* out) const override;
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  void AddToDigest(Sha256* digest) const override;

 private:
  UnigramModel(Vocabulary vocabulary, UnigramOptions options)
      : vocabulary_(std::move(vocabulary)), options_(options) {}
  void Cut(std::string_view word, std::vector<Subword>* out) const;
  // Tokens of characters that no piece covers.
  void AddUnknown(std::string_view word, size_t begin, size_t end,
                  std::vector<Subword>* out) const;

  Vocabulary vocabulary_;
  UnigramOptions options_;
  std::vector<double> scores_;  // by id
  ByteTrie trie_;
  double unk_score_ = 0;
  std::vector<int32_t> byte_ids_;  // of <0xNN>; empty without byte_fallback
  mutable WordCache cache_;
};

}  // namespace sft::text

#endif  // HARNESS_TEXT_UNIGRAM_H_
