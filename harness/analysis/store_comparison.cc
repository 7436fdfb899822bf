#include "harness/analysis/store_comparison.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "harness/analysis/aggregate.h"
#include "harness/analysis/cell_table.h"
#include "harness/analysis/comparison.h"
#include "harness/analysis/comparison_families.h"
#include "harness/analysis/cost_tables.h"
#include "harness/analysis/rates.h"
#include "harness/analysis/record_origin.h"
#include "harness/analysis/report.h"
#include "harness/analysis/task_columns.h"
#include "harness/analysis/text_table.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"

namespace sft::analysis {
namespace {

constexpr double kStoreLevel = 0.05;  // of the one family
constexpr size_t kVerdictColumn = 6;
std::string TextOfCell(const Results& results, const ResultCell& cell) {
  spec::RunConfig config = results.runs[cell.runs[0]].planned.config;
  config.seed = 0;
  return config.CanonicalConfigText();
}

bool ShareARun(const Results& one, const ResultCell& a, const Results& two,
               const ResultCell& b) {
  return std::any_of(a.runs.begin(), a.runs.end(), [&](size_t i) {
    return std::any_of(b.runs.begin(), b.runs.end(), [&](size_t j) {
      return one.runs[i].planned.run_id == two.runs[j].planned.run_id;
    });
  });
}

class StoreComparer {
 public:
  StoreComparer(Results a, Results b) : n_a_(a.cells.size()) {
    std::vector<std::optional<size_t>> partner(a.cells.size());
    std::set<size_t> taken;
    for (size_t i = 0; i < a.cells.size(); ++i) {
      const std::string text = TextOfCell(a, a.cells[i]);
      for (size_t j = 0; j < b.cells.size(); ++j) {
        if (taken.contains(j) || (TextOfCell(b, b.cells[j]) != text &&
                                  !ShareARun(a, a.cells[i], b, b.cells[j]))) {
          continue;
        }
        partner[i] = j;
        taken.insert(j);
        break;
      }
    }
    Unite(std::move(a), std::move(b));
    for (size_t i = 0; i < partner.size(); ++i) {
      if (partner[i].has_value()) {
        pairs_.emplace_back(i, n_a_ + *partner[i]);
      } else {
        only_a_.push_back(i);
      }
    }
    for (size_t j = n_a_; j < both_.cells.size(); ++j) {
      if (!taken.contains(j - n_a_)) only_b_.push_back(j);
    }
  }

  StoreComparison Make() {
    found_.scores = EmptyScores();
    for (const auto& [a, b] : pairs_) AddScores(a, b);
    Adjust();
    found_.costs = Costs();
    NoteOnlyIn("A", only_a_, only_b_);
    NoteOnlyIn("B", only_b_, only_a_);
    NoteSeeds();
    NoteProvenance();
    return std::move(found_);
  }

 private:
  void Unite(Results a, Results b) {
    both_ = std::move(a);
    const size_t runs = both_.runs.size();
    std::move(b.runs.begin(), b.runs.end(), std::back_inserter(both_.runs));
    for (ResultCell& cell : b.cells) {
      for (size_t& run : cell.runs) run += runs;
      both_.cells.push_back(std::move(cell));
    }
    for (const std::string& name : b.axis_names) {
      if (std::find(both_.axis_names.begin(), both_.axis_names.end(), name) ==
          both_.axis_names.end()) {
        both_.axis_names.push_back(name);
      }
    }
  }

