#include "harness/metrics/rouge.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>

#include "harness/core/status.h"
#include "harness/metrics/porter_stemmer.h"
#include "harness/metrics/unicode_text.h"

namespace sft::metrics {
namespace {

using Tokens = std::vector<std::string>;

double FMeasure(double both, double hypothesis, double reference) {
  const double precision = both / std::max(hypothesis, 1.0);
  const double recall = both / std::max(reference, 1.0);
  return precision + recall > 0 ? 2 * precision * recall / (precision + recall)
                                : 0.0;
}

std::map<std::string, int64_t> CountNgrams(const Tokens& tokens, size_t n) {
  std::map<std::string, int64_t> counts;
  for (size_t begin = 0; begin + n <= tokens.size(); ++begin) {
    std::string ngram;
    for (size_t i = 0; i < n; ++i) ngram += tokens[begin + i] + " ";
    ++counts[ngram];
  }
  return counts;
}

double NgramScore(const std::string& reference, const std::string& hypothesis,
                  size_t n, bool stemmer) {
  const auto wanted = CountNgrams(RougeTokens(reference, stemmer), n);
  const auto given = CountNgrams(RougeTokens(hypothesis, stemmer), n);
  int64_t both = 0, wanted_total = 0, given_total = 0;
  for (const auto& [ngram, count] : given) given_total += count;
  for (const auto& [ngram, count] : wanted) {
    wanted_total += count;
    const auto found = given.find(ngram);
    if (found != given.end()) both += std::min(count, found->second);
  }
  return FMeasure(static_cast<double>(both), static_cast<double>(given_total),
                  static_cast<double>(wanted_total));
}

// table[i][j]: length of the longest common subsequence of the first i of
// `reference` and the first j of `hypothesis`.
std::vector<std::vector<int32_t>> LcsTable(const Tokens& reference,
                                           const Tokens& hypothesis) {
  std::vector<std::vector<int32_t>> table(
      reference.size() + 1, std::vector<int32_t>(hypothesis.size() + 1));
  for (size_t i = 1; i <= reference.size(); ++i) {
    for (size_t j = 1; j <= hypothesis.size(); ++j) {
      table[i][j] = reference[i - 1] == hypothesis[j - 1]
                        ? table[i - 1][j - 1] + 1
                        : std::max(table[i - 1][j], table[i][j - 1]);
    }
  }
  return table;
}

double LcsScore(const std::string& reference, const std::string& hypothesis,
                bool stemmer) {
  const Tokens wanted = RougeTokens(reference, stemmer);
  const Tokens given = RougeTokens(hypothesis, stemmer);
  const double both = LcsTable(wanted, given).back().back();
  return FMeasure(both, static_cast<double>(given.size()),
                  static_cast<double>(wanted.size()));
}

// Adds the places in `reference` of one longest common subsequence, chosen as
// rouge-score chooses among equals.
void AddLcs(const Tokens& reference, const Tokens& hypothesis,
            std::set<size_t>* places) {
  const auto table = LcsTable(reference, hypothesis);
  size_t i = reference.size(), j = hypothesis.size();
  while (i > 0 && j > 0) {
    if (reference[i - 1] == hypothesis[j - 1]) {
      places->insert(--i);
      --j;
    } else if (table[i][j - 1] > table[i - 1][j]) {
      --j;
    } else {
      --i;
    }
  }
}

std::vector<Tokens> Sentences(const std::string& text, bool stemmer) {
  std::vector<Tokens> sentences;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    sentences.push_back(RougeTokens(
        std::string_view(text).substr(begin, end - begin), stemmer));
    begin = end + 1;
  }
  return sentences;
}

double SummaryScore(const std::string& reference, const std::string& hypothesis,
                    bool stemmer) {
  const std::vector<Tokens> wanted = Sentences(reference, stemmer);
  const std::vector<Tokens> given = Sentences(hypothesis, stemmer);
  std::map<std::string, int64_t> wanted_left, given_left;
  double wanted_total = 0, given_total = 0, hits = 0;
  for (const Tokens& sentence : wanted) {
    for (const std::string& token : sentence) {
      ++wanted_left[token];
      ++wanted_total;
    }
  }
  for (const Tokens& sentence : given) {
    for (const std::string& token : sentence) {
      ++given_left[token];
      ++given_total;
    }
  }
  for (const Tokens& sentence : wanted) {
    std::set<size_t> places;
    for (const Tokens& other : given) AddLcs(sentence, other, &places);
    for (size_t place : places) {
      // No token is counted more often than it occurs on either side.
      const std::string& token = sentence[place];
      if (given_left[token] <= 0 || wanted_left[token] <= 0) continue;
      ++hits;
      --given_left[token];
      --wanted_left[token];
    }
  }
  return FMeasure(hits, given_total, wanted_total);
}

template <class Pair>
MetricScore BestOfReferences(const std::vector<TextItem>& items,
                             std::string_view name,
                             const TextMetricOptions& options, Pair pair) {
  MetricScore score;
  for (const TextItem& item : items) {
    double best = 0;
    for (const std::string& reference : item.references) {
      best = std::max(best, pair(reference, item.hypothesis, options.stemmer));
    }
    score.items.push_back(best);
    score.value += best;
  }
  if (!items.empty()) score.value /= static_cast<double>(items.size());
  score.signature = absl::StrCat(
      ToAbsl(name), "|f1|nrefs:", ReferenceCount(items),
      "|best-reference|mean:items|stemmer:", options.stemmer ? "porter" : "no",
      "|rouge-score-0.1.2");
  return score;
}

}  // namespace

std::vector<std::string> RougeTokens(std::string_view text, bool stemmer) {
  Tokens tokens;
  std::string token;
  for (char c : LowerText(text) + " ") {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      token += c;
    } else if (!token.empty()) {
      tokens.push_back(stemmer && token.size() > 3 ? PorterStem(token) : token);
      token.clear();
    }
  }
  return tokens;
}

absl::StatusOr<MetricScore> Rouge1(const std::vector<TextItem>& items,
                                   const TextMetricOptions& options) {
  return BestOfReferences(items, "rouge1", options,
                          [](const std::string& reference,
                             const std::string& hypothesis, bool stemmer) {
                            return NgramScore(reference, hypothesis, 1,
                                              stemmer);
                          });
}

absl::StatusOr<MetricScore> Rouge2(const std::vector<TextItem>& items,
                                   const TextMetricOptions& options) {
  return BestOfReferences(items, "rouge2", options,
                          [](const std::string& reference,
                             const std::string& hypothesis, bool stemmer) {
                            return NgramScore(reference, hypothesis, 2,
                                              stemmer);
                          });
}

absl::StatusOr<MetricScore> RougeL(const std::vector<TextItem>& items,
                                   const TextMetricOptions& options) {
  return BestOfReferences(items, "rougeL", options, LcsScore);
}

absl::StatusOr<MetricScore> RougeLsum(const std::vector<TextItem>& items,
                                      const TextMetricOptions& options) {
  return BestOfReferences(items, "rougeLsum", options, SummaryScore);
}

}  // namespace sft::metrics
