// Commands, each with words and flags of its own, which CLI11 reads into the
// command's struct. An error is one line and exit status 2; `--help` teaches.
#ifndef EXPERIMENTS_COMMAND_LINE_H_
#define EXPERIMENTS_COMMAND_LINE_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "experiments/declared_options.h"
#include "harness/launch/workbench.h"

namespace sft::experiments {

inline constexpr int kExitGood = 0;
inline constexpr int kExitRunFailed = 1;
inline constexpr int kExitBadInput = 2;
inline constexpr int kExitPutBack = 75;  // later there is more to do
inline constexpr int kExitInterrupted = 130;

struct Command {
  std::string name;
  std::string usage;    // "run SPEC [--out DIR] ..."
  std::string summary;  // one line
  std::string help;     // a paragraph, with an example
  std::string exit_status = "0 good, 1 the disk is full, 2 bad usage or input";
  bool hidden = false;
  std::function<void(CLI::App&)> declare = {};    // its words and flags
  std::function<absl::StatusOr<int>()> run = {};  // with what was read
};

// `declare` binds the members of a fresh Flags, defaults and all; `run` gets
// them filled and returns the exit status. An error of it is printed and
// becomes status 2.
template <class Flags>
Command MakeCommand(Command command, void (*declare)(CLI::App&, Flags&),
                    absl::StatusOr<int> (*run)(const Flags&)) {
  auto flags = std::make_shared<Flags>();
  command.declare = [flags, declare](CLI::App& app) {
    *flags = Flags{};
    declare(app, *flags);
  };
  command.run = [flags, run] { return run(*flags); };
  return command;
}

// The command's parser, with --help.
std::unique_ptr<CLI::App> ParserOf(const Command& command);
// Reads what stands behind the command's name, then runs it or, for --help,
// prints its help.
absl::StatusOr<int> RunCommand(const Command& command,
                               const std::vector<std::string>& arguments);

// In lines of at most 80 columns.
std::string CommandHelp(const Command& command);
std::string ProgramHelp(const std::vector<Command>& commands);

// One file a group of commands.
std::vector<Command> InitCommands();       // init
std::vector<Command> CheckCommands();      // check
std::vector<Command> SelfcheckCommands();  // selfcheck
std::vector<Command> SweepCommands();      // run, worker, status, show
std::vector<Command> TaskCommands();       // plan, task
std::vector<Command> SubmitCommands();     // submit, cancel
std::vector<Command> RecordCommands();     // report, compare, query, ...
std::vector<Command> ClaimsCommands();     // power, claims
std::vector<Command> ModelCommands();      // eval, generate, chat, tokenize
std::vector<Command> ListCommands();       // list
std::vector<Command> DataCommands();       // data
std::vector<Command> ScoreCommands();      // score
std::vector<Command> BatchesCommands();    // batches
std::vector<Command> PackCommands();       // pack
std::vector<Command> VersionCommands();    // version
std::vector<Command> HelpCommands();       // help, completion
// All of these, in the order of the help.
std::vector<Command> AllCommands();
// What the program does with its arguments; its exit status.
int RunProgram(const std::vector<std::string>& arguments);
std::vector<std::string> ShownNames(const std::vector<Command>& commands);

// Columns on a terminal, tabs in a pipe; the first row is the header.
void PrintColumns(const std::vector<std::vector<std::string>>& rows);

// All tables and the folders of this installation.
const launch::Workbench& TheWorkbench();

}  // namespace sft::experiments

#endif  // EXPERIMENTS_COMMAND_LINE_H_
