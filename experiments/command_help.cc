// What --help prints.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "experiments/command_line.h"
#include "harness/core/status.h"

namespace sft::experiments {
namespace {

constexpr size_t kColumns = 80;
constexpr size_t kTextColumn = 26;

// Appends words to a line that is `column` wide; a new line begins with
// `indent` spaces, and the last one is ended.
void AppendWrapped(std::string& out, const std::string& text, size_t column,
                   size_t indent) {
  bool first = true;
  for (const std::string& word :
       std::vector<std::string>(absl::StrSplit(text, ' '))) {
    if (!first && column + 1 + word.size() > kColumns) {
      absl::StrAppend(&out, "\n", std::string(indent, ' '), word);
      column = indent + word.size();
    } else {
      absl::StrAppend(&out, first ? "" : " ", word);
      column += word.size() + (first ? 0 : 1);
    }
    first = false;
  }
  out += "\n";
}

// Where a line's text begins: behind a word with two spaces after it, else
// behind its indent.
size_t TextColumnOf(absl::string_view line) {
  const size_t indent = std::min(line.find_first_not_of(' '), line.size());
  const size_t gap = line.find("  ", indent);
  const size_t column =
      gap == line.npos ? line.npos : line.find_first_not_of(' ', gap);
  return column == line.npos ? indent : column;
}

// Two columns; a wide left one stands on a line of its own.
void AppendRow(std::string& out, const std::string& left,
               const std::string& right, size_t text_column) {
  absl::StrAppend(&out, "  ", left);
  const size_t width = 2 + left.size();
  const bool fits = width + 2 <= text_column;
  absl::StrAppend(&out, fits ? "" : "\n",
                  std::string(text_column - (fits ? width : 0), ' '));
  AppendWrapped(out, right, text_column, text_column);
}

std::string DescriptionOf(const CLI::Option& option) {
  std::string more = AllowedValues(option);
  const std::string start = option.get_default_str();
  if (!start.empty() && !option.get_required()) {
    absl::StrAppend(&more, more.empty() ? "" : "; ", "default: ", start);
  }
  return option.get_description() + (more.empty() ? "" : " (" + more + ")");
}

}  // namespace

std::string CommandHelp(const Command& command) {
  const std::unique_ptr<CLI::App> app = ParserOf(command);
  std::string text = "usage: ";
  AppendWrapped(text, absl::StrCat("sftbench ", command.usage), 7, 9);
  absl::StrAppend(&text, "\n");
  AppendWrapped(text, command.summary, 0, 0);
  // Written as a raw string, it has line breaks at both ends.
  const absl::string_view help =
      absl::StripSuffix(absl::StripPrefix(command.help, "\n"), "\n");
  if (!help.empty()) {
    text += "\n";
    for (const absl::string_view line : absl::StrSplit(help, '\n')) {
      AppendWrapped(text, ToStd(line), 0, TextColumnOf(line));
    }
  }
  std::string section;
  for (const CLI::Option* option : ShownOptions(*app)) {
    const char* its = option->get_positional() ? "words" : "flags";
    if (section != its) absl::StrAppend(&text, "\n", its, ":\n");
    section = its;
    const std::string placeholder = Placeholder(*option);
    AppendRow(text,
              absl::StrCat(ShownName(*option), placeholder.empty() ? "" : " ",
                           placeholder),
              DescriptionOf(*option), kTextColumn);
  }
  absl::StrAppend(&text, "\n");
  AppendWrapped(text, absl::StrCat("exit status: ", command.exit_status), 0, 2);
  return text;
}

std::string ProgramHelp(const std::vector<Command>& commands) {
  std::string text =
      "usage: sftbench COMMAND [WORDS and FLAGS, in any order]\n\n"
      "sftbench compares ways of supervised fine-tuning of language models:\n"
      "which method, at what quality, at what forgetting, for what memory and\n"
      "what time? A spec is a question, a record a run, a report the answer.\n"
      "  sftbench init classification > my.yaml\n"
      "  sftbench check my.yaml\n"
      "  sftbench run experiments/demo.yaml --dry-run\n"
      "  sftbench run experiments/demo.yaml --out results/demo\n"
      "  sftbench report results/demo\n\n"
      "commands ('sftbench help COMMAND' says more of one):\n";
  for (const Command& command : commands) {
    if (!command.hidden) AppendRow(text, command.name, command.summary, 17);
  }
  text +=
      "\nflags:\n"
      "  -h, --help     print this\n"
      "  --version      print the revision and the version of LibTorch\n"
      "A flag's value stands behind a space or a '='; a list has commas. Of a\n"
      "flag given twice the last one counts. '--' ends the flags.\n"
      "\nvariables:\n"
      "  SFTBENCH_ASSETS  where models and data from packages are\n"
      "  SFTBENCH_DATA    a folder with further data sets\n"
      "\nexit status: 0 good, 1 a run failed, 2 bad usage or input (lines "
      "say\n  what was wanted), 130 interrupted\n";
  return text;
}

}  // namespace sft::experiments
