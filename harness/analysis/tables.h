// A table of numbers and its texts: columns of a terminal, Markdown and HTML to
// read, LaTeX to include, CSV and TSV with full precision for other programs.
#ifndef HARNESS_ANALYSIS_TABLES_H_
#define HARNESS_ANALYSIS_TABLES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/analysis/statistics.h"

namespace sft::analysis {

enum class TableFormat { kMarkdown, kCsv, kTsv, kLatex, kHtml, kText };
// "md", "csv", "tsv", "latex", "html" or "text".
absl::StatusOr<TableFormat> ParseTableFormat(const std::string& name);

struct TableColumn {
  std::string key;    // machine name, CSV header
  std::string title;  // for people
  bool is_text = false;
  int digits = 0;             // after the point, for people
  bool has_sd = false;        // CSV has a second column, <key>_sd
  bool has_interval = false;  // CSV has two more, <key>_low and <key>_high
  bool show_sign = false;     // "+0.010"
  bool is_p_value = false;    // "< 1e-15", "3.1e-05", "0.032"
  bool is_detail = false;     // people see it where they ask for it
  bool may_be_note = false;   // a line below, where all rows have the same
};

// What a test says of a number, or a state of itself: bold in LaTeX if it is
// good, a colour on a terminal.
enum class Tone { kPlain, kGood, kBad };

struct TableCell {
  std::string text = {};             // as it stands, if there is no value
  std::optional<double> value = {};  // printed by the column's rule
  std::optional<double> sd = {};
  std::optional<Interval> interval = {};  // "0.5 [0.4, 0.6]"
  std::string note = {};    // after the value, in brackets; not in CSV
  bool is_at_most = false;  // a p at its floor: "<= 0.25"; not in CSV
  std::string mark = {};    // "*": what a test says; not in CSV
  Tone tone = Tone::kPlain;
};

struct Table {
  std::string title;
  std::vector<TableColumn> columns;
  std::vector<std::vector<TableCell>> rows;  // as wide as columns
  std::string name = {};                     // "main": what --table calls it
  std::vector<std::string> notes = {};       // how its marks are to be read
  std::vector<std::string> left_out = {};    // keys of columns not shown
};

struct RenderOptions {
  // Of a terminal in columns, of LaTeX's text in points; 0: 80, or 345, which
  // is article's.
  size_t width = 0;
  bool has_colour = false;   // of a terminal
  std::string caption = {};  // LaTeX's; "": the title
  std::string label = {};    // LaTeX's \label{tab:<label>}; "": the name
};

std::string RenderTable(const Table& table, TableFormat format,
                        const RenderOptions& options = {});
// A number with its digits behind the point, without "-0.00".
std::string FixedText(double value, int digits, bool show_sign);
std::string PValueText(double p);
// What people read of a cell; "–" if it is empty.
std::string CellText(const TableColumn& column, const TableCell& cell);

// Text made safe for the format: "|", "&", "<" and the like.
std::string EscapeFor(TableFormat format, const std::string& text);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_TABLES_H_
