// What a sweep could find, before it is paid for: by the error and the families
// that its report will test with (crossed_error.h, comparison_families.h).
//
// A family of m comparisons is decided at 2.5 % by Holm's method, whose first
// step asks for p <= 0.025 / m. Detectable is the true difference that one
// comparison reaches that with in 80 of 100 sweeps, whatever the others show.
#ifndef HARNESS_ANALYSIS_POWER_H_
#define HARNESS_ANALYSIS_POWER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/analysis/aggregate.h"
#include "harness/analysis/crossed_error.h"
#include "harness/spec/run_plan.h"

namespace sft::analysis {

inline constexpr double kPowerWanted = 0.8;

// One task of one family, as the plan has it.
struct PlannedQuestion {
  std::string task;
  bool is_retained = false;
  int64_t comparisons = 0;      // of the whole family, Holm's m
  int64_t own = 0;              // of this task
  int64_t seeds = 0;            // of the pair that has fewest
  int64_t items = 0;            // 0: the plan does not say
  spec::RunConfig config = {};  // of a run that measures it
};
// The families that a report of this plan will have, were every run ok.
std::vector<PlannedQuestion> QuestionsOf(const spec::RunPlan& plan);

// Variances of one metric's paired differences, pooled over the comparisons of
// earlier records; of a metric that is a sum over items.
struct EarlierVariance {
  std::string metric, unit;
  VarianceParts parts;          // NaN seeds: no pair had two of them
  int64_t pairs = 0;            // of cells, pooled
  int64_t items = 0;            // of the smallest
  double weighted_freedom = 0;  // degrees of freedom of the seeds' part
};
// By task; of every tuned cell against its untuned model and its baseline.
std::map<std::string, EarlierVariance> VariancesOf(const Results& results);

// What may be said of a question with so many seeds and items.
struct PowerRow {
  PlannedQuestion question;  // seeds and items of this row
  std::string metric, unit, source;
  VarianceParts parts;
  double level = kNaN;         // of p at which Holm finds it first
  double detectable = kNaN;    // in the metric's unit
  double of_seeds = kNaN;      // share of the error's variance
  double power = kNaN;         // at the effect that was asked for
  double seeds_needed = kNaN;  // for that effect; infinite: no number of them
  std::string verdict = {};    // "decidable", "cannot be decided: ..."
};
// `effect`: nullopt where none was asked for.
PowerRow PowerOfQuestion(const PlannedQuestion& question,
                         const EarlierVariance& variance,
                         const std::string& source,
                         std::optional<double> effect);

// In standard deviations between seeds: what a family of m finds with S seeds
// where items add nothing (noncentral t). NaN below three seeds.
double DetectableInSeedDeviations(int64_t seeds, int64_t comparisons);

// What a plan cannot decide however large the difference, a line each; nothing
// of plans of more than 5,000 runs.
std::vector<std::string> NotesOnDecidability(const spec::RunPlan& plan);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_POWER_H_
