// How a command prints tables: for people on a terminal, else Markdown.
#ifndef EXPERIMENTS_TABLE_OUTPUT_H_
#define EXPERIMENTS_TABLE_OUTPUT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "experiments/command_line.h"
#include "harness/analysis/tables.h"

namespace sft::experiments {

struct TableFlags {
  std::string format;  // "": text on a terminal, md in a pipe
  int64_t width = 0;
  std::string caption;
  std::string label;
};
void DeclareTable(CLI::App& app, TableFlags& flags);

absl::StatusOr<analysis::TableFormat> FormatOf(const TableFlags& flags);
// Colour where it is seen and NO_COLOR is not set; a terminal's own width.
analysis::RenderOptions OptionsOf(const TableFlags& flags,
                                  analysis::TableFormat format);

}  // namespace sft::experiments

#endif  // EXPERIMENTS_TABLE_OUTPUT_H_
