// Added tokens: strings such as "<|im_end|>" that are cut out of the text
// before anything else and become one id each. Semantics: `tokenizers` 0.23,
// added_vocabulary.rs (leftmost, then longest).
#ifndef HARNESS_TEXT_ADDED_TOKENS_H_
#define HARNESS_TEXT_ADDED_TOKENS_H_

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "harness/text/aligned_text.h"
#include "harness/text/normalizer.h"
#include "harness/text/vocabulary.h"

namespace sft::text {

struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool special = false;      // left out by Decode if asked
  bool single_word = false;  // not inside a word
  bool lstrip = false;       // swallows white space before it
  bool rstrip = false;       // swallows white space after it
  bool normalized = false;   // looked for in normalized text
  std::string written;       // what Decode writes; set by AddedTokens::Make
};

// A stretch of text: one added token, or none.
struct AddedSection {
  ByteRange range;
  std::optional<int32_t> id;
};

class AddedTokens {
 public:
  // Ids are those of `vocabulary` where it has the token, else the token's
  // own, which must lie near the vocabulary's end.
  static absl::StatusOr<AddedTokens> Make(std::vector<AddedToken> tokens,
                                          const Vocabulary& vocabulary,
                                          const Normalizer& normalizer,
                                          const std::string& file);
  // The "added_tokens" array of a tokenizer.json (null: none).
  static absl::StatusOr<std::vector<AddedToken>> Parse(
      const nlohmann::json& list, const std::string& file);

  // Cuts `text`, which is normalized or not, at the tokens of that kind.
  std::vector<AddedSection> Split(std::string_view text, bool normalized) const;
  const AddedToken* Find(int32_t id) const;
  std::optional<int32_t> Id(std::string_view content) const;
  const std::vector<AddedToken>& tokens() const { return tokens_; }
  int32_t max_id() const { return max_id_; }

 private:
  // A trie over bytes; node 0 is the root.
  struct Trie {
    void Add(std::string_view content, size_t token);
    // Index of the longest token at `position`, and its length.
    std::optional<size_t> Longest(std::string_view text, size_t position,
                                  size_t* length_bytes) const;
    std::array<bool, 256> starts = {};
    absl::flat_hash_map<uint64_t, uint32_t> edges;
    std::vector<int64_t> token_of_node = {-1};
  };

  std::vector<AddedToken> tokens_;
  absl::flat_hash_map<int32_t, size_t> by_id_;
  absl::flat_hash_map<std::string, int32_t> ids_;
  Trie raw_;
  Trie normalized_;
  int32_t max_id_ = -1;
};

}  // namespace sft::text

#endif  // HARNESS_TEXT_ADDED_TOKENS_H_
