#include "harness/analysis/comparison.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "harness/analysis/crossed_error.h"
#include "harness/analysis/item_sums.h"

namespace sft::analysis {
namespace {

bool IsBinary(const std::vector<std::vector<double>>& scores_SI) {
  return std::all_of(
      scores_SI.begin(), scores_SI.end(), [](const auto& scores_I) {
        return std::all_of(scores_I.begin(), scores_I.end(), [](double score) {
          return score == 0 || score == 1;
        });
      });
}

// d_z over items of the mean over seeds.
double EffectSize(const PairedItems::Scores& scores, double sign) {
  const size_t n_seeds = scores.first_SI.size();
  std::vector<double> means_I(scores.first_SI[0].size(), 0.0);
  for (size_t s = 0; s < n_seeds; ++s) {
    for (size_t i = 0; i < means_I.size(); ++i) {
      means_I[i] += sign * (scores.first_SI[s][i] - scores.second_SI[s][i]) /
                    static_cast<double>(n_seeds);
    }
  }
  return PairedEffectSize(means_I);
}

// One model against one, over the items: the salt names what is compared, so
// that another row changes no interval.
void TestItems(const PairedItems& items,
               const std::optional<PairedItems::Scores>& scores, double sign,
               const std::string& salt, Comparison& found) {
  const Bootstrap bootstrap = BootstrapOf(
      items.n_items(), items.n_seeds(),
      [&](const std::vector<double>& items_I,
          const std::vector<double>& seeds_S) {
        return sign * items.Difference(items_I, seeds_S);
      },
      salt + "\nbootstrap");
  found.interval = bootstrap.interval;
  found.smallest_detectable = SmallestDetectable(bootstrap.standard_error);
  if (scores.has_value() && IsBinary(scores->first_SI) &&
      IsBinary(scores->second_SI)) {
    int64_t wins = 0, losses = 0;
    for (size_t i = 0; i < items.n_items(); ++i) {
      const double gain =
          sign * (scores->first_SI[0][i] - scores->second_SI[0][i]);
      wins += gain > 0;
      losses += gain < 0;
    }
    found.wins = wins;
    found.losses = losses;
    found.p = McNemarExactP(wins, losses);
    return;
  }
  found.p = PairedPermutationP(
      items.n_differing(),
      [&](const std::vector<char>& swapped) {
        return items.SwappedDifference(swapped);
      },
      salt + "\npermutation");
  found.p_is_floor =
      found.p < 1 && found.p <= PermutationFloor(items.n_differing());
}

void TestMethod(const PairedItems& items, double sign, Comparison& found) {
  std::vector<double> gains_S = items.SeedDifferences();
  for (double& gain : gains_S) gain *= sign;
  found.sign_flip_p = SignFlipP(gains_S);
  if (items.n_items() < 2) return;
  const CrossedError error = CrossedErrorOf(gains_S, items.PseudoValues());
  found.interval = CrossedInterval(error, found.gain);
  found.p = CrossedP(error, found.gain);
  found.smallest_detectable = DetectableEstimate(error);
}

}  // namespace

Claim ClaimOf(int64_t n_seeds) {
  if (n_seeds < 2) return Claim::kTheseModels;
  return n_seeds < kSeedsToTest ? Claim::kTooFewSeeds : Claim::kMethod;
}

std::string_view ClaimName(Claim claim) {
  switch (claim) {
    case Claim::kTheseModels:
      return "these models";
    case Claim::kTooFewSeeds:
      return "too few seeds to test";
    case Claim::kMethod:
      return "method";
  }
  return "";
}

std::vector<std::pair<const record::RunRecord*, const record::RunRecord*>>
PairedRecords(const Results& results, const ResultCell& cell,
              const ResultCell& other) {
  std::vector<std::pair<const record::RunRecord*, const record::RunRecord*>>
      pairs;
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

std::optional<PairedItems> PairItems(const RecordPairs& pairs,
                                     const std::string& task,
                                     const std::string& metric) {
  // The sums of each record once, and the pairs as their places.
  std::vector<ItemSums> evaluations;
  std::map<const record::RunRecord*, size_t> places;
  std::vector<std::pair<size_t, size_t>> indices;
  const auto place =
      [&](const record::RunRecord* record) -> std::optional<size_t> {
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

std::optional<PairedItems> PairCells(const Results& results, size_t cell,
                                     size_t other, const std::string& task,
                                     const std::string& metric) {
  return PairItems(
      PairedRecords(results, results.cells[cell], results.cells[other]), task,
      metric);
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
  found.other = other;
  found.task = task;
  found.metric = metric;
  found.unit = first.unit;
  found.n_items = static_cast<int64_t>(items->n_items());
  found.n_seeds = static_cast<int64_t>(items->n_seeds());
  found.claim = ClaimOf(found.n_seeds);
  found.higher_is_better = first.higher_is_better;
  found.gain = sign * items->Difference();
  std::vector<double> mine, theirs;
  for (const auto& [one, partner] : pairs) {
    mine.push_back(sign * FindMetric(TestEval(*one, task), metric)->value);
    theirs.push_back(sign *
                     FindMetric(TestEval(*partner, task), metric)->value);
  }
  found.improvement = ProbabilityOfImprovement(mine, theirs);
  const auto scores = items->ItemScores();
  found.effect_size =
      scores.has_value() ? EffectSize(*scores, sign) : Comparison::kNone;
  if (found.claim == Claim::kTheseModels) {
    const std::string salt =
        absl::StrCat(task, "\n", metric, "\n", pairs[0].first->run_id, "\n",
                     pairs[0].second->run_id);
    TestItems(*items, scores, sign, salt, found);
  } else if (found.claim == Claim::kMethod) {
    TestMethod(*items, sign, found);
  }
  return found;
}

const EvalRecord* TestEval(const record::RunRecord& record,
                           const std::string& task) {
  const EvalRecord* test = LastEval(record, task, "test");
  return test != nullptr ? test : LastEval(record, task, "heldout");
}

}  // namespace sft::analysis
