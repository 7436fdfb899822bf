// SentencePiece's precompiled map from characters, or a few of them, to what
// they are normalized to (nmt_nfkc and its kin). Layout: uint32 size of a trie,
// the trie (darts-clone's double array of uint32), texts that end in NUL. All
// little-endian; an offset that leads out of it is no match.
#ifndef HARNESS_TEXT_PRECOMPILED_CHARSMAP_H_
#define HARNESS_TEXT_PRECOMPILED_CHARSMAP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace sft::text {

class PrecompiledCharsmap {
 public:
  struct Match {
    size_t size_bytes = 0;    // of the text that is replaced
    std::string_view normal;  // what stands for it; lives as long as the map
  };

  PrecompiledCharsmap() = default;
  // An empty blob is the map without entries.
  static absl::StatusOr<PrecompiledCharsmap> Parse(std::string_view blob,
                                                   const std::string& file);

  bool empty() const { return units_.empty(); }
  // Whether an entry begins with `text`.
  bool HasBegin(std::string_view text) const;
  // The entries that begin `text`: the longest one, and the shortest.
  std::optional<Match> Longest(std::string_view text) const;
  std::optional<Match> Shortest(std::string_view text) const;

 private:
  std::optional<Match> Find(std::string_view text, bool shortest) const;

  std::vector<uint32_t> units_;
  std::string normals_;
};

}  // namespace sft::text

#endif  // HARNESS_TEXT_PRECOMPILED_CHARSMAP_H_
