#include "harness/launch/aligned_table.h"

#include <algorithm>

namespace sft::launch {
namespace {

constexpr size_t kColumnGap = 2;
constexpr size_t kLeastCut = 8;  // of a column that is cut

bool ContinuesCharacter(char c) { return (c & 0xc0) == 0x80; }

size_t CharactersIn(const std::string& text) {
  return text.size() - static_cast<size_t>(std::count_if(
                           text.begin(), text.end(), ContinuesCharacter));
}

// The first `count` characters.
std::string CutTo(const std::string& text, size_t count) {
  size_t at = 0;
  for (; at < text.size(); ++at) {
    if (ContinuesCharacter(text[at])) continue;
    if (count == 0) break;
    --count;
  }
  return text.substr(0, at);
}

std::string AlignedLine(const AlignedTable& table,
                        const std::vector<std::string>& texts,
                        const std::vector<size_t>& widths, size_t width) {
  std::string line;
  for (size_t c = 0; c < texts.size(); ++c) {
    const std::string text = CutTo(texts[c], widths[c]);
    const std::string pad(widths[c] - CharactersIn(text), ' ');
    if (c > 0) line.append(kColumnGap, ' ');
    line += table.columns[c].to_the_right ? pad + text : text + pad;
  }
  line = CutTo(line, width);
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
    size_t widest = CharactersIn(names.back());
    for (const std::vector<std::string>& row : table.rows) {
      widest = std::max(widest, CharactersIn(row[c]));
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
