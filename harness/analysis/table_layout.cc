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

// The parts of a word, each with the "_" or "=" that it ends with.
std::vector<std::string> PartsOf(const std::string& word) {
  std::vector<std::string> parts(1);
  for (const char c : word) {
    parts.back() += c;
    if (c == '_' || c == '=') parts.emplace_back();
  }
  if (parts.back().empty() && parts.size() > 1) parts.pop_back();
  return parts;
}

// By spaces, but "[95 %]" is one.
std::vector<std::string> WordsOf(const std::string& title) {
  std::vector<std::string> words;
  for (const absl::string_view word :
       absl::StrSplit(title, ' ', absl::SkipEmpty())) {
    if (word[0] == '%' && !words.empty()) {
      absl::StrAppend(&words.back(), " ", word);
    } else {
      words.push_back(ToStd(word));
    }
  }
  return words;
}

absl::Status NoColumn(const Table& table, const std::string& name) {
  std::vector<std::string> keys;
  for (const TableColumn& column : table.columns) keys.push_back(column.key);
  std::vector<std::string> known = keys;  // and what they end with
  for (const std::string& key : keys) {
    for (size_t at = key.find('_'); at != key.npos;
         at = key.find('_', at + 1)) {
      known.push_back(key.substr(at + 1));
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "--show ", name, ": the table", table.name.empty() ? "" : " ", table.name,
      " has no such column; wanted some of all, ", absl::StrJoin(keys, ", "),
      DidYouMean(name, known)));
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
  const auto add = [&](const std::string& text, const char* between) {
    if (!lines.empty() &&
        TextWidth(lines.back()) + TextWidth(between) + TextWidth(text) <=
            width) {
      absl::StrAppend(&lines.back(), between, text);
    } else {
      lines.push_back(text);
    }
  };
  for (const std::string& word : WordsOf(title)) {
    if (TextWidth(word) <= width) {
      add(word, " ");
      continue;
    }
    const char* between = " ";
    for (const std::string& part : PartsOf(word)) {
      add(part, between);
      between = "";
    }
  }
  if (lines.empty()) lines.emplace_back();
  return lines;
}

size_t LongestAtom(const std::string& title) {
  size_t longest = 0;
  for (const std::string& word : WordsOf(title)) {
    for (const std::string& part : PartsOf(word)) {
      longest = std::max(longest, TextWidth(part));
    }
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
