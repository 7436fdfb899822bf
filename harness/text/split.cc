// See split.h.
#include "harness/text/split.h"

#include <algorithm>
#include <utility>

#include "harness/core/utf8.h"

namespace sft::text {
namespace {

struct Part {
  ByteRange range;
  bool is_match;
};

// The whole of [0, size) as matches and what lies between them.
std::vector<Part> ToParts(const std::vector<ByteRange>& matches, size_t size,
                          bool invert) {
  std::vector<Part> parts;
  parts.reserve(2 * matches.size() + 1);
  size_t previous = 0;
  for (const ByteRange& match : matches) {
    if (previous != match.begin) {
      parts.push_back({{previous, match.begin}, invert});
    }
    parts.push_back({match, !invert});
    previous = match.end;
  }
  if (previous != size) parts.push_back({{previous, size}, invert});
  return parts;
}

std::vector<Part> MergeContiguous(const std::vector<Part>& parts) {
  std::vector<Part> out;
  for (const Part& part : parts) {
    if (!out.empty() && out.back().is_match == part.is_match) {
      out.back().range.end = part.range.end;
    } else {
      out.push_back(part);
    }
  }
  return out;
}

std::vector<Part> MergeWithPrevious(const std::vector<Part>& parts) {
  std::vector<Part> out;
  bool previous_match = false;
  for (const Part& part : parts) {
    if (part.is_match && !previous_match && !out.empty()) {
      out.back().range.end = part.range.end;
    } else {
      out.push_back(part);
    }
    previous_match = part.is_match;
  }
  return out;
}

std::vector<Part> MergeWithNext(const std::vector<Part>& parts) {
  std::vector<Part> out;
  bool previous_match = false;
  for (auto it = parts.rbegin(); it != parts.rend(); ++it) {
    if (it->is_match && !previous_match && !out.empty()) {
      out.back().range.begin = it->range.begin;
    } else {
      out.push_back(*it);
    }
    previous_match = it->is_match;
  }
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace

FindMatches EachChar(bool (*matches)(char32_t)) {
  return [matches](std::string_view text) {
    std::vector<ByteRange> found;
    for (size_t i = 0; i < text.size();) {
      const Utf8Char c = DecodeUtf8At(text, i);
      if (matches(c.code_point)) found.push_back({i, i + c.size_bytes});
      i += c.size_bytes;
    }
    return found;
  };
}

void SplitPieces(const FindMatches& find, SplitBehavior behavior, bool invert,
                 PreTokenizedText* text) {
  std::vector<ByteRange> pieces;
  pieces.reserve(text->pieces.size());
  for (const ByteRange& piece : text->pieces) {
    const std::string_view s = text->Piece(piece);
    const std::vector<ByteRange> matches = find(s);
    if (matches.empty() && !invert) {
      pieces.push_back(piece);
      continue;
    }
    std::vector<Part> parts = ToParts(matches, s.size(), invert);
    switch (behavior) {
      case SplitBehavior::kRemoved:
      case SplitBehavior::kIsolated:
        break;
      case SplitBehavior::kContiguous:
        parts = MergeContiguous(parts);
        break;
      case SplitBehavior::kMergedWithPrevious:
        parts = MergeWithPrevious(parts);
        break;
      case SplitBehavior::kMergedWithNext:
        parts = MergeWithNext(parts);
        break;
    }
    for (const Part& part : parts) {
      if (part.range.empty()) continue;
      if (behavior == SplitBehavior::kRemoved && part.is_match) continue;
      pieces.push_back(
          {piece.begin + part.range.begin, piece.begin + part.range.end});
    }
  }
  text->pieces = std::move(pieces);
}

}  // namespace sft::text
