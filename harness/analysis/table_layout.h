// Which columns of a table people see, and how wide its texts are.
#ifndef HARNESS_ANALYSIS_TABLE_LAYOUT_H_
#define HARNESS_ANALYSIS_TABLE_LAYOUT_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/analysis/tables.h"

namespace sft::analysis {

// Columns at the left that name the rows: those of text before the first
// number, at least one.
size_t LabelColumns(const Table& table);

// As a reader of a paper would have it: details left out and named, what is the
// same in every row said below.
Table ForReaders(const Table& table);
// The columns that are asked for, behind the labels: by key, by the end of one
// behind a "_", or by title; "all"; "+accuracy" adds to what readers have. An
// error lists what may be asked for.
absl::StatusOr<Table> WithColumns(const Table& table,
                                  const std::vector<std::string>& asked);

// "Left out: a, b." and how to see it; "" where nothing is.
std::string LeftOutLine(const Table& table);

// Characters, not bytes.
size_t TextWidth(std::string_view text);
// In lines of at most `width`, broken between words; a longer word stands out.
std::vector<std::string> Wrapped(const std::string& text, size_t width);
// Names likewise, which may break behind "_" and "=", too; and the longest part
// of one.
std::vector<std::string> TitleLines(const std::string& title, size_t width);
size_t LongestAtom(const std::string& title);

// Cells as text, marks of a column in line below each other, and the widest of
// each column with its title.
struct TextGrid {
  std::vector<std::string> titles;
  std::vector<std::vector<std::string>> rows;
  std::vector<size_t> widths;  // of the rows alone
};
TextGrid GridOf(const Table& table,
                const std::function<std::string(const std::string&)>& escape);
// Spaces before or behind.
std::string Padded(const std::string& text, size_t width, bool to_the_right);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_TABLE_LAYOUT_H_
