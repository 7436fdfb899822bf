// WordPiece (as in BERT, arXiv 1810.04805): the longest token that begins the
// rest of the word, again and again; a word with no such split is unknown.
#ifndef HARNESS_TEXT_WORDPIECE_H_
#define HARNESS_TEXT_WORDPIECE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/text/subword_model.h"

namespace sft::text {

class WordPieceModel : public SubwordModel {
 public:
  // The "model" object of a tokenizer.json with "type": "WordPiece".
  static absl::StatusOr<std::unique_ptr<WordPieceModel>> Parse(
      const nlohmann::json& config, const std::string& file);

  void Encode(std::string_view word, std::vector<Subword>* out) const override;
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  void AddToDigest(Sha256* digest) const override;

 private:
  explicit WordPieceModel(Vocabulary vocabulary)
      : vocabulary_(std::move(vocabulary)) {}

  Vocabulary vocabulary_;
  std::string prefix_;
  int32_t unk_id_ = 0;
  int64_t max_chars_per_word_ = 0;
  size_t max_token_bytes_ = 0;
};

}  // namespace sft::text

#endif  // HARNESS_TEXT_WORDPIECE_H_
