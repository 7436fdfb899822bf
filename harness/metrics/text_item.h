// What a metric is computed from, and what comes of it.
#ifndef HARNESS_METRICS_TEXT_ITEM_H_
#define HARNESS_METRICS_TEXT_ITEM_H_

#include <cstdint>
#include <string>
#include <vector>

namespace sft::metrics {

// A line; or a sentence's tags, joined by spaces; or an answer.
struct TextItem {
  std::string hypothesis;
  std::vector<std::string> references;  // at least one
  bool answered = true;                 // false: no hypothesis at all
  // A question without an answer: its one reference is "".
  bool unanswerable = false;
  std::string id = {};  // of a question of SQuAD's
};

struct TextMetricOptions {
  std::string tokenize = "13a";  // bleu: 13a, intl, none
  bool lowercase = false;        // bleu, chrf
  bool stemmer = false;          // rouge: Porter's
  bool case_sensitive = false;   // ter
  // exact_match_text: what is left out on both sides.
  bool ignore_case = false, ignore_punctuation = false, ignore_numbers = false;
  std::vector<std::string> regexes_to_ignore = {};
};

struct MetricScore {
  double value = 0;
  std::vector<double> items = {};  // empty where the metric has none
  std::string signature = {};      // empty: that of the metric's row
  // As in MetricRecord: what the value is made of, item by item.
  std::vector<double> sums = {};
  int64_t sum_columns = 0;  // 0: as the metric's row says
};

// "2", or "var" where items differ in their number of references.
std::string ReferenceCount(const std::vector<TextItem>& items);

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_TEXT_ITEM_H_
