// help, completion: what the commands say of themselves.

#include <cstdio>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "experiments/command_line.h"
#include "harness/core/status.h"

namespace sft::experiments {
namespace {

struct HelpFlags {
  std::string command;
};

void DeclareHelp(CLI::App& app, HelpFlags& flags) {
  app.add_option("COMMAND", flags.command, "which one; without it, all")
      ->check(OneOf(ShownNames(AllCommands())));
}

absl::StatusOr<int> RunHelp(const HelpFlags& flags) {
  const std::vector<Command> commands = AllCommands();
  if (flags.command.empty()) fputs(ProgramHelp(commands).c_str(), stdout);
  for (const Command& command : commands) {
    if (command.name == flags.command) {
      fputs(CommandHelp(command).c_str(), stdout);
    }
  }
  return kExitGood;
}

// A line a case: 'COMMAND WORD BEFORE:WORD SO FAR' to what may stand there.
std::string CompletionCases(const std::vector<Command>& commands) {
  std::string of_values, of_names;
  for (const Command& command : commands) {
    if (command.hidden) continue;
    std::vector<std::string> flags;
    std::string words;
    const std::unique_ptr<CLI::App> app = ParserOf(command);
    for (const CLI::Option* option : ShownOptions(*app)) {
      const std::string choices = absl::StrJoin(ChoicesOf(*option), " ");
      if (option->get_positional()) {
        if (words.empty()) words = choices;
        continue;
      }
      flags.push_back(ShownName(*option));
      if (choices.empty()) continue;
      absl::StrAppend(&of_values, "    '", command.name, " ", flags.back(),
                      ":'*) words='", choices, "' ;;\n");
    }
    absl::StrAppend(&of_names, "    '", command.name, " '*:-*) words='",
                    absl::StrJoin(flags, " "), "' ;;\n");
    if (words.empty()) continue;
    absl::StrAppend(&of_names, "    '", command.name, " ", command.name,
                    ":'*) words='", words, "' ;;\n");
  }
  return of_values + of_names;
}

std::string BashCompletion(const std::vector<Command>& commands) {
  return absl::StrCat(
      R"(# bash completion of sftbench: source <(sftbench completion bash)
_sftbench() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  local words=
  # bash takes --flag=value for three words.
  [[ $word == = ]] && word=
  [[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD - 2]}
  if ((COMP_CWORD == 1)); then
    words=')",
      absl::StrJoin(ShownNames(commands), " "), R"( --help --version'
  else
    case "${COMP_WORDS[1]} $before:$word" in
)",
      CompletionCases(commands), R"(    esac
  fi
  # Nothing found: file names, by -o default.
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _sftbench sftbench
)");
}

struct CompletionFlags {
  std::string shell;
};

void DeclareCompletion(CLI::App& app, CompletionFlags& flags) {
  app.add_option("SHELL", flags.shell, "whose script")
      ->required()
      ->check(OneOf({"bash"}));
}

absl::StatusOr<int> RunCompletion(const CompletionFlags&) {
  fputs(BashCompletion(AllCommands()).c_str(), stdout);
  return kExitGood;
}

}  // namespace

std::vector<Command> HelpCommands() {
  return {MakeCommand({.name = "help",
                       .usage = "help [COMMAND]",
                       .summary = "What a command does, and its flags.",
                       .help = "The same as 'sftbench COMMAND --help'.\n"
                               "  sftbench help run"},
                      DeclareHelp, RunHelp),
          MakeCommand({.name = "completion",
                       .usage = "completion bash",
                       .summary = "A script that completes commands, flags "
                                  "and their values.",
                       .help = "For ~/.bashrc:\n"
                               "  source <(sftbench completion bash)"},
                      DeclareCompletion, RunCompletion)};
}

}  // namespace sft::experiments
