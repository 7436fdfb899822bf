#include "harness/metrics/final_number.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace sft::metrics {
namespace {

// "0012.500" -> "12.5".
std::string PlainDecimal(std::string whole, std::string fraction,
                         bool negative) {
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
  fraction.erase(fraction.find_last_not_of('0') + 1);
  if (whole.empty()) whole.push_back('0');
  std::string out =
      fraction.empty() ? whole : absl::StrCat(whole, ".", fraction);
  return negative && out != "0" ? absl::StrCat("-", out) : out;
}

}  // namespace

std::optional<std::string> FinalNumber(std::string_view text) {
  std::optional<std::string> last;
  for (size_t i = 0; i < text.size();) {
    const bool point_first = text[i] == '.' && i + 1 < text.size() &&
                             absl::ascii_isdigit(text[i + 1]);
    if (!absl::ascii_isdigit(text[i]) && !point_first) {
      ++i;
      continue;
    }
    // What stands before: [sign][$] or [$][sign].
    size_t begin = i;
    bool negative = false;
    for (int k = 0; k < 2 && begin > 0; ++k) {
      const char c = text[begin - 1];
      if (c != '-' && c != '$') break;
      negative = negative || c == '-';
      --begin;
    }
    if (begin > 0 && negative) {
      const auto c = static_cast<unsigned char>(text[begin - 1]);
      negative = !absl::ascii_isalnum(c) && c < 0x80;
    }
    std::string whole, fraction;
    auto comma = [&] {
      return text[i] == ',' && i + 1 < text.size() &&
             absl::ascii_isdigit(text[i + 1]);
    };
    for (; i < text.size() && (absl::ascii_isdigit(text[i]) || comma()); ++i) {
      if (text[i] != ',') whole += text[i];
    }
    if (i + 1 < text.size() && text[i] == '.' &&
        absl::ascii_isdigit(text[i + 1])) {
      for (++i; i < text.size() && absl::ascii_isdigit(text[i]); ++i)
        fraction += text[i];
    }
    last = PlainDecimal(std::move(whole), std::move(fraction), negative);
  }
  return last;
}

absl::StatusOr<MetricScore> ScoreFinalNumber(const std::vector<TextItem>& items,
                                             const TextMetricOptions&) {
  MetricScore score;
  score.signature =
      absl::StrCat("final_number|nrefs:", ReferenceCount(items),
                   "|last-number|stripped:comma,dollar|decimal-equal|"
                   "mean:items");
  for (const TextItem& item : items) {
    const auto answer = FinalNumber(item.hypothesis);
    const bool right =
        item.answered && answer &&
        std::any_of(
            item.references.begin(), item.references.end(),
            [&](const std::string& r) { return FinalNumber(r) == answer; });
    score.items.push_back(right);
    score.value += right;
  }
  if (!items.empty()) score.value /= static_cast<double>(items.size());
  return score;
}

}  // namespace sft::metrics
