#include "experiments/report_command.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "experiments/report_pictures.h"
#include "experiments/table_output.h"
#include "harness/analysis/pivot.h"
#include "harness/analysis/record_query.h"
#include "harness/analysis/report.h"
#include "harness/analysis/store_comparison.h"
#include "harness/analysis/table_macros.h"
#include "harness/core/status.h"

namespace sft::experiments {
namespace {

struct ReportFlags {
  std::string path;
  TableFlags tables;
  std::string table;
  std::vector<std::string> show;
  std::vector<std::string> rows, cols, cells;
  std::string where;
  std::string macros;
  PictureFlags pictures;
  analysis::ReportOptions options;

  bool IsPivot() const {
    return !rows.empty() || !cols.empty() || !cells.empty();
  }
};

void DeclareReport(CLI::App& app, ReportFlags& flags) {
  app.add_option("DIR|FILE", flags.path, "records of a sweep, or merged ones")
      ->required();
  app.add_option("--table", flags.table,
                 absl::StrCat("one table alone: ",
                              absl::StrJoin(analysis::TableNames(), ", ")))
      ->type_name("NAME");
  AddList(app, "--show", flags.show,
          "columns of it (main, where none is named) by key, the end of a key, "
          "or title; +NAME adds to those there are, all shows all")
      ->type_name("NAMES");
  AddList(app, "--rows", flags.rows,
          "a table of your own: axes that make its rows, such as method,seed")
      ->type_name("AXES");
  AddList(app, "--cols", flags.cols,
          "axes that make its columns, such as task or round")
      ->type_name("AXES");
  AddList(app, "--cell", flags.cells,
          "what stands in it: a metric, score (of each task the primary one), "
          "gain, a fact, peak_memory_mib, tokens_per_second")
      ->type_name("NAMES");
  app.add_option("--where", flags.where,
                 "of its runs only those, such as batching=packed,seed<3")
      ->type_name("CONDITIONS");
  DeclareTable(app, flags.tables);
  app.add_option("--macros", flags.macros,
                 "instead of tables a \\newcommand a number, whose names begin "
                 "so, such as sft")
      ->type_name("PREFIX");
  DeclarePictures(app, flags.pictures);
  app.add_flag("--fdr", flags.options.fdr,
               "Benjamini and Hochberg's values beside Holm's");
  app.add_flag("--equal-budget", flags.options.equal_budget,
               "as many rows compete in each group of select.per, of larger "
               "groups a draw");
}

absl::Status CheckPrefix(const std::string& prefix) {
  const bool are_letters = std::all_of(
      prefix.begin(), prefix.end(),
      [](unsigned char c) { return c < 0x80 && std::isalpha(c) != 0; });
  if (are_letters) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--macros wants letters alone, as TeX's names, not '", prefix, "'"));
}

absl::StatusOr<analysis::Table> PivotOf(const analysis::Report& report,
                                        const ReportFlags& flags) {
  analysis::PivotRequest request;
  const auto take = [](const std::vector<std::string>& from,
                       std::vector<std::string>& to) {
    if (!from.empty()) to = from;
  };
  take(flags.rows, request.rows);
  take(flags.cols, request.cols);
  take(flags.cells, request.cells);
  SFT_ASSIGN_OR_RETURN(request.where, analysis::ParseConditions(flags.where));
  return analysis::PivotTable(report.results, report.tests, request);
}

// Of all tables, or of the one that is asked for.
absl::StatusOr<std::string> MacrosOf(const analysis::Report& report,
                                     const ReportFlags& flags) {
  SFT_RETURN_IF_ERROR(CheckPrefix(flags.macros));
  std::vector<analysis::Table> tables;
  if (flags.IsPivot()) {
    SFT_ASSIGN_OR_RETURN(analysis::Table table, PivotOf(report, flags));
    tables.push_back(std::move(table));
  } else if (!flags.table.empty()) {
    SFT_ASSIGN_OR_RETURN(analysis::Table table,
                         analysis::TableNamed(report, flags.table));
    tables.push_back(std::move(table));
  } else {
    tables = {report.main, report.comparisons};
    for (analysis::Table& table : analysis::MoreTables(report)) {
      tables.push_back(std::move(table));
    }
  }
  return analysis::TableMacros(tables, flags.macros);
}

absl::StatusOr<std::string> TextOf(const analysis::Report& report,
                                   const ReportFlags& flags) {
  SFT_ASSIGN_OR_RETURN(const analysis::TableFormat format,
                       FormatOf(flags.tables));
  const analysis::RenderOptions options = OptionsOf(flags.tables, format);
  if (!flags.macros.empty()) return MacrosOf(report, flags);
  if (flags.IsPivot()) {
    SFT_ASSIGN_OR_RETURN(const analysis::Table table, PivotOf(report, flags));
    return analysis::RenderChosen(table, format, options, flags.show);
  }
  if (flags.table.empty() && flags.show.empty()) {
    return analysis::RenderReport(report, format, options);
  }
  return analysis::RenderOneTable(report,
                                  flags.table.empty() ? "main" : flags.table,
                                  format, options, flags.show);
}

absl::StatusOr<int> RunReport(const ReportFlags& flags) {
  const bool is_pivot = flags.IsPivot();
  if (is_pivot && !flags.table.empty()) {
    return absl::InvalidArgumentError(
        "sftbench report: --rows, --cols and --cell make a table of their own; "
        "leave --table out");
  }
  if (!is_pivot && !flags.where.empty()) {
    return absl::InvalidArgumentError(
        "sftbench report: --where goes with --rows, --cols or --cell");
  }
  analysis::ReportOptions options = flags.options;
  options.later = TheWorkbench().LaterOptionsOfMethods();
  SFT_ASSIGN_OR_RETURN(const analysis::Report report,
                       analysis::BuildReport(flags.path, options));
  const bool is_page = flags.tables.format == "html" && flags.table.empty() &&
                       flags.show.empty() && !is_pivot && flags.macros.empty();
  SFT_ASSIGN_OR_RETURN(
      std::optional<std::string> text,
      PicturesOfReport(report, flags.path, flags.pictures, is_page));
  if (!text.has_value()) {
    SFT_ASSIGN_OR_RETURN(text, TextOf(report, flags));
  }
  fputs(text->c_str(), stdout);
  return kExitGood;
}

struct CompareFlags {
  std::string one, other;
  TableFlags tables;
  std::vector<std::string> show;
};

void DeclareCompare(CLI::App& app, CompareFlags& flags) {
  app.add_option("A", flags.one, "records of a sweep, or merged ones")
      ->required();
  app.add_option("B", flags.other, "the same, that is held against A")
      ->required();
  AddList(app, "--show", flags.show, "columns, as those of report")
      ->type_name("NAMES");
  DeclareTable(app, flags.tables);
}

absl::StatusOr<int> RunCompare(const CompareFlags& flags) {
  SFT_ASSIGN_OR_RETURN(const analysis::TableFormat format,
                       FormatOf(flags.tables));
  SFT_ASSIGN_OR_RETURN(
      const analysis::StoreComparison found,
      analysis::CompareStores(flags.one, flags.other,
                              TheWorkbench().LaterOptionsOfMethods()));
  SFT_ASSIGN_OR_RETURN(
      const std::string text,
      analysis::RenderComparison(found, format, OptionsOf(flags.tables, format),
                                 flags.show));
  fputs(text.c_str(), stdout);
  return kExitGood;
}

}  // namespace

Command ReportCommand() {
  return MakeCommand(
      {.name = "report",
       .usage = "report DIR|FILE [--table NAME] [--show NAMES] [--rows AXES "
                "--cols AXES --cell NAMES] [--format "
                "md|csv|tsv|latex|html|text] [--macros PREFIX] [--figures "
                "FOLDER] [--plots]",
       .summary = "The tables of a sweep, from its records and nothing "
                  "else.",
       .help = R"(
Of a folder, or of one file of merge-records. On a terminal in its columns, in
a pipe as Markdown. csv and tsv hold all columns in full; the others the columns
that a paper would have, and say what is left out. html is one page with
verdicts, pictures, tables and a card a run, and asks for nothing; --figures
needs a Python with matplotlib: setup.sh's, or SFTBENCH_PYTHON.
  sftbench report results/demo
  sftbench report results/demo --table comparisons --format csv
  sftbench report results/demo --show +f1_macro,validation_loss
  sftbench report results/demo --rows method --cols task --cell score
  sftbench report results/demo --rows method,seed --cell accuracy
  sftbench report results/demo --table long --format csv > everything.csv
  sftbench report results/demo --format latex > table.tex
  sftbench report results/demo --macros demo > numbers.tex
  sftbench report results/demo --format html > page.html
  sftbench report results/demo --figures figures
Table seeds has a row a run, long a row a number: run, metric, task, round.
)"},
      DeclareReport, RunReport);
}

Command CompareCommand() {
  return MakeCommand(
      {.name = "compare",
       .usage = "compare A B [--show NAMES] [--format "
                "md|csv|tsv|latex|html|text]",
       .summary = "What two sweeps share: B minus A, and what forbids it.",
       .help = R"(
Two folders or merged files. Cells of the same config are paired by seed and by
item; differences have intervals and a p. Other data, models or metrics are not
compared, and the row says so; other revisions, changes that were not committed
and other machines are said below.
  sftbench compare results/before results/after
)"},
      DeclareCompare, RunCompare);
}

}  // namespace sft::experiments
