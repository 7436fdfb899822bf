// Two cells compared on one task, paired by seed and by test item.
#ifndef HARNESS_ANALYSIS_COMPARISON_H_
#define HARNESS_ANALYSIS_COMPARISON_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/analysis/aggregate.h"
#include "harness/analysis/statistics.h"

namespace sft {

struct Comparison {
  size_t cell = 0;      // index into Results::cells
  std::string against;  // "untuned" or "baseline"
  std::string task;
  std::string metric;
  std::string unit;
  int64_t n_items = 0;
  int64_t n_seeds = 0;
  // This minus the other, or the other way round where lower is better: above
  // 0 is an improvement. Mean over the seeds that both have.
  double gain = 0;
  Interval interval;               // of the gain: bootstrap, items x seeds
  double effect_size = 0;          // d_z over items; NaN of no mean of items
  double permutation_p = 0;        // items change sides, in all seeds at once
  double smallest_detectable = 0;  // at power 0.8
  // Only of metrics whose items are 0 or 1; pooled over seeds.
  std::optional<int64_t> wins, losses;
  std::optional<double> mcnemar_p;  // exact
  // What Holm adjusts. An item answered under three seeds is not three items,
  // so that pooled counts are not used for it.
  double p() const {
    return mcnemar_p.has_value() && n_seeds == 1 ? *mcnemar_p : permutation_p;
  }
  double holm_p = 0;  // over all comparisons against the same
};

// Seeds that are ok on both sides, each with its partner. The untuned model is
// one run, the partner of every seed.
std::vector<std::pair<const RunRecord*, const RunRecord*>> PairedRecords(
    const Results& results, const ResultCell& cell, const ResultCell& other);

// nullopt if no seed or no item pairs, or a record does not keep what its
// metric is made of (SumsOfItems).
std::optional<Comparison> CompareCells(const Results& results, size_t cell,
                                       size_t other, const std::string& task,
                                       const std::string& metric);

// Every tuned cell against its untuned model and its baseline, on the primary
// metric of each evaluated task, Holm-adjusted.
std::vector<Comparison> CompareAll(const Results& results);

// "sst2: f1 has no interval: ..." for each evaluated task whose records do not
// keep what its primary metric is made of.
std::vector<std::string> NotesOnMissingIntervals(const Results& results);

// The tasks of the plan, in its order.
std::vector<std::string> EvaluatedTasks(const Results& results);
// The first metric of a task's test split in any record, "" if there is none.
std::string PrimaryMetric(const Results& results, const std::string& task);
// The last evaluation of a task's test split.
const EvalRecord* TestEval(const RunRecord& record, const std::string& task);

}  // namespace sft

#endif  // HARNESS_ANALYSIS_COMPARISON_H_
