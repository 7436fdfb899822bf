#include "harness/data/special_tokens.h"

#include <algorithm>
#include <vector>

namespace sft::data {

void StripSpaces(std::string& text) {
  while (!text.empty() && text.back() == ' ') text.pop_back();
}

bool IsSpecial(const Tokenizer& tokenizer, int32_t id) {
  return tokenizer.Decode({id}, /*skip_special_tokens=*/true).empty() &&
         !tokenizer.Decode({id}, /*skip_special_tokens=*/false).empty();
}

bool EndsTurns(const Tokenizer& tokenizer, int32_t id) {
  const std::vector<int32_t> stops = tokenizer.stop_ids();
  return std::find(stops.begin(), stops.end(), id) != stops.end();
}

size_t OwnSize(const Tokenizer& tokenizer, int32_t id, std::string_view span) {
  const std::string own = tokenizer.Decode({id}, /*skip_special_tokens=*/false);
  const size_t at = own.empty() ? std::string_view::npos : span.find(own);
  return at == std::string_view::npos ? span.size() : at + own.size();
}

}  // namespace sft::data
