#include "harness/page/verdicts.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "harness/analysis/comparison_families.h"
#include "harness/analysis/task_columns.h"
#include "harness/page/picture.h"

namespace sft::page {
namespace {

using analysis::Comparison;

const Comparison* Against(const analysis::Report& report, size_t cell,
                          const std::string& task, const std::string& whom) {
  for (const Comparison& one : report.tests) {
    if (one.cell == cell && one.task == task && one.against == whom) {
      return &one;
    }
  }
  return nullptr;
}

// "better than full padded"; "not separable from it" where Holm's p is large.
std::string InWords(const Comparison& one, const std::string& other) {
  const std::string verdict = analysis::Verdict(one);
  if (verdict.empty()) return "";
  if (verdict == "better" || verdict == "worse") {
    return absl::StrCat(verdict, " than ", other);
  }
  if (verdict == "not decided") {
    return absl::StrCat("not separable from ", other);
  }
  return absl::StrCat("against ", other, ": ", verdict);
}

// By label, out of the table "letters"; empty where it has none of the task, or
// says in words why there are none.
std::map<std::string, std::string> LettersByLabel(const PictureInput& input,
                                                  const std::string& task) {
  std::map<std::string, std::string> letters;
  const analysis::Table* table = TableWithRows(input, "letters");
  for (size_t row = 0; table != nullptr && row < table->rows.size(); ++row) {
    const analysis::TableCell* of = CellAt(*table, row, "task");
    const analysis::TableCell* label = CellAt(*table, row, "row");
    const analysis::TableCell* text = CellAt(*table, row, "letters");
    if (of == nullptr || label == nullptr || text == nullptr ||
        of->text != task || text->text.find(' ') != std::string::npos) {
      continue;
    }
    letters[label->text] = text->text;
  }
  return letters;
}

analysis::TableCell ScoreCell(const analysis::Results& results, size_t cell,
                              const std::string& task,
                              const std::string& metric) {
  std::vector<double> values;
  for (const size_t index : results.cells[cell].runs) {
    const analysis::CollectedRun& run = results.runs[index];
    if (!run.ok()) continue;
    const MetricRecord* found =
        analysis::FindMetric(analysis::TestEval(*run.record, task), metric);
    if (found != nullptr) values.push_back(found->value);
  }
  analysis::TableCell score;
  if (values.empty()) return score;
  score.value = analysis::Mean(values);
  if (values.size() > 1) score.sd = analysis::SampleStdDev(values);
  return score;
}

std::string WordsOf(const analysis::Report& report, size_t cell,
                    const std::string& task) {
  std::string words;
  for (const char* whom : {"untuned", "baseline"}) {
    const Comparison* one = Against(report, cell, task, whom);
    if (one == nullptr) continue;
    const bool is_base = report.results.cells[one->other].is_untuned;
    const std::string said = InWords(
        *one, is_base ? "the base model" : LabelOf(report.results, one->other));
    if (said.empty()) continue;
    absl::StrAppend(&words, words.empty() ? "" : "; ", said);
  }
  return words;
}

analysis::Table VerdictTable(const PictureInput& input, const std::string& task,
                             const MetricRecord& metric) {
  const analysis::Report& report = input.report;
  const analysis::Results& results = report.results;
  const int digits = analysis::DigitsOf(metric.unit);
  const std::map<std::string, std::string> letters =
      LettersByLabel(input, task);
  analysis::Table table;
  table.title = absl::StrCat(
      task, ": ", metric.name, " (", analysis::ScaleOf(metric.unit), ", ",
      metric.higher_is_better ? "higher" : "lower", " is better)");
  table.columns = {
      {.key = "row", .title = "row", .is_text = true},
      {.key = "score", .title = metric.name, .digits = digits, .has_sd = true},
      {.key = "gain",
       .title = "gain over the base [95 %]",
       .digits = digits,
       .has_interval = true,
       .show_sign = true}};
  if (!letters.empty()) {
    table.columns.push_back(
        {.key = "letters", .title = "letters", .is_text = true});
  }
  table.columns.push_back(
      {.key = "words", .title = "verdict", .is_text = true});
  std::vector<size_t> cells;
  for (size_t i = 0; i < results.cells.size(); ++i) {
    if (results.cells[i].is_untuned) cells.push_back(i);
  }
  const std::vector<size_t> tuned = ShownCells(results);
  cells.insert(cells.end(), tuned.begin(), tuned.end());
  for (const size_t cell : cells) {
    analysis::TableCell score = ScoreCell(results, cell, task, metric.name);
    const bool is_base = results.cells[cell].is_untuned;
    // A base model that another group of rows is measured against.
    if (is_base && !score.value.has_value()) continue;
    const Comparison* gain = Against(report, cell, task, "untuned");
    std::vector<analysis::TableCell> row = {
        {.text = LabelOf(results, cell)},
        std::move(score),
        gain == nullptr ? analysis::TableCell() : analysis::GainCell(*gain)};
    if (!letters.empty()) {
      const auto found = letters.find(LabelOf(results, cell));
      row.push_back({.text = found == letters.end() ? "" : found->second});
    }
    row.push_back(
        {.text = is_base ? kBaseModelWords : WordsOf(report, cell, task)});
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

std::vector<analysis::Table> VerdictTables(const PictureInput& input) {
  const analysis::Report& report = input.report;
  std::vector<analysis::Table> tables;
  for (const std::string& task : analysis::EvaluatedTasks(report.results)) {
    const MetricRecord* metric = analysis::PrimaryMetric(report.results, task);
    if (metric == nullptr) continue;
    tables.push_back(VerdictTable(input, task, *metric));
  }
  return tables;
}

}  // namespace sft::page
