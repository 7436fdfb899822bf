#include "harness/analysis/report.h"

#include <iterator>
#include <utility>

#include "absl/strings/str_join.h"
#include "harness/analysis/comparability.h"
#include "harness/analysis/comparison_families.h"
#include "harness/analysis/cost_tables.h"
#include "harness/analysis/distance_table.h"
#include "harness/analysis/equal_target.h"
#include "harness/analysis/front_table.h"
#include "harness/analysis/fronts.h"
#include "harness/analysis/latex_table.h"
#include "harness/analysis/letters.h"
#include "harness/analysis/long_table.h"
#include "harness/analysis/point_tables.h"
#include "harness/analysis/rates.h"
#include "harness/analysis/report_notes.h"
#include "harness/analysis/selection.h"
#include "harness/analysis/sequence_tables.h"
#include "harness/analysis/table_layout.h"
#include "harness/analysis/text_table.h"
#include "harness/core/status.h"

namespace sft::analysis {

namespace {

// What follows the main table and the comparisons.
struct TableKind {
  const char* name;
  bool is_shown;  // with the others, where none is named
  Table (*make)(const Results&, const std::vector<Comparison>&);
};
using Tests = std::vector<Comparison>;
const TableKind kKinds[] = {
    {"retained", true, RetainedTable},
    {"scores", true,
     [](const Results& of, const Tests&) { return ScoresTable(of); }},
    {"sequence", true,
     [](const Results& of, const Tests&) { return SequenceTable(of); }},
    {"curve", true,
     [](const Results& of, const Tests&) { return CurveTable(of); }},
    {"equal_target", true,
     [](const Results& of, const Tests&) { return EqualTargetTable(of); }},
    {"front", true,
     [](const Results& of, const Tests&) { return FrontTable(of); }},
    {"fronts", true,
     [](const Results& of, const Tests&) { return FrontsTable(of); }},
    {"letters", true,
     [](const Results& of, const Tests&) { return LettersTable(of); }},
    {"rewind", true,
     [](const Results& of, const Tests&) { return RewindTable(of); }},
    {"distance", true,
     [](const Results& of, const Tests&) { return DistanceTable(of); }},
    {"memory", false,
     [](const Results& of, const Tests&) { return MemoryTable(of); }},
    {"speed", false,
     [](const Results& of, const Tests&) { return SpeedTable(of); }},
};
constexpr char kMain[] = "main";
constexpr char kComparisons[] = "comparisons";
constexpr char kSeeds[] = "seeds";
constexpr char kLong[] = "long";

Table Made(const TableKind& kind, const Report& report) {
  Table table = kind.make(report.results, report.tests);
  table.name = kind.name;
  return table;
}

}  // namespace

std::vector<std::string> TableNames() {
  std::vector<std::string> names = {kMain, kComparisons};
  for (const TableKind& kind : kKinds) names.emplace_back(kind.name);
  names.insert(names.end(), {kSeeds, kLong});
  return names;
}

absl::StatusOr<Report> BuildReport(const std::string& dir,
                                   const ReportOptions& options) {
  SFT_ASSIGN_OR_RETURN(Results results, CollectResults(dir, options.later));
  SelectCells(results, options.equal_budget);
  std::vector<Comparison> comparisons = CompareAll(results);
  Report report;
  report.question = results.question;
  report.main = MainTable(results, comparisons);
  report.main.name = kMain;
  report.comparisons = ComparisonTable(results, comparisons, options);
  report.comparisons.name = kComparisons;
  report.notes = results.notes;
  const auto add = [&](std::vector<std::string> notes) {
    std::move(notes.begin(), notes.end(), std::back_inserter(report.notes));
  };
  const auto add_reading = [&](const std::vector<std::string>& notes) {
    report.reading.insert(report.reading.end(), notes.begin(), notes.end());
    add(notes);
  };
  add(NotesOnSuspectRuns(results));
  add(NotesOnData(results));
  add_reading(NotesOnRates(results));
  add(NotesOnComparability(results));
  add_reading(NotesOnTests(results, comparisons));
  add_reading(NotesOnMissingIntervals(results));
  if (options.fdr) {
    add_reading(
        {"FDR q is Benjamini and Hochberg's, of the same two families: of what "
         "is called a difference up to a q, that share is expected to be none. "
         "It decides nothing here; verdicts are by Holm's p."});
  }
  if (!results.select_by.empty()) {
    add_reading(
        {absl::StrCat("Selected rows (*) are the best of their group by ",
                      results.select_by, ", mean over seeds.")});
  }
  report.results = std::move(results);
  report.tests = std::move(comparisons);
  return report;
}

namespace {

// Behind the main table, those that have rows, as people read them.
std::vector<Table> OtherTables(const Report& report) {
  std::vector<Table> tables;
  const auto add = [&tables](const Table& table) {
    if (!table.rows.empty()) tables.push_back(ForReaders(table));
  };
  add(report.comparisons);
  for (const TableKind& kind : kKinds) {
    if (kind.is_shown) add(Made(kind, report));
  }
  return tables;
}

// Where people read a whole table, not its numbers alone.
bool IsForReaders(TableFormat format) {
  return format == TableFormat::kMarkdown || format == TableFormat::kLatex ||
         format == TableFormat::kText;
}

Table AsShown(const Table& table, TableFormat format) {
  return IsForReaders(format) ? ForReaders(table) : table;
}

// "%" before each line.
std::string LatexComment(const std::string& text) {
  return absl::StrCat("% ", EscapeFor(TableFormat::kTsv, text), "\n");
}

// What the whole report does not show, and where it is.
std::string FurtherTables(const Report& report) {
  std::vector<std::string> names;
  for (const TableKind& kind : kKinds) {
    if (!kind.is_shown && !Made(kind, report).rows.empty()) {
      names.emplace_back(kind.name);
    }
  }
  names.insert(names.end(), {kSeeds, kLong});
  return absl::StrCat(
      "Further tables (--table NAME): ", absl::StrJoin(names, ", "), ".");
}

}  // namespace

std::vector<Table> MoreTables(const Report& report) {
  std::vector<Table> tables;
  for (const TableKind& kind : kKinds) tables.push_back(Made(kind, report));
  return tables;
}

absl::StatusOr<Table> TableNamed(const Report& report,
                                 const std::string& name) {
  if (name == kMain) return report.main;
  if (name == kComparisons) return report.comparisons;
  for (const TableKind& kind : kKinds) {
    if (name == kind.name) return Made(kind, report);
  }
  if (name == kSeeds || name == kLong) {
    Table made =
        name == kSeeds ? SeedTable(report.results) : LongTable(report.results);
    made.name = name;
    return made;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "--table ", name, ": wanted one of ", absl::StrJoin(TableNames(), ", ")));
}

