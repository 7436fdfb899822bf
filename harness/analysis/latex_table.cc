#include "harness/analysis/latex_table.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "harness/analysis/latex_text.h"
#include "harness/analysis/table_layout.h"

namespace sft::analysis {
namespace {

constexpr double kTextPt = 345;     // article's, of 10 pt
constexpr double kGapPt = 6;        // between columns: 2 \tabcolsep
constexpr size_t kMostLines = 42;   // of a table on a page
constexpr double kPowerPt = 12;     // that "x 10^-4" is wider than "e-04"
constexpr double kBoldWidth = 1.2;  // of a bold digit

// One column of the table as TeX has it: one of numbers and, behind it, one of
// what stands beside them.
struct LatexColumn {
  size_t index = 0;  // of the table's
  std::string head;  // "S[table-format=1.3]"
  bool has_tail = false;
  double width = 0;  // both, without the gap
  bool is_paragraph = false;
};

class LatexMaker {
 public:
  LatexMaker(const Table& table, const RenderOptions& options)
      : table_(table),
        options_(options),
        text_pt_(options.width == 0 ? kTextPt
                                    : static_cast<double>(options.width)) {}

  std::string Make() {
    if (table_.columns.empty()) return "";
    const size_t labels = LabelColumns(table_);
    // Wide tables have labels of several lines.
    double natural = 0;
    for (size_t i = 0; i < labels; ++i) natural += TextPt(i) + kGapPt;
    const double share =
        natural > 0.5 * text_pt_ ? (0.5 * text_pt_ / natural) : 1;
    for (size_t i = 0; i < table_.columns.size(); ++i) {
      columns_.push_back(
          ColumnOf(i, i < labels ? share * TextPt(i) + 0.01 : 0.35 * text_pt_));
    }
    for (const auto& row : table_.rows) {
      for (const TableCell& cell : row) {
        if (!cell.note.empty() && !NumberOf(cell.note).has_value()) {
          cell_notes_.push_back(cell.note);
        }
      }
    }
    const std::vector<std::vector<size_t>> parts = Parts(labels);
    const std::vector<std::pair<size_t, size_t>> pages = Pages();
    for (const auto& part : parts) {
      for (const auto& [begin, end] : pages) {
        AddTable(part, begin, end, parts.size() * pages.size());
      }
    }
    return std::move(out_);
  }

 private:
  double TextPt(size_t i) const {
    double width = LongestPartPt(table_.columns[i].title);
    for (const auto& row : table_.rows) {
      width = std::max(width, WidthPt(CellText(table_.columns[i], row[i])));
    }
    return width;
  }

  double PPt(size_t i) const {
    double width = LongestPartPt(table_.columns[i].title);
    for (const auto& row : table_.rows) {
      const TableCell& cell = row[i];
      const bool has_power = cell.value.has_value() && *cell.value < 0.001;
      TableCell bare = cell;
      bare.note.clear();
      width = std::max(width, WidthPt(CellText(table_.columns[i], bare)) +
                                  (has_power ? kPowerPt : 0) +
                                  (cell.note.empty() ? 0 : 9));
    }
    return width;
  }

  LatexColumn ColumnOf(size_t i, double most_text) const {
    const TableColumn& column = table_.columns[i];
    LatexColumn made = {.index = i, .head = "l"};
    if (column.is_text) return TextColumn(i, most_text);
    if (column.is_p_value) {
      made.head = "r";
      made.width = PPt(i);
      return made;
    }
    size_t digits = 1;
    bool has_sign = false, is_bold = false;
    double tail = 0, text = 0;
    for (const auto& row : table_.rows) {
      const TableCell& cell = row[i];
      text = std::max(text, cell.value.has_value() ? 0 : WidthPt(cell.text));
      if (!cell.value.has_value() || !std::isfinite(*cell.value)) continue;
      const std::string number =
          FixedText(*cell.value, column.digits, column.show_sign);
      const bool is_signed = number[0] == '-' || number[0] == '+';
      has_sign = has_sign || is_signed;
      digits = std::max(digits, number.substr(0, number.find('.')).size() -
                                    (is_signed ? 1 : 0));
      is_bold = is_bold || cell.tone == Tone::kGood;
      tail = std::max(tail, WidthPt(TailText(column, cell)));
    }
    const auto after = static_cast<size_t>(column.digits);
    made.head =
        absl::StrFormat("S[table-format=%s%d%s]",
                        !has_sign          ? ""
                        : column.show_sign ? "+"
                                           : "-",
                        digits, after > 0 ? absl::StrCat(".", after) : "");
    const double number = 4.4 * static_cast<double>(digits + after) +
                          (after > 0 ? 2.6 : 0) + (has_sign ? 7.6 : 0) +
                          1.8 * static_cast<double>(digits / 3 + after / 4);
    made.width = std::max(number * (is_bold ? kBoldWidth : 1), text);
    made.has_tail = tail > 0;
    made.width += tail;
    made.width = std::max(made.width, LongestPartPt(column.title));
    return made;
  }

