// The second table of a report: a row a comparison that was asked for.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "harness/analysis/cell_table.h"
#include "harness/analysis/comparison_families.h"
#include "harness/analysis/crossed_error.h"
#include "harness/analysis/report.h"
#include "harness/analysis/task_columns.h"

namespace sft::analysis {
namespace {

// Names the cell: "baseline" alone can be three different ones.
std::string Opponent(const Results& results, const Comparison& one) {
  const std::string label = CellLabel(results, results.cells[one.other]);
  return one.against == "baseline" ? label + " (baseline)" : label;
}

TableCell PCell(const Comparison& one) {
  if (std::isnan(one.p)) return {.text = Verdict(one)};
  TableCell cell = NumberCell(one.p);
  cell.is_at_most = one.p_is_floor;
  return cell;
}

TableCell Toned(TableCell cell, const Comparison& one) {
  cell.tone = ToneOf(one);
  return cell;
}

TableCell SignFlipCell(const Comparison& one) {
  if (!one.sign_flip_p.has_value()) return {};
  TableCell cell = NumberCell(*one.sign_flip_p);
  cell.is_at_most =
      *one.sign_flip_p <= SignFlipFloor(static_cast<size_t>(one.n_seeds));
  return cell;
}

}  // namespace

Table ComparisonTable(const Results& results,
                      const std::vector<Comparison>& comparisons,
                      const ReportOptions& options) {
  Table table;
  table.title = "Paired comparisons";
  table.columns = {
      {.key = "row", .title = "row", .is_text = true},
      {.key = "against", .title = "against", .is_text = true},
      {.key = "task", .title = "task", .is_text = true, .may_be_note = true},
      {.key = "metric",
       .title = "metric",
       .is_text = true,
       .may_be_note = true},
      {.key = "items", .title = "items", .is_detail = true},
      {.key = "seeds", .title = "seeds", .may_be_note = true},
      {.key = "claim",
       .title = "claim about",
       .is_text = true,
       .is_detail = true},
      {.key = "gain",
       .title = "gain [95 %]",
       .digits = 4,
       .has_interval = true,
       .show_sign = true},
      {.key = "unit", .title = "unit", .is_text = true, .may_be_note = true},
      {.key = "effect_size",
       .title = "effect size (items)",
       .digits = 2,
       .show_sign = true,
       .is_detail = true},
      {.key = "p", .title = "p", .is_p_value = true, .is_detail = true},
      {.key = "holm_p", .title = "Holm p", .is_p_value = true},
      {.key = "verdict", .title = "verdict", .is_text = true},
      {.key = "sign_flip_p",
       .title = "sign-flip p",
       .is_p_value = true,
       .is_detail = true},
      {.key = "smallest_detectable", .title = "detectable", .digits = 4},
      {.key = "wins",
       .title = "wins/losses",
       .is_text = true,
       .is_detail = true},
      {.key = "improvement",
       .title = "P(seed better)",
       .digits = 2,
       .is_detail = true},
  };
  if (options.fdr) {
    table.columns.push_back(
        {.key = "fdr_q", .title = "FDR q", .is_p_value = true});
  }
  for (const Comparison& one : comparisons) {
    if (!one.is_asked_for) continue;
    table.rows.push_back(
        {{.text = CellLabel(results, results.cells[one.cell])},
         {.text = Opponent(results, one)},
         {.text = one.is_retained ? one.task + " (retained)" : one.task},
         {.text = one.metric},
         NumberCell(static_cast<double>(one.n_items)),
         NumberCell(static_cast<double>(one.n_seeds)),
         {.text = std::string(ClaimName(one.claim))},
         Toned(GainCell(one), one),
         {.text = one.unit},
         NumberCell(one.effect_size),
         PCell(one),
         HolmCell(one),
         Toned({.text = Verdict(one)}, one),
         SignFlipCell(one),
         NumberCell(one.smallest_detectable),
         {.text = one.wins.has_value()
                      ? absl::StrCat(*one.wins, "/", *one.losses)
                      : ""},
         // Of one seed it would say no more than the gain's sign.
         NumberCell(one.n_seeds > 1 ? one.improvement : kNaN)});
    if (options.fdr) table.rows.back().push_back(NumberCell(one.fdr_p));
  }
  return table;
}

}  // namespace sft::analysis
