// Sweeps drawn from a known truth, and what the report's tests make of them.
//
// Score of method m under seed s on item i, on a latent scale:
//   item_i + mean_m + seed_ms + taste_mi + rest_msi
// `ratio` is the variance that seeds give to a row's mean difference over what
// items give it. Method 0 is the opponent of all the others, so that the rows
// of a table are dependent, as they are in a sweep.
#ifndef TESTS_HARNESS_ANALYSIS_SIMULATED_SWEEPS_H_
#define TESTS_HARNESS_ANALYSIS_SIMULATED_SWEEPS_H_

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "harness/analysis/crossed_error.h"
#include "harness/analysis/paired_items.h"
#include "harness/metrics/metrics.h"

namespace sft::analysis {

enum class ItemKind { kContinuous, kBinary, kSpanF1 };
inline const char* ItemKindName(ItemKind kind) {
  return kind == ItemKind::kContinuous ? "continuous"
         : kind == ItemKind::kBinary   ? "binary"
                                       : "span F1";
}

struct SweepSetting {
  ItemKind kind = ItemKind::kContinuous;
  int seeds = 3;
  double ratio = 0;
  int items = 200;
  int rows = 12;            // comparisons of the first family
  int retained_items = 40;  // of the second, as many rows; 0 = no such family
};

// Fast, and the same everywhere: xorshift*, and of normal noise 65,536 equally
// likely quantiles, four from one draw.
class SimulatedNoise {
 public:
  explicit SimulatedNoise(uint64_t seed)
      : state_(seed * 0x9E3779B97F4A7C15 + 1) {}
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }
  double Normal() {
    if (left_ == 0) {
      bits_ = Next();
      left_ = 4;
    }
    const double made = Quantiles()[bits_ & 0xFFFF];
    bits_ >>= 16;
    --left_;
    return made;
  }

 private:
  uint64_t Next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1D;
  }
  static const std::vector<double>& Quantiles() {
    static const std::vector<double> kQuantiles = [] {
      const boost::math::normal standard;
      std::vector<double> made;
      for (int i = 0; i < 65536; ++i) {
        made.push_back(boost::math::quantile(standard, (i + 0.5) / 65536));
      }
      return made;
    }();
    return kQuantiles;
  }
  uint64_t state_;
  uint64_t bits_ = 0;
  int left_ = 0;
};

inline constexpr double kTasteVariance = 0.5;
inline constexpr double kRestVariance = 0.5;

// Of seed_ms, for the ratio asked.
inline double SeedVariance(const SweepSetting& setting, int items) {
  return setting.ratio * (setting.seeds * kTasteVariance + kRestVariance) /
         items;
}
// Of a latent score, its item's part with it.
inline double LatentVariance(const SweepSetting& setting) {
  return 1 + SeedVariance(setting, setting.items) + kTasteVariance +
         kRestVariance;
}

// A row of a table: the true difference is known to who drew it.
struct SimulatedRow {
  double difference = 0;
  CrossedError error;
};

class SimulatedSweeps {
 public:
  SimulatedSweeps(const SweepSetting& setting, uint64_t seed)
      : setting_(setting), noise_(seed) {}

  // Each method but the opponent is better by `effect` on the latent scale,
  // half of it the opponent's loss; under one seed of all worse by `collapse`.
  void Draw(double effect = 0, double collapse = 0) {
    primary_ = Family(setting_.kind, setting_.items, effect, collapse);
    if (setting_.retained_items > 0) {
      retained_ = Family(ItemKind::kContinuous, setting_.retained_items, 0, 0);
    }
  }
  // The first alone is better, the others are as the opponent is.
  void DrawOneBetter(double effect) {
    only_first_ = true;
    Draw(effect);
    only_first_ = false;
  }
  const std::vector<SimulatedRow>& primary() const { return primary_; }
  const std::vector<SimulatedRow>& retained() const { return retained_; }

 private:
  using Scores = std::vector<std::vector<double>>;  // [S][I]

