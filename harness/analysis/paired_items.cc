#include "harness/analysis/paired_items.h"

#include <algorithm>

namespace sft::analysis {

void PairedItems::Evaluation::Add(size_t item, double times,
                                  std::vector<double>& sums) const {
  for (size_t i = begins[item]; i < begins[item + 1]; ++i) {
    sums[parts[i].column] += times * parts[i].amount;
  }
}

bool PairedItems::Evaluation::SameItem(const Evaluation& other,
                                       size_t item) const {
  return std::equal(parts.begin() + begins[item],
                    parts.begin() + begins[item + 1],
                    other.parts.begin() + other.begins[item],
                    other.parts.begin() + other.begins[item + 1]);
}

std::optional<PairedItems> PairedItems::Of(
    std::vector<ItemSums> evaluations,
    std::vector<std::pair<size_t, size_t>> pairs) {
  if (evaluations.empty() || pairs.empty()) return std::nullopt;
  std::vector<int64_t> ids;
  for (const auto& [id, parts] : evaluations[0].rows) {
    if (std::all_of(evaluations.begin(), evaluations.end(),
                    [id = id](const ItemSums& one) {
                      return one.rows.count(id) > 0;
                    })) {
      ids.push_back(id);
    }
  }
  if (ids.empty()) return std::nullopt;

  PairedItems out;
  out.n_items_ = ids.size();
  out.pairs_ = std::move(pairs);
  for (const ItemSums& one : evaluations) {
    out.columns_ = std::max(out.columns_, one.columns);
  }
  for (ItemSums& one : evaluations) {
    Evaluation& made = out.evaluations_.emplace_back();
    made.begins.push_back(0);
    for (const int64_t id : ids) {
      const std::vector<ItemPart>& parts = one.rows.at(id);
      made.parts.insert(made.parts.end(), parts.begin(), parts.end());
      made.begins.push_back(made.parts.size());
    }
    made.sums.assign(out.columns_, 0.0);
    for (size_t i = 0; i < ids.size(); ++i) made.Add(i, 1, made.sums);
    one.rows.clear();
    made.metric = std::move(one);
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    if (std::any_of(out.pairs_.begin(), out.pairs_.end(), [&](const auto& p) {
          return !out.evaluations_[p.first].SameItem(out.evaluations_[p.second],
                                                     i);
        })) {
      out.differing_.push_back(i);
    }
  }
  return out;
}

double PairedItems::Difference(const std::vector<double>& items_I,
                               const std::vector<double>& seeds_S) const {
  std::vector<double> values, sums(columns_);
  for (const Evaluation& one : evaluations_) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (size_t i = 0; i < n_items_; ++i) one.Add(i, items_I[i], sums);
    values.push_back(one.metric.Value(sums));
  }
  double total = 0, seeds = 0;
  for (size_t s = 0; s < pairs_.size(); ++s) {
    if (seeds_S[s] == 0) continue;
    total += seeds_S[s] * (values[pairs_[s].first] - values[pairs_[s].second]);
    seeds += seeds_S[s];
  }
  return total / seeds;
}

std::vector<double> PairedItems::SeedDifferences() const {
  std::vector<double> differences_S;
  for (const auto& [first, second] : pairs_) {
    const Evaluation& a = evaluations_[first];
    const Evaluation& b = evaluations_[second];
    differences_S.push_back(a.metric.Value(a.sums) - b.metric.Value(b.sums));
  }
  return differences_S;
}

std::vector<std::vector<double>> PairedItems::PseudoValues() const {
  const double n = static_cast<double>(n_items_);
  std::vector<std::vector<double>> values_EI;  // by evaluation, each once
  std::vector<double> sums;
  for (const Evaluation& one : evaluations_) {
    const double whole = one.metric.Value(one.sums);
    std::vector<double>& values_I = values_EI.emplace_back();
    for (size_t i = 0; i < n_items_; ++i) {
      sums = one.sums;
      one.Add(i, -1, sums);
      values_I.push_back(n * whole - (n - 1) * one.metric.Value(sums));
    }
  }
  std::vector<std::vector<double>> values_SI;
  for (const auto& [first, second] : pairs_) {
    std::vector<double>& values_I = values_SI.emplace_back(values_EI[first]);
    for (size_t i = 0; i < n_items_; ++i) values_I[i] -= values_EI[second][i];
  }
  return values_SI;
}

double PairedItems::Difference() const {
  return SwappedDifference(std::vector<char>(differing_.size(), 0));
}

double PairedItems::SwappedDifference(const std::vector<char>& swapped) const {
  double total = 0;
  std::vector<double> moved(columns_), mine(columns_), theirs(columns_);
  for (const auto& [first, second] : pairs_) {
    const Evaluation& a = evaluations_[first];
    const Evaluation& b = evaluations_[second];
    std::fill(moved.begin(), moved.end(), 0.0);
    for (size_t i = 0; i < differing_.size(); ++i) {
      if (!swapped[i]) continue;
      b.Add(differing_[i], 1, moved);
      a.Add(differing_[i], -1, moved);
    }
    for (size_t c = 0; c < columns_; ++c) {
      mine[c] = a.sums[c] + moved[c];
      theirs[c] = b.sums[c] - moved[c];
    }
    total += a.metric.Value(mine) - b.metric.Value(theirs);
  }
  return total / static_cast<double>(pairs_.size());
}

std::optional<PairedItems::Scores> PairedItems::ItemScores() const {
  Scores scores;
  const auto of = [&](const Evaluation& one) {
    std::vector<double> scores_I, sums(columns_);
    for (size_t i = 0; i < n_items_; ++i) {
      std::fill(sums.begin(), sums.end(), 0.0);
      one.Add(i, 1, sums);
      scores_I.push_back(one.metric.Value(sums));
    }
    return scores_I;
  };
  for (const auto& [first, second] : pairs_) {
    for (const size_t one : {first, second}) {
      const ItemSums& metric = evaluations_[one].metric;
      if (!metric.is_mean || metric.is_exp) return std::nullopt;
    }
    scores.first_SI.push_back(of(evaluations_[first]));
    scores.second_SI.push_back(of(evaluations_[second]));
  }
  return scores;
}

}  // namespace sft::analysis
