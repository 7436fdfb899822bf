#include "harness/analysis/latex_table.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "harness/analysis/latex_layout.h"
#include "harness/analysis/latex_text.h"
#include "harness/analysis/table_layout.h"

namespace sft::analysis {
namespace {

class LatexMaker {
 public:
  LatexMaker(const Table& table, const RenderOptions& options)
      : table_(table),
        options_(options),
        text_pt_(options.width == 0 ? kTextPt
                                    : static_cast<double>(options.width)) {}

  std::string Make() {
    if (table_.columns.empty()) return "";
    columns_ = LatexColumns(table_, text_pt_);
    for (const auto& row : table_.rows) {
      for (const TableCell& cell : row) {
        if (!cell.note.empty() && !NumberOf(cell.note).has_value()) {
          cell_notes_.push_back(cell.note);
        }
      }
    }
    const auto parts = LatexParts(table_, columns_, text_pt_);
    const auto pages = LatexPages(table_, columns_, text_pt_);
    for (const auto& part : parts) {
      for (const auto& [begin, end] : pages) {
        AddTable(part, begin, end, parts.size() * pages.size());
      }
    }
    return std::move(out_);
  }

 private:
  std::optional<size_t> NumberOf(const std::string& note) const {
    const auto it = std::find(cell_notes_.begin(), cell_notes_.end(), note);
    if (it == cell_notes_.end()) return std::nullopt;
    return static_cast<size_t>(it - cell_notes_.begin());
  }

  // What stands in brackets elsewhere is a note below, for room.
  std::string Reference(const TableCell& cell) const {
    const std::optional<size_t> number = NumberOf(cell.note);
    return number.has_value() ? absl::StrCat("\\tnote{", NoteName(*number), "}")
                              : "";
  }

  std::string Tail(const TableColumn& column, const TableCell& cell) const {
    std::string text;
    if (!cell.mark.empty()) {
      text = absl::StrCat("\\textsuperscript{", EscapedLatex(cell.mark), "}");
    }
    const auto bound = [&](double value) {
      return InMath(FixedText(value, column.digits, column.show_sign));
    };
    if (cell.sd.has_value()) {
      absl::StrAppend(&text, "\\,$\\pm$\\,",
                      FixedText(*cell.sd, column.digits, false));
    }
    if (cell.interval.has_value()) {
      absl::StrAppend(&text, "\\ [", bound(cell.interval->low), ", ",
                      bound(cell.interval->high), "]");
    }
    return text + Reference(cell);
  }

  std::string Title(const LatexColumn& column) const {
    const TableColumn& of = table_.columns[column.index];
    const auto chars = static_cast<size_t>(column.width / 5.0);
    std::vector<std::string> lines = TitleLines(of.title, chars);
    for (std::string& line : lines) line = EscapedLatex(line);
    const char* at = of.is_text ? "l" : of.is_p_value ? "r" : "c";
    std::string text = lines.size() == 1
                           ? lines[0]
                           : absl::StrCat("\\shortstack[", at, "]{",
                                          absl::StrJoin(lines, "\\\\"), "}");
    if (of.is_text || of.is_p_value) return absl::StrCat("{", text, "}");
    return absl::StrCat("\\multicolumn{", column.has_tail ? 2 : 1, "}{c}{",
                        text, "}");
  }

  std::string Cell(const LatexColumn& column, size_t row) const {
    const TableColumn& of = table_.columns[column.index];
    const TableCell& cell = table_.rows[row][column.index];
    if (of.is_text) {
      const std::string text = EscapedLatex(CellText(of, cell));
      // "*" and "[" would be arguments of the \\ before them.
      const bool is_argument = text[0] == '*' || text[0] == '[';
      const std::string safe = is_argument ? absl::StrCat("{}", text) : text;
      return column.is_paragraph ? Breakable(safe) : safe;
    }
    if (of.is_p_value) {
      if (!cell.value.has_value()) return EscapedLatex(CellText(of, cell));
      return LatexP(cell) + Reference(cell);
    }
    std::string text;
    if (!cell.value.has_value()) {
      text = absl::StrCat("{", EscapedLatex(CellText(of, cell)), "}");
    } else if (!std::isfinite(*cell.value)) {
      text = absl::StrCat("{", FixedText(*cell.value, 0, false), "}");
    } else {
      text = absl::StrCat(cell.tone == Tone::kGood ? "\\bfseries " : "",
                          FixedText(*cell.value, of.digits, of.show_sign));
    }
    if (!column.has_tail) return text;
    return absl::StrCat(text, " & ",
                        cell.value.has_value() ? Tail(of, cell) : "");
  }

