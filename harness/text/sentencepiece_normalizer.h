// How SentencePiece writes a text before it is cut (src/normalizer.cc): each
// character by its charsmap, spaces collapsed, one put in front, written
// U+2581. User-defined symbols are kept as they are.
#ifndef HARNESS_TEXT_SENTENCEPIECE_NORMALIZER_H_
#define HARNESS_TEXT_SENTENCEPIECE_NORMALIZER_H_

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "harness/formats/sentencepiece.h"
#include "harness/text/byte_trie.h"
#include "harness/text/normalizer.h"
#include "harness/text/precompiled_charsmap.h"
#include "harness/text/subword_model.h"

namespace sft::text {

// Which of the sections between added tokens begin with the dummy prefix.
enum class DummyPrefix { kNone, kFirstSection, kEverySection };

class SentencePieceNormalizer : public Normalizer {
 public:
  // `model` gives everything but the prefix.
  static absl::StatusOr<std::unique_ptr<SentencePieceNormalizer>> Make(
      const formats::SentencePieceModel& model, DummyPrefix prefix,
      const std::string& file);

  void Apply(AlignedText* text) const override;

 private:
  struct Step {
    std::string_view normal;
    size_t size_bytes;  // of the text it stands for
  };
  SentencePieceNormalizer() = default;
  Step StepAt(std::string_view text) const;
  // How many bytes at `at` are plain, and no spaces.
  size_t PlainRun(std::string_view text, size_t at) const;

  PrecompiledCharsmap charsmap_;
  ByteTrie symbols_;
  // Bytes below 0x80 that stand for themselves where such a byte follows.
  std::array<bool, 256> plain_ = {};
  DummyPrefix prefix_ = DummyPrefix::kNone;
  bool collapses_spaces_ = false;
  bool escapes_spaces_ = false;
  bool as_suffix_ = false;
};

}  // namespace sft::text

#endif  // HARNESS_TEXT_SENTENCEPIECE_NORMALIZER_H_
