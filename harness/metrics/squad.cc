#include "harness/metrics/squad.h"

#include <algorithm>
#include <map>

#include "harness/core/status.h"
#include "harness/metrics/unicode_text.h"

namespace sft::metrics {
namespace {

// re.sub(r'\b(a|an|the)\b', ' ', text)
std::vector<char32_t> WithoutArticles(const std::vector<char32_t>& text) {
  std::vector<char32_t> out;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && IsPythonWordChar(text[end])) ++end;
    if (end == i) {
      out.push_back(text[i++]);
      continue;
    }
    const std::u32string word(text.begin() + static_cast<std::ptrdiff_t>(i),
                              text.begin() + static_cast<std::ptrdiff_t>(end));
    if (word == U"a" || word == U"an" || word == U"the") {
      out.push_back(' ');
    } else {
      out.insert(out.end(), word.begin(), word.end());
    }
    i = end;
  }
  return out;
}

double ExactMatch(const std::string& hypothesis, const std::string& reference) {
  return NormalizeAnswer(hypothesis) == NormalizeAnswer(reference) ? 1 : 0;
}

double TokenF1(const std::string& hypothesis, const std::string& reference) {
  const auto given = SplitText(NormalizeAnswer(hypothesis));
  const auto wanted = SplitText(NormalizeAnswer(reference));
  std::map<std::string, int> left;
  for (const std::string& token : wanted) ++left[token];
  int both = 0;
  for (const std::string& token : given) {
    const auto found = left.find(token);
    if (found == left.end() || found->second == 0) continue;
    --found->second;
    ++both;
  }
  if (both == 0) return 0;
  return 2.0 * both / static_cast<double>(given.size() + wanted.size());
}

// The references that the script of SQuAD 2.0 compares: those that are not
// empty once normalized; if there are none, the empty one.
std::vector<std::string> GoldAnswers(const TextItem& item) {
  std::vector<std::string> gold;
  for (const std::string& reference : item.references) {
    if (!NormalizeAnswer(reference).empty()) gold.push_back(reference);
  }
  return gold.empty() ? std::vector<std::string>{""} : gold;
}

// Where one of them is empty, two empty answers are equal, and else share
// nothing.
double WithNoAnswer(const std::string& hypothesis, const std::string& reference,
                    double (*pair)(const std::string&, const std::string&)) {
  const bool none = NormalizeAnswer(hypothesis).empty();
  if (none || NormalizeAnswer(reference).empty()) {
    return none && NormalizeAnswer(reference).empty() ? 1 : 0;
  }
  return pair(hypothesis, reference);
}

absl::StatusOr<MetricScore> Score(const std::vector<TextItem>& items,
                                  std::string_view metric,
                                  double (*pair)(const std::string&,
                                                 const std::string&)) {
  const bool second = IsSquad2(items);
  MetricScore score;
  score.signature =
      absl::StrCat(ToAbsl(metric), "|best-reference|mean:items|squad-",
                   second ? "v2.0" : "v1.1");
  for (const TextItem& item : items) {
    if (second && !item.answered) continue;
    double best = 0;
    for (const std::string& reference :
         second ? GoldAnswers(item) : item.references) {
      if (!item.answered) continue;
      best =
          std::max(best, second ? WithNoAnswer(item.hypothesis, reference, pair)
                                : pair(item.hypothesis, reference));
    }
    score.items.push_back(100 * best);
    score.value += best;
  }
  if (!score.items.empty()) {
    score.value = 100 * score.value / static_cast<double>(score.items.size());
  } else if (!items.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(ToAbsl(metric), ": no question has a prediction"));
  }
  return score;
}

}  // namespace

bool IsSquad2(const std::vector<TextItem>& items) {
  return std::any_of(items.begin(), items.end(),
                     [](const TextItem& item) { return item.unanswerable; });
}

std::string NormalizeAnswer(std::string_view answer) {
  std::vector<char32_t> text = CodePoints(LowerText(answer));
  text.erase(std::remove_if(text.begin(), text.end(), IsAsciiPunctuation),
             text.end());
  return CollapseSpaces(FromCodePoints(WithoutArticles(text)));
}

absl::StatusOr<MetricScore> SquadExactMatch(const std::vector<TextItem>& items,
                                            const TextMetricOptions&) {
  return Score(items, "exact_match", ExactMatch);
}

absl::StatusOr<MetricScore> SquadF1(const std::vector<TextItem>& items,
                                    const TextMetricOptions&) {
  return Score(items, "squad_f1", TokenF1);
}

}  // namespace sft::metrics