absl::StatusOr<std::string> RenderChosen(
    const Table& table, TableFormat format, const RenderOptions& options,
    const std::vector<std::string>& columns) {
  Table shown = AsShown(table, format);
  if (!columns.empty()) {
    SFT_ASSIGN_OR_RETURN(shown, WithColumns(table, columns));
  }
  return absl::StrCat(format == TableFormat::kLatex ? LatexPreamble() : "",
                      RenderTable(shown, format, options));
}

absl::StatusOr<std::string> RenderOneTable(
    const Report& report, const std::string& name, TableFormat format,
    const RenderOptions& options, const std::vector<std::string>& columns) {
  SFT_ASSIGN_OR_RETURN(Table table, TableNamed(report, name));
  if (format == TableFormat::kLatex && name == kMain) {
    if (table.title.empty()) table.title = report.question;
    table.notes.insert(table.notes.end(), report.reading.begin(),
                       report.reading.end());
  }
  // The measures of a sequence follow from its matrix, round by round.
  if (name != "sequence" || !IsForReaders(format) || !columns.empty()) {
    return RenderChosen(table, format, options, columns);
  }
  SFT_ASSIGN_OR_RETURN(const Table scores, TableNamed(report, "scores"));
  return absl::StrCat(format == TableFormat::kLatex ? LatexPreamble() : "",
                      RenderTable(AsShown(scores, format), format), "\n",
                      RenderTable(AsShown(table, format), format, options));
}

std::string RenderReport(const Report& report, TableFormat format,
                         const RenderOptions& options) {
  std::string out;
  const auto escaped = [&](const std::string& text) {
    return EscapeFor(format, text);
  };
  switch (format) {
    case TableFormat::kCsv:
    case TableFormat::kTsv:
    case TableFormat::kHtml:
      return RenderTable(report.main, format);
    case TableFormat::kText:
      if (!report.question.empty()) {
        absl::StrAppend(&out, TextHeading(report.question, options), "\n");
      }
      out += RenderTable(ForReaders(report.main), format, options);
      for (const Table& table : OtherTables(report)) {
        absl::StrAppend(&out, "\n", RenderTable(table, format, options));
      }
      absl::StrAppend(&out, "\n", TextNotes(report.notes, options));
      return absl::StrCat(out, TextNotes({FurtherTables(report)}, options));
    case TableFormat::kMarkdown:
      if (!report.question.empty()) {
        out += "# " + escaped(report.question) + "\n\n";
      }
      out += RenderTable(ForReaders(report.main), format);
      for (const Table& table : OtherTables(report)) {
        absl::StrAppend(&out, "\n", RenderTable(table, format));
      }
      out += "\n";
      for (const std::string& note : report.notes) {
        out += "- " + escaped(note) + "\n";
      }
      return out + "- " + FurtherTables(report) + "\n";
    case TableFormat::kLatex: {
      Table main = ForReaders(report.main);
      main.title = report.question;
      main.notes.insert(main.notes.end(), report.reading.begin(),
                        report.reading.end());
      absl::StrAppend(&out, LatexPreamble(),
                      RenderTable(main, format, options));
      RenderOptions others = options;
      others.caption.clear();
      others.label.clear();
      for (const Table& table : OtherTables(report)) {
        if (!options.label.empty()) {
          others.label = absl::StrCat(options.label, "-", table.name);
        }
        absl::StrAppend(&out, "\n", RenderTable(table, format, others));
      }
      for (const std::string& note : report.notes) out += LatexComment(note);
      return out + LatexComment(FurtherTables(report));
    }
  }
  return out;
}

}  // namespace sft::analysis
