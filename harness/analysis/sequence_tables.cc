#include "harness/analysis/sequence_tables.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "harness/analysis/cell_table.h"
#include "harness/analysis/comparison_families.h"
#include "harness/analysis/selection.h"
#include "harness/analysis/sequence.h"
#include "harness/analysis/task_columns.h"
#include "harness/core/parallel_for.h"

namespace sft::analysis {
namespace {

std::string DirectionOf(bool higher_is_better) {
  return higher_is_better ? "higher is better" : "lower is better";
}

// With the digits of its unit: a row of a table may hold several.
TableCell EstimateCell(const std::optional<Estimate>& estimate) {
  if (!estimate.has_value()) return {};
  TableCell cell = NumberCell(estimate->value);
  if (!std::isnan(estimate->interval.low)) cell.interval = estimate->interval;
  return cell;
}

std::optional<SequenceScores> SequenceOf(const Results& results,
                                         const ResultCell& cell) {
  if (cell.is_untuned) return std::nullopt;
  std::optional<SequenceScores> scores = ScoresOfCell(results, cell);
  if (scores.has_value() && scores->stages.size() < 2) return std::nullopt;
  return scores;
}

// The id of the untuned run, for what is drawn of the base model alone.
std::string BaseOf(const Results& results, const ResultCell& cell) {
  return results.runs[cell.runs[0]].planned.untuned_id;
}

class ScoresTableMaker {
 public:
  explicit ScoresTableMaker(const Results& results) : results_(results) {
    table_.title = "Scores after every round";
    table_.columns = {{.key = "row", .title = "row", .is_text = true},
                      {.key = "round", .title = "round", .is_text = true},
                      {.key = "seeds", .title = "seeds"}};
  }

  Table Make() {
    std::vector<std::pair<const ResultCell*, SequenceScores>> sequences;
    for (const ResultCell& cell : results_.cells) {
      std::optional<SequenceScores> scores = SequenceOf(results_, cell);
      if (!scores.has_value()) continue;
      for (const ScoreColumn& column : scores->columns) AddColumn(column);
      sequences.emplace_back(&cell, *std::move(scores));
    }
    for (const auto& [cell, scores] : sequences) {
      const std::string base = BaseOf(results_, *cell);
      if (bases_.insert(base).second) AddRow("untuned", base, scores, 0);
      for (size_t round = 1; round <= scores.stages.size(); ++round) {
        AddRow(CellLabel(results_, *cell), SaltOf(*cell), scores, round);
      }
    }
    return std::move(table_);
  }

 private:
  // Where its scores stand in a row.
  size_t PlaceOf(const ScoreColumn& column) const {
    const std::string key = absl::StrCat(column.task, "_", column.metric);
    size_t place = 3;
    while (place < table_.columns.size() && table_.columns[place].key != key) {
      ++place;
    }
    return place;
  }

  void AddColumn(const ScoreColumn& column) {
    if (PlaceOf(column) < table_.columns.size()) return;
    table_.columns.push_back(
        {.key = absl::StrCat(column.task, "_", column.metric),
         .title = absl::StrCat(column.task, " ", column.metric, " (",
                               ScaleOf(column.unit), ", ",
                               DirectionOf(column.higher_is_better), ")"),
         .digits = DigitsOf(column.unit),
         .has_interval = true});
  }

  std::string SaltOf(const ResultCell& cell) const {
    return results_.runs[cell.runs[0]].planned.run_id;
  }

  void AddRow(const std::string& label, const std::string& salt,
              const SequenceScores& scores, size_t round) {
    std::vector<TableCell> row(table_.columns.size());
    row[0].text = label;
    row[1].text = round == 0
                      ? "0: base"
                      : absl::StrCat(round, ": ", scores.stages[round - 1]);
    row[2] =
        NumberCell(round == 0 ? 1 : static_cast<double>(scores.seeds.size()));
    for (size_t j = 0; j < scores.columns.size(); ++j) {
      row[PlaceOf(scores.columns[j])] =
          EstimateCell(ScoreAfter(scores, round, j, salt));
    }
    table_.rows.push_back(std::move(row));
  }

