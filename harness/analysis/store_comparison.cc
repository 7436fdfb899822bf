#include "harness/analysis/store_comparison.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "harness/analysis/aggregate.h"
#include "harness/analysis/cell_table.h"
#include "harness/analysis/comparability.h"
#include "harness/analysis/comparison.h"
#include "harness/analysis/comparison_families.h"
#include "harness/analysis/cost_tables.h"
#include "harness/analysis/rates.h"
#include "harness/analysis/report.h"
#include "harness/analysis/task_columns.h"
#include "harness/analysis/text_table.h"
#include "harness/analysis/united_stores.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"

namespace sft::analysis {
namespace {

constexpr double kStoreLevel = 0.05;  // of the one family
constexpr size_t kVerdictColumn = 6;

Table EmptyScores() {
  Table table;
  table.title = "B minus A";
  const auto text = [](const char* name, bool may_be_note) {
    return TableColumn{.key = name,
                       .title = name,
                       .is_text = true,
                       .may_be_note = may_be_note};
  };
  table.columns = {
      text("row", false),
      text("task", true),
      text("metric", false),
      {.key = "seeds", .title = "seeds", .may_be_note = true},
      {.key = "items", .title = "items", .is_detail = true},
      {.key = "difference",
       .title = "B - A [95 %]",
       .digits = 4,
       .has_interval = true,
       .show_sign = true},
      text("verdict", false),
      {.key = "a", .title = "A", .digits = 4},
      {.key = "b", .title = "B", .digits = 4},
      text("unit", true),
      {.key = "p", .title = "p", .is_p_value = true, .is_detail = true},
      {.key = "holm_p", .title = "Holm p", .is_p_value = true}};
  return table;
}

// Why no difference is taken; "" where one may be.
std::string Refusal(const record::RunRecord& one,
                    const record::RunRecord& other, const std::string& task,
                    const std::string& metric) {
  std::string why = WhyIncomparable(one, other, task, metric);
  if (why.empty()) {
    const std::string stages = OtherTrainingRows(one, other);
    if (!stages.empty()) {
      why = absl::StrCat("training rows of ", stages, " differ");
    }
  }
  return why.empty() ? "" : absl::StrCat("not compared: ", why);
}

// The table of scores: a row a cell, task and metric; Holm's p once all are
// there.
class StoreScores {
 public:
  explicit StoreScores(const UnitedStores& stores)
      : pairs_(stores.pairs), both_(stores.both), table_(EmptyScores()) {}

  Table Make(std::vector<std::string>& notes) {
    for (const auto& [a, b] : pairs_) AddScores(a, b);
    Adjust(notes);
    return std::move(table_);
  }

 private:
  void AddScores(size_t a, size_t b) {
    const RecordPairs pairs =
        PairedRecords(both_, both_.cells[b], both_.cells[a]);
    if (pairs.empty()) {
      std::vector<TableCell> row(table_.columns.size());
      row[0].text = CellLabel(both_, both_.cells[a]);
      row[kVerdictColumn].text = "no seed is ok in both";
      table_.rows.push_back(std::move(row));
      comparisons_.emplace_back();
      return;
    }
    std::vector<std::string> tasks = EvaluatedTasks(both_);
    for (std::string& task : RetainedTasks(both_)) {
      tasks.push_back(std::move(task));
    }
    for (const std::string& task : tasks) {
      const EvalRecord* eval = TestEval(*pairs[0].second, task);
      if (eval == nullptr) continue;
      for (const MetricRecord& metric : eval->metrics) {
        if (metric.unit == "tokens") continue;
        AddRow(a, b, task, metric, &metric == &eval->metrics[0], pairs);
      }
    }
  }