  std::vector<SimulatedRow> Family(ItemKind kind, int items, double effect,
                                   double collapse) {
    const size_t n = static_cast<size_t>(items);
    item_I_.resize(n);
    for (double& item : item_I_) item = noise_.Normal();
    if (kind == ItemKind::kSpanF1) return SpanRows(effect, collapse);
    const Scores opponent = Method(kind, n, -effect / 2, 0);
    std::vector<SimulatedRow> rows;
    for (int row = 0; row < setting_.rows; ++row) {
      const bool is_better = row == 0 || !only_first_;
      Scores mine =
          Method(kind, n, is_better ? effect / 2 : -effect / 2, collapse);
      std::vector<double> differences_S;
      for (size_t s = 0; s < mine.size(); ++s) {
        double sum = 0;
        for (size_t i = 0; i < n; ++i) {
          mine[s][i] -= opponent[s][i];
          sum += mine[s][i];
        }
        differences_S.push_back(sum / static_cast<double>(n));
      }
      rows.push_back(
          {Mean(differences_S), CrossedErrorOf(differences_S, mine)});
    }
    return rows;
  }

  Scores Method(ItemKind kind, size_t items, double mean, double collapse) {
    const double seed_sd =
        std::sqrt(SeedVariance(setting_, static_cast<int>(items)));
    const double taste_sd = std::sqrt(kTasteVariance);
    const double rest_sd = std::sqrt(kRestVariance);
    std::vector<double> common_I = item_I_;
    for (double& one : common_I) one += mean + taste_sd * noise_.Normal();
    Scores scores(static_cast<size_t>(setting_.seeds));
    for (size_t s = 0; s < scores.size(); ++s) {
      const double of_seed =
          seed_sd * noise_.Normal() - (s == 0 ? collapse : 0);
      scores[s].resize(items);
      for (size_t i = 0; i < items; ++i) {
        const double latent = common_I[i] + of_seed + rest_sd * noise_.Normal();
        scores[s][i] =
            kind == ItemKind::kBinary ? (latent > 0 ? 1 : 0) : latent;
      }
    }
    return scores;
  }

  // One row, by way of PairedItems: items of 1 to 3 spans, each found or not,
  // and up to two spans that are none.
  std::vector<SimulatedRow> SpanRows(double effect, double collapse) {
    const size_t n = item_I_.size();
    std::vector<ItemSums> evaluations;
    std::vector<std::pair<size_t, size_t>> pairs;
    std::vector<int> spans_I;
    for (size_t i = 0; i < n; ++i) {
      spans_I.push_back(1 + static_cast<int>(3 * noise_.Uniform()));
    }
    const auto add = [&](double mean, double fall) {
      const Scores latent = Method(ItemKind::kContinuous, n, mean, fall);
      for (const std::vector<double>& latent_I : latent) {
        ItemSums& sums = evaluations.emplace_back();
        sums.metric = metrics::FindMetric("span_f1");
        sums.columns = 3;
        for (size_t i = 0; i < n; ++i) {
          const double right = latent_I[i] > 0 ? spans_I[i] : 0;
          const double wrong =
              (noise_.Uniform() < 0.2) + (noise_.Uniform() < 0.2);
          sums.rows[static_cast<int64_t>(i)] = {
              {0, right},
              {1, right + wrong},
              {2, static_cast<double>(spans_I[i])}};
        }
      }
    };
    add(effect / 2, collapse);
    add(-effect / 2, 0);
    const size_t seeds = static_cast<size_t>(setting_.seeds);
    for (size_t s = 0; s < seeds; ++s) pairs.emplace_back(s, seeds + s);
    const auto items = PairedItems::Of(std::move(evaluations), pairs);
    const std::vector<double> differences_S = items->SeedDifferences();
    return {{Mean(differences_S),
             CrossedErrorOf(differences_S, items->PseudoValues())}};
  }

  SweepSetting setting_;
  SimulatedNoise noise_;
  bool only_first_ = false;
  std::vector<double> item_I_;
  std::vector<SimulatedRow> primary_, retained_;
};

// The difference of the metric itself that `effect` makes.
inline double TrueDifference(const SweepSetting& setting, double effect) {
  if (setting.kind == ItemKind::kContinuous) return effect;
  const auto found = [&](double mean) {  // share of items
    return 0.5 * std::erfc(-mean / std::sqrt(2 * LatentVariance(setting)));
  };
  const double high = found(effect / 2), low = found(-effect / 2);
  if (setting.kind == ItemKind::kBinary) return high - low;
  const auto f1 = [](double p) { return 2 * 2 * p / (2 * p + 0.4 + 2); };
  return f1(high) - f1(low);
}
// And back.
inline double EffectFor(const SweepSetting& setting, double difference) {
  double low = 0, high = 50;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (TrueDifference(setting, middle) < difference ? low : high) = middle;
  }
  return low;
}

