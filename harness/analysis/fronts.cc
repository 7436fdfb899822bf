#include "harness/analysis/fronts.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "harness/analysis/cell_table.h"
#include "harness/analysis/comparison_families.h"
#include "harness/analysis/cost_tables.h"
#include "harness/analysis/rates.h"
#include "harness/analysis/task_columns.h"
#include "harness/core/rng.h"

namespace sft::analysis {
namespace {

constexpr size_t kMostFrontRows = 64;

// One row: its runs by the seeds that all rows have. Of the untuned model the
// one run stands for each.
struct FrontRow {
  size_t cell = 0;
  std::vector<const record::RunRecord*> records_S;
  double memory = kNaN, speed = kNaN;
};

std::set<int64_t> SeedsThatAreOk(const Results& results,
                                 const ResultCell& cell) {
  std::set<int64_t> seeds;
  for (const size_t index : cell.runs) {
    const CollectedRun& run = results.runs[index];
    if (run.ok()) seeds.insert(run.planned.config.seed);
  }
  return seeds;
}

// Of one model, tuned cells alone: the untuned one has trained in no time.
std::vector<FrontRow> RowsOfModel(const Results& results,
                                  const std::string& model) {
  const bool selects =
      std::any_of(results.cells.begin(), results.cells.end(),
                  [](const ResultCell& cell) { return cell.is_selected; });
  std::vector<FrontRow> rows;
  std::optional<std::set<int64_t>> common;
  for (size_t i = 0; i < results.cells.size(); ++i) {
    const ResultCell& cell = results.cells[i];
    if (cell.is_untuned || (selects && !cell.is_selected) ||
        results.runs[cell.runs[0]].planned.config.model != model) {
      continue;
    }
    const std::set<int64_t> seeds = SeedsThatAreOk(results, cell);
    if (seeds.empty()) continue;
    rows.push_back({.cell = i, .records_S = {}});
    if (!common.has_value()) common = seeds;
    std::erase_if(*common,
                  [&](int64_t seed) { return seeds.count(seed) == 0; });
  }
  const bool are_unlike = HasUnlikeProcessors(results);
  for (FrontRow& row : rows) {
    std::vector<double> memory, speed;
    for (const size_t index : results.cells[row.cell].runs) {
      const CollectedRun& run = results.runs[index];
      if (!run.ok() || common->count(run.planned.config.seed) == 0) continue;
      row.records_S.push_back(&*run.record);
      memory.push_back(PeakMebibytes(*run.record).value_or(kNaN));
      if (!are_unlike && !WaitedForProcessor(*run.record)) {
        speed.push_back(TokensPerSecond(*run.record).value_or(kNaN));
      }
    }
    std::sort(row.records_S.begin(), row.records_S.end(),
              [](const auto* a, const auto* b) {
                return a->config.seed < b->config.seed;
              });
    row.memory = Mean(memory);
    row.speed = Mean(speed);
  }
  if (!common.has_value() || common->empty()) rows.clear();
  return rows;
}

// A metric of all rows over the same items: of each the difference from the
// first row, which of a draw is the same for all.
struct ScoreOfRows {
  std::vector<PairedItems> against_first;
  double sign = 1;
};
std::optional<ScoreOfRows> ScoresOf(const std::vector<FrontRow>& rows,
                                    const std::string& task,
                                    const MetricRecord& metric) {
  ScoreOfRows scores{.against_first = {},
                     .sign = metric.higher_is_better ? 1.0 : -1.0};
  for (const FrontRow& row : rows) {
    RecordPairs pairs;
    for (size_t s = 0; s < row.records_S.size(); ++s) {
      pairs.emplace_back(row.records_S[s], rows[0].records_S[s]);
    }
    std::optional<PairedItems> items = PairItems(pairs, task, metric.name);
    if (!items.has_value() || items->n_seeds() != rows[0].records_S.size()) {
      return std::nullopt;
    }
    scores.against_first.push_back(*std::move(items));
    if (scores.against_first.back().n_items() !=
        scores.against_first[0].n_items()) {
      return std::nullopt;
    }
  }
  return scores;
}

double MeanScore(const FrontRow& row, const std::string& task,
                 const std::string& metric) {
  std::vector<double> values;
  for (const record::RunRecord* record : row.records_S) {
    const MetricRecord* found = FindMetric(TestEval(*record, task), metric);
    if (found != nullptr) values.push_back(found->value);
  }
  return Mean(values);
}

// Zero of what is not known of all rows: it tells none apart.
std::vector<double> KnownOfAll(const std::vector<FrontRow>& rows,
                               double FrontRow::*of, double sign) {
  std::vector<double> values;
  for (const FrontRow& row : rows) values.push_back(sign * row.*of);
  const bool is_known = std::none_of(values.begin(), values.end(),
                                     [](double v) { return std::isnan(v); });
  return is_known ? values : std::vector<double>(rows.size(), 0.0);
}

void AddFront(const Results& results, const std::vector<FrontRow>& rows,
              const std::string& task, const std::string& kept, Table& table) {
  const MetricRecord* score = PrimaryMetric(results, task);
  const MetricRecord* retained = PrimaryMetric(results, kept);
  if (score == nullptr || retained == nullptr || rows.size() < 2) return;
  const auto scores = ScoresOf(rows, task, *score);
  const auto keeps = ScoresOf(rows, kept, *retained);
  if (!scores.has_value() || !keeps.has_value()) return;
  const std::vector<double> memory = KnownOfAll(rows, &FrontRow::memory, -1);
  const std::vector<double> speed = KnownOfAll(rows, &FrontRow::speed, 1);
  const size_t n_score = scores->against_first[0].n_items();
  const size_t n_kept = keeps->against_first[0].n_items();
  const ObjectivesOfDraw objectives = [&](const std::vector<double>& items_I,
                                          const std::vector<double>& seeds_S) {
    const auto middle = items_I.begin() + static_cast<ptrdiff_t>(n_score);
    const std::vector<double> of_score(items_I.begin(), middle);
    const std::vector<double> of_kept(middle, items_I.end());
    std::vector<std::vector<double>> values;
    for (size_t c = 0; c < rows.size(); ++c) {
      values.push_back(
          {scores->sign *
               scores->against_first[c].Difference(of_score, seeds_S),
           keeps->sign * keeps->against_first[c].Difference(of_kept, seeds_S),
           memory[c], speed[c]});
    }
    return values;
  };
  const size_t n_seeds = rows[0].records_S.size();
  const std::vector<bool> front =
      FrontOf(objectives(std::vector<double>(n_score + n_kept, 1.0),
                         std::vector<double>(n_seeds, 1.0)));
  const std::vector<double> membership =
      FrontMembership({n_score, n_kept}, n_seeds, objectives,
                      absl::StrCat(task, "\n", kept, "\nfront"));
  for (size_t c = 0; c < rows.size(); ++c) {
    const FrontRow& row = rows[c];
    table.rows.push_back({{.text = CellLabel(results, results.cells[row.cell])},
                          {.text = task + " " + score->name},
                          NumberCell(MeanScore(row, task, score->name)),
                          {.text = kept + " " + retained->name},
                          NumberCell(MeanScore(row, kept, retained->name)),
                          NumberCell(row.memory),
                          NumberCell(row.speed),
                          NumberCell(static_cast<double>(n_seeds)),
                          {.text = front[c] ? "*" : ""},
                          NumberCell(membership[c])});
  }
}

}  // namespace

std::vector<bool> FrontOf(const std::vector<std::vector<double>>& values_CO) {
  std::vector<bool> front;
  for (const std::vector<double>& mine : values_CO) {
    front.push_back(std::none_of(values_CO.begin(), values_CO.end(),
                                 [&mine](const std::vector<double>& theirs) {
                                   bool is_better = false;
                                   for (size_t o = 0; o < mine.size(); ++o) {
                                     if (theirs[o] < mine[o]) return false;
                                     is_better =
                                         is_better || theirs[o] > mine[o];
                                   }
                                   return is_better;
                                 }));
  }
  return front;
}

std::vector<double> FrontMembership(const std::vector<size_t>& group_sizes,
                                    size_t n_seeds,
                                    const ObjectivesOfDraw& objectives_of,
                                    std::string_view salt, int draws) {
  std::vector<double> counts;
  // One value a draw is not asked for: the draws are the bootstrap's own.
  const auto count = [&](const std::vector<double>& items_I,
                         const std::vector<double>& seeds_S) {
    const std::vector<bool> front = FrontOf(objectives_of(items_I, seeds_S));
    counts.resize(front.size(), 0.0);
    for (size_t c = 0; c < front.size(); ++c) counts[c] += front[c] ? 1 : 0;
    return 0.0;
  };
  ResamplingOptions options;
  options.resamples = draws;
  BootstrapOf(group_sizes, n_seeds, count, salt, options);
  for (double& one : counts) one /= draws;
  return counts;
}

Table FrontsTable(const Results& results) {
  Table table;
  table.title = "Fronts of score, retention, memory and speed";
  table.columns = {{.key = "row", .title = "row", .is_text = true},
                   {.key = "task", .title = "task", .is_text = true},
                   {.key = "score", .title = "score", .digits = 4},
                   {.key = "retained", .title = "retained", .is_text = true},
                   {.key = "kept", .title = "kept", .digits = 4},
                   {.key = "peak_memory_mib", .title = "peak memory (MiB)"},
                   {.key = "tokens_per_second", .title = "tokens/s"},
                   {.key = "seeds", .title = "seeds"},
                   {.key = "front", .title = "on the front", .is_text = true},
                   {.key = "membership", .title = "probability", .digits = 2}};
  std::set<std::string> models;
  for (const CollectedRun& run : results.runs) {
    models.insert(run.planned.config.model);
  }
  for (const std::string& model : models) {
    const std::vector<FrontRow> rows = RowsOfModel(results, model);
    if (rows.size() > kMostFrontRows) continue;
    for (const std::string& task : EvaluatedTasks(results)) {
      for (const std::string& kept : RetainedTasks(results)) {
        AddFront(results, rows, task, kept, table);
      }
    }
  }
  return table;
}

}  // namespace sft::analysis
