#include "harness/analysis/tables.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_replace.h"
#include "harness/analysis/latex_table.h"
#include "harness/analysis/latex_text.h"
#include "harness/analysis/table_layout.h"
#include "harness/analysis/text_table.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"

namespace sft::analysis {
namespace {

constexpr char kNothing[] = "\xe2\x80\x93";  // en dash

// Without what moves a terminal's cursor.
std::string OneLine(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  return text;
}

// Fields of a line of CSV or TSV.
class FlatLine {
 public:
  explicit FlatLine(TableFormat format) : format_(format) {}
  void Add(const std::string& text) {
    if (!first_) line_ += format_ == TableFormat::kCsv ? "," : "\t";
    first_ = false;
    line_ += EscapeFor(format_, text);
  }
  std::string Take() { return std::move(line_) + "\n"; }

 private:
  TableFormat format_;
  bool first_ = true;
  std::string line_;
};

std::string RenderFlat(const Table& table, TableFormat format) {
  FlatLine header(format);
  for (const TableColumn& column : table.columns) {
    header.Add(column.key);
    if (column.has_sd) header.Add(column.key + "_sd");
    if (!column.has_interval) continue;
    header.Add(column.key + "_low");
    header.Add(column.key + "_high");
  }
  std::string out = header.Take();
  const auto number = [](const std::optional<double>& value) {
    return value.has_value() ? CanonicalText(*value) : std::string();
  };
  for (const auto& row : table.rows) {
    FlatLine line(format);
    for (size_t i = 0; i < table.columns.size(); ++i) {
      line.Add(row[i].value.has_value() ? number(row[i].value) : row[i].text);
      if (table.columns[i].has_sd) line.Add(number(row[i].sd));
      if (!table.columns[i].has_interval) continue;
      const std::optional<Interval>& interval = row[i].interval;
      line.Add(interval.has_value() ? number(interval->low) : "");
      line.Add(interval.has_value() ? number(interval->high) : "");
    }
    out += line.Take();
  }
  return out;
}

std::string RenderMarkdown(const Table& table) {
  std::string out;
  if (!table.title.empty()) out += "## " + table.title + "\n\n";
  const TextGrid grid = GridOf(table, [](const std::string& text) {
    return EscapeFor(TableFormat::kMarkdown, text);
  });
  const auto width = [&](size_t i) {
    return std::max<size_t>({grid.widths[i], TextWidth(grid.titles[i]),
                             table.columns[i].is_text ? 3u : 4u});
  };
  const auto add = [&](const std::vector<std::string>& texts) {
    for (size_t i = 0; i < texts.size(); ++i) {
      out += "| " + Padded(texts[i], width(i), !table.columns[i].is_text) + " ";
    }
    out += "|\n";
  };
  add(grid.titles);
  std::vector<std::string> rule;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const bool is_text = table.columns[i].is_text;
    rule.push_back(std::string(width(i) - (is_text ? 0 : 1), '-') +
                   (is_text ? "" : ":"));
  }
  add(rule);
  for (const auto& row : grid.rows) add(row);
  if (!table.left_out.empty()) {
    out += "\n" + EscapeFor(TableFormat::kMarkdown, LeftOutLine(table)) + "\n";
  }
  for (const std::string& note : table.notes) {
    out += "\n" + EscapeFor(TableFormat::kMarkdown, note) + "\n";
  }
  return out;
}

std::string RenderHtml(const Table& table) {
  std::string out;
  if (!table.title.empty()) {
    out += "<h2>" + EscapeFor(TableFormat::kHtml, table.title) + "</h2>\n";
  }
  out += "<table>\n<thead><tr>";
  for (const TableColumn& column : table.columns) {
    out += "<th>" + EscapeFor(TableFormat::kHtml, column.title) + "</th>";
  }
  out += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (size_t i = 0; i < row.size(); ++i) {
      out += table.columns[i].is_text ? "<td>" : "<td class=\"number\">";
      out += EscapeFor(TableFormat::kHtml, CellText(table.columns[i], row[i]));
      out += "</td>";
    }
    out += "</tr>\n";
  }
  out += "</tbody>\n</table>\n";
  for (const std::string& note : table.notes) {
    out += "<p>" + EscapeFor(TableFormat::kHtml, note) + "</p>\n";
  }
  return out;
}

}  // namespace

