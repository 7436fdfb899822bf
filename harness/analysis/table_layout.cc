#include "harness/analysis/table_layout.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"

namespace sft::analysis {
namespace {

Table Chosen(const Table& table, const std::vector<size_t>& columns) {
  Table chosen;
  chosen.title = table.title;
  chosen.name = table.name;
  chosen.notes = table.notes;
  for (const size_t i : columns) chosen.columns.push_back(table.columns[i]);
  for (const auto& row : table.rows) {
    chosen.rows.emplace_back();
    for (const size_t i : columns) chosen.rows.back().push_back(row[i]);
  }
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (std::find(columns.begin(), columns.end(), i) == columns.end()) {
      chosen.left_out.push_back(table.columns[i].key);
    }
  }
  return chosen;
}

// What all rows have that have anything; "" where they differ.
std::string SharedText(const Table& table, size_t column) {
  std::string shared;
  for (const auto& row : table.rows) {
    const TableCell& cell = row[column];
    if (!cell.value.has_value() && cell.text.empty()) continue;
    const std::string text = CellText(table.columns[column], cell);
    if (!shared.empty() && text != shared) return "";
    shared = text;
  }
  return shared;
}

struct Defaults {
  std::vector<size_t> columns;
  std::vector<std::string> shared;  // "batching packed"
};
Defaults DefaultsOf(const Table& table) {
  Defaults found;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const TableColumn& column = table.columns[i];
    if (column.is_detail) continue;
    const std::string shared =
        column.may_be_note && table.rows.size() > 1 ? SharedText(table, i) : "";
    if (shared.empty()) {
      found.columns.push_back(i);
    } else {
      found.shared.push_back(absl::StrCat(column.title, " ", shared));
    }
  }
  return found;
}

void Append(size_t column, std::vector<size_t>& columns) {
  if (std::find(columns.begin(), columns.end(), column) == columns.end()) {
    columns.push_back(column);
  }
}

// Columns that `name` means: one by its key or title, else all whose key ends
// so.
std::vector<size_t> ColumnsCalled(const Table& table, const std::string& name) {
  std::vector<size_t> ends;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const TableColumn& column = table.columns[i];
    if (name == "all") {
      ends.push_back(i);
    } else if (column.key == name || column.title == name) {
      return {i};
    } else if (absl::EndsWith(column.key, absl::StrCat("_", name))) {
      ends.push_back(i);
    }
  }
  return ends;
}

std::vector<std::string> Atoms(const std::string& title) {
  std::vector<std::string> atoms(1);
  for (const char c : title) {
    if (c != ' ') atoms.back() += c;
    const bool may_break = c == ' ' || c == '_' || c == '=';
    if (may_break && !atoms.back().empty()) atoms.emplace_back();
  }
  if (atoms.back().empty() && atoms.size() > 1) atoms.pop_back();
  return atoms;
}

absl::Status NoColumn(const Table& table, const std::string& name) {
  std::vector<std::string> keys;
  for (const TableColumn& column : table.columns) keys.push_back(column.key);
  return absl::InvalidArgumentError(absl::StrCat(
      "--show ", name, ": the table", table.name.empty() ? "" : " ", table.name,
      " has no such column; wanted some of all, ", absl::StrJoin(keys, ", "),
      DidYouMean(name, keys)));
}

}  // namespace

size_t LabelColumns(const Table& table) {
  size_t n = 0;
  while (n < table.columns.size() && table.columns[n].is_text) ++n;
  return std::clamp<size_t>(n, 1, std::max<size_t>(1, table.columns.size()));
}

Table ForReaders(const Table& table) {
  const Defaults defaults = DefaultsOf(table);
  Table chosen = Chosen(table, defaults.columns);
  if (!defaults.shared.empty()) {
    chosen.notes.push_back(absl::StrCat(
        "In every row: ", absl::StrJoin(defaults.shared, ", "), "."));
    std::erase_if(chosen.left_out, [&](const std::string& key) {
      return std::any_of(table.columns.begin(), table.columns.end(),
                         [&](const TableColumn& column) {
                           return column.key == key && !column.is_detail;
                         });
    });
  }
  return chosen;
}

