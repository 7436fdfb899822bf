#include "harness/analysis/latex_layout.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "harness/analysis/latex_text.h"
#include "harness/analysis/table_layout.h"

namespace sft::analysis {
namespace {

constexpr double kGapPt = 6;        // between columns: 2 \tabcolsep
constexpr size_t kMostLines = 42;   // of a table on a page
constexpr double kPowerPt = 12;     // that "x 10^-4" is wider than "e-04"
constexpr double kBoldWidth = 1.2;  // of a bold digit

double TextPt(const Table& table, size_t i) {
  double width = LongestPartPt(table.columns[i].title);
  for (const auto& row : table.rows) {
    width = std::max(width, WidthPt(CellText(table.columns[i], row[i])));
  }
  return width;
}

double PPt(const Table& table, size_t i) {
  double width = LongestPartPt(table.columns[i].title);
  for (const auto& row : table.rows) {
    const TableCell& cell = row[i];
    const bool has_power = cell.value.has_value() && *cell.value < 0.001;
    TableCell bare = cell;
    bare.note.clear();
    width = std::max(width, WidthPt(CellText(table.columns[i], bare)) +
                                (has_power ? kPowerPt : 0) +
                                (cell.note.empty() ? 0 : 9));
  }
  return width;
}

// As it is measured.
std::string TailText(const TableColumn& column, const TableCell& cell) {
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

LatexColumn TextColumn(const Table& table, size_t i, double most) {
  LatexColumn made = {.index = i, .head = "l", .width = TextPt(table, i)};
  double least = 0;
  for (const auto& row : table.rows) {
    least = std::max(least, LongestPartPt(CellText(table.columns[i], row[i])));
  }
  most = std::max({most, least, LongestPartPt(table.columns[i].title)});
  if (made.width <= most) return made;
  made.width = most;
  made.is_paragraph = true;
  made.head = absl::StrFormat(">{\\raggedright\\arraybackslash}p{%.0fpt}",
                              std::ceil(most));
  return made;
}

LatexColumn LatexColumnOf(const Table& table, size_t i, double most_text) {
  const TableColumn& column = table.columns[i];
  LatexColumn made = {.index = i, .head = "l"};
  if (column.is_text) return TextColumn(table, i, most_text);
  if (column.is_p_value) {
    made.head = "r";
    made.width = PPt(table, i);
    return made;
  }
  size_t digits = 1;
  bool has_sign = false, is_bold = false;
  double tail = 0, text = 0;
  for (const auto& row : table.rows) {
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

size_t LinesOf(const Table& table, const std::vector<LatexColumn>& columns,
               size_t row) {
  double lines = 1;
  for (const LatexColumn& column : columns) {
    if (!column.is_paragraph) continue;
    // A line ends where the next word does not fit.
    const double width = WidthPt(
        CellText(table.columns[column.index], table.rows[row][column.index]));
    lines = std::max(lines, std::ceil(1.3 * width / column.width));
  }
  return static_cast<size_t>(lines);
}

// Lines that notes take below the first part, which may be narrow.
size_t NoteLines(const Table& table, double text_pt) {
  double lines = 0;
  for (const std::string& note : table.notes) {
    lines += std::ceil(1.2 * WidthPt(note) / (0.6 * text_pt));
  }
  return static_cast<size_t>(lines);
}

}  // namespace

std::vector<LatexColumn> LatexColumns(const Table& table, double text_pt) {
  const size_t labels = LabelColumns(table);
  // Wide tables have labels of several lines.
  double natural = 0;
  for (size_t i = 0; i < labels; ++i) natural += TextPt(table, i) + kGapPt;
  const double share = natural > 0.5 * text_pt ? (0.5 * text_pt / natural) : 1;
  std::vector<LatexColumn> columns;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    columns.push_back(LatexColumnOf(
        table, i,
        i < labels ? share * TextPt(table, i) + 0.01 : 0.35 * text_pt));
  }
  return columns;
}

std::vector<std::vector<size_t>> LatexParts(
    const Table& table, const std::vector<LatexColumn>& columns,
    double text_pt) {
  const size_t labels = LabelColumns(table);
  std::vector<size_t> first;
  double used = 0;
  for (size_t i = 0; i < labels; ++i) {
    first.push_back(i);
    used += columns[i].width + (i == 0 ? 0 : kGapPt);
  }
  std::vector<std::vector<size_t>> parts = {first};
  double with = used;
  for (size_t i = labels; i < columns.size(); ++i) {
    const double own = kGapPt + columns[i].width;
    if (with + own > text_pt && parts.back().size() > labels) {
      parts.push_back(first);
      with = used;
    }
    parts.back().push_back(i);
    with += own;
  }
  return parts;
}

std::vector<std::pair<size_t, size_t>> LatexPages(
    const Table& table, const std::vector<LatexColumn>& columns,
    double text_pt) {
  std::vector<std::pair<size_t, size_t>> pages;
  size_t begin = 0, lines = 0;
  size_t most =
      kMostLines - std::min(NoteLines(table, text_pt), kMostLines - 8);
  for (size_t row = 0; row < table.rows.size(); ++row) {
    const size_t own = LinesOf(table, columns, row);
    if (lines + own > most && row > begin) {
      pages.emplace_back(begin, row);
      begin = row;
      lines = 0;
      most = kMostLines;
    }
    lines += own;
  }
  pages.emplace_back(begin, table.rows.size());
  return pages;
}

}  // namespace sft::analysis
