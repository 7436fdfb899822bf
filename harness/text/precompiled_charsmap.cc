#include "harness/text/precompiled_charsmap.h"

#include <cstring>

#include "harness/core/status.h"

namespace sft::text {
namespace {

// A text must not grow without bounds; of Unicode's mappings the longest
// has 33.
constexpr size_t kMaxNormalBytes = 256;

// The fields of one unit, as darts-clone packs them.
uint32_t UnitOffset(uint32_t unit) {
  return (unit >> 10) << ((unit & (uint32_t{1} << 9)) >> 6);
}
bool UnitHasLeaf(uint32_t unit) { return ((unit >> 8) & 1) != 0; }
uint32_t UnitLabel(uint32_t unit) {
  return unit & ((uint32_t{1} << 31) | 0xFF);
}
uint32_t UnitValue(uint32_t unit) { return unit & ((uint32_t{1} << 31) - 1); }

}  // namespace

absl::StatusOr<PrecompiledCharsmap> PrecompiledCharsmap::Parse(
    std::string_view blob, const std::string& file) {
  PrecompiledCharsmap map;
  if (blob.empty()) return map;
  const auto bad = [&](std::string_view what) {
    return InputError(file,
                      absl::StrCat("precompiled_charsmap ", ToAbsl(what)));
  };
  uint32_t trie_bytes = 0;
  if (blob.size() < sizeof(trie_bytes)) return bad("ends inside its size");
  std::memcpy(&trie_bytes, blob.data(), sizeof(trie_bytes));
  blob.remove_prefix(sizeof(trie_bytes));
  if (trie_bytes == 0 || trie_bytes % sizeof(uint32_t) != 0 ||
      trie_bytes >= blob.size()) {
    return bad(
        absl::StrCat("has a trie of ", trie_bytes, " bytes in ", blob.size()));
  }
  if (blob.back() != '\0') return bad("does not end in NUL");
  for (size_t at = trie_bytes; at < blob.size();) {
    const size_t end = blob.find('\0', at);
    if (end - at > kMaxNormalBytes) {
      return bad(absl::StrCat("maps to a text of ", end - at, " bytes, above ",
                              kMaxNormalBytes));
    }
    at = end + 1;
  }
  map.units_.resize(trie_bytes / sizeof(uint32_t));
  std::memcpy(map.units_.data(), blob.data(), trie_bytes);
  map.normals_ = std::string(blob.substr(trie_bytes));
  return map;
}

std::optional<PrecompiledCharsmap::Match> PrecompiledCharsmap::Find(
    std::string_view text, bool shortest) const {
  if (units_.empty()) return std::nullopt;
  std::optional<Match> found;
  size_t node = UnitOffset(units_[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    node ^= byte;
    if (node >= units_.size() || UnitLabel(units_[node]) != byte) break;
    const uint32_t unit = units_[node];
    node ^= UnitOffset(unit);
    if (!UnitHasLeaf(unit)) continue;
    if (node >= units_.size()) break;
    const uint32_t at = UnitValue(units_[node]);
    if (at >= normals_.size()) break;
    found = Match{i + 1, std::string_view(normals_.c_str() + at)};
    if (shortest) break;
  }
  return found;
}

bool PrecompiledCharsmap::HasBegin(std::string_view text) const {
  if (units_.empty()) return false;
  size_t node = UnitOffset(units_[0]);
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    node ^= byte;
    if (node >= units_.size() || UnitLabel(units_[node]) != byte) return false;
    node ^= UnitOffset(units_[node]);
  }
  return true;
}

std::optional<PrecompiledCharsmap::Match> PrecompiledCharsmap::Longest(
    std::string_view text) const {
  return Find(text, /*shortest=*/false);
}

std::optional<PrecompiledCharsmap::Match> PrecompiledCharsmap::Shortest(
    std::string_view text) const {
  return Find(text, /*shortest=*/true);
}

}  // namespace sft::text