  static Table EmptyScores() {
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

  void AddScores(size_t a, size_t b) {
    const RecordPairs pairs =
        PairedRecords(both_, both_.cells[b], both_.cells[a]);
    if (pairs.empty()) {
      std::vector<TableCell> row(found_.scores.columns.size());
      row[0].text = CellLabel(both_, both_.cells[a]);
      row[kVerdictColumn].text = "no seed is ok in both";
      found_.scores.rows.push_back(std::move(row));
      comparisons_.emplace_back();
      return;
    }
    const std::string other_inputs = OtherInputs(pairs);
    std::vector<std::string> tasks = EvaluatedTasks(both_);
    for (std::string& task : RetainedTasks(both_)) {
      tasks.push_back(std::move(task));
    }
    for (const std::string& task : tasks) {
      const EvalRecord* eval = TestEval(*pairs[0].second, task);
      if (eval == nullptr) continue;
      for (const MetricRecord& metric : eval->metrics) {
        if (metric.unit == "tokens") continue;
        AddRow(a, b, task, metric, &metric == &eval->metrics[0], pairs,
               other_inputs);
      }
    }
  }

  void AddRow(size_t a, size_t b, const std::string& task,
              const MetricRecord& metric, bool is_primary,
              const RecordPairs& pairs, const std::string& other_inputs) {
    std::vector<double> of_a, of_b;
    bool is_same = true, has_signature = true;
    for (const auto& [theirs, mine] : pairs) {
      const MetricRecord* one = FindMetric(TestEval(*mine, task), metric.name);
      const MetricRecord* two =
          FindMetric(TestEval(*theirs, task), metric.name);
      if (one == nullptr || two == nullptr) continue;
      of_a.push_back(one->value);
      of_b.push_back(two->value);
      is_same = is_same && one->value == two->value && one->items == two->items;
      has_signature = has_signature && one->signature == two->signature;
    }
    if (of_a.empty()) return;
    std::string refused;
    if (!other_inputs.empty()) {
      refused = absl::StrCat("not compared: other ", other_inputs);
    } else if (!has_signature) {
      refused = "not compared: other signature";
    }
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
    found_.scores.rows.push_back(
        {{.text = CellLabel(both_, both_.cells[a])},
         {.text = task},
         {.text = metric.name},
         NumberCell(static_cast<double>(of_a.size())),
         one.has_value() ? NumberCell(static_cast<double>(one->n_items))
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
  void Adjust() {
    std::vector<double> p_values(comparisons_.size(), kNaN);
    for (size_t i = 0; i < comparisons_.size(); ++i) {
      const std::optional<Comparison>& one = comparisons_[i];
      if (one.has_value() && one->is_asked_for) p_values[i] = one->p;
    }
    const std::vector<double> adjusted = HolmAdjust(p_values);
    for (size_t i = 0; i < comparisons_.size(); ++i) {
      std::vector<TableCell>& row = found_.scores.rows[i];
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
      found_.notes.emplace_back("No cell is in both.");
      return;
    }
    found_.notes.push_back(absl::StrCat(
        "Holm's p corrects the primary metrics of all rows as one family at ",
        CanonicalText(kStoreLevel),
        "; with one seed it speaks of these models, with two nothing is "
        "tested."));
  }

  std::set<std::string> NamesOf(
      bool is_b, std::string (*name_of)(const record::RunRecord&)) const {
    std::set<std::string> names;
    for (size_t i = is_b ? n_a_ : 0; i < (is_b ? both_.cells.size() : n_a_);
         ++i) {
      for (const size_t run : both_.cells[i].runs) {
        if (both_.runs[run].ok())
          names.insert(name_of(*both_.runs[run].record));
      }
    }
    return names;
  }

  bool IsOneMachine() const {
    const std::set<std::string> a = NamesOf(false, MachineOf);
    return a == NamesOf(true, MachineOf) && a.size() == 1;
  }

  Table Costs() const {
    Table table;
    table.title = "What it cost";
    if (!IsOneMachine()) return table;
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
    for (const auto& [a, b] : pairs_) {
      const RecordPairs pairs =
          PairedRecords(both_, both_.cells[b], both_.cells[a]);
      std::vector<TableCell> row = {{.text = CellLabel(both_, both_.cells[a])}};
      AddRatio(pairs, PeakMebibytes, row);
      AddRatio(pairs, rate, row);
      table.rows.push_back(std::move(row));
    }
    return table;
  }

  // A, B and B / A, over the pairs that have both.
  static void AddRatio(
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

  // Names cells, and what sets one apart from its like on the other side.
  void NoteOnlyIn(const std::string& side, const std::vector<size_t>& cells,
                  const std::vector<size_t>& others) {
    for (const size_t i : cells) {
      const std::string label = CellLabel(both_, both_.cells[i]);
      std::string note = absl::StrCat("Only in ", side, ": ", label);
      for (const size_t j : others) {
        if (CellLabel(both_, both_.cells[j]) != label) continue;
        absl::StrAppend(&note, "; the other's differs in ",
                        FieldsThatDiffer(i, j));
        break;
      }
      found_.notes.push_back(note + ".");
    }
  }

  std::string FieldsThatDiffer(size_t i, size_t j) const {
    const auto fields = [&](size_t cell) {
      return spec::ConfigFields(
          both_.runs[both_.cells[cell].runs[0]].planned.config);
    };
    const auto mine = fields(i), theirs = fields(j);
    std::vector<std::string> differing;
    for (const auto& [name, value] : mine) {
      const auto it = theirs.find(name);
      const std::string other = it == theirs.end() ? "-" : it->second;
      if (other == value || name == "seed") continue;
      differing.push_back(
          absl::StrCat(name, " (", value, ", not ", other, ")"));
    }
    return differing.empty() ? "fields that it alone has"
                             : absl::StrJoin(differing, ", ");
  }

  void NoteSeeds() {
    for (const auto& [a, b] : pairs_) {
      if (both_.cells[a].is_untuned) continue;
      const auto seeds = [&](size_t cell) {
        std::set<int64_t> found;
        for (const size_t run : both_.cells[cell].runs) {
          if (both_.runs[run].ok()) {
            found.insert(both_.runs[run].planned.config.seed);
          }
        }
        return found;
      };
      const std::set<int64_t> of_a = seeds(a), of_b = seeds(b);
      if (of_a == of_b) continue;
      found_.notes.push_back(absl::StrCat(
          CellLabel(both_, both_.cells[a]), ": seeds ",
          absl::StrJoin(of_a, ","), " in A, ", absl::StrJoin(of_b, ","),
          " in B; those in both are compared."));
    }
  }

  void NoteProvenance() {
    const auto named = [](const std::set<std::string>& names) {
      return names.empty() ? std::string("none") : absl::StrJoin(names, ", ");
    };
    const std::set<std::string> builds_a = NamesOf(false, BuildOf),
                                builds_b = NamesOf(true, BuildOf);
    const bool is_dirty = std::any_of(
        both_.runs.begin(), both_.runs.end(), [](const CollectedRun& run) {
          return run.ok() && IsDirtyBuild(*run.record);
        });
    if (builds_a != builds_b || builds_a.size() > 1 || is_dirty) {
      found_.notes.push_back(absl::StrCat(
          "Revisions of the code: A ", named(builds_a), "; B ", named(builds_b),
          ". A difference may come from the code."));
    }
    if (!IsOneMachine()) {
      found_.notes.push_back(absl::StrCat(
          "Machines: A ", named(NamesOf(false, MachineOf)), "; B ",
          named(NamesOf(true, MachineOf)),
          ". Times and memory are not compared; scores may differ in the last "
          "bits for that alone."));
    }
  }

  const size_t n_a_;
  Results both_;
  std::vector<std::pair<size_t, size_t>> pairs_;  // cells of both_
  std::vector<size_t> only_a_, only_b_;
  std::vector<std::optional<Comparison>> comparisons_;  // of the rows
  StoreComparison found_;
};

}  // namespace

absl::StatusOr<StoreComparison> CompareStores(const std::string& a,
                                              const std::string& b,
                                              const spec::LaterOptions& later) {
  SFT_ASSIGN_OR_RETURN(Results one, CollectResults(a, later));
  SFT_ASSIGN_OR_RETURN(Results two, CollectResults(b, later));
  return StoreComparer(std::move(one), std::move(two)).Make();
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
