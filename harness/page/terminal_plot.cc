#include "harness/page/terminal_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "harness/core/display_width.h"

namespace sft::page {
namespace {

constexpr size_t kMostLabels = 24;
constexpr size_t kLabelColumns = 34;
constexpr size_t kNumberColumns = 10;

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void Take(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
  // Of n places, the one of a value.
  size_t Place(double value, size_t n) const {
    if (high <= low || n < 2) return 0;
    const double share = std::clamp((value - low) / (high - low), 0.0, 1.0);
    return static_cast<size_t>(std::lround(share * static_cast<double>(n - 1)));
  }
};

// Dots of braille (U+2800 and on): the bit of each place in a cell.
constexpr std::array<std::array<uint8_t, 2>, 4> kDots = {
    {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}};

class DotCanvas {
 public:
  DotCanvas(size_t columns, size_t rows)
      : columns_(columns), rows_(rows), cells_(columns * rows) {}

  size_t width() const { return 2 * columns_; }
  size_t height() const { return 4 * rows_; }
  // From the left and from below.
  void Set(size_t x, size_t y) {
    const size_t from_above = height() - 1 - y;
    cells_[from_above / 4 * columns_ + x / 2] |= kDots[from_above % 4][x % 2];
  }
  void Line(size_t x0, size_t y0, size_t x1, size_t y1) {
    const auto away = [](size_t a, size_t b) { return a > b ? a - b : b - a; };
    const size_t n = std::max(away(x0, x1), away(y0, y1));
    for (size_t i = 0; i <= n; ++i) {
      const double t =
          n == 0 ? 0 : static_cast<double>(i) / static_cast<double>(n);
      const auto between = [t](size_t a, size_t b) {
        return static_cast<size_t>(std::lround(
            static_cast<double>(a) * (1 - t) + static_cast<double>(b) * t));
      };
      Set(between(x0, x1), between(y0, y1));
    }
  }
  std::string Row(size_t row) const {
    std::string text;
    for (size_t i = 0; i < columns_; ++i) {
      const uint8_t dots = cells_[row * columns_ + i];
      // Three bytes of UTF-8.
      text += '\xe2';
      text += static_cast<char>(0xa0 + dots / 64);
      text += static_cast<char>(0x80 + dots % 64);
    }
    return text;
  }

 private:
  size_t columns_, rows_;
  std::vector<uint8_t> cells_;
};

// Words in lines of at most so many columns, two blanks before each.
std::string InLines(const std::string& text, size_t columns) {
  std::string out, line;
  for (const absl::string_view word :
       absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (!line.empty() && line.size() + word.size() + 3 > columns) {
      absl::StrAppend(&out, " ", line, "\n");
      line.clear();
    }
    absl::StrAppend(&line, " ", word);
  }
  if (!line.empty()) absl::StrAppend(&out, " ", line, "\n");
  return out;
}

std::string PlotNumber(double value) { return absl::StrFormat("%.4g", value); }

std::string PlotOfLines(const Picture& picture, size_t columns, size_t rows) {
  const auto scaled = [&picture](double x) {
    return picture.x.is_log ? std::log10(x) : x;
  };
  Range x, y;
  for (const PictureLine& line : picture.lines) {
    for (const double value : line.x_N) x.Take(scaled(value));
    for (const double value : line.y_N) y.Take(value);
  }
  if (x.empty() || y.empty()) return "";
  columns = std::max<size_t>(columns, kNumberColumns + 12) - kNumberColumns - 2;
  DotCanvas canvas(columns, rows);
  std::set<std::string> labels;
  for (const PictureLine& line : picture.lines) {
    bool has_last = false;
    size_t last_x = 0, last_y = 0;
    for (size_t i = 0; i < line.x_N.size(); ++i) {
      const double at = scaled(line.x_N[i]);
      if (!std::isfinite(at) || !std::isfinite(line.y_N[i])) {
        has_last = false;
        continue;
      }
      const size_t to_x = x.Place(at, canvas.width());
      const size_t to_y = y.Place(line.y_N[i], canvas.height());
      canvas.Line(has_last ? last_x : to_x, has_last ? last_y : to_y, to_x,
                  to_y);
      last_x = to_x, last_y = to_y, has_last = true;
    }
    labels.insert(line.label);
  }
  std::string out;
  for (size_t row = 0; row < rows; ++row) {
    const std::string number = row == 0          ? PlotNumber(y.high)
                               : row + 1 == rows ? PlotNumber(y.low)
                                                 : "";
    absl::StrAppend(&out, absl::StrFormat("%*s ", kNumberColumns, number),
                    canvas.Row(row), "\n");
  }
  const auto end = [&](double value) {
    return PlotNumber(picture.x.is_log ? std::pow(10, value) : value);
  };
  const std::string low = end(x.low);
  absl::StrAppend(
      &out, std::string(kNumberColumns + 1, ' '), low,
      absl::StrFormat(
          "%*s", static_cast<int>(std::max(columns, low.size()) - low.size()),
          end(x.high)),
      "\n", std::string(kNumberColumns + 1, ' '), picture.x.label, "; ",
      picture.y.label, "\n");
  if (labels.size() <= kMostLabels) {
    for (const std::string& label : labels) {
      absl::StrAppend(&out, "  ", label, "\n");
    }
  }
  return out;
}

// -----o----- between the ends of all rows, "|" at zero.
std::string PlotOfForest(const Picture& picture, size_t columns) {
  Range range;
  range.Take(0);
  for (const ForestRow& row : picture.forest) {
    range.Take(row.value);
    if (!row.interval.has_value()) continue;
    range.Take(row.interval->low);
    range.Take(row.interval->high);
  }
  const size_t width =
      std::max<size_t>(columns, kLabelColumns + 20) - kLabelColumns - 2;
  std::string out;
  for (const ForestRow& row : picture.forest) {
    std::string line(width, ' ');
    if (row.interval.has_value()) {
      const size_t from = range.Place(row.interval->low, width);
      const size_t to = range.Place(row.interval->high, width);
      std::fill(line.begin() + static_cast<std::ptrdiff_t>(from),
                line.begin() + static_cast<std::ptrdiff_t>(to) + 1, '-');
    }
    line[range.Place(0, width)] = '|';
    if (std::isfinite(row.value)) line[range.Place(row.value, width)] = 'o';
    const std::string label = FitColumns(row.label, kLabelColumns);
    absl::StrAppend(&out, label,
                    std::string(kLabelColumns + 1 - DisplayColumns(label), ' '),
                    line, " ", row.verdict, "\n");
  }
  absl::StrAppend(&out, "  ", picture.x.label, ": ", PlotNumber(range.low),
                  " to ", PlotNumber(range.high), ", | is 0\n");
  return out;
}

}  // namespace

std::string TerminalPlot(const Picture& picture, size_t columns, size_t rows) {
  std::string plot;
  if (!picture.forest.empty()) {
    plot = PlotOfForest(picture, columns);
  } else if (!picture.lines.empty()) {
    plot = PlotOfLines(picture, columns, std::max<size_t>(rows, 2));
  }
  if (plot.empty()) return "";
  return absl::StrCat(picture.title, "\n", plot,
                      InLines(picture.caption, columns));
}

}  // namespace sft::page
