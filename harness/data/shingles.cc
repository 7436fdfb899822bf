#include "harness/data/shingles.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <algorithm>

#include "harness/core/rng.h"
#include "harness/core/utf8.h"
#include "harness/data/clean_text.h"

namespace sft::data {
namespace {

constexpr uint64_t kFnvOffset = 0xcbf29ce484222325u;
constexpr uint64_t kFnvPrime = 0x100000001b3u;

bool IsWordByItself(UChar32 c) {
  if (c < 0x0e00) return false;
  UErrorCode error = U_ZERO_ERROR;
  switch (uscript_getScript(c, &error)) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::vector<uint64_t> WordHashes(std::string_view text) {
  std::vector<uint64_t> words;
  uint64_t hash = kFnvOffset;
  bool open = false;
  auto close = [&] {
    if (open) words.push_back(SplitMix64(hash));
    hash = kFnvOffset;
    open = false;
  };
  for (size_t i = 0; i < text.size();) {
    const unsigned char byte = static_cast<unsigned char>(text[i]);
    UChar32 c = byte;
    if (byte < 128) {
      ++i;
      if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
      if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) {
        close();
        continue;
      }
    } else {
      const Utf8Char decoded = DecodeUtf8At(text, i);
      i += decoded.size_bytes;
      c = u_tolower(static_cast<UChar32>(decoded.code_point));
      const bool mark = (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0;
      if (!u_isalnum(c) && !mark) {
        close();
        continue;
      }
      if (IsWordByItself(c)) close();
    }
    hash = (hash ^ static_cast<uint64_t>(c)) * kFnvPrime;
    open = true;
    if (IsWordByItself(c)) close();
  }
  close();
  return words;
}

std::vector<uint64_t> Shingles(const std::vector<uint64_t>& hashes,
                               int64_t words) {
  std::vector<uint64_t> shingles;
  if (hashes.empty()) return shingles;
  const size_t width = std::min(hashes.size(), static_cast<size_t>(words));
  shingles.reserve(hashes.size() - width + 1);
  for (size_t i = 0; i + width <= hashes.size(); ++i) {
    uint64_t hash = width;
    for (size_t j = 0; j < width; ++j) hash = SplitMix64(hash ^ hashes[i + j]);
    shingles.push_back(hash);
  }
  std::sort(shingles.begin(), shingles.end());
  shingles.erase(std::unique(shingles.begin(), shingles.end()), shingles.end());
  return shingles;
}

double Jaccard(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b) {
  if (a.empty() || b.empty()) return 0;
  size_t common = 0;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) {
      ++common, ++i, ++j;
    } else if (a[i] < b[j]) {
      ++i;
    } else {
      ++j;
    }
  }
  return static_cast<double>(common) /
         static_cast<double>(a.size() + b.size() - common);
}

RowShingles ShinglesOf(const std::vector<std::string>& columns, int64_t words) {
  RowShingles out;
  bool any = false;
  for (const std::string& text : columns) {
    out.columns.push_back(Shingles(WordHashes(text), words));
    any |= !out.columns.back().empty();
  }
  if (!any) return out;
  for (size_t c = 0; c < columns.size(); ++c) {
    if (out.columns[c].empty()) {
      const std::string text = CollapseSpace(columns[c]);
      if (!text.empty()) out.columns[c] = {TextHash(text)};
    }
    for (const uint64_t shingle : out.columns[c]) {
      out.all.push_back(c == 0 ? shingle : SplitMix64(shingle ^ c));
    }
  }
  std::sort(out.all.begin(), out.all.end());
  return out;
}

double Similarity(const RowShingles& a, const RowShingles& b) {
  double least = 1;
  for (size_t c = 0; c < std::min(a.columns.size(), b.columns.size()); ++c) {
    if (a.columns[c].empty() && b.columns[c].empty()) continue;
    least = std::min(least, Jaccard(a.columns[c], b.columns[c]));
  }
  return least;
}

Signature MinHash(const std::vector<uint64_t>& shingles) {
  struct Multipliers {
    std::array<uint64_t, kHashes> factor, term;
  };
  static const Multipliers& m = *[] {
    auto* made = new Multipliers;
    for (int k = 0; k < kHashes; ++k) {
      made->factor[k] = SplitMix64(2 * k + 1) | 1;
      made->term[k] = SplitMix64(2 * k + 2);
    }
    return made;
  }();
  Signature signature;
  signature.fill(~uint32_t{0});
  for (const uint64_t shingle : shingles) {
    for (int k = 0; k < kHashes; ++k) {
      const uint32_t hash =
          static_cast<uint32_t>((m.factor[k] * shingle + m.term[k]) >> 32);
      signature[k] = std::min(signature[k], hash);
    }
  }
  return signature;
}

uint64_t TextHash(std::string_view text) {
  uint64_t hash = kFnvOffset;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * kFnvPrime;
  }
  return SplitMix64(hash ^ text.size());
}

}  // namespace sft::data
