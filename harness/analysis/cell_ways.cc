#include "harness/analysis/cell_ways.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "harness/analysis/cell_table.h"
#include "harness/analysis/task_columns.h"

namespace sft::analysis {

Ways WaysOf(const Results& results, const ResultCell& cell,
            const std::string& split) {
  Ways ways;
  for (const size_t index : cell.runs) {
    const CollectedRun& run = results.runs[index];
    if (!run.ok()) continue;
    std::vector<WayPoint> way = WayOf(*run.record, split);
    if (!way.empty()) ways[run.planned.config.seed] = std::move(way);
  }
  return ways;
}

std::vector<std::string> SetsAtPoints(const Results& results,
                                      const std::string& split) {
  std::vector<std::string> sets;
  for (const CollectedRun& run : results.runs) {
    if (!run.ok()) continue;
    for (const EvalRecord& eval : run.record->evals) {
      if (eval.split == split &&
          std::find(sets.begin(), sets.end(), eval.task) == sets.end()) {
        sets.push_back(eval.task);
      }
    }
  }
  return sets;
}

const MetricRecord* AnyMetric(const Results& results, const std::string& split,
                              const std::string& set) {
  for (const CollectedRun& run : results.runs) {
    if (!run.ok()) continue;
    const MetricRecord* metric = MetricAtPoints(*run.record, split, set);
    if (metric != nullptr) return metric;
  }
  return nullptr;
}

std::optional<Estimate> LastOf(const Results& results, const ResultCell& cell,
                               const std::string& set,
                               const std::string& metric,
                               const std::string& split) {
  std::vector<SeedContrast> seeds;
  for (const size_t index : cell.runs) {
    const CollectedRun& run = results.runs[index];
    if (!run.ok()) continue;
    const EvalRecord* eval = split.empty() ? TestEval(*run.record, set)
                                           : LastEval(*run.record, set, split);
    const std::optional<ModelScore> score = ScoreOf(eval, metric);
    if (score.has_value()) seeds.push_back({{{*score, 1}}});
  }
  return EstimateOf(seeds, absl::StrCat(FirstRun(results, cell), "\n", set,
                                        "\n", metric, "\n", split));
}

const spec::RunConfig& ConfigOf(const Results& results,
                                const ResultCell& cell) {
  return results.runs[cell.runs[0]].planned.config;
}

std::string FirstRun(const Results& results, const ResultCell& cell) {
  return results.runs[cell.runs[0]].planned.run_id;
}

TableCell WithInterval(const std::optional<Estimate>& estimate) {
  if (!estimate.has_value()) return {};
  TableCell cell = NumberCell(estimate->value);
  if (!std::isnan(estimate->interval.low)) cell.interval = estimate->interval;
  return cell;
}

}  // namespace sft::analysis