absl::StatusOr<TableFormat> ParseTableFormat(const std::string& name) {
  if (name == "md") return TableFormat::kMarkdown;
  if (name == "csv") return TableFormat::kCsv;
  if (name == "tsv") return TableFormat::kTsv;
  if (name == "latex") return TableFormat::kLatex;
  if (name == "html") return TableFormat::kHtml;
  if (name == "text") return TableFormat::kText;
  return absl::InvalidArgumentError(absl::StrCat(
      "format '", name, "': wanted one of text, md, csv, tsv, latex, html"));
}

std::string FixedText(double value, int digits, bool show_sign) {
  if (!std::isfinite(value)) return CanonicalText(value);
  std::string text = absl::StrFormat("%.*f", digits, value);
  // A rounded -0.0001 is no negative number to the reader.
  if (text.find_first_not_of("-0.") == std::string::npos && text[0] == '-') {
    text = text.substr(1);
  }
  if (show_sign && text[0] != '-' &&
      text.find_first_not_of("0.") != std::string::npos) {
    text = "+" + text;
  }
  return text;
}

std::string PValueText(double p) {
  if (!std::isfinite(p)) return CanonicalText(p);
  if (p < 1e-15) return "< 1e-15";
  if (p < 0.001) return absl::StrFormat("%.1e", p);
  return absl::StrFormat("%.3f", p);
}

std::string CellText(const TableColumn& column, const TableCell& cell) {
  if (!cell.value.has_value()) {
    return (cell.text.empty() ? kNothing : cell.text) + cell.mark;
  }
  std::string text = column.is_p_value ? PValueText(*cell.value)
                                       : FixedText(*cell.value, column.digits,
                                                   column.show_sign);
  if (cell.is_at_most && text[0] != '<') text = "<= " + text;
  if (cell.sd.has_value()) {
    text += " \xc2\xb1 " + FixedText(*cell.sd, column.digits, false);
  }
  if (cell.interval.has_value()) {
    const auto bound = [&](double value) {
      return FixedText(value, column.digits, column.show_sign);
    };
    text += " [" + bound(cell.interval->low) + ", " +
            bound(cell.interval->high) + "]";
  }
  text += cell.mark;
  if (!cell.note.empty()) text += " (" + cell.note + ")";
  return text;
}

std::string EscapeFor(TableFormat format, const std::string& text) {
  switch (format) {
    case TableFormat::kMarkdown:
      return absl::StrReplaceAll(
          text, {{"|", "\\|"}, {"\n", " "}, {"\r", " "}, {"<", "&lt;"}});
    case TableFormat::kCsv:
      if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
      return "\"" + absl::StrReplaceAll(text, {{"\"", "\"\""}}) + "\"";
    case TableFormat::kTsv:
      return absl::StrReplaceAll(text, {{"\t", " "}, {"\n", " "}, {"\r", " "}});
    case TableFormat::kLatex:
      return EscapedLatex(text);
    case TableFormat::kHtml:
      return absl::StrReplaceAll(
          text,
          {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
    case TableFormat::kText:
      return OneLine(text);
  }
  return text;
}

std::string RenderTable(const Table& table, TableFormat format,
                        const RenderOptions& options) {
  switch (format) {
    case TableFormat::kMarkdown:
      return RenderMarkdown(table);
    case TableFormat::kCsv:
    case TableFormat::kTsv:
      return RenderFlat(table, format);
    case TableFormat::kLatex:
      return RenderLatex(table, options);
    case TableFormat::kHtml:
      return RenderHtml(table);
    case TableFormat::kText:
      return RenderText(table, options);
  }
  return "";
}

}  // namespace sft::analysis
