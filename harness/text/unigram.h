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
#include "harness/text/subword_model.h"

namespace sft::text {

class UnigramModel : public SubwordModel {
 public:
  // The "model" object of a tokenizer.json with "type": "Unigram". Pieces must
  // be distinct, and there must be an unk_id.
  static absl::StatusOr<std::unique_ptr<UnigramModel>> Parse(
      const nlohmann::json& config, const std::string& file);

  // Neighbouring characters that no piece covers are one unknown token, or
  // with byte_fallback one token a byte, each of which covers all of them.
  void Encode(std::string_view word, std::vector<Subword>* out) const override;
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  void AddToDigest(Sha256* digest) const override;

 private:
  explicit UnigramModel(Vocabulary vocabulary)
      : vocabulary_(std::move(vocabulary)) {}
  // Calls `visit` with the id and the size of each piece that begins `text`,
  // shortest first.
  template <class Visit>
  void ForEachPrefix(std::string_view text, Visit visit) const;
  void AddPiece(std::string_view word, size_t begin, size_t end,
                std::vector<Subword>* out) const;

  Vocabulary vocabulary_;
  std::vector<double> scores_;   // by id
  std::vector<int32_t> sorted_;  // ids in the order of their pieces' bytes
  int32_t unk_id_ = 0;
  double unk_score_ = 0;
  std::vector<int32_t> byte_ids_;  // of <0xNN>; empty without byte_fallback
};

}  // namespace sft::text

#endif  // HARNESS_TEXT_UNIGRAM_H_
