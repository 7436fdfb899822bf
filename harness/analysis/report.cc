#include "harness/analysis/report.h"

#include <iterator>
#include <utility>

#include "harness/analysis/comparison_families.h"
#include "harness/analysis/point_tables.h"
#include "harness/analysis/rates.h"
#include "harness/analysis/report_notes.h"
#include "harness/analysis/selection.h"
#include "harness/analysis/sequence_tables.h"
#include "harness/core/status.h"

namespace sft::analysis {

absl::StatusOr<Report> BuildReport(const std::string& dir) {
  SFT_ASSIGN_OR_RETURN(Results results, CollectResults(dir));
  SelectCells(results);
  std::vector<Comparison> comparisons = CompareAll(results);
  Report report;
  report.question = results.question;
  report.main = MainTable(results, comparisons);
  report.comparisons = ComparisonTable(results, comparisons);
  report.more = {{"retained", RetainedTable(results, comparisons)},
                 {"scores", ScoresTable(results)},
                 {"sequence", SequenceTable(results)},
                 {"curve", CurveTable(results)},
                 {"equal_target", EqualTargetTable(results)},
                 {"front", FrontTable(results)},
                 {"rewind", RewindTable(results)},
                 {"distance", DistanceTable(results)}};
  report.notes = results.notes;
  const auto add = [&](std::vector<std::string> notes) {
    std::move(notes.begin(), notes.end(), std::back_inserter(report.notes));
  };
  add(NotesOnSuspectRuns(results));
  add(NotesOnData(results));
  add(NotesOnRates(results));
  add(NotesOnTests(results, comparisons));
  add(NotesOnMissingIntervals(results));
  if (!results.select_by.empty()) {
    report.notes.push_back("Selected rows (*) are the best of their group by " +
                           results.select_by + ", mean over seeds.");
  }
  report.results = std::move(results);
  report.tests = std::move(comparisons);
  return report;
}

namespace {

// Behind the main table, those that have rows.
std::vector<const Table*> OtherTables(const Report& report) {
  std::vector<const Table*> tables;
  if (!report.comparisons.rows.empty()) tables.push_back(&report.comparisons);
  for (const Report::Named& one : report.more) {
    if (!one.table.rows.empty()) tables.push_back(&one.table);
  }
  return tables;
}

}  // namespace

absl::StatusOr<std::string> RenderOneTable(const Report& report,
                                           const std::string& name,
                                           TableFormat format) {
  if (name == "main") return RenderTable(report.main, format);
  if (name == "comparisons") return RenderTable(report.comparisons, format);
  std::string names = "main, comparisons";
  for (const Report::Named& one : report.more) {
    if (one.name == name) return RenderTable(one.table, format);
    absl::StrAppend(&names, ", ", one.name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--table ", name, ": wanted one of ", names));
}

std::string RenderReport(const Report& report, TableFormat format) {
  std::string out;
  const auto escaped = [&](const std::string& text) {
    return EscapeFor(format, text);
  };
  switch (format) {
    case TableFormat::kCsv:
    case TableFormat::kTsv:
      return RenderTable(report.main, format);
    case TableFormat::kMarkdown:
      if (!report.question.empty()) {
        out += "# " + escaped(report.question) + "\n\n";
      }
      out += RenderTable(report.main, format);
      for (const Table* table : OtherTables(report)) {
        out += "\n" + RenderTable(*table, format);
      }
      if (!report.notes.empty()) out += "\n";
      for (const std::string& note : report.notes) {
        out += "- " + escaped(note) + "\n";
      }
      return out;
    case TableFormat::kLatex:
      if (!report.question.empty()) {
        out += "% " + EscapeFor(TableFormat::kTsv, report.question) + "\n";
      }
      out += RenderTable(report.main, format);
      for (const Table* table : OtherTables(report)) {
        out += "\n" + RenderTable(*table, format);
      }
      for (const std::string& note : report.notes) {
        out += "% " + EscapeFor(TableFormat::kTsv, note) + "\n";
      }
      return out;
    case TableFormat::kHtml:
      out +=
          "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">\n"
          "<title>sftbench report</title>\n<style>"
          "body{font-family:sans-serif}table{border-collapse:collapse}"
          "th,td{padding:.2em .6em;border-bottom:1px solid #ccc}"
          "td.number{text-align:right;font-variant-numeric:tabular-nums}"
          "</style></head>\n<body>\n";
      if (!report.question.empty()) {
        out += "<h1>" + escaped(report.question) + "</h1>\n";
      }
      out += RenderTable(report.main, format);
      for (const Table* table : OtherTables(report)) {
        out += RenderTable(*table, format);
      }
      if (!report.notes.empty()) {
        out += "<ul>\n";
        for (const std::string& note : report.notes) {
          out += "<li>" + escaped(note) + "</li>\n";
        }
        out += "</ul>\n";
      }
      return out + "</body></html>\n";
  }
  return out;
}

}  // namespace sft::analysis
