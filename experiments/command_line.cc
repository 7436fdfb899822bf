#include "experiments/command_line.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"
#include "harness/launch/aligned_table.h"

namespace sft::experiments {
namespace {

absl::Status UsageError(const Command& command, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("sftbench ", command.name, ": ", ToAbsl(what),
                   " (see 'sftbench ", command.name, " --help')"));
}

// The words as CLI11 is to see them: `--dry_run` is `--dry-run`, and a value
// behind `=` is a word of its own, so that it may be empty.
std::vector<std::string> WordsFor(const CLI::App& app,
                                  const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") {
      words.insert(words.end(), arguments.begin() + i, arguments.end());
      break;
    }
    const size_t equals = argument.find('=');
    const std::string name =
        absl::StrReplaceAll(argument.substr(0, equals), {{"_", "-"}});
    const CLI::Option* option = absl::StartsWith(argument, "--")
                                    ? app.get_option_no_throw(name)
                                    : nullptr;
    if (option == nullptr) {
      words.push_back(argument);
      continue;
    }
    const bool is_switch = option->get_expected_max() == 0;
    if (equals == std::string::npos) {
      words.push_back(name);
      if (!is_switch && i + 1 < arguments.size()) {
        words.push_back(arguments[++i]);  // whatever it looks like
      }
    } else if (is_switch) {
      words.push_back(name + argument.substr(equals));
    } else {
      words.push_back(name);
      words.push_back(argument.substr(equals + 1));
    }
  }
  return words;
}

// Flags that nobody declared, and words too many.
absl::Status CheckLeftOver(const Command& command, const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : ShownOptions(app)) {
    const std::string name = ShownName(*option);
    if (absl::StartsWith(name, "--")) flags.push_back(name.substr(2));
  }
  std::string too_many;
  for (const std::string& word : app.remaining()) {
    if (word == "--") continue;
    if (word.size() > 1 && word[0] == '-') {
      const std::string written = word.substr(0, word.find('='));
      const std::string name = absl::StrReplaceAll(
          written.substr(written[1] == '-' ? 2 : 1), {{"_", "-"}});
      const std::string nearest = NearestName(name, flags);
      return UsageError(
          command,
          absl::StrCat(
              "unknown flag '", written, "'",
              nearest.empty() ? "" : "; did you mean '--" + nearest + "'?"));
    }
    if (too_many.empty()) too_many = word;
  }
  if (too_many.empty()) return absl::OkStatus();
  return UsageError(command, absl::StrCat("'", too_many,
                                          "' is a word too many; usage: "
                                          "sftbench ",
                                          command.usage));
}

// CLI11's errors in our words; its own, where we have none.
absl::Status ParseFailure(const Command& command,
                          const CLI::ParseError& error) {
  std::string what = error.what();
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    return UsageError(command,
                      absl::StrCat(what, "; usage: sftbench ", command.usage));
  }
  const std::string name = what.substr(0, what.find(": "));
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    return UsageError(command,
                      absl::StartsWith(name, "--")
                          ? name + " wants a value"
                          : absl::StrCat("usage: sftbench ", command.usage));
  }
  // "--jobs: wants ..." of declared_options.h.
  if (absl::StartsWith(what.substr(name.size()), ": wants ")) {
    what.erase(name.size(), 1);
  }
  return UsageError(command, what);
}

}  // namespace

std::unique_ptr<CLI::App> ParserOf(const Command& command) {
  auto app = std::make_unique<CLI::App>(command.summary, command.name);
  app->allow_extras();
  app->option_defaults()->always_capture_default()->multi_option_policy(
      CLI::MultiOptionPolicy::TakeLast);
  command.declare(*app);
  app->set_help_flag("-h,--help", "print this");
  return app;
}

absl::StatusOr<int> RunCommand(const Command& command,
                               const std::vector<std::string>& arguments) {
  const std::unique_ptr<CLI::App> app = ParserOf(command);
  std::vector<std::string> words = WordsFor(*app, arguments);
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  absl::Status parsed = absl::OkStatus();
  try {
    app->parse(words);
  } catch (const CLI::ParseError& error) {
    parsed = ParseFailure(command, error);
  }
  if (app->get_help_ptr()->count() > 0) {
    fputs(CommandHelp(command).c_str(), stdout);
    return kExitGood;
  }
  // First what is misspelt: what is missing follows from it.
  SFT_RETURN_IF_ERROR(CheckLeftOver(command, *app));
  SFT_RETURN_IF_ERROR(parsed);
  return command.run();
}

std::vector<std::string> ShownNames(const std::vector<Command>& commands) {
  std::vector<std::string> names;
  for (const Command& command : commands) {
    if (!command.hidden) names.push_back(command.name);
  }
  return names;
}

void PrintColumns(const std::vector<std::vector<std::string>>& rows) {
  if (rows.empty()) return;
  if (isatty(STDOUT_FILENO) != 1) {
    for (const std::vector<std::string>& row : rows) {
      printf("%s\n", absl::StrJoin(row, "\t").c_str());
    }
    return;
  }
  launch::AlignedTable table;
  for (const std::string& name : rows[0]) table.columns.push_back({name});
  table.rows.assign(rows.begin() + 1, rows.end());
  constexpr size_t kAnyWidth = SIZE_MAX;  // a terminal wraps what is long
  fputs(launch::RenderAligned(table, kAnyWidth).c_str(), stdout);
}

}  // namespace sft::experiments
