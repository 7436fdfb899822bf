#include "harness/launch/aligned_table.h"

#include <algorithm>

#include "harness/core/display_width.h"

namespace sft::launch {
namespace {

constexpr size_t kColumnGap = 2;
constexpr size_t kLeastCut = 8;  // of a column that is cut

std::string AlignedLine(const AlignedTable& table,
                        const std::vector<std::string>& texts,
                        const std::vector<size_t>& widths, size_t width) {
  std::string line;
  for (size_t c = 0; c < texts.size(); ++c) {
    const std::string text = CutColumns(texts[c], widths[c]);
    // A wide character may leave one column of what it was cut to.
    const std::string pad(widths[c] - DisplayColumns(text), ' ');
    if (c > 0) line.append(kColumnGap, ' ');
    line += table.columns[c].to_the_right ? pad + text : text + pad;
  }
  line = CutColumns(line, width);
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

}  // namespace

std::string RenderAligned(const AlignedTable& table, size_t width) {
  std::vector<std::string> names;
  std::vector<size_t> widths;
  size_t whole = 0;
  for (size_t c = 0; c < table.columns.size(); ++c) {
    names.push_back(table.columns[c].name);
    size_t widest = DisplayColumns(names.back());
    for (const std::vector<std::string>& row : table.rows) {
      widest = std::max(widest, DisplayColumns(row[c]));
    }
    widths.push_back(widest);
    whole += widest + (c > 0 ? kColumnGap : 0);
  }
  for (size_t c = 0; c < widths.size() && whole > width; ++c) {
    if (!table.columns[c].may_be_cut || widths[c] <= kLeastCut) continue;
    const size_t less = std::min(whole - width, widths[c] - kLeastCut);
    widths[c] -= less;
    whole -= less;
  }
  std::string text = AlignedLine(table, names, widths, width);
  for (const std::vector<std::string>& row : table.rows) {
    text += AlignedLine(table, row, widths, width);
  }
  return text;
}

}  // namespace sft::launch
