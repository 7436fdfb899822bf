#include "harness/metrics/exact_match.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/metrics/unicode_text.h"
#include "harness/text/regex.h"

namespace sft::metrics {
namespace {

constexpr char kHarnessVersion[] = "0.4.13";  // of the lm-eval it is equal to

std::string WithoutMatches(const text::Regex& pattern,
                           const std::string& text) {
  std::string out;
  size_t from = 0;
  for (const text::ByteRange& match : pattern.FindAll(text)) {
    out.append(text, from, match.begin - from);
    from = match.end;
  }
  return out.append(text, from);
}

std::string Compared(std::string text, const std::vector<text::Regex>& ignored,
                     const TextMetricOptions& options) {
  for (const text::Regex& pattern : ignored) {
    text = WithoutMatches(pattern, text);
  }
  if (options.ignore_case) text = LowerText(text);
  std::erase_if(text, [&options](char c) {
    return (options.ignore_punctuation &&
            IsAsciiPunctuation(static_cast<unsigned char>(c))) ||
           (options.ignore_numbers && c >= '0' && c <= '9');
  });
  return text;
}

std::string IgnoredOf(const TextMetricOptions& options) {
  std::vector<std::string> names;
  if (options.ignore_case) names.push_back("case");
  if (options.ignore_punctuation) names.push_back("punctuation");
  if (options.ignore_numbers) names.push_back("numbers");
  for (const std::string& pattern : options.regexes_to_ignore) {
    names.push_back(nlohmann::json(pattern).dump());
  }
  return names.empty() ? "nothing" : absl::StrJoin(names, ",");
}

}  // namespace

absl::StatusOr<MetricScore> ExactMatchText(const std::vector<TextItem>& items,
                                           const TextMetricOptions& options) {
  std::vector<text::Regex> ignored;
  for (const std::string& pattern : options.regexes_to_ignore) {
    SFT_ASSIGN_OR_RETURN(text::Regex regex,
                         text::Regex::Compile(pattern, "ignored pattern"));
    ignored.push_back(std::move(regex));
  }
  MetricScore score;
  for (const TextItem& item : items) {
    const std::string given = Compared(item.hypothesis, ignored, options);
    const bool right =
        item.answered &&
        std::any_of(item.references.begin(), item.references.end(),
                    [&](const std::string& reference) {
                      return Compared(reference, ignored, options) == given;
                    });
    score.items.push_back(right ? 1 : 0);
    score.value += score.items.back();
  }
  if (!items.empty()) score.value /= static_cast<double>(items.size());
  score.signature =
      absl::StrCat("exact_match_text|nrefs:", ReferenceCount(items),
                   "|best-reference|mean:items|ignored:", IgnoredOf(options),
                   "|lm-eval-", kHarnessVersion);
  return score;
}

absl::StatusOr<MetricScore> ExactMatchLenient(
    const std::vector<TextItem>& items, const TextMetricOptions& options) {
  TextMetricOptions lenient = options;
  lenient.ignore_case = true;
  lenient.ignore_punctuation = true;
  return ExactMatchText(items, lenient);
}

}  // namespace sft::metrics
