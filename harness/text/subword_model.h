// A subword model turns one pre-tokenized word into ids.
#ifndef HARNESS_TEXT_SUBWORD_MODEL_H_
#define HARNESS_TEXT_SUBWORD_MODEL_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "harness/core/digest.h"
#include "harness/text/vocabulary.h"

namespace sft::text {

// SentencePiece's mark of a space.
inline constexpr std::string_view kSpaceSymbol = "\u2581";

// One token and the bytes of the word it covers.
struct Subword {
  int32_t id;
  uint32_t begin;
  uint32_t end;
};

class SubwordModel {
 public:
  virtual ~SubwordModel() = default;
  // Appends the tokens of `word` (valid UTF-8, not empty). Thread-safe.
  virtual void Encode(std::string_view word,
                      std::vector<Subword>* out) const = 0;
  virtual const Vocabulary& vocabulary() const = 0;
  virtual void AddToDigest(Sha256* digest) const = 0;
};

}  // namespace sft::text

#endif  // HARNESS_TEXT_SUBWORD_MODEL_H_
