#include "harness/metrics/bleu.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>

#include "absl/strings/ascii.h"
#include "harness/core/status.h"
#include "harness/metrics/sums.h"
#include "harness/metrics/unicode_text.h"

namespace sft::metrics {
namespace {

constexpr int kBleuOrder = 4;
constexpr char kBleuVersion[] = "2.6.0";  // of the sacreBLEU it is equal to

using BleuCounts = std::array<std::map<std::string, int64_t>, kBleuOrder>;

struct Statistics {
  int64_t hypothesis_length = 0, reference_length = 0;
  std::array<int64_t, kBleuOrder> correct{}, total{};

  std::vector<double> Sums() const {
    std::vector<double> sums = {static_cast<double>(hypothesis_length),
                                static_cast<double>(reference_length)};
    for (int n = 0; n < kBleuOrder; ++n) {
      sums.push_back(static_cast<double>(correct[n]));
      sums.push_back(static_cast<double>(total[n]));
    }
    return sums;
  }
};

BleuCounts CountNgrams(const std::vector<std::string>& words) {
  BleuCounts counts;
  for (size_t begin = 0; begin < words.size(); ++begin) {
    std::string ngram;
    for (int n = 0; n < kBleuOrder && begin + n < words.size(); ++n) {
      if (n > 0) ngram += ' ';
      ngram += words[begin + n];
      ++counts[n][ngram];
    }
  }
  return counts;
}

void ReplaceAll(std::string_view from, std::string_view to, std::string* text) {
  for (size_t at = 0; (at = text->find(from, at)) != std::string::npos;
       at += to.size()) {
    text->replace(at, from.size(), to);
  }
}

bool IsStop(char c) { return c == '.' || c == ','; }
// {-~ [-` space-& (-+ :-@ and the slash
bool IsMark13a(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') ||
         (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') ||
         (c >= ':' && c <= '@') || c == '/';
}

// Replaces pairs left to right without overlap, as re.sub does.
template <class Text, class Match, class Write>
Text SubPairs(const Text& in, Match match, Write write) {
  Text out;
  for (size_t i = 0; i < in.size();) {
    if (i + 1 < in.size() && match(in[i], in[i + 1])) {
      write(in[i], in[i + 1], &out);
      i += 2;
    } else {
      out.push_back(in[i++]);
    }
  }
  return out;
}
auto SpacedSecond = [](auto a, auto b, auto* out) {
  for (auto c : {a, decltype(a)(' '), b, decltype(a)(' ')}) out->push_back(c);
};
auto SpacedFirst = [](auto a, auto b, auto* out) {
  for (auto c : {decltype(a)(' '), a, decltype(a)(' '), b}) out->push_back(c);
};

std::vector<std::string> Words(std::string_view line,
                               const TextMetricOptions& options) {
  const std::string text =
      options.lowercase ? LowerText(line) : std::string(line);
  const std::string_view stripped = StripRight(text);
  if (options.tokenize == "13a") return SplitText(Tokenize13a(stripped));
  if (options.tokenize == "intl") return SplitText(TokenizeIntl(stripped));
  return SplitText(stripped);
}

Statistics Measure(const TextItem& item, const TextMetricOptions& options) {
  Statistics s;
  const std::vector<std::string> words = Words(item.hypothesis, options);
  s.hypothesis_length = static_cast<int64_t>(words.size());
  BleuCounts references;
  int64_t closest = -1;
  for (const std::string& reference : item.references) {
    const std::vector<std::string> reference_words = Words(reference, options);
    const auto length = static_cast<int64_t>(reference_words.size());
    const int64_t difference = std::abs(s.hypothesis_length - length);
    if (closest < 0 || difference < closest ||
        (difference == closest && length < s.reference_length)) {
      closest = difference;
      s.reference_length = length;
    }
    const BleuCounts counts = CountNgrams(reference_words);
    for (int n = 0; n < kBleuOrder; ++n) {
      for (const auto& [ngram, count] : counts[n]) {
        int64_t& most = references[n][ngram];
        most = std::max(most, count);
      }
    }
  }
  const BleuCounts counts = CountNgrams(words);
  for (int n = 0; n < kBleuOrder; ++n) {
    for (const auto& [ngram, count] : counts[n]) {
      s.total[n] += count;
      const auto found = references[n].find(ngram);
      if (found != references[n].end()) {
        s.correct[n] += std::min(count, found->second);
      }
    }
  }
  return s;
}

// With `effective_order`, as sacreBLEU scores single sentences, n ends where
// n-grams do; without, the value is 0 there.
double Value(const std::vector<double>& s, bool effective_order) {
  if (s[2] <= 0) return 0.0;
  double log_sum = 0, smooth = 1;
  int order = kBleuOrder;
  for (int n = 0; n < kBleuOrder; ++n) {
    const double match = s[2 + 2 * n], total = s[3 + 2 * n];
    if (total <= 0) {
      if (!effective_order) return 0.0;
      order = n;
      break;
    }
    double precision = 100 * match / total;
    if (match <= 0) {
      smooth *= 2;
      precision = 100 / (smooth * total);
    }
    log_sum += std::log(precision);
  }
  const double brevity = s[0] < s[1] ? std::exp(1 - s[1] / s[0]) : 1.0;
  return brevity * std::exp(log_sum / order);
}

}  // namespace

std::string Tokenize13a(std::string_view line) {
  std::string text(line);
  ReplaceAll("<skipped>", "", &text);
  ReplaceAll("-\n", "", &text);
  ReplaceAll("\n", " ", &text);
  ReplaceAll("&quot;", "\"", &text);
  ReplaceAll("&amp;", "&", &text);
  ReplaceAll("&lt;", "<", &text);
  ReplaceAll("&gt;", ">", &text);
  // All that is matched is ASCII, or any neighbour: bytes will do.
  std::string marked;
  for (char c : " " + text + " ") {
    if (IsMark13a(c)) {
      marked += {' ', c, ' '};
    } else {
      marked += c;
    }
  }
  marked = SubPairs(
      marked,
      [](char a, char b) { return !absl::ascii_isdigit(a) && IsStop(b); },
      SpacedSecond);
  marked = SubPairs(
      marked,
      [](char a, char b) { return IsStop(a) && !absl::ascii_isdigit(b); },
      SpacedFirst);
  marked = SubPairs(
      marked, [](char a, char b) { return absl::ascii_isdigit(a) && b == '-'; },
      SpacedSecond);
  return CollapseSpaces(marked);
}

std::string TokenizeIntl(std::string_view line) {
  using Text = std::vector<char32_t>;
  Text text = CodePoints(line);
  text = SubPairs(
      text,
      [](char32_t a, char32_t b) { return !IsCategoryN(a) && IsCategoryP(b); },
      SpacedSecond);
  text = SubPairs(
      text,
      [](char32_t a, char32_t b) { return IsCategoryP(a) && !IsCategoryN(b); },
      SpacedFirst);
  Text spaced;
  for (char32_t c : text) {
    if (IsCategoryS(c)) {
      spaced.insert(spaced.end(), {U' ', c, U' '});
    } else {
      spaced.push_back(c);
    }
  }
  return CollapseSpaces(FromCodePoints(spaced));
}

double BleuOfSums(const std::vector<double>& sums) {
  return Value(sums, /*effective_order=*/false);
}

absl::StatusOr<MetricScore> Bleu(const std::vector<TextItem>& items,
                                 const TextMetricOptions& options) {
  if (options.tokenize != "13a" && options.tokenize != "intl" &&
      options.tokenize != "none") {
    return InputError("--tokenize",
                      "'" + options.tokenize + "' is none of 13a, intl, none");
  }
  MetricScore score;
  for (const TextItem& item : items) {
    const std::vector<double> sums = Measure(item, options).Sums();
    score.items.push_back(Value(sums, /*effective_order=*/true));
    score.sums.insert(score.sums.end(), sums.begin(), sums.end());
  }
  score.value = BleuOfSums(TotalSums(score.sums, kBleuColumns));
  score.signature = absl::StrCat("nrefs:", ReferenceCount(items),
                                 "|case:", options.lowercase ? "lc" : "mixed",
                                 "|eff:no|tok:", options.tokenize,
                                 "|smooth:exp|version:", kBleuVersion);
  return score;
}

}  // namespace sft::metrics
