// Text that remembers, for every byte, which bytes of the original it came
// from; the rules of how edits move alignments are those of
// `tokenizers::NormalizedString`, so that offsets mean the same.
#ifndef HARNESS_TEXT_ALIGNED_TEXT_H_
#define HARNESS_TEXT_ALIGNED_TEXT_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sft::text {

// Half open, in bytes.
struct ByteRange {
  size_t begin = 0;
  size_t end = 0;
  bool empty() const { return begin == end; }
  bool operator==(const ByteRange&) const = default;
};

// One character of an edit's result. change 0: it stands for the next old
// character; +1: inserted after it; -n: it also swallows n more old ones.
struct CharChange {
  char32_t code_point;
  int change;
};

class AlignedText {
 public:
  AlignedText() = default;
  // Valid UTF-8 made of `original`. Without `track`, no alignments are kept
  // and OriginalRange may not be called.
  AlignedText(std::string_view original, bool track);

  const std::string& text() const { return text_; }
  bool tracked() const { return tracked_; }
  // Whether nothing of the original stands before this text.
  bool starts_original() const { return starts_original_; }
  AlignedText Slice(ByteRange range) const;
  ByteRange OriginalRange(ByteRange range) const;

  // Replaces the whole text; the first `initial_removed` characters vanish.
  void Transform(const std::vector<CharChange>& changes, int initial_removed);
  void Filter(const std::function<bool(char32_t)>& keep);
  // No effect on an empty text, as in the original.
  void Prepend(std::string_view prefix);
  // Every range of `matches` (ascending, disjoint) becomes `content`.
  void Replace(const std::vector<ByteRange>& matches, std::string_view content);

  // Replaces the whole text by one whose byte i begins where byte from[i] of
  // the old one does, and ends where the next larger `from` begins: from.back()
  // is one more, the end. Ascending; not read without alignments.
  void Rewrite(std::string text, const std::vector<size_t>& from);

  // For building a text out of pieces of another one.
  AlignedText EmptyLikeThis() const;
  void AppendRange(const AlignedText& from, ByteRange range);
  // `bytes` take the alignment of byte `at` of `from`.
  void AppendAs(const AlignedText& from, size_t at, std::string_view bytes);

 private:
  std::string text_;
  std::vector<ByteRange> alignments_;  // one a byte if tracked_
  bool tracked_ = false;
  bool starts_original_ = true;
  size_t origin_ = 0;  // where in the original this text begins
};

}  // namespace sft::text

#endif  // HARNESS_TEXT_ALIGNED_TEXT_H_
