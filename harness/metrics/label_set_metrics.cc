#include "harness/metrics/label_set_metrics.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <numeric>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "harness/metrics/sums.h"

namespace sft::metrics {
namespace {

double F1Of(double right, double predicted, double present) {
  return predicted + present > 0 ? 2 * right / (predicted + present) : 0.0;
}

// Of one label, by falling score.
double AveragePrecision(const std::vector<std::vector<double>>& scores,
                        const LabelSets& references, size_t label) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return scores[a][label] > scores[b][label];
  });
  double present = 0;
  for (const std::vector<bool>& row : references) present += row[label];
  if (present == 0) return 0;
  double sum = 0, right = 0;
  for (size_t first = 0; first < order.size();) {
    const double score = scores[order[first]][label], before = right;
    for (; first < order.size() && scores[order[first]][label] == score;
         ++first) {
      right += references[order[first]][label];
    }
    sum += (right - before) / present * right / static_cast<double>(first);
  }
  return sum;
}

std::vector<std::string> LabelsIn(const std::string& line) {
  std::vector<std::string> labels;
  for (const absl::string_view part : absl::StrSplit(line, ',')) {
    const absl::string_view label = absl::StripAsciiWhitespace(part);
    if (!label.empty()) labels.emplace_back(label);
  }
  return labels;
}

}  // namespace

MetricScore MicroF1OfSets(const LabelSets& predictions,
                          const LabelSets& references) {
  MetricScore score;
  for (size_t i = 0; i < references.size(); ++i) {
    double right = 0, predicted = 0, present = 0;
    for (size_t c = 0; c < references[i].size(); ++c) {
      right += predictions[i][c] && references[i][c];
      predicted += predictions[i][c];
      present += references[i][c];
    }
    score.sums.insert(score.sums.end(), {right, predicted, present});
  }
  score.value = MicroF1OfSetSums(TotalSums(score.sums, kLabelSetColumns));
  return score;
}

MetricScore MacroF1OfSets(const LabelSets& predictions,
                          const LabelSets& references) {
  MetricScore score;
  const size_t labels = references.empty() ? 0 : references[0].size();
  score.sum_columns = static_cast<int64_t>(labels) * kLabelSetColumns;
  for (size_t i = 0; i < references.size(); ++i) {
    for (size_t c = 0; c < labels; ++c) {
      const double predicted = predictions[i][c], present = references[i][c];
      score.sums.insert(score.sums.end(),
                        {predicted * present, predicted, present});
    }
  }
  score.value = MacroF1OfSetSums(TotalSums(score.sums, score.sum_columns));
  return score;
}

MetricScore SubsetAccuracy(const LabelSets& predictions,
                           const LabelSets& references) {
  MetricScore score;
  double right = 0;
  for (size_t i = 0; i < references.size(); ++i) {
    score.items.push_back(predictions[i] == references[i]);
    right += score.items.back();
  }
  if (!references.empty()) {
    score.value = right / static_cast<double>(references.size());
  }
  return score;
}

MetricScore MeanAveragePrecision(const std::vector<std::vector<double>>& scores,
                                 const LabelSets& references) {
  MetricScore score;
  const size_t labels = references.empty() ? 0 : references[0].size();
  for (size_t c = 0; c < labels; ++c) {
    score.value += AveragePrecision(scores, references, c);
  }
  if (labels > 0) score.value /= static_cast<double>(labels);
  return score;
}

double MicroF1OfSetSums(const std::vector<double>& s) {
  return F1Of(s[0], s[1], s[2]);
}

double MacroF1OfSetSums(const std::vector<double>& s) {
  const size_t labels = s.size() / kLabelSetColumns;
  double sum = 0;
  for (size_t c = 0; c < labels; ++c) {
    sum += F1Of(s[3 * c], s[3 * c + 1], s[3 * c + 2]);
  }
  return labels > 0 ? sum / static_cast<double>(labels) : 0.0;
}

absl::StatusOr<MetricScore> ScoreLabelLists(
    LabelSetScorer scorer, const std::vector<TextItem>& items) {
  std::vector<std::set<std::string>> written, wanted;
  std::map<std::string, size_t> places;
  const auto read = [&places](const std::string& line) {
    std::set<std::string> out;
    for (std::string& label : LabelsIn(line)) {
      places.emplace(label, 0);
      out.insert(std::move(label));
    }
    return out;
  };
  for (const TextItem& item : items) {
    written.push_back(read(item.hypothesis));
    wanted.push_back(read(item.references[0]));
  }
  size_t place = 0;
  for (auto& [label, at] : places) at = place++;
  const auto sets_of = [&places](const std::vector<std::set<std::string>>& of) {
    LabelSets out;
    for (const std::set<std::string>& labels : of) {
      std::vector<bool>& row = out.emplace_back(places.size(), false);
      for (const std::string& label : labels) row[places.at(label)] = true;
    }
    return out;
  };
  return scorer(sets_of(written), sets_of(wanted));
}

}  // namespace sft::metrics
