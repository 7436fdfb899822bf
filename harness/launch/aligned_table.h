// Columns of text for a terminal.
#ifndef HARNESS_LAUNCH_ALIGNED_TABLE_H_
#define HARNESS_LAUNCH_ALIGNED_TABLE_H_

#include <cstddef>
#include <string>
#include <vector>

namespace sft::launch {

struct AlignedColumn {
  std::string name;
  bool to_the_right = false;
  bool may_be_cut = false;  // where the lines would be too long
};
struct AlignedTable {
  std::vector<AlignedColumn> columns;
  std::vector<std::vector<std::string>> rows;  // a text a column
};
// A line of names and one a row, two spaces between columns. What is still
// longer than `width` characters is cut.
std::string RenderAligned(const AlignedTable& table, size_t width);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_ALIGNED_TABLE_H_