struct Calibration {
  double false_positive_share[3] = {0, 0, 0};  // of tables of 1, 4, 12 rows
  double satterthwaite_share[3] = {0, 0, 0};   // the same by its t
  double coverage = 0, retained_coverage = 0;
  double detectable = 0;  // mean over rows of sweeps with that effect
  double power = 0;       // at it, of one row at 5 %
};
inline constexpr int kTableRows[3] = {1, 4, 12};

// p by Satterthwaite's degrees of freedom, to compare with.
inline double SatterthwaiteP(const SimulatedRow& row) {
  const CrossedError& e = row.error;
  const double v = e.seeds + e.items;
  CrossedError t;
  t.seeds = v;
  t.seed_freedom =
      v * v /
      (e.seeds * e.seeds / e.seed_freedom + e.items * e.items / e.item_freedom);
  return CrossedP(t, row.difference);
}

// Does Holm's method find anything among the first n?
inline bool FindsAnything(std::vector<double> p_values, size_t n,
                          double level) {
  p_values.resize(std::min(n, p_values.size()));
  for (const double p : HolmAdjust(p_values)) {
    if (p <= level) return true;
  }
  return false;
}

inline Calibration Calibrate(const SweepSetting& setting, int sweeps,
                             int detectable_sweeps, uint64_t seed) {
  constexpr double kLevel = 0.025;  // of a family
  Calibration found;
  SimulatedSweeps null(setting, seed);
  int64_t covered = 0, rows = 0, retained_covered = 0, retained_rows = 0;
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    null.Draw();
    bool finds[3] = {}, satterthwaite_finds[3] = {};
    for (const bool is_retained : {false, true}) {
      std::vector<double> p_values, satterthwaite;
      for (const SimulatedRow& row :
           is_retained ? null.retained() : null.primary()) {
        const Interval interval = CrossedInterval(row.error, row.difference);
        const bool covers = interval.low <= 0 && 0 <= interval.high;
        (is_retained ? retained_covered : covered) += covers;
        ++(is_retained ? retained_rows : rows);
        // An interval that holds 0 has p above 0.05: no need to know it.
        p_values.push_back(covers ? 1 : CrossedP(row.error, row.difference));
        satterthwaite.push_back(SatterthwaiteP(row));
      }
      for (int k = 0; k < 3; ++k) {
        const size_t n = static_cast<size_t>(kTableRows[k]);
        finds[k] = finds[k] || FindsAnything(p_values, n, kLevel);
        satterthwaite_finds[k] =
            satterthwaite_finds[k] || FindsAnything(satterthwaite, n, kLevel);
      }
    }
    for (int k = 0; k < 3; ++k) {
      found.false_positive_share[k] += finds[k];
      found.satterthwaite_share[k] += satterthwaite_finds[k];
    }
    if (sweep < detectable_sweeps) {
      found.detectable +=
          DetectableEstimate(null.primary()[0].error) / detectable_sweeps;
    }
  }
  for (int k = 0; k < 3; ++k) {
    found.false_positive_share[k] /= sweeps;
    found.satterthwaite_share[k] /= sweeps;
  }
  found.coverage = static_cast<double>(covered) / static_cast<double>(rows);
  found.retained_coverage = retained_rows == 0
                                ? std::nan("")
                                : static_cast<double>(retained_covered) /
                                      static_cast<double>(retained_rows);
  SweepSetting one = setting;
  one.rows = 1;
  one.retained_items = 0;
  // Shares of items vary less where they are far from a half: what rows call
  // detectable is asked of sweeps that have this very effect.
  for (int round = 0; round < 2 && one.kind != ItemKind::kContinuous; ++round) {
    SimulatedSweeps with_effect(one,
                                seed + 1000 + static_cast<uint64_t>(round));
    const double effect = EffectFor(one, found.detectable);
    found.detectable = 0;
    for (int sweep = 0; sweep < detectable_sweeps; ++sweep) {
      with_effect.Draw(effect);
      found.detectable += DetectableEstimate(with_effect.primary()[0].error) /
                          detectable_sweeps;
    }
  }
  SimulatedSweeps better(one, seed + 1);
  const double effect = EffectFor(one, found.detectable);
  int64_t detected = 0;
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    better.Draw(effect);
    const SimulatedRow& row = better.primary()[0];
    const Interval interval = CrossedInterval(row.error, row.difference);
    detected += interval.low > 0 || interval.high < 0;
  }
  found.power = static_cast<double>(detected) / sweeps;
  return found;
}

}  // namespace sft::analysis

#endif  // TESTS_HARNESS_ANALYSIS_SIMULATED_SWEEPS_H_
