#include "experiments/table_output.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "harness/launch/progress_screen.h"

namespace sft::experiments {

void DeclareTable(CLI::App& app, TableFlags& flags) {
  app.add_option("--format", flags.format,
                 "of the tables; without it text on a terminal, else md")
      ->check(OneOf({"md", "csv", "tsv", "latex", "html", "text"}));
  app.add_option("--width", flags.width,
                 "of text in columns (0: the terminal's, or 80), of a page for "
                 "latex in points (0: 345, that of article)")
      ->check(WholeNumber(0, 10000));
  app.add_option("--caption", flags.caption, "of one table in latex")
      ->type_name("TEXT");
  app.add_option("--label", flags.label,
                 "in latex \\label{tab:NAME}; without it the table's name")
      ->type_name("NAME");
}

absl::StatusOr<analysis::TableFormat> FormatOf(const TableFlags& flags) {
  if (!flags.format.empty()) return analysis::ParseTableFormat(flags.format);
  return isatty(STDOUT_FILENO) == 1 ? analysis::TableFormat::kText
                                    : analysis::TableFormat::kMarkdown;
}

analysis::RenderOptions OptionsOf(const TableFlags& flags,
                                  analysis::TableFormat format) {
  analysis::RenderOptions options;
  options.width = static_cast<size_t>(flags.width);
  options.caption = flags.caption;
  options.label = flags.label;
  if (format != analysis::TableFormat::kText) return options;
  const char* no_colour = std::getenv("NO_COLOR");
  options.has_colour = launch::CanRedraw(STDOUT_FILENO) &&
                       (no_colour == nullptr || *no_colour == '\0');
  if (options.width == 0 && isatty(STDOUT_FILENO) == 1) {
    options.width =
        static_cast<size_t>(launch::SizeOfTerminal(STDOUT_FILENO).columns);
  }
  return options;
}

}  // namespace sft::experiments
