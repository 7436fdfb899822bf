#include "harness/analysis/power.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "harness/analysis/comparison.h"
#include "harness/analysis/comparison_families.h"
#include "harness/analysis/selection.h"

namespace sft::analysis {
namespace {

constexpr int64_t kMostSeeds = 200;
// Grouping more runs would take longer than their plan.
constexpr size_t kMostRuns = 5000;

// Cells of a plan whose runs are still to come, with what a report compares
// each of them with.
Results PendingResults(const spec::RunPlan& plan) {
  Results results;
  results.select_by = plan.select_by;
  results.select_per = plan.select_per;
  for (const spec::PlannedRun& planned : plan.runs) {
    CollectedRun run;
    run.planned = planned;
    run.state = "pending";
    results.runs.push_back(std::move(run));
  }
  results.cells = GroupOverSeeds(results.runs);
  results.IndexRuns();
  return results;
}

// One of each group, for which one will be selected is not known yet.
std::vector<size_t> CellsAskedFor(const Results& results) {
  std::vector<size_t> cells;
  std::set<std::vector<std::string>> groups;
  for (size_t i = 0; i < results.cells.size(); ++i) {
    const ResultCell& cell = results.cells[i];
    if (cell.is_untuned) continue;
    if (results.select_by.empty() ||
        groups.insert(SelectionGroup(results, cell)).second) {
      cells.push_back(i);
    }
  }
  return cells;
}

// Of selected rows the baseline is the row that is selected of its group: of
// the same group it is the row itself.
std::optional<size_t> PlannedBaseline(const Results& results, size_t cell) {
  const std::optional<size_t> own = BaselineCell(results, results.cells[cell]);
  if (!own.has_value() || *own == cell) return std::nullopt;
  if (!results.select_by.empty() &&
      SelectionGroup(results, results.cells[*own]) ==
          SelectionGroup(results, results.cells[cell])) {
    return std::nullopt;
  }
  return own;
}

// Seeds that both will have; the untuned model is every seed's partner.
int64_t SharedSeeds(const Results& results, const ResultCell& cell,
                    const ResultCell& other) {
  std::set<int64_t> seeds;
  for (const size_t run : other.runs) {
    seeds.insert(results.runs[run].planned.config.seed);
  }
  int64_t shared = 0;
  for (const size_t run : cell.runs) {
    shared += other.is_untuned ||
              seeds.count(results.runs[run].planned.config.seed) > 0;
  }
  return shared;
}

// The variance of single seeds' differences over items.
double ItemVariance(const std::vector<double>& values_I) {
  const double sd = SampleStdDev(values_I);
  return sd * sd;
}

struct Pool {
  EarlierVariance found;
  double seeds = 0, items = 0, rest = 0;  // sums over pairs
  int64_t with_seeds = 0;
};

void AddPair(const PairedItems& items, Pool& pool) {
  if (items.n_items() < 2) return;
  const std::vector<std::vector<double>> values_SI = items.PseudoValues();
  EarlierVariance& found = pool.found;
  const int64_t n = static_cast<int64_t>(items.n_items());
  found.items = found.pairs == 0 ? n : std::min(found.items, n);
  ++found.pairs;
  if (values_SI.size() < 2) {
    // Of one seed what is the item's own and what is left are not told apart:
    // all of it is taken for the item's, which more seeds do not make smaller.
    pool.items += ItemVariance(values_SI[0]);
    return;
  }
  const VarianceParts parts =
      VariancePartsOf(items.SeedDifferences(), values_SI);
  pool.seeds += parts.seeds;
  pool.items += parts.items;
  pool.rest += parts.rest;
  found.weighted_freedom += parts.freedom;
  ++pool.with_seeds;
}

// The error as a report would have it, NaN where it has none.
double Detectable(const VarianceParts& parts, double seeds, double items,
                  double level) {
  if (seeds >= static_cast<double>(kSeedsToTest)) {
    if (std::isnan(parts.seeds) || items < 2) return kNaN;
    return DetectableEffect(ErrorOfDesign(parts, seeds, items), level,
                            kPowerWanted);
  }
  const double of_items =
      std::max(0.0, parts.items) + std::max(0.0, parts.rest);
  return SmallestDetectable(std::sqrt(of_items / items), level, kPowerWanted);
}

double PowerOfModels(double standard_error, double effect, double level) {
  const boost::math::normal standard;
  const double critical = boost::math::quantile(standard, 1 - level / 2);
  return boost::math::cdf(standard, effect / standard_error - critical) +
         boost::math::cdf(standard, -effect / standard_error - critical);
}

// The fewest seeds with which `effect` is found often enough. Infinite where
// the items alone hide it.
double SeedsNeeded(const VarianceParts& parts, double items, double level,
                   double effect) {
  for (int64_t seeds = kSeedsToTest; seeds <= kMostSeeds; ++seeds) {
    if (Detectable(parts, static_cast<double>(seeds), items, level) <= effect) {
      return static_cast<double>(seeds);
    }
  }
  return HUGE_VAL;
}

}  // namespace

std::vector<PlannedQuestion> QuestionsOf(const spec::RunPlan& plan) {
  const Results results = PendingResults(plan);
  std::vector<std::pair<size_t, size_t>> pairs;
  for (const size_t cell : CellsAskedFor(results)) {
    const std::string& untuned_id =
        results.runs[results.cells[cell].runs[0]].planned.untuned_id;
    const std::optional<size_t> untuned = results.CellOf(untuned_id);
    if (untuned.has_value()) pairs.emplace_back(cell, *untuned);
    const std::optional<size_t> baseline = PlannedBaseline(results, cell);
    if (baseline.has_value() && baseline != untuned) {
      pairs.emplace_back(cell, *baseline);
    }
  }
  std::vector<PlannedQuestion> questions;
  for (const bool is_retained : {false, true}) {
    const std::vector<std::string> tasks =
        is_retained ? RetainedTasks(results) : EvaluatedTasks(results);
    const size_t first = questions.size();
    int64_t family = 0;
    for (const std::string& task : tasks) {
      PlannedQuestion one{.task = task, .is_retained = is_retained};
      for (const auto& [cell, other] : pairs) {
        const spec::RunConfig& config =
            results.runs[results.cells[cell].runs[0]].planned.config;
        const std::vector<std::string>& measured =
            is_retained ? config.retain : config.evaluate;
        if (std::find(measured.begin(), measured.end(), task) ==
            measured.end()) {
          continue;
        }
        const int64_t seeds =
            SharedSeeds(results, results.cells[cell], results.cells[other]);
        one.seeds = one.own == 0 ? seeds : std::min(one.seeds, seeds);
        ++one.own;
        one.config = config;
      }
      if (one.own == 0) continue;
      family += one.own;
      questions.push_back(std::move(one));
    }
    for (size_t i = first; i < questions.size(); ++i) {
      questions[i].comparisons = family;
    }
  }
  return questions;
}

std::map<std::string, EarlierVariance> VariancesOf(const Results& results) {
  std::map<std::string, Pool> pools;
  std::vector<std::string> tasks = EvaluatedTasks(results);
  for (std::string& task : RetainedTasks(results)) {
    tasks.push_back(std::move(task));
  }
  for (size_t i = 0; i < results.cells.size(); ++i) {
    const ResultCell& cell = results.cells[i];
    if (cell.is_untuned) continue;
    const std::optional<size_t> untuned =
        results.CellOf(results.runs[cell.runs[0]].planned.untuned_id);
    const std::optional<size_t> baseline = BaselineCell(results, cell);
    for (const std::optional<size_t>& other : {untuned, baseline}) {
      if (!other.has_value() || *other == i) continue;
      for (const std::string& task : tasks) {
        const MetricRecord* primary = PrimaryMetric(results, task);
        if (primary == nullptr) continue;
        const std::optional<PairedItems> items =
            PairCells(results, i, *other, task, primary->name);
        if (!items.has_value()) continue;
        Pool& pool = pools[task];
        pool.found.metric = primary->name;
        pool.found.unit = primary->unit;
        AddPair(*items, pool);
      }
    }
  }
  std::map<std::string, EarlierVariance> found;
  for (auto& [task, pool] : pools) {
    if (pool.found.pairs == 0) continue;
    const double pairs = static_cast<double>(pool.found.pairs);
    const double with_seeds = static_cast<double>(pool.with_seeds);
    pool.found.parts = {
        .seeds = pool.with_seeds > 0 ? pool.seeds / with_seeds : kNaN,
        .items = pool.items / pairs,
        .rest = pool.with_seeds > 0 ? pool.rest / with_seeds : 0,
        .freedom = pool.found.weighted_freedom};
    found[task] = std::move(pool.found);
  }
  return found;
}

PowerRow PowerOfQuestion(const PlannedQuestion& question,
                         const EarlierVariance& variance,
                         const std::string& source,
                         std::optional<double> effect) {
  PowerRow row{.question = question,
               .metric = variance.metric,
               .unit = variance.unit,
               .source = source,
               .parts = variance.parts};
  const double seeds = static_cast<double>(question.seeds);
  const double items = static_cast<double>(question.items);
  row.level = kFamilyLevel / static_cast<double>(question.comparisons);
  if (question.seeds == 2) {
    row.verdict = "cannot be decided: two seeds are not tested";
    return row;
  }
  row.detectable = Detectable(row.parts, seeds, items, row.level);
  const bool of_method = question.seeds >= kSeedsToTest;
  if (of_method && !std::isnan(row.parts.seeds)) {
    const CrossedError error = ErrorOfDesign(row.parts, seeds, items);
    row.of_seeds = error.seeds / (error.seeds + error.items);
  }
  if (std::isnan(row.detectable)) {
    row.verdict = std::isnan(row.parts.seeds)
                      ? "not known: no variance between seeds"
                      : "not known: nothing varies";
    return row;
  }
  if (!effect.has_value()) {
    row.verdict = of_method ? "of the method" : "of these models alone";
    return row;
  }
  const double wanted = std::abs(*effect);
  if (of_method) {
    row.power =
        PowerOf(ErrorOfDesign(row.parts, seeds, items), wanted, row.level);
  } else {
    const double of_items =
        std::max(0.0, row.parts.items) + std::max(0.0, row.parts.rest);
    row.power = PowerOfModels(std::sqrt(of_items / items), wanted, row.level);
  }
  if (!std::isnan(row.parts.seeds)) {
    row.seeds_needed = SeedsNeeded(row.parts, items, row.level, wanted);
  }
  row.verdict = row.power < kPowerWanted ? "cannot be decided: too small"
                : of_method              ? "decidable"
                                         : "decidable of these models alone";
  return row;
}

double DetectableInSeedDeviations(int64_t seeds, int64_t comparisons) {
  if (seeds < kSeedsToTest || comparisons < 1) return kNaN;
  const double S = static_cast<double>(seeds);
  // So many items that they add nothing.
  return DetectableEffect({1 / S, 0, S - 1, 1e9},
                          kFamilyLevel / static_cast<double>(comparisons),
                          kPowerWanted);
}

std::vector<std::string> NotesOnDecidability(const spec::RunPlan& plan) {
  std::vector<std::string> notes;
  if (plan.runs.size() > kMostRuns) return notes;
  std::set<std::tuple<bool, int64_t>> said;
  for (const PlannedQuestion& one : QuestionsOf(plan)) {
    if (!said.emplace(one.is_retained, one.seeds).second) continue;
    const std::string what = absl::StrCat(
        one.is_retained ? "what is retained (" : "the tasks' scores (",
        one.comparisons,
        one.comparisons == 1 ? " comparison, " : " comparisons, ", one.seeds,
        one.seeds == 1 ? " seed)" : " seeds)");
    if (one.seeds < 2) {
      notes.push_back(
          absl::StrCat("of ", what,
                       " this plan can say nothing of methods, only of these "
                       "models: a claim about a method needs 3 seeds"));
    } else if (one.seeds < kSeedsToTest) {
      notes.push_back(absl::StrCat("of ", what,
                                   " this plan can decide nothing: two seeds "
                                   "are not tested, 3 are"));
    }
  }
  return notes;
}

}  // namespace sft::analysis