absl::StatusOr<Table> WithColumns(const Table& table,
                                  const std::vector<std::string>& asked) {
  std::vector<size_t> columns, named;
  bool adds = false, names_a_label = false;
  for (const std::string& one : asked) {
    const bool is_added = absl::StartsWith(one, "+");
    const std::string name = is_added ? one.substr(1) : one;
    const std::vector<size_t> found = ColumnsCalled(table, name);
    if (found.empty()) return NoColumn(table, name);
    for (const size_t i : found) {
      Append(i, named);
      names_a_label = names_a_label || i < LabelColumns(table);
    }
    adds = adds || is_added;
  }
  const Defaults defaults = DefaultsOf(table);
  if (adds) {
    columns = defaults.columns;
  } else if (!names_a_label) {
    for (const size_t i : defaults.columns) {
      if (i < LabelColumns(table)) columns.push_back(i);
    }
  }
  for (const size_t i : named) Append(i, columns);
  Table chosen = Chosen(table, columns);
  chosen.left_out.clear();  // who asks for columns knows of the others
  return chosen;
}

std::string LeftOutLine(const Table& table) {
  if (table.left_out.empty()) return "";
  return absl::StrCat(
      "Left out: ", absl::StrJoin(table.left_out, ", "), ". ",
      table.name.empty() ? "" : absl::StrCat("--table ", table.name, " "),
      "--show +NAME,... adds some, --show all shows all.");
}

size_t TextWidth(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) {
        return (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
      }));
}

std::vector<std::string> Wrapped(const std::string& text, size_t width) {
  std::vector<std::string> lines;
  for (const absl::string_view word :
       absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const std::string one = ToStd(word);
    if (!lines.empty() &&
        TextWidth(lines.back()) + 1 + TextWidth(one) <= width) {
      absl::StrAppend(&lines.back(), " ", one);
    } else {
      lines.push_back(one);
    }
  }
  if (lines.empty()) lines.emplace_back();
  return lines;
}

std::vector<std::string> TitleLines(const std::string& title, size_t width) {
  std::vector<std::string> lines;
  for (const std::string& atom : Atoms(title)) {
    const char last = lines.empty() ? ' ' : lines.back().back();
    const bool joins = last == '_' || last == '=';
    if (!lines.empty() &&
        TextWidth(lines.back()) + (joins ? 0 : 1) + TextWidth(atom) <= width) {
      absl::StrAppend(&lines.back(), joins ? "" : " ", atom);
    } else {
      lines.push_back(atom);
    }
  }
  return lines;
}

size_t LongestAtom(const std::string& title) {
  size_t longest = 0;
  for (const std::string& atom : Atoms(title)) {
    longest = std::max(longest, TextWidth(atom));
  }
  return longest;
}

TextGrid GridOf(const Table& table,
                const std::function<std::string(const std::string&)>& escape) {
  TextGrid grid;
  for (const TableColumn& column : table.columns) {
    grid.titles.push_back(escape(column.title));
  }
  grid.rows.resize(table.rows.size());
  for (size_t i = 0; i < table.columns.size(); ++i) {
    size_t mark = 0, width = 0;
    for (const auto& row : table.rows) {
      mark = std::max(mark, TextWidth(row[i].mark));
    }
    for (size_t r = 0; r < table.rows.size(); ++r) {
      const TableCell& cell = table.rows[r][i];
      std::string text = escape(CellText(table.columns[i], cell));
      if (!table.columns[i].is_text) {
        text.append(mark - TextWidth(cell.mark), ' ');
      }
      width = std::max(width, TextWidth(text));
      grid.rows[r].push_back(std::move(text));
    }
    grid.widths.push_back(width);
  }
  return grid;
}

std::string Padded(const std::string& text, size_t width, bool to_the_right) {
  const size_t own = TextWidth(text);
  if (own >= width) return text;
  const std::string spaces(width - own, ' ');
  return to_the_right ? absl::StrCat(spaces, text) : absl::StrCat(text, spaces);
}

}  // namespace sft::analysis
