#include "harness/analysis/contrast.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "harness/analysis/comparison.h"
#include "harness/analysis/crossed_error.h"

namespace sft::analysis {
namespace {

// One group of items over all seeds. K scores, I items.
class GroupOfItems {
 public:
  // Group `group` of each seed.
  GroupOfItems(const std::vector<SeedContrast>& seeds, size_t group) {
    for (const SeedContrast& seed : seeds) {
      auto& terms = terms_S_.emplace_back();
      for (const ScoreTerm& term : seed[group]) {
        terms.push_back({PlaceOf(*term.score.items), term.coefficient});
      }
    }
    if (scores_.empty()) return;
    for (const auto& [id, parts] : scores_[0].metric->rows) {
      const bool in_all = std::all_of(scores_.begin(), scores_.end(),
                                      [id = id](const Held& score) {
                                        return score.metric->rows.count(id) > 0;
                                      });
      if (!in_all) continue;
      ++n_items_;
      for (Held& score : scores_) {
        const std::vector<ItemPart>& own = score.metric->rows.at(id);
        score.parts.insert(score.parts.end(), own.begin(), own.end());
        score.begins.push_back(score.parts.size());
      }
    }
  }

  size_t n_items() const { return n_items_; }

  // Of each seed, where item i stands times_I[first + i] times.
  std::vector<double> ValuesOf(const std::vector<double>& times_I,
                               size_t first) const {
    std::vector<double> values_K;
    for (const Held& score : scores_) {
      std::vector<double> sums(score.metric->columns, 0.0);
      for (size_t i = 0; i < n_items_; ++i) {
        score.Add(i, times_I[first + i], sums);
      }
      values_K.push_back(score.metric->Value(sums));
    }
    return Combined(values_K);
  }

  // What each item adds (PairedItems::PseudoValues) [S][I].
  std::vector<std::vector<double>> PseudoValues() const {
    const double n = static_cast<double>(n_items_);
    std::vector<std::vector<double>> values_SI(
        terms_S_.size(), std::vector<double>(n_items_, 0.0));
    std::vector<std::vector<double>> sums_K;
    std::vector<double> whole_K;
    for (const Held& score : scores_) {
      std::vector<double>& sums =
          sums_K.emplace_back(score.metric->columns, 0.0);
      for (size_t i = 0; i < n_items_; ++i) score.Add(i, 1, sums);
      whole_K.push_back(score.metric->Value(sums));
    }
    for (size_t i = 0; i < n_items_; ++i) {
      std::vector<double> pseudo_K;
      for (size_t k = 0; k < scores_.size(); ++k) {
        std::vector<double> sums = sums_K[k];
        scores_[k].Add(i, -1, sums);
        pseudo_K.push_back(n * whole_K[k] -
                           (n - 1) * scores_[k].metric->Value(sums));
      }
      const std::vector<double> values_S = Combined(pseudo_K);
      for (size_t s = 0; s < values_S.size(); ++s) {
        values_SI[s][i] = values_S[s];
      }
    }
    return values_SI;
  }

 private:
  struct Term {
    size_t score = 0;
    double coefficient = 1;
  };
  // The parts of item i are parts[begins[i]] to parts[begins[i + 1]].
  struct Held {
    const ItemSums* metric;
    std::vector<ItemPart> parts;
    std::vector<size_t> begins = {0};

    void Add(size_t item, double times, std::vector<double>& sums) const {
      for (size_t i = begins[item]; i < begins[item + 1]; ++i) {
        sums[parts[i].column] += times * parts[i].amount;
      }
    }
  };

  size_t PlaceOf(const ItemSums& score) {
    const auto [it, is_new] = places_.emplace(&score, scores_.size());
    if (is_new) scores_.push_back({.metric = &score, .parts = {}});
    return it->second;
  }
  std::vector<double> Combined(const std::vector<double>& values_K) const {
    std::vector<double> values_S;
    for (const std::vector<Term>& terms : terms_S_) {
      double& value = values_S.emplace_back(0.0);
      for (const Term& term : terms) {
        value += term.coefficient * values_K[term.score];
      }
    }
    return values_S;
  }

