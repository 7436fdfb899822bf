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

namespace sft::analysis {

struct Report {
  std::string question;
  Table main;         // a row a cell, the untuned model first
  Table comparisons;  // paired, against the untuned model and the baseline
  // By what `report --table` calls them; those without a row are not shown.
  struct Named {
    std::string name;
    Table table;
  };
  std::vector<Named> more;
  std::vector<std::string> notes;
  // What the tables are made of.
  Results results;
  std::vector<Comparison> tests;
};

absl::StatusOr<Report> BuildReport(const std::string& dir);

// md, latex, html: the tables and the notes; csv, tsv: the main table alone.
std::string RenderReport(const Report& report, TableFormat format);
// One table: "main", "comparisons", or one of `more`; an error lists them.
absl::StatusOr<std::string> RenderOneTable(const Report& report,
                                           const std::string& name,
                                           TableFormat format);

// Parts of BuildReport.
Table MainTable(const Results& results,
                const std::vector<Comparison>& comparisons);
Table ComparisonTable(const Results& results,
                      const std::vector<Comparison>& comparisons);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_REPORT_H_
