#include "harness/analysis/text_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "harness/analysis/table_layout.h"

namespace sft::analysis {
namespace {

constexpr size_t kTerminalColumns = 80;
constexpr size_t kBetween = 2;     // spaces between columns
constexpr size_t kLeastText = 10;  // characters of a column of text
constexpr char kEllipsis[] = "\xe2\x80\xa6";
constexpr char kRule[] = "\xe2\x94\x80";
constexpr char kBold[] = "\x1b[1m";
constexpr char kDim[] = "\x1b[2m";
constexpr char kGreen[] = "\x1b[32m";
constexpr char kRed[] = "\x1b[31m";
constexpr char kPlain[] = "\x1b[0m";

size_t ColumnsOf(const RenderOptions& options) {
  return options.width == 0 ? kTerminalColumns : options.width;
}

std::string Coloured(const std::string& text, const char* code,
                     const RenderOptions& options) {
  if (!options.has_colour || text.empty() || *code == 0) return text;
  return absl::StrCat(code, text, kPlain);
}

const char* CodeOf(Tone tone) {
  if (tone == Tone::kGood) return kGreen;
  return tone == Tone::kBad ? kRed : "";
}

// The first `width` characters, the last of them "…" where more were there.
std::string Cut(const std::string& text, size_t width) {
  if (TextWidth(text) <= width) return text;
  std::string kept;
  size_t n = 0;
  for (const char byte : text) {
    if ((static_cast<unsigned char>(byte) & 0xc0) != 0x80) ++n;
    if (n == width) break;
    kept += byte;
  }
  return kept + kEllipsis;
}

// What is shown, how wide.
struct Fit {
  std::vector<size_t> columns;
  std::vector<size_t> widths;  // of all columns of the table
};

// Columns of text get at most `most_text`.
Fit FitInto(const Table& table, const TextGrid& grid, size_t width,
            size_t most_text) {
  Fit fit;
  size_t used = 0;
  const size_t labels = LabelColumns(table);
  for (size_t i = 0; i < table.columns.size(); ++i) {
    size_t own = std::max(grid.widths[i], LongestAtom(grid.titles[i]));
    if (table.columns[i].is_text) own = std::min(own, most_text);
    fit.widths.push_back(own);
    const size_t with = used + own + (used == 0 ? 0 : kBetween);
    if (i >= labels && with > width) continue;
    used = with;
    fit.columns.push_back(i);
  }
  return fit;
}

size_t WidthOf(const Fit& fit) {
  size_t sum = 0;
  for (const size_t i : fit.columns) sum += fit.widths[i] + kBetween;
  return sum - std::min(sum, kBetween);
}

// How many columns are shown before the first that is not, and in all.
std::pair<size_t, size_t> ShownBy(const Fit& fit) {
  size_t n = 0;
  while (n < fit.columns.size() && fit.columns[n] == n) ++n;
  return {n, fit.columns.size()};
}

// Texts are broken where more columns, above all more of the first, fit so;
// below kLeastText only where the labels alone are too wide.
Fit FitOf(const Table& table, const TextGrid& grid, size_t width) {
  Fit best = FitInto(table, grid, width, width);
  if (ShownBy(best).first == table.columns.size() && WidthOf(best) <= width) {
    return best;
  }
  size_t most = std::max(kLeastText, width * 2 / 7);
  best = FitInto(table, grid, width, most);
  while (--most >= kLeastText) {
    Fit other = FitInto(table, grid, width, most);
    if (WidthOf(best) > width || ShownBy(other) > ShownBy(best)) {
      best = std::move(other);
    }
  }
  while (WidthOf(best) > width && most > 0) {
    best = FitInto(table, grid, width, most--);
  }
  return best;
}

class TextMaker {
 public:
  TextMaker(const Table& table, const RenderOptions& options)
      : table_(table),
        options_(options),
        grid_(GridOf(table,
                     [](const std::string& text) {
                       return EscapeFor(TableFormat::kText, text);
                     })),
        fit_(FitOf(table, grid_, ColumnsOf(options))) {}

