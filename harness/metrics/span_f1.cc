#include "harness/metrics/span_f1.h"

#include <algorithm>

#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/metrics/unicode_text.h"

namespace sft::metrics {
namespace {

struct Tag {
  char32_t prefix = 'O';
  std::string type;
};

// "B-PER" and "BPER" are both B and PER; a tag without a type has "_".
Tag ParseTag(const std::string& text) {
  if (text.empty()) return {'O', "_"};
  const Utf8Char first = DecodeUtf8At(text, 0);
  std::string type = text.substr(first.size_bytes);
  const size_t dash = type.find('-');
  if (dash != std::string::npos) type = type.substr(dash + 1);
  return {first.code_point, type.empty() ? "_" : type};
}

bool IsOutside(char32_t prefix) { return prefix == 'O' || prefix == '.'; }

bool Ends(const Tag& before, const Tag& tag) {
  const char32_t was = before.prefix, is = tag.prefix;
  if (was == 'E' || was == 'S') return true;
  if ((was == 'B' || was == 'I') && (is == 'B' || is == 'S' || is == 'O')) {
    return true;
  }
  return !IsOutside(was) && before.type != tag.type;
}

bool Starts(const Tag& before, const Tag& tag) {
  const char32_t was = before.prefix, is = tag.prefix;
  if (is == 'B' || is == 'S') return true;
  if ((was == 'E' || was == 'S' || was == 'O') && (is == 'E' || is == 'I')) {
    return true;
  }
  return !IsOutside(is) && before.type != tag.type;
}

std::string StripDashes(const std::string& text) {
  const size_t begin = text.find_first_not_of('-');
  if (begin == std::string::npos) return "_";
  return text.substr(begin, text.find_last_not_of('-') - begin + 1);
}

double MicroF1(const std::set<Span>& hypothesis,
               const std::set<Span>& reference) {
  size_t both = 0;
  for (const Span& span : hypothesis) both += reference.count(span);
  const size_t all = hypothesis.size() + reference.size();
  return all == 0 ? 0.0
                  : 2 * static_cast<double>(both) / static_cast<double>(all);
}

template <class Read>
absl::StatusOr<MetricScore> Score(const std::vector<TextItem>& items,
                                  Read read) {
  MetricScore score;
  std::vector<Sentence> hypotheses, references;
  for (const TextItem& item : items) {
    hypotheses.push_back(SplitText(item.hypothesis));
    references.push_back(SplitText(item.references[0]));
    if (hypotheses.back().size() != references.back().size()) {
      return InputError(
          absl::StrCat("sentence ", hypotheses.size()),
          absl::StrCat(hypotheses.back().size(), " tags for ",
                       references.back().size(), " of the reference"));
    }
    SFT_ASSIGN_OR_RETURN(const std::set<Span> given, read({hypotheses.back()}));
    SFT_ASSIGN_OR_RETURN(const std::set<Span> wanted,
                         read({references.back()}));
    score.items.push_back(MicroF1(given, wanted));
    const auto right = std::count_if(
        given.begin(), given.end(),
        [&wanted](const Span& span) { return wanted.count(span) > 0; });
    for (size_t n : {size_t(right), given.size(), wanted.size()}) {
      score.sums.push_back(static_cast<double>(n));
    }
  }
  SFT_ASSIGN_OR_RETURN(const std::set<Span> given, read(hypotheses));
  SFT_ASSIGN_OR_RETURN(const std::set<Span> wanted, read(references));
  score.value = MicroF1(given, wanted);
  return score;
}

}  // namespace

std::set<Span> ConllSpans(const std::vector<Sentence>& sentences) {
  std::vector<std::string> tags;
  for (const Sentence& sentence : sentences) {
    tags.insert(tags.end(), sentence.begin(), sentence.end());
    tags.push_back("O");
  }
  std::set<Span> spans;
  Tag before;
  size_t begin = 0;
  for (size_t i = 0; i < tags.size(); ++i) {
    Tag tag = ParseTag(tags[i]);
    if (Ends(before, tag)) spans.insert({0, begin, i - 1, before.type});
    if (Starts(before, tag)) begin = i;
    before = std::move(tag);
  }
  return spans;
}

absl::StatusOr<std::set<Span>> Iob2Spans(
    const std::vector<Sentence>& sentences) {
  std::set<Span> spans;
  for (size_t s = 0; s < sentences.size(); ++s) {
    const Sentence& tags = sentences[s];
    for (size_t i = 0; i < tags.size(); ++i) {
      const char prefix = tags[i].empty() ? '\0' : tags[i][0];
      if (prefix != 'B' && prefix != 'I' && prefix != 'O') {
        return InputError(absl::StrCat("sentence ", s + 1),
                          absl::StrCat("'", tags[i],
                                       "' is no tag of IOB2, which are O, "
                                       "B-TYPE and I-TYPE"));
      }
      if (prefix != 'B') continue;
      const std::string type = StripDashes(tags[i].substr(1));
      size_t last = i;
      while (last + 1 < tags.size() && tags[last + 1][0] == 'I' &&
             StripDashes(tags[last + 1].substr(1)) == type) {
        ++last;
      }
      spans.insert({s, i, last, type});
    }
  }
  return spans;
}

double SpanF1OfSums(const std::vector<double>& s) {
  const double spans = s[1] + s[2];
  return spans > 0 ? 2 * s[0] / spans : 0.0;
}

absl::StatusOr<MetricScore> SpanF1(const std::vector<TextItem>& items,
                                   const TextMetricOptions&) {
  return Score(items, [](const std::vector<Sentence>& sentences) {
    return absl::StatusOr<std::set<Span>>(ConllSpans(sentences));
  });
}

absl::StatusOr<MetricScore> SpanF1Strict(const std::vector<TextItem>& items,
                                         const TextMetricOptions&) {
  return Score(items, Iob2Spans);
}

}  // namespace sft::metrics
