#include "harness/analysis/comparison.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"
#include "harness/analysis/selection.h"

namespace sft {
namespace {

constexpr char kTestSplit[] = "test";

// row id -> score; ids are counted where the record has none.
std::map<int64_t, double> ItemsById(const EvalRecord& eval,
                                    const MetricRecord& metric) {
  std::map<int64_t, double> items;
  const bool has_ids = eval.row_ids.size() == metric.items.size();
  for (size_t i = 0; i < metric.items.size(); ++i) {
    items[has_ids ? eval.row_ids[i] : static_cast<int64_t>(i)] =
        metric.items[i];
  }
  return items;
}

std::map<int64_t, double> ItemsOf(const RunRecord& record,
                                  const std::string& task,
                                  const std::string& metric) {
  const EvalRecord* eval = LastEval(record, task, kTestSplit);
  const MetricRecord* found = FindMetric(eval, metric);
  if (found == nullptr) return {};
  return ItemsById(*eval, *found);
}

bool IsBinary(const std::vector<std::vector<double>>& scores_SI) {
  for (const auto& scores_I : scores_SI) {
    for (const double score : scores_I) {
      if (score != 0 && score != 1) return false;
    }
  }
  return true;
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
  // Items that every seed of both sides has.
  std::vector<std::map<int64_t, double>> mine, theirs;
  for (const auto& [a, b] : pairs) {
    mine.push_back(ItemsOf(*a, task, metric));
    theirs.push_back(ItemsOf(*b, task, metric));
  }
  if (mine.empty()) return std::nullopt;
  std::vector<int64_t> ids;
  for (const auto& [id, score] : mine[0]) {
    const auto has = [id = id](const std::map<int64_t, double>& items) {
      return items.count(id) != 0;
    };
    if (std::all_of(mine.begin(), mine.end(), has) &&
        std::all_of(theirs.begin(), theirs.end(), has)) {
      ids.push_back(id);
    }
  }
  if (ids.empty()) return std::nullopt;

  std::vector<std::vector<double>> mine_SI, theirs_SI, differences_SI;
  std::vector<double> means_I(ids.size(), 0.0);
  for (size_t s = 0; s < mine.size(); ++s) {
    auto& a = mine_SI.emplace_back();
    auto& b = theirs_SI.emplace_back();
    auto& d = differences_SI.emplace_back();
    for (size_t i = 0; i < ids.size(); ++i) {
      a.push_back(mine[s].at(ids[i]));
      b.push_back(theirs[s].at(ids[i]));
      d.push_back(a.back() - b.back());
      means_I[i] += d.back() / static_cast<double>(mine.size());
    }
  }

  Comparison found;
  found.cell = cell;
  found.task = task;
  found.metric = metric;
  const MetricRecord* first =
      FindMetric(LastEval(*pairs[0].first, task, kTestSplit), metric);
  found.higher_is_better = first->higher_is_better;
  found.n_items = static_cast<int64_t>(ids.size());
  found.n_seeds = static_cast<int64_t>(pairs.size());
  found.difference = Mean(means_I);
  // The salt names what is compared, so that another row changes no interval.
  const std::string salt =
      absl::StrCat(task, "\n", metric, "\n", pairs[0].first->run_id, "\n",
                   pairs[0].second->run_id);
  found.interval = BootstrapInterval(differences_SI, salt + "\nbootstrap");
  found.effect_size = PairedEffectSize(means_I);
  found.smallest_detectable = SmallestDetectable(means_I);
  found.permutation_p = PairedPermutationP(
      means_I, salt + "\npermutation", ResamplingOptions{.resamples = 10000});
  if (IsBinary(mine_SI) && IsBinary(theirs_SI)) {
    int64_t wins = 0, losses = 0;
    for (const auto& differences_I : differences_SI) {
      for (const double d : differences_I) {
        wins += d > 0;
        losses += d < 0;
      }
    }
    found.wins = wins;
    found.losses = losses;
    found.mcnemar_p = McNemarExactP(wins, losses);
  }
  return found;
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

std::string PrimaryMetric(const Results& results, const std::string& task) {
  for (const CollectedRun& run : results.runs) {
    if (!run.record.has_value()) continue;
    const EvalRecord* eval = LastEval(*run.record, task, kTestSplit);
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