  std::vector<std::vector<Term>> terms_S_;
  std::vector<Held> scores_;  // each once
  std::map<const ItemSums*, size_t> places_;
  size_t n_items_ = 0;
};

// A from the seeds' values, not below what chance among items makes of it, and
// B of the groups together, with the fewest degrees of freedom that one has.
CrossedError ErrorOf(const std::vector<GroupOfItems>& groups,
                     const std::vector<double>& values_S) {
  CrossedError error;
  const double S = static_cast<double>(values_S.size());
  error.seed_freedom = S - 1;
  error.item_freedom = HUGE_VAL;
  double least = 0;
  for (const GroupOfItems& group : groups) {
    const CrossedError own = CrossedErrorOf(
        std::vector<double>(values_S.size(), 0.0), group.PseudoValues());
    least += own.seeds;
    error.items += own.items;
    if (own.items > 0 || groups.size() == 1) {
      error.item_freedom = std::min(error.item_freedom, own.item_freedom);
    }
  }
  const double sd = SampleStdDev(values_S);
  error.seeds = std::max(sd * sd / S, least);
  return error;
}

bool LacksItems(const std::vector<SeedContrast>& seeds) {
  for (const SeedContrast& seed : seeds) {
    for (const ItemGroup& group : seed) {
      for (const ScoreTerm& term : group) {
        if (term.score.items == nullptr) return true;
      }
    }
  }
  return false;
}

Estimate ValueAlone(const std::vector<SeedContrast>& seeds) {
  Estimate found;
  for (const SeedContrast& seed : seeds) {
    double& value = found.seeds_S.emplace_back(0.0);
    for (const ItemGroup& group : seed) {
      for (const ScoreTerm& term : group) {
        value += term.coefficient * term.score.value;
      }
    }
  }
  found.value = Mean(found.seeds_S);
  return found;
}

}  // namespace

std::optional<ModelScore> ScoreOf(const EvalRecord* eval,
                                  const std::string& metric) {
  const MetricRecord* measured = FindMetric(eval, metric);
  if (measured == nullptr) return std::nullopt;
  ModelScore score{.value = measured->value, .items = nullptr};
  if (std::optional<ItemSums> sums = SumsOfItems(*eval, *measured)) {
    score.items = std::make_shared<const ItemSums>(*std::move(sums));
  }
  return score;
}

SeedContrast Minus(SeedContrast one, const SeedContrast& other) {
  for (size_t g = 0; g < one.size(); ++g) {
    for (ScoreTerm term : other[g]) {
      term.coefficient = -term.coefficient;
      one[g].push_back(std::move(term));
    }
  }
  return one;
}

std::optional<Estimate> EstimateOf(const std::vector<SeedContrast>& seeds,
                                   std::string_view salt) {
  if (seeds.empty() || seeds[0].empty()) return std::nullopt;
  if (LacksItems(seeds)) return ValueAlone(seeds);
  std::vector<GroupOfItems> groups;
  std::vector<size_t> sizes;
  Estimate found;
  for (size_t g = 0; g < seeds[0].size(); ++g) {
    groups.emplace_back(seeds, g);
    sizes.push_back(groups.back().n_items());
    if (sizes.back() == 0) return std::nullopt;
    found.n_items += static_cast<int64_t>(sizes.back());
  }
  const auto values_of = [&](const std::vector<double>& times_I) {
    std::vector<double> values_S(seeds.size(), 0.0);
    size_t first = 0;
    for (const GroupOfItems& group : groups) {
      const std::vector<double> own_S = group.ValuesOf(times_I, first);
      for (size_t s = 0; s < own_S.size(); ++s) values_S[s] += own_S[s];
      first += group.n_items();
    }
    return values_S;
  };
  found.seeds_S =
      values_of(std::vector<double>(static_cast<size_t>(found.n_items), 1.0));
  found.value = Mean(found.seeds_S);
  const Claim claim = ClaimOf(static_cast<int64_t>(seeds.size()));
  if (claim == Claim::kTheseModels) {
    const Bootstrap draws = BootstrapOf(
        sizes, 1,
        [&](const std::vector<double>& items_I, const std::vector<double>&) {
          return values_of(items_I)[0];
        },
        salt);
    found.interval = draws.interval;
    found.standard_error = draws.standard_error;
    found.smallest_detectable = SmallestDetectable(draws.standard_error);
    return found;
  }
  if (*std::min_element(sizes.begin(), sizes.end()) < 2) return found;
  const CrossedError error = ErrorOf(groups, found.seeds_S);
  found.standard_error = error.standard_error();
  if (claim != Claim::kMethod) return found;
  found.interval = CrossedInterval(error, found.value);
  found.p = CrossedP(error, found.value);
  found.smallest_detectable = DetectableEstimate(error);
  return found;
}

}  // namespace sft::analysis