  void AddTable(const std::vector<size_t>& part, size_t begin, size_t end,
                size_t of) {
    const std::string name =
        options_.label.empty() ? table_.name : options_.label;
    const std::string caption =
        options_.caption.empty() ? table_.title : options_.caption;
    ++number_;
    absl::StrAppend(&out_, out_.empty() ? "" : "\n",
                    "\\begin{table}[tbp]\n  \\centering\n  \\footnotesize\n"
                    "  \\setlength{\\tabcolsep}{3pt}\n"
                    "  \\sisetup{retain-explicit-plus, text-series-to-math}\n"
                    "  \\caption{",
                    EscapedLatex(caption.empty() ? name : caption),
                    number_ > 1 ? " (continued)" : "", "}\n");
    if (!name.empty()) {
      absl::StrAppend(&out_, "  \\label{tab:", name,
                      of > 1 && number_ > 1 ? absl::StrCat("-", number_) : "",
                      "}\n");
    }
    absl::StrAppend(&out_,
                    "  \\begin{threeparttable}\n    \\begin{tabular}{@{}");
    std::vector<std::string> titles;
    for (const size_t i : part) {
      absl::StrAppend(&out_, columns_[i].head,
                      columns_[i].has_tail ? "@{}l" : "");
      titles.push_back(Title(columns_[i]));
    }
    absl::StrAppend(&out_, "@{}}\n      \\toprule\n      ",
                    absl::StrJoin(titles, " & "), " \\\\\n      \\midrule\n");
    for (size_t row = begin; row < end; ++row) {
      std::vector<std::string> cells;
      for (const size_t i : part) cells.push_back(Cell(columns_[i], row));
      absl::StrAppend(&out_, "      ", absl::StrJoin(cells, " & "), " \\\\\n");
    }
    absl::StrAppend(&out_, "      \\bottomrule\n    \\end{tabular}\n");
    AddNotes(part, begin, end);
    absl::StrAppend(&out_, "  \\end{threeparttable}\n\\end{table}\n");
  }

  // Of the table in its first part, of cells where they stand.
  void AddNotes(const std::vector<size_t>& part, size_t begin, size_t end) {
    std::vector<std::string> items;
    for (size_t n = 0; n < cell_notes_.size(); ++n) {
      bool is_here = false;
      for (size_t row = begin; row < end; ++row) {
        for (const size_t i : part) {
          is_here = is_here || table_.rows[row][i].note == cell_notes_[n];
        }
      }
      if (is_here) {
        items.push_back(absl::StrCat("[", NoteName(n), "] ",
                                     EscapedLatex(cell_notes_[n]), "."));
      }
    }
    if (number_ == 1) {
      for (const std::string& note : table_.notes) {
        items.push_back(absl::StrCat(" {}", Breakable(EscapedLatex(note))));
      }
    }
    if (items.empty()) return;
    absl::StrAppend(&out_,
                    "    \\begin{tablenotes}[flushleft]\n"
                    "      \\footnotesize\\raggedright\n");
    for (const std::string& item : items) {
      absl::StrAppend(&out_, "      \\item", item, "\n");
    }
    absl::StrAppend(&out_, "    \\end{tablenotes}\n");
  }

  const Table& table_;
  const RenderOptions& options_;
  const double text_pt_;
  std::vector<std::string> cell_notes_;
  std::vector<LatexColumn> columns_;
  size_t number_ = 0;
  std::string out_;
};

}  // namespace

std::string RenderLatex(const Table& table, const RenderOptions& options) {
  std::string out = LatexMaker(table, options).Make();
  if (!table.left_out.empty()) {
    absl::StrAppend(&out, "% ", LeftOutLine(table), "\n");
  }
  return out;
}

std::string LatexPreamble() {
  return "% Into the preamble:\n"
         "%   \\usepackage{booktabs}        % rules\n"
         "%   \\usepackage{siunitx}         % numbers; version 3, of TeX Live "
         "2021 or later\n"
         "%   \\usepackage{threeparttable}  % notes below a table\n";
}

}  // namespace sft::analysis