  std::string Make() {
    std::vector<std::vector<std::string>> titles;
    size_t height = 0;
    for (const size_t i : fit_.columns) {
      titles.push_back(TitleLines(grid_.titles[i], fit_.widths[i]));
      height = std::max(height, titles.back().size());
    }
    for (auto& lines : titles) {
      lines.insert(lines.begin(), height - lines.size(), "");
    }
    AddLines(titles, [](size_t) { return kBold; });
    std::string rule;
    for (const size_t i : fit_.columns) {
      if (!rule.empty()) rule.append(kBetween, ' ');
      for (size_t n = 0; n < fit_.widths[i]; ++n) rule += kRule;
    }
    absl::StrAppend(&out_, Coloured(rule, kDim, options_), "\n");
    for (size_t r = 0; r < grid_.rows.size(); ++r) AddRow(r);
    return std::move(out_);
  }

  // Keys of what did not fit.
  std::vector<std::string> CutColumns() const {
    std::vector<std::string> keys;
    for (size_t i = 0; i < table_.columns.size(); ++i) {
      if (std::find(fit_.columns.begin(), fit_.columns.end(), i) ==
          fit_.columns.end()) {
        keys.push_back(table_.columns[i].key);
      }
    }
    return keys;
  }

 private:
  void AddRow(size_t r) {
    std::vector<std::vector<std::string>> cells;
    for (const size_t i : fit_.columns) {
      const std::string& text = grid_.rows[r][i];
      cells.push_back(table_.columns[i].is_text
                          ? TitleLines(text, fit_.widths[i])
                          : std::vector<std::string>{text});
    }
    AddLines(cells, [&](size_t place) {
      return CodeOf(table_.rows[r][fit_.columns[place]].tone);
    });
  }

  // A line of each column after the other, until none has any.
  template <class CodeAt>
  void AddLines(const std::vector<std::vector<std::string>>& cells,
                const CodeAt& code_at) {
    size_t height = 0;
    for (const auto& lines : cells) height = std::max(height, lines.size());
    for (size_t k = 0; k < height; ++k) {
      std::string line;
      size_t spaces = 0;  // not written at the end of a line
      for (size_t place = 0; place < cells.size(); ++place) {
        const size_t i = fit_.columns[place];
        std::string text =
            k < cells[place].size() ? Cut(cells[place][k], fit_.widths[i]) : "";
        size_t behind = 0;  // spaces that keep marks of other rows in line
        for (; !text.empty() && text.back() == ' '; ++behind) text.pop_back();
        const size_t rest = fit_.widths[i] - TextWidth(text) - behind;
        const bool to_the_right = !table_.columns[i].is_text;
        if (to_the_right) spaces += rest;
        if (!text.empty()) {
          line.append(spaces, ' ');
          line += Coloured(text, code_at(place), options_);
          spaces = 0;
        }
        if (!to_the_right) spaces += rest;
        spaces += behind + kBetween;
      }
      absl::StrAppend(&out_, line, "\n");
    }
  }

  const Table& table_;
  const RenderOptions& options_;
  const TextGrid grid_;
  const Fit fit_;
  std::string out_;
};

}  // namespace

std::string TextNotes(const std::vector<std::string>& notes,
                      const RenderOptions& options) {
  std::string out;
  for (const std::string& note : notes) {
    const char* begin = "- ";
    for (const std::string& line :
         Wrapped(EscapeFor(TableFormat::kText, note),
                 std::max<size_t>(ColumnsOf(options), 12) - 2)) {
      absl::StrAppend(&out, Coloured(absl::StrCat(begin, line), kDim, options),
                      "\n");
      begin = "  ";
    }
  }
  return out;
}

std::string TextHeading(const std::string& text, const RenderOptions& options) {
  std::string out;
  for (const std::string& line :
       Wrapped(EscapeFor(TableFormat::kText, text), ColumnsOf(options))) {
    absl::StrAppend(&out, Coloured(line, kBold, options), "\n");
  }
  return out;
}

std::string RenderText(const Table& table, const RenderOptions& options) {
  std::string out;
  if (!table.title.empty()) {
    absl::StrAppend(&out, TextHeading(table.title, options), "\n");
  }
  TextMaker maker(table, options);
  out += maker.Make();
  std::vector<std::string> notes = table.notes;
  Table all = table;
  const std::vector<std::string> cut = maker.CutColumns();
  all.left_out.insert(all.left_out.begin(), cut.begin(), cut.end());
  const std::string left_out = LeftOutLine(all);
  if (!left_out.empty()) notes.insert(notes.begin(), left_out);
  return out + TextNotes(notes, options);
}

}  // namespace sft::analysis
