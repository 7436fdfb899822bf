#include "harness/metrics/label_metrics.h"

#include <cmath>
#include <cstddef>
#include <map>
#include <string>

namespace sft::metrics {

std::vector<double> SumsOfLabels(const Labels& predictions,
                                 const Labels& references) {
  struct Counts {
    double right = 0, predicted = 0, present = 0;
  };
  std::map<int64_t, Counts> by_label;
  for (size_t i = 0; i < references.size(); ++i) {
    ++by_label[predictions[i]].predicted;
    ++by_label[references[i]].present;
    by_label[references[i]].right += predictions[i] == references[i];
  }
  std::vector<double> sums;
  for (const auto& [label, counts] : by_label) {
    sums.insert(sums.end(), {counts.right, counts.predicted, counts.present});
  }
  return sums;
}

MetricScore Accuracy(const Labels& predictions, const Labels& references) {
  MetricScore score;
  double right = 0;
  for (size_t i = 0; i < references.size(); ++i) {
    const bool same = predictions[i] == references[i];
    score.items.push_back(same);
    right += same;
  }
  if (!references.empty()) {
    score.value = right / static_cast<double>(references.size());
  }
  return score;
}

MetricScore MacroF1(const Labels& predictions, const Labels& references) {
  return {.value = MacroF1OfSums(SumsOfLabels(predictions, references))};
}

MetricScore MicroF1(const Labels& predictions, const Labels& references) {
  // Each wrong item is one false positive and one false negative.
  return Accuracy(predictions, references);
}

MetricScore MatthewsCorrelation(const Labels& predictions,
                                const Labels& references) {
  return {.value =
              MatthewsCorrelationOfSums(SumsOfLabels(predictions, references))};
}

double MacroF1OfSums(const std::vector<double>& s) {
  double sum = 0;
  int64_t labels = 0;
  for (size_t i = 0; i < s.size(); i += kLabelColumns) {
    // 2 TP + FP + FN is predicted + present, above 0 for a label that occurs.
    const double either = s[i + 1] + s[i + 2];
    if (either <= 0) continue;
    sum += 2 * s[i] / either;
    ++labels;
  }
  return labels > 0 ? sum / static_cast<double>(labels) : 0.0;
}

double MatthewsCorrelationOfSums(const std::vector<double>& s) {
  double right = 0, all = 0;
  for (size_t i = 0; i < s.size(); i += kLabelColumns) {
    right += s[i];
    all += s[i + 2];
  }
  double both = right * all, predicted = all * all, present = all * all;
  for (size_t i = 0; i < s.size(); i += kLabelColumns) {
    both -= s[i + 1] * s[i + 2];
    predicted -= s[i + 1] * s[i + 1];
    present -= s[i + 2] * s[i + 2];
  }
  return predicted > 0 && present > 0 ? both / std::sqrt(predicted * present)
                                      : 0.0;
}

absl::StatusOr<MetricScore> ScoreLines(LabelScorer scorer,
                                       const std::vector<TextItem>& items) {
  std::map<std::string, int64_t> labels;
  auto index = [&labels](const std::string& label) {
    return labels.emplace(label, static_cast<int64_t>(labels.size()))
        .first->second;
  };
  Labels predictions, references;
  for (const TextItem& item : items) {
    predictions.push_back(index(item.hypothesis));
    references.push_back(index(item.references[0]));
  }
  return scorer(predictions, references);
}

absl::StatusOr<MetricScore> AccuracyOfLines(const std::vector<TextItem>& items,
                                            const TextMetricOptions&) {
  auto score = ScoreLines(Accuracy, items);
  if (score.ok()) score->signature = "accuracy|equal-lines";
  return score;
}

}  // namespace sft::metrics
