#include "experiments/command_line.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"

namespace sft::experiments {
namespace {

absl::Status UsageError(const Command& command, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("sftbench ", command.name, ": ", ToAbsl(what),
                   " (see 'sftbench ", command.name, " --help')"));
}

// "jobs" for "jobs" and, for a switch, for "nojobs" too.
std::string FlagOf(const Command& command, const std::string& written) {
  std::string name = written;
  std::replace(name.begin(), name.end(), '-', '_');
  auto known = [&command](const std::string& flag) {
    return std::find(command.flags.begin(), command.flags.end(), flag) !=
           command.flags.end();
  };
  if (known(name)) return name;
  if (absl::StartsWith(name, "no") && known(name.substr(2))) {
    const absl::CommandLineFlag* flag =
        absl::FindCommandLineFlag(name.substr(2));
    if (flag != nullptr && flag->IsOfType<bool>()) return name.substr(2);
  }
  return "";
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseArguments(
    const Command& command, const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  bool flags_over = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (flags_over || argument.size() < 2 || argument[0] != '-') {
      words.push_back(argument);
      continue;
    }
    if (argument == "--") {
      flags_over = true;
      continue;
    }
    std::string name =
        argument.substr(absl::StartsWith(argument, "--") ? 2 : 1);
    std::string value;
    const size_t equals = name.find('=');
    const bool has_value = equals != std::string::npos;
    if (has_value) {
      value = name.substr(equals + 1);
      name.resize(equals);
    }
    const std::string known = FlagOf(command, name);
    absl::CommandLineFlag* flag =
        known.empty() ? nullptr : absl::FindCommandLineFlag(known);
    if (flag == nullptr) {
      const std::string nearest = NearestName(name, command.flags);
      return UsageError(
          command,
          absl::StrCat(
              "unknown flag '--", name, "'",
              nearest.empty() ? "" : "; did you mean '--" + nearest + "'?"));
    }
    if (!has_value) {
      const bool is_switch =
          std::find(command.switches.begin(), command.switches.end(), known) !=
          command.switches.end();
      if (is_switch) {
        value = "true";
      } else if (flag->IsOfType<bool>()) {
        value = known.size() == name.size() ? "true" : "false";
      } else if (i + 1 < arguments.size()) {
        value = arguments[++i];
      } else {
        return UsageError(command, absl::StrCat("--", name, " wants a value"));
      }
    }
    std::string error;
    if (!flag->ParseFrom(value, &error)) {
      return UsageError(command, absl::StrCat("--", name, " = '", value,
                                              "' is no value for it: ",
                                              std::string(flag->Help())));
    }
  }
  const int n = static_cast<int>(words.size());
  if (n < command.min_words || n > command.max_words) {
    return UsageError(command, absl::StrCat("usage: sftbench ", command.usage));
  }
  return words;
}

std::string CommandHelp(const Command& command) {
  std::string text = absl::StrCat("usage: sftbench ", command.usage, "\n\n",
                                  command.summary, "\n\n", command.help, "\n");
  if (!command.flags.empty()) absl::StrAppend(&text, "\nflags:\n");
  for (const std::string& name : command.flags) {
    const absl::CommandLineFlag* flag = absl::FindCommandLineFlag(name);
    if (flag == nullptr) continue;
    absl::StrAppend(&text, absl::StrFormat("  --%-18s %s (default: %s)\n", name,
                                           flag->Help(), flag->DefaultValue()));
  }
  return text;
}

void PrintColumns(const std::vector<std::vector<std::string>>& rows) {
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      const bool last = i + 1 == row.size();
      if (terminal) {
        printf("%-*s%s", last ? 0 : static_cast<int>(widths[i]), row[i].c_str(),
               last ? "\n" : "  ");
      } else {
        printf("%s%c", row[i].c_str(), last ? '\n' : '\t');
      }
    }
  }
}

}  // namespace sft::experiments
