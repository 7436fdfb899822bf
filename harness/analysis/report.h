// The report of a sweep's folder: the method comparison, the paired tests, and
// what the reader must know beside them. The same files give the same bytes.
#ifndef HARNESS_ANALYSIS_REPORT_H_
#define HARNESS_ANALYSIS_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/analysis/aggregate.h"
#include "harness/analysis/comparison.h"
#include "harness/analysis/tables.h"
#include "harness/spec/run_config.h"

namespace sft::analysis {

struct Report {
  std::string question;
  Table main;         // a row a cell, the untuned model first
  Table comparisons;  // paired, against the untuned model and the baseline
  std::vector<std::string> notes;
  std::vector<std::string> reading;  // of the notes, how numbers are made
  // What the tables are made of.
  Results results;
  std::vector<Comparison> tests;
};

struct ReportOptions {
  bool fdr = false;           // Benjamini and Hochberg's values beside Holm's
  bool equal_budget = false;  // SelectCells
  spec::LaterOptions later = {};  // as CollectResults has it
};
absl::StatusOr<Report> BuildReport(const std::string& dir,
                                   const ReportOptions& options = {});
// Every name that `report --table` takes.
std::vector<std::string> TableNames();
// What follows the main table and the comparisons, by name; some have no row.
// Made anew, which takes some seconds where there are many rows.
std::vector<Table> MoreTables(const Report& report);
// One of these, "main", "comparisons", or what is made by name alone: a row a
// run ("seeds"), a row a number ("long").
absl::StatusOr<Table> TableNamed(const Report& report, const std::string& name);

// text, md, latex: the tables and the notes; csv, tsv, html: the main table
// alone. (A page: harness/page.)
std::string RenderReport(const Report& report, TableFormat format,
                         const RenderOptions& options = {});
// One table with the columns asked for (WithColumns), or those of the format:
// all in csv, tsv and html, else what readers have (ForReaders). "sequence" is
// for readers preceded by "scores", its matrix. An error lists the names.
absl::StatusOr<std::string> RenderOneTable(
    const Report& report, const std::string& name, TableFormat format,
    const RenderOptions& options = {},
    const std::vector<std::string>& columns = {});
// A table of these columns likewise.
absl::StatusOr<std::string> RenderChosen(
    const Table& table, TableFormat format, const RenderOptions& options,
    const std::vector<std::string>& columns);

// Parts of BuildReport.
Table MainTable(const Results& results,
                const std::vector<Comparison>& comparisons);
Table ComparisonTable(const Results& results,
                      const std::vector<Comparison>& comparisons,
                      const ReportOptions& options = {});

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_REPORT_H_
