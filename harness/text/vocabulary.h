// Tokens and their ids, both ways.
#ifndef HARNESS_TEXT_VOCABULARY_H_
#define HARNESS_TEXT_VOCABULARY_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"

namespace sft::text {

class Vocabulary {
 public:
  // {"token": id, ..}. Ids must be distinct, not negative, and leave no more
  // than 65536 holes.
  static absl::StatusOr<Vocabulary> FromJson(const nlohmann::json& object,
                                             const std::string& file);
  // Index = id. A repeated token keeps its first id, as llama.cpp does.
  static absl::StatusOr<Vocabulary> FromTokens(std::vector<std::string> tokens,
                                               const std::string& file);

  std::optional<int32_t> Id(std::string_view token) const;
  // nullptr for an id that is no token.
  const std::string* Token(int32_t id) const;
  int32_t size() const { return static_cast<int32_t>(tokens_.size()); }

 private:
  std::vector<std::string> tokens_;
  std::vector<bool> present_;
  absl::flat_hash_map<std::string, int32_t> ids_;
};

}  // namespace sft::text

#endif  // HARNESS_TEXT_VOCABULARY_H_
