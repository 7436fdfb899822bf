// Two cells compared on one task, paired by seed and by test item.
#ifndef HARNESS_ANALYSIS_COMPARISON_H_
#define HARNESS_ANALYSIS_COMPARISON_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/analysis/aggregate.h"
#include "harness/analysis/paired_items.h"
#include "harness/analysis/statistics.h"

namespace sft::analysis {

// What a comparison can speak of, by the seeds that both cells have.
enum class Claim {
  kTheseModels,  // one: these two models, over test items
  kTooFewSeeds,  // two: nothing is tested
  kMethod,       // from three: the method, over seeds and items
};
inline constexpr int64_t kSeedsToTest = 3;
Claim ClaimOf(int64_t n_seeds);
// "these models", "too few seeds to test", "method".
std::string_view ClaimName(Claim claim);

struct Comparison {
  size_t cell = 0;      // index into Results::cells
  size_t other = 0;     // likewise
  std::string against;  // "untuned" or "baseline": what `other` is
  std::string task;
  bool is_retained = false;  // the second family
  std::string metric;
  std::string unit;
  bool higher_is_better = true;
  int64_t n_items = 0;
  int64_t n_seeds = 0;
  Claim claim = Claim::kTooFewSeeds;
  // This minus the other, or the other way round where lower is better: above
  // 0 is an improvement. Mean over the seeds that both have.
  double gain = 0;
  double effect_size = 0;  // d_z over items; NaN of no mean of items

  // Of the method: interval, p and detectable effect of one model, the crossed
  // error. Of these models: bootstrap, McNemar's exact test where items are
  // right or wrong, else permutation. NaN where there are too few seeds, or
  // nothing varies.
  Interval interval = {kNone, kNone};
  double p = kNone;
  bool p_is_floor = false;             // of a permutation: p is at most this
  double smallest_detectable = kNone;  // at 5 % with power 0.8
  std::optional<double> sign_flip_p;   // of the method, beside it
  // Of these models, items right or wrong: only this one, only the other.
  std::optional<int64_t> wins, losses;

  // How often a seed of this one is better than one of the other's.
  double improvement = kNone;

  // Holm's p within its family; NaN outside of both. Benjamini and Hochberg's
  // beside it, where a list of likely differences is wanted, not a decision.
  double holm_p = kNone;
  double fdr_p = kNone;
  bool is_asked_for = false;  // its row is in the families

  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
};

// Seeds that are ok on both sides, each with its partner. The untuned model is
// one run, the partner of every seed.
std::vector<std::pair<const record::RunRecord*, const record::RunRecord*>>
PairedRecords(const Results& results, const ResultCell& cell,
              const ResultCell& other);

using RecordPairs =
    std::vector<std::pair<const record::RunRecord*, const record::RunRecord*>>;
// The items that all of these have; nullopt as below.
std::optional<PairedItems> PairItems(const RecordPairs& pairs,
                                     const std::string& task,
                                     const std::string& metric);
// The items of two cells over the seeds that both have; nullopt as below.
std::optional<PairedItems> PairCells(const Results& results, size_t cell,
                                     size_t other, const std::string& task,
                                     const std::string& metric);
// nullopt if no seed or no item pairs, or a record does not keep what its
// metric is made of (SumsOfItems).
std::optional<Comparison> CompareCells(const Results& results, size_t cell,
                                       size_t other, const std::string& task,
                                       const std::string& metric);

// The last evaluation of a task's test split, or of a held-out text.
const EvalRecord* TestEval(const record::RunRecord& record,
                           const std::string& task);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_COMPARISON_H_