  void AddRow(size_t a, size_t b, const std::string& task,
              const MetricRecord& metric, bool is_primary,
              const RecordPairs& pairs) {
    std::vector<double> of_a, of_b;
    bool is_same = true;
    std::string refused;
    for (const auto& [theirs, mine] : pairs) {
      const MetricRecord* one = FindMetric(TestEval(*mine, task), metric.name);
      const MetricRecord* two =
          FindMetric(TestEval(*theirs, task), metric.name);
      if (one == nullptr || two == nullptr) continue;
      of_a.push_back(one->value);
      of_b.push_back(two->value);
      is_same = is_same && one->value == two->value && one->items == two->items;
      if (refused.empty()) refused = Refusal(*mine, *theirs, task, metric.name);
    }
    if (of_a.empty()) return;
    std::optional<Comparison> one;
    if (refused.empty()) {
      one = CompareCells(both_, b, a, task, metric.name);
    }
    TableCell difference, p;
    if (refused.empty()) difference = NumberCell(Mean(of_b) - Mean(of_a));
    if (one.has_value()) {
      const double sign = one->higher_is_better ? 1 : -1;
      difference = NumberCell(sign * one->gain);
      const Interval& gain = one->interval;
      if (!std::isnan(gain.low)) {
        difference.interval = sign > 0 ? gain : Interval{-gain.high, -gain.low};
      }
      p = NumberCell(one->p);
      p.is_at_most = one->p_is_floor;
    }
    if (one.has_value()) one->is_asked_for = is_primary;
    const std::string verdict = !refused.empty()   ? refused
                                : is_same          ? "the same"
                                : !one.has_value() ? "no interval"
                                                   : "";
    table_.rows.push_back({{.text = CellLabel(both_, both_.cells[a])},
                           {.text = task},
                           {.text = metric.name},
                           NumberCell(static_cast<double>(of_a.size())),
                           one.has_value()
                               ? NumberCell(static_cast<double>(one->n_items))
                               : TableCell(),
                           std::move(difference),
                           {.text = verdict},
                           NumberCell(Mean(of_a)),
                           NumberCell(Mean(of_b)),
                           {.text = ScaleOf(metric.unit)},
                           std::move(p),
                           {}});
    comparisons_.push_back(std::move(one));
  }

  // Holm's p and verdicts, once all rows are there.
  void Adjust(std::vector<std::string>& notes) {
    std::vector<double> p_values(comparisons_.size(), kNaN);
    for (size_t i = 0; i < comparisons_.size(); ++i) {
      const std::optional<Comparison>& one = comparisons_[i];
      if (one.has_value() && one->is_asked_for) p_values[i] = one->p;
    }
    const std::vector<double> adjusted = HolmAdjust(p_values);
    for (size_t i = 0; i < comparisons_.size(); ++i) {
      std::vector<TableCell>& row = table_.rows[i];
      TableCell& holm = row.back();
      TableCell& verdict = row[kVerdictColumn];
      const std::optional<Comparison>& one = comparisons_[i];
      if (!one.has_value()) continue;
      holm = NumberCell(adjusted[i]);
      holm.is_at_most = one->p_is_floor;
      if (!verdict.text.empty() || !one->is_asked_for) continue;
      if (one->claim == Claim::kTooFewSeeds) {
        verdict.text = std::string(ClaimName(one->claim));
      } else if (std::isnan(adjusted[i]) || adjusted[i] > kStoreLevel) {
        verdict.text = "not decided";
      } else {
        verdict.text = one->gain > 0 ? "B is better" : "B is worse";
        verdict.tone = one->gain > 0 ? Tone::kGood : Tone::kBad;
      }
    }
    if (comparisons_.empty()) {
      notes.emplace_back("No cell is in both.");
      return;
    }
    notes.push_back(absl::StrCat(
        "Holm's p corrects the primary metrics of all rows as one family at ",
        CanonicalText(kStoreLevel),
        "; with one seed it speaks of these models, with two nothing is "
        "tested."));
  }

