// Small curves for a terminal: a picture's lines in cells of braille, four dots
// high and two wide each.
#ifndef HARNESS_PAGE_TERMINAL_PLOT_H_
#define HARNESS_PAGE_TERMINAL_PLOT_H_

#include <cstddef>
#include <string>

#include "harness/page/picture.h"

namespace sft::page {

// Title, a plot of so many columns and rows with the ends of its axes, caption
// and a line a curve. Of a forest or bars: a row each. "" of what has nothing
// that a terminal shows.
std::string TerminalPlot(const Picture& picture, size_t columns, size_t rows);

}  // namespace sft::page

#endif  // HARNESS_PAGE_TERMINAL_PLOT_H_