  const Results& results_;
  Table table_;
  std::set<std::string> bases_;
};

const SequenceMeasure* SameMeasure(const std::vector<SequenceMeasure>& among,
                                   const SequenceMeasure& wanted) {
  for (const SequenceMeasure& one : among) {
    if (one.name == wanted.name && one.task == wanted.task) return &one;
  }
  return nullptr;
}

// What a number above 0, or a higher one, means.
std::string ReadingOf(const SequenceMeasure& measure) {
  switch (measure.reading) {
    case Reading::kScore:
      break;
    case Reading::kGain:
      return "above 0 is better";
    case Reading::kLoss:
      return "above 0 is worse";
  }
  return DirectionOf(measure.higher_is_better);
}

// A record's unit, or the scale of a share.
TableCell UnitCell(const std::string& unit) { return {.text = ScaleOf(unit)}; }

// A metric of what cells retain.
struct RetainedMetric {
  std::string task;
  MetricRecord metric;
};

std::vector<RetainedMetric> RetainedMetrics(const Results& results) {
  std::vector<RetainedMetric> found;
  for (const std::string& task : RetainedTasks(results)) {
    std::set<std::string> names;
    for (const CollectedRun& run : results.runs) {
      const EvalRecord* eval = run.ok() ? TestEval(*run.record, task) : nullptr;
      if (eval == nullptr) continue;
      for (const MetricRecord& metric : eval->metrics) {
        if (metric.unit == "tokens" || !names.insert(metric.name).second) {
          continue;
        }
        found.push_back({task, metric});
      }
    }
  }
  return found;
}

std::optional<Estimate> LastScore(const Results& results,
                                  const ResultCell& cell,
                                  const RetainedMetric& of) {
  std::vector<SeedContrast> seeds;
  for (const size_t index : cell.runs) {
    const CollectedRun& run = results.runs[index];
    if (!run.ok()) continue;
    const std::optional<ModelScore> score =
        ScoreOf(TestEval(*run.record, of.task), of.metric.name);
    if (score.has_value()) seeds.push_back({{{*score, 1}}});
  }
  return EstimateOf(
      seeds, absl::StrCat(results.runs[cell.runs[0]].planned.run_id, "\n",
                          of.task, "\n", of.metric.name, "\nabsolute"));
}

// Empty where it is not measured on both sides.
std::vector<TableCell> RetainedRow(const Results& results, size_t cell,
                                   size_t base, const RetainedMetric& of,
                                   const std::vector<Comparison>& comparisons) {
  const auto before = LastScore(results, results.cells[base], of);
  const auto after = LastScore(results, results.cells[cell], of);
  if (!before.has_value() || !after.has_value()) return {};
  const auto known = std::find_if(
      comparisons.begin(), comparisons.end(), [&](const Comparison& one) {
        return one.cell == cell && one.other == base &&
               one.against == "untuned" && one.task == of.task &&
               one.metric == of.metric.name;
      });
  const std::optional<Comparison> one =
      known != comparisons.end()
          ? std::optional<Comparison>(*known)
          : CompareCells(results, cell, base, of.task, of.metric.name);
  TableCell change = NumberCell(after->value - before->value);
  TableCell p;
  if (one.has_value()) {
    const double sign = one->higher_is_better ? 1 : -1;
    change = NumberCell(sign * one->gain);
    const Interval& gain = one->interval;
    if (!std::isnan(gain.low)) {
      change.interval = sign > 0 ? gain : Interval{-gain.high, -gain.low};
    }
    p = NumberCell(one->p);
    p.is_at_most = one->p_is_floor;
  }
  return {{.text = CellLabel(results, results.cells[cell])},
          {.text = of.task},
          {.text = of.metric.name},
          UnitCell(of.metric.unit),
          {.text = DirectionOf(of.metric.higher_is_better)},
          NumberCell(static_cast<double>(after->n_items)),
          NumberCell(static_cast<double>(after->seeds_S.size())),
          EstimateCell(before),
          EstimateCell(after),
          std::move(change),
          std::move(p),
          known == comparisons.end() ? TableCell() : HolmCell(*known)};
}

}  // namespace

Table ScoresTable(const Results& results) {
  return ScoresTableMaker(results).Make();
}

Table SequenceTable(const Results& results) {
  Table table;
  table.title = "Transfer and forgetting over the rounds";
  table.columns = {
      {.key = "row", .title = "row", .is_text = true},
      {.key = "measure", .title = "measure", .is_text = true},
      {.key = "over", .title = "over", .is_text = true},
      {.key = "seeds", .title = "seeds", .may_be_note = true},
      {.key = "value",
       .title = "value [95 %]",
       .digits = 4,
       .has_interval = true},
      {.key = "unit", .title = "unit", .is_text = true, .may_be_note = true},
      {.key = "reading", .title = "reading", .is_text = true},
      {.key = "difference",
       .title = "less the baseline's [95 %]",
       .digits = 4,
       .has_interval = true,
       .show_sign = true},
      {.key = "p", .title = "p (uncorrected)", .is_p_value = true}};
  for (const ResultCell& cell : results.cells) {
    const std::optional<SequenceScores> scores = SequenceOf(results, cell);
    if (!scores.has_value()) continue;
    const std::optional<size_t> baseline = BaselineCell(results, cell);
    std::vector<SequenceMeasure> theirs;
    if (baseline.has_value() && &results.cells[*baseline] != &cell) {
      const auto other = SequenceOf(results, results.cells[*baseline]);
      if (other.has_value()) theirs = MeasuresOf(*other);
    }
    const std::string salt = results.runs[cell.runs[0]].planned.run_id;
    for (const SequenceMeasure& measure : MeasuresOf(*scores)) {
      const SequenceMeasure* other = SameMeasure(theirs, measure);
      const std::optional<Estimate> difference =
          other == nullptr ? std::nullopt : DifferenceOf(measure, *other, salt);
      table.rows.push_back(
          {{.text = CellLabel(results, cell)},
           {.text = measure.title},
           {.text = measure.task.empty() ? "tasks" : measure.task},
           NumberCell(static_cast<double>(measure.seeds.size())),
           EstimateCell(EstimateOf(measure, salt)),
           UnitCell(measure.unit),
           {.text = ReadingOf(measure)},
           EstimateCell(difference),
           difference.has_value() ? NumberCell(difference->p) : TableCell()});
    }
  }
  return table;
}

Table RetainedTable(const Results& results,
                    const std::vector<Comparison>& comparisons) {
  Table table;
  table.title = "What is retained";
  table.columns = {
      {.key = "row", .title = "row", .is_text = true},
      {.key = "task", .title = "task", .is_text = true},
      {.key = "metric", .title = "metric", .is_text = true},
      {.key = "unit", .title = "unit", .is_text = true, .may_be_note = true},
      {.key = "direction",
       .title = "direction",
       .is_text = true,
       .may_be_note = true},
      {.key = "items", .title = "items", .is_detail = true},
      {.key = "seeds", .title = "seeds", .may_be_note = true},
      {.key = "before",
       .title = "before [95 %]",
       .digits = 4,
       .has_interval = true},
      {.key = "after",
       .title = "after [95 %]",
       .digits = 4,
       .has_interval = true},
      {.key = "change",
       .title = "change [95 %]",
       .digits = 4,
       .has_interval = true,
       .show_sign = true},
      {.key = "p", .title = "p", .is_p_value = true, .is_detail = true},
      {.key = "holm_p", .title = "Holm p", .is_p_value = true}};
  struct Wanted {
    size_t cell = 0, base = 0;
    const RetainedMetric* of = nullptr;
  };
  const std::vector<RetainedMetric> metrics = RetainedMetrics(results);
  std::vector<Wanted> wanted;
  for (size_t i = 0; i < results.cells.size(); ++i) {
    const ResultCell& cell = results.cells[i];
    const std::optional<size_t> base = results.CellOf(BaseOf(results, cell));
    if (cell.is_untuned || !base.has_value()) continue;
    for (const RetainedMetric& of : metrics) wanted.push_back({i, *base, &of});
  }
  table.rows.resize(wanted.size());
  ParallelFor(wanted.size(), [&](size_t i) {
    const Wanted& one = wanted[i];
    table.rows[i] =
        RetainedRow(results, one.cell, one.base, *one.of, comparisons);
  });
  std::erase_if(table.rows, [](const auto& row) { return row.empty(); });
  return table;
}

}  // namespace sft::analysis