  const std::vector<std::pair<size_t, size_t>>& pairs_;
  const Results& both_;
  Table table_;
  std::vector<std::optional<Comparison>> comparisons_;  // of the rows
};

// A, B and B / A, over the pairs that have both.
void AddRatio(
    const RecordPairs& pairs,
    const std::function<std::optional<double>(const record::RunRecord&)>& of,
    std::vector<TableCell>& row) {
  std::vector<double> a, b;
  for (const auto& [theirs, mine] : pairs) {
    const std::optional<double> one = of(*mine), two = of(*theirs);
    if (!one.has_value() || !two.has_value()) continue;
    a.push_back(*one);
    b.push_back(*two);
  }
  row.push_back(NumberCell(Mean(a)));
  row.push_back(NumberCell(Mean(b)));
  row.push_back(NumberCell(Mean(b) / Mean(a)));
}

Table CostsOf(const UnitedStores& stores) {
  Table table;
  table.title = "What it cost";
  if (!AreOfOneMachine(stores)) return table;
  table.columns = {{.key = "row", .title = "row", .is_text = true}};
  const auto add = [&](const char* key, const char* title, int digits) {
    table.columns.push_back({.key = key, .title = title, .digits = digits});
  };
  add("peak_mib_a", "peak of A (MiB)", 0);
  add("peak_mib_b", "of B", 0);
  add("peak_ratio", "B / A", 3);
  add("tokens_per_second_a", "tokens/s of A", 0);
  add("tokens_per_second_b", "of B", 0);
  add("tokens_per_second_ratio", "B / A", 3);
  const auto rate = [](const record::RunRecord& of) {
    return WaitedForProcessor(of) ? std::nullopt : TokensPerSecond(of);
  };
  const Results& both = stores.both;
  for (const auto& [a, b] : stores.pairs) {
    const RecordPairs pairs = PairedRecords(both, both.cells[b], both.cells[a]);
    std::vector<TableCell> row = {{.text = CellLabel(both, both.cells[a])}};
    AddRatio(pairs, PeakMebibytes, row);
    AddRatio(pairs, rate, row);
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

absl::StatusOr<StoreComparison> CompareStores(const std::string& a,
                                              const std::string& b,
                                              const spec::LaterOptions& later) {
  SFT_ASSIGN_OR_RETURN(Results one, CollectResults(a, later));
  SFT_ASSIGN_OR_RETURN(Results two, CollectResults(b, later));
  const UnitedStores stores = Unite(std::move(one), std::move(two));
  StoreComparison found;
  found.scores = StoreScores(stores).Make(found.notes);
  found.costs = CostsOf(stores);
  for (std::string& note : NotesOnStores(stores)) {
    found.notes.push_back(std::move(note));
  }
  return found;
}

absl::StatusOr<std::string> RenderComparison(
    const StoreComparison& comparison, TableFormat format,
    const RenderOptions& options, const std::vector<std::string>& columns) {
  SFT_ASSIGN_OR_RETURN(std::string out, RenderChosen(comparison.scores, format,
                                                     options, columns));
  if (format == TableFormat::kCsv || format == TableFormat::kTsv) return out;
  if (comparison.scores.rows.empty()) out.clear();  // a note says it
  if (!comparison.costs.rows.empty() && columns.empty()) {
    RenderOptions others = options;
    others.caption.clear();
    others.label.clear();
    absl::StrAppend(&out, "\n", RenderTable(comparison.costs, format, others));
  }
  out += "\n";
  if (format == TableFormat::kText) {
    return absl::StrCat(out, TextNotes(comparison.notes, options));
  }
  for (const std::string& note : comparison.notes) {
    absl::StrAppend(
        &out,
        format == TableFormat::kLatex  ? "% "
        : format == TableFormat::kHtml ? "<p>"
                                       : "- ",
        EscapeFor(format == TableFormat::kLatex ? TableFormat::kTsv : format,
                  note),
        format == TableFormat::kHtml ? "</p>\n" : "\n");
  }
  return out;
}

}  // namespace sft::analysis