  LatexColumn TextColumn(size_t i, double most) const {
    LatexColumn made = {.index = i, .head = "l", .width = TextPt(i)};
    double least = 0;
    for (const auto& row : table_.rows) {
      least =
          std::max(least, LongestPartPt(CellText(table_.columns[i], row[i])));
    }
    most = std::max({most, least, LongestPartPt(table_.columns[i].title)});
    if (made.width <= most) return made;
    made.width = most;
    made.is_paragraph = true;
    made.head = absl::StrFormat(">{\\raggedright\\arraybackslash}p{%.0fpt}",
                                std::ceil(most));
    return made;
  }

  // As it is measured.
  static std::string TailText(const TableColumn& column,
                              const TableCell& cell) {
    std::string text = cell.mark;
    const auto bound = [&](double value) {
      return FixedText(value, column.digits, column.show_sign);
    };
    if (cell.sd.has_value()) {
      absl::StrAppend(&text, " + ", FixedText(*cell.sd, column.digits, false));
    }
    if (cell.interval.has_value()) {
      absl::StrAppend(&text, " [", bound(cell.interval->low), ", ",
                      bound(cell.interval->high), "]");
    }
    if (!cell.note.empty()) text += "ab";  // \tnote's name
    return text;
  }

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

  // Labels and what fits beside them, table after table.
  std::vector<std::vector<size_t>> Parts(size_t labels) const {
    std::vector<size_t> first;
    double used = 0;
    for (size_t i = 0; i < labels; ++i) {
      first.push_back(i);
      used += columns_[i].width + (i == 0 ? 0 : kGapPt);
    }
    std::vector<std::vector<size_t>> parts = {first};
    double with = used;
    for (size_t i = labels; i < columns_.size(); ++i) {
      const double own = kGapPt + columns_[i].width;
      if (with + own > text_pt_ && parts.back().size() > labels) {
        parts.push_back(first);
        with = used;
      }
      parts.back().push_back(i);
      with += own;
    }
    return parts;
  }

  size_t LinesOf(size_t row) const {
    double lines = 1;
    for (const LatexColumn& column : columns_) {
      if (!column.is_paragraph) continue;
      // A line ends where the next word does not fit.
      const double width = WidthPt(CellText(table_.columns[column.index],
                                            table_.rows[row][column.index]));
      lines = std::max(lines, std::ceil(1.3 * width / column.width));
    }
    return static_cast<size_t>(lines);
  }

  std::vector<std::pair<size_t, size_t>> Pages() const {
    std::vector<std::pair<size_t, size_t>> pages;
    size_t begin = 0, lines = 0;
    size_t most = kMostLines - std::min(NoteLines(), kMostLines - 8);
    for (size_t row = 0; row < table_.rows.size(); ++row) {
      const size_t own = LinesOf(row);
      if (lines + own > most && row > begin) {
        pages.emplace_back(begin, row);
        begin = row;
        lines = 0;
        most = kMostLines;
      }
      lines += own;
    }
    pages.emplace_back(begin, table_.rows.size());
    return pages;
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

  // Lines that notes take below the first part, which may be narrow.
  size_t NoteLines() const {
    double lines = 0;
    for (const std::string& note : table_.notes) {
      lines += std::ceil(1.2 * WidthPt(note) / (0.6 * text_pt_));
    }
    return static_cast<size_t>(lines);
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
