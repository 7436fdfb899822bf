#include "harness/analysis/comparison.h"

#include <algorithm>
#include <limits>
#include <map>

#include "absl/strings/str_cat.h"
#include "harness/analysis/item_sums.h"
#include "harness/analysis/paired_items.h"
#include "harness/analysis/selection.h"

namespace sft {
namespace {

bool IsBinary(const std::vector<std::vector<double>>& scores_SI) {
  return std::all_of(
      scores_SI.begin(), scores_SI.end(), [](const auto& scores_I) {
        return std::all_of(scores_I.begin(), scores_I.end(), [](double score) {
          return score == 0 || score == 1;
        });
      });
}

// d_z over items, and McNemar's counts where scores are right or wrong.
void AddItemStatistics(const PairedItems::Scores& scores, double sign,
                       Comparison& found) {
  const size_t n_seeds = scores.first_SI.size();
  std::vector<double> means_I(scores.first_SI[0].size(), 0.0);
  int64_t wins = 0, losses = 0;
  for (size_t s = 0; s < n_seeds; ++s) {
    for (size_t i = 0; i < means_I.size(); ++i) {
      const double gain =
          sign * (scores.first_SI[s][i] - scores.second_SI[s][i]);
      means_I[i] += gain / static_cast<double>(n_seeds);
      wins += gain > 0;
      losses += gain < 0;
    }
  }
  found.effect_size = PairedEffectSize(means_I);
  if (!IsBinary(scores.first_SI) || !IsBinary(scores.second_SI)) return;
  found.wins = wins;
  found.losses = losses;
  found.mcnemar_p = McNemarExactP(wins, losses);
}

// The sums of each record of the pairs, once, and the pairs as their places.
std::optional<PairedItems> PairItems(
    const std::vector<std::pair<const RunRecord*, const RunRecord*>>& pairs,
    const std::string& task, const std::string& metric) {
  std::vector<ItemSums> evaluations;
  std::map<const RunRecord*, size_t> places;
  std::vector<std::pair<size_t, size_t>> indices;
  const auto place = [&](const RunRecord* record) -> std::optional<size_t> {
    const auto [it, is_new] = places.emplace(record, evaluations.size());
    if (!is_new) return it->second;
    const EvalRecord* eval = TestEval(*record, task);
    const MetricRecord* measured = FindMetric(eval, metric);
    if (measured == nullptr) return std::nullopt;
    std::optional<ItemSums> sums = SumsOfItems(*eval, *measured);
    if (!sums.has_value()) return std::nullopt;
    evaluations.push_back(*std::move(sums));
    return it->second;
  };
  for (const auto& [mine, theirs] : pairs) {
    const std::optional<size_t> first = place(mine), second = place(theirs);
    if (!first.has_value() || !second.has_value()) return std::nullopt;
    indices.emplace_back(*first, *second);
  }
  return PairedItems::Of(std::move(evaluations), std::move(indices));
}

std::optional<size_t> UntunedCell(const Results& results,
                                  const ResultCell& cell) {
  const std::string& id = results.runs[cell.runs[0]].planned.untuned_id;
  for (size_t i = 0; i < results.cells.size(); ++i) {
    for (const size_t index : results.cells[i].runs) {
      if (!id.empty() && results.runs[index].planned.run_id == id) return i;
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::pair<const RunRecord*, const RunRecord*>> PairedRecords(
    const Results& results, const ResultCell& cell, const ResultCell& other) {
  std::vector<std::pair<const RunRecord*, const RunRecord*>> pairs;
  for (const size_t mine : cell.runs) {
    const CollectedRun& run = results.runs[mine];
    if (!run.ok()) continue;
    for (const size_t theirs : other.runs) {
      const CollectedRun& partner = results.runs[theirs];
      const bool same_seed =
          partner.planned.config.seed == run.planned.config.seed;
      if (!partner.ok() || !(other.is_untuned || same_seed)) continue;
      pairs.emplace_back(&*run.record, &*partner.record);
      break;
    }
  }
  return pairs;
}

std::optional<Comparison> CompareCells(const Results& results, size_t cell,
                                       size_t other, const std::string& task,
                                       const std::string& metric) {
  const auto pairs =
      PairedRecords(results, results.cells[cell], results.cells[other]);
  const std::optional<PairedItems> items = PairItems(pairs, task, metric);
  if (!items.has_value()) return std::nullopt;
  const MetricRecord& first =
      *FindMetric(TestEval(*pairs[0].first, task), metric);
  const double sign = first.higher_is_better ? 1 : -1;

  Comparison found;
  found.cell = cell;
  found.task = task;
  found.metric = metric;
  found.unit = first.unit;
  found.n_items = static_cast<int64_t>(items->n_items());
  found.n_seeds = static_cast<int64_t>(items->n_seeds());
  found.gain = sign * items->Difference();
  // The salt names what is compared, so that another row changes no interval.
  const std::string salt =
      absl::StrCat(task, "\n", metric, "\n", pairs[0].first->run_id, "\n",
                   pairs[0].second->run_id);
  const Bootstrap bootstrap = BootstrapOf(
      items->n_items(), items->n_seeds(),
      [&](const std::vector<double>& items_I,
          const std::vector<double>& seeds_S) {
        return sign * items->Difference(items_I, seeds_S);
      },
      salt + "\nbootstrap");
  found.interval = bootstrap.interval;
  found.smallest_detectable = SmallestDetectable(bootstrap.standard_error);
  found.permutation_p = PairedPermutationP(
      items->n_differing(),
      [&](const std::vector<char>& swapped) {
        return items->SwappedDifference(swapped);
      },
      salt + "\npermutation");
  found.effect_size = std::numeric_limits<double>::quiet_NaN();
  if (const auto scores = items->ItemScores(); scores.has_value()) {
    AddItemStatistics(*scores, sign, found);
  }
  return found;
}

std::vector<std::string> NotesOnMissingIntervals(const Results& results) {
  std::vector<std::string> notes;
  for (const std::string& task : EvaluatedTasks(results)) {
    const std::string metric = PrimaryMetric(results, task);
    const bool is_missing = std::any_of(
        results.runs.begin(), results.runs.end(), [&](const CollectedRun& run) {
          if (!run.ok()) return false;
          const EvalRecord* eval = TestEval(*run.record, task);
          const MetricRecord* measured = FindMetric(eval, metric);
          return measured != nullptr &&
                 !SumsOfItems(*eval, *measured).has_value();
        });
    if (!is_missing) continue;
    notes.push_back(absl::StrCat(
        task, ": ", metric,
        " has no interval in some rows: their records do not keep the numbers "
        "of items that it is made of."));
  }
  return notes;
}

std::vector<std::string> EvaluatedTasks(const Results& results) {
  std::vector<std::string> tasks;
  for (const CollectedRun& run : results.runs) {
    for (const std::string& task : run.planned.config.evaluate) {
      if (std::find(tasks.begin(), tasks.end(), task) == tasks.end()) {
        tasks.push_back(task);
      }
    }
  }
  return tasks;
}

const EvalRecord* TestEval(const RunRecord& record, const std::string& task) {
  return LastEval(record, task, "test");
}

std::string PrimaryMetric(const Results& results, const std::string& task) {
  for (const CollectedRun& run : results.runs) {
    if (!run.record.has_value()) continue;
    const EvalRecord* eval = TestEval(*run.record, task);
    if (eval != nullptr && !eval->metrics.empty()) {
      return eval->metrics[0].name;
    }
  }
  return "";
}

std::vector<Comparison> CompareAll(const Results& results) {
  std::vector<Comparison> all;
  for (const char* against : {"untuned", "baseline"}) {
    std::vector<Comparison> family;
    for (size_t i = 0; i < results.cells.size(); ++i) {
      const ResultCell& cell = results.cells[i];
      if (cell.is_untuned) continue;
      const std::optional<size_t> other = std::string(against) == "untuned"
                                              ? UntunedCell(results, cell)
                                              : BaselineCell(results, cell);
      if (!other.has_value() || *other == i) continue;
      for (const std::string& task : EvaluatedTasks(results)) {
        std::optional<Comparison> found = CompareCells(
            results, i, *other, task, PrimaryMetric(results, task));
        if (!found.has_value()) continue;
        found->against = against;
        family.push_back(*std::move(found));
      }
    }
    std::vector<double> p_values;
    for (const Comparison& one : family) p_values.push_back(one.p());
    const std::vector<double> adjusted = HolmAdjust(p_values);
    for (size_t i = 0; i < family.size(); ++i) {
      family[i].holm_p = adjusted[i];
      all.push_back(std::move(family[i]));
    }
  }
  return all;
}

}  // namespace sft
