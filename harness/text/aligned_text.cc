// See aligned_text.h.
#include "harness/text/aligned_text.h"

#include <algorithm>

#include "harness/core/utf8.h"

namespace sft::text {

AlignedText::AlignedText(std::string_view original, bool track)
    : tracked_(track) {
  if (!track) {
    text_ = SanitizeUtf8(original);
    return;
  }
  text_.reserve(original.size());
  alignments_.reserve(original.size());
  for (size_t i = 0; i < original.size();) {
    const Utf8Char c = DecodeUtf8At(original, i);
    AppendUtf8(c.code_point, &text_);
    alignments_.resize(text_.size(), ByteRange{i, i + c.size_bytes});
    i += c.size_bytes;
  }
}

AlignedText AlignedText::EmptyLikeThis() const {
  AlignedText out;
  out.tracked_ = tracked_;
  out.starts_original_ = starts_original_;
  out.origin_ = origin_;
  return out;
}

AlignedText AlignedText::Slice(ByteRange range) const {
  AlignedText out = EmptyLikeThis();
  out.AppendRange(*this, range);
  out.starts_original_ = starts_original_ && range.begin == 0;
  if (tracked_ && range.begin < alignments_.size()) {
    out.origin_ = alignments_[range.begin].begin;
  }
  return out;
}

ByteRange AlignedText::OriginalRange(ByteRange range) const {
  if (range.empty()) return {origin_, origin_};
  return {alignments_[range.begin].begin, alignments_[range.end - 1].end};
}

void AlignedText::AppendRange(const AlignedText& from, ByteRange range) {
  text_.append(from.text_, range.begin, range.end - range.begin);
  if (!tracked_) return;
  const auto begin = from.alignments_.begin();
  alignments_.insert(alignments_.end(),
                     begin + static_cast<ptrdiff_t>(range.begin),
                     begin + static_cast<ptrdiff_t>(range.end));
}

void AlignedText::AppendAs(const AlignedText& from, size_t at,
                           std::string_view bytes) {
  text_.append(bytes);
  if (tracked_) alignments_.resize(text_.size(), from.alignments_[at]);
}

void AlignedText::Transform(const std::vector<CharChange>& changes,
                            int initial_removed) {
  AlignedText out = EmptyLikeThis();
  out.text_.reserve(text_.size());
  size_t offset = 0;
  const auto skip = [&](int count) {
    for (int i = 0; i < count && offset < text_.size(); ++i) {
      offset += DecodeUtf8At(text_, offset).size_bytes;
    }
  };
  skip(initial_removed);
  for (const CharChange& c : changes) {
    AppendUtf8(c.code_point, &out.text_);
    if (tracked_) {
      // An inserted character shares the alignment of what stands before it.
      const size_t at = c.change > 0 ? offset - 1 : offset;
      const bool known = c.change > 0 ? offset > 0 : at < alignments_.size();
      out.alignments_.resize(
          out.text_.size(),
          known ? alignments_[at] : ByteRange{origin_, origin_});
    }
    if (c.change <= 0) skip(1 - c.change);
  }
  *this = std::move(out);
}

void AlignedText::Filter(const std::function<bool(char32_t)>& keep) {
  AlignedText out = EmptyLikeThis();
  for (size_t i = 0; i < text_.size();) {
    const Utf8Char c = DecodeUtf8At(text_, i);
    if (keep(c.code_point)) out.AppendRange(*this, {i, i + c.size_bytes});
    i += c.size_bytes;
  }
  *this = std::move(out);
}

void AlignedText::Prepend(std::string_view prefix) {
  if (text_.empty()) return;
  AlignedText out = EmptyLikeThis();
  out.AppendAs(*this, 0, prefix);
  out.AppendRange(*this, {0, text_.size()});
  *this = std::move(out);
}

void AlignedText::Replace(const std::vector<ByteRange>& matches,
                          std::string_view content) {
  if (matches.empty()) return;
  AlignedText out = EmptyLikeThis();
  size_t last_end = 0;
  for (const ByteRange& match : matches) {
    out.AppendRange(*this, {last_end, match.begin});
    if (match.end > 0) {
      out.AppendAs(*this, match.end - 1, content);
    } else {
      out.text_.append(content);
      if (tracked_) {
        out.alignments_.resize(out.text_.size(), {origin_, origin_});
      }
    }
    last_end = match.end;
  }
  out.AppendRange(*this, {last_end, text_.size()});
  *this = std::move(out);
}

void AlignedText::Rewrite(std::string text, const std::vector<size_t>& from) {
  text_ = std::move(text);
  if (!tracked_) return;
  std::vector<ByteRange> alignments(text_.size());
  size_t end = from.back();  // of what the byte stands for, in the old text
  for (size_t i = text_.size(); i-- > 0;) {
    if (from[i + 1] > from[i]) end = from[i + 1];
    const size_t begin = from[i];
    if (begin < end) {
      alignments[i] = {alignments_[begin].begin, alignments_[end - 1].end};
    } else {  // what is written behind all of it
      const size_t at = begin > 0 ? alignments_[begin - 1].end : origin_;
      alignments[i] = {at, at};
    }
  }
  alignments_ = std::move(alignments);
}

}  // namespace sft::text
