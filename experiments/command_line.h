// Subcommands with Abseil flags: unknown flags and bad values are one line and
// exit status 2, `--help` prints what a command does.
#ifndef EXPERIMENTS_COMMAND_LINE_H_
#define EXPERIMENTS_COMMAND_LINE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/launch/workbench.h"

namespace sft::experiments {

inline constexpr int kExitGood = 0;
inline constexpr int kExitRunFailed = 1;
inline constexpr int kExitBadInput = 2;
inline constexpr int kExitInterrupted = 130;

struct Command {
  std::string name;
  std::string usage;                       // "run SPEC [--out DIR] ..."
  std::string summary;                     // one line
  std::string help;                        // a paragraph, with an example
  std::vector<std::string> flags;          // that it takes
  std::vector<std::string> switches = {};  // flags that take no value here
  int min_words = 0;                       // words beside the flags
  int max_words = 0;
  // Returns the exit status; an error is printed and becomes status 2.
  absl::StatusOr<int> (*run)(const std::vector<std::string>& words) = nullptr;
  bool hidden = false;
};

// Sets the Abseil flags that `arguments` name; the rest are the words.
absl::StatusOr<std::vector<std::string>> ParseArguments(
    const Command& command, const std::vector<std::string>& arguments);
std::string CommandHelp(const Command& command);

// One file a group of commands.
std::vector<Command> SweepCommands();    // run, worker, status
std::vector<Command> RecordCommands();   // report, verify, merge-records
std::vector<Command> ModelCommands();    // eval, generate, tokenize, export
std::vector<Command> ListCommands();     // list
std::vector<Command> DataCommands();     // data
std::vector<Command> ScoreCommands();    // score
std::vector<Command> BatchesCommands();  // batches
std::vector<Command> PackCommands();     // pack

// Columns on a terminal, tabs in a pipe; the first row is the header.
void PrintColumns(const std::vector<std::vector<std::string>>& rows);

// All tables and the folders of this installation.
const launch::Workbench& TheWorkbench();

}  // namespace sft::experiments

#endif  // EXPERIMENTS_COMMAND_LINE_H_
