#include "harness/launch/slurm/job_script.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/launch/program_output.h"
#include "harness/launch/shell_words.h"
#include "harness/launch/slurm/slurm_text.h"
#include "harness/spec/yaml_tree.h"

namespace sft::launch {
namespace {

using spec::YamlNode;

absl::StatusOr<std::vector<std::string>> TextsOf(const std::string& path,
                                                 const YamlNode& node) {
  if (node.kind == YamlNode::Kind::kScalar) {
    return std::vector<std::string>{node.text};
  }
  if (node.kind != YamlNode::Kind::kList) {
    return InputError(absl::StrCat(path, ":", node.line),
                      "wanted a text, or a list of texts");
  }
  std::vector<std::string> texts;
  for (const YamlNode& item : node.items) {
    if (item.kind != YamlNode::Kind::kScalar) {
      return InputError(absl::StrCat(path, ":", item.line),
                        "wanted a text, or a list of texts");
    }
    texts.push_back(item.text);
  }
  return texts;
}

std::string ScriptOf(std::string_view comment,
                     const std::vector<std::string>& setup,
                     const std::vector<std::string>& words,
                     std::string_view arguments) {
  std::string text =
      absl::StrCat("#!/bin/bash\n", ToAbsl(comment), "set -eu\n");
  if (!setup.empty()) {
    // Sites' own scripts read variables that are not set.
    absl::StrAppend(&text, "set +u\n", absl::StrJoin(setup, "\n"),
                    "\nset -u\n");
  }
  // In the shell's place: signals reach the program itself. A shell that traps
  // them loses some, for Slurm sends SIGCONT with each.
  absl::StrAppend(&text,
                  "# shellcheck disable=SC2016  # words are meant as they are\n"
                  "exec ",
                  ShellLine(words), ToAbsl(arguments), "\n");
  return text;
}

}  // namespace

absl::Status ReadSlurmProfile(const std::string& path, SlurmOptions& options) {
  SFT_ASSIGN_OR_RETURN(const std::string text,
                       ReadFile(path, spec::kMaxSpecBytes));
  SFT_ASSIGN_OR_RETURN(const YamlNode root, spec::ParseYaml(path, text));
  if (root.kind != YamlNode::Kind::kMap) {
    return InputError(path, "wanted lines such as 'partition: gpu'");
  }
  std::vector<std::string> names = {"setup", "sbatch"};
  for (const FieldSpec& field : DescribeFields<SlurmOptions>()) {
    names.push_back(field.name);
  }
  for (const auto& [key, value] : root.entries) {
    const std::string where = absl::StrCat(path, ":", key.line);
    // As flags are written, or as the fields are.
    const std::string name = absl::StrReplaceAll(key.text, {{"-", "_"}});
    if (name == "setup" || name == "sbatch") {
      SFT_ASSIGN_OR_RETURN((name == "setup" ? options.setup : options.sbatch),
                           TextsOf(path, value));
      continue;
    }
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return InputError(where, absl::StrCat("unknown option '", key.text, "'",
                                            DidYouMean(name, names)));
    }
    if (value.kind != YamlNode::Kind::kScalar) {
      return InputError(where, absl::StrCat("'", name, "': wanted one value"));
    }
    const absl::Status status = ReadFields({{name, value.text}}, options);
    if (!status.ok()) return InputError(where, ToStd(status.message()));
  }
  return absl::OkStatus();
}

absl::Status CheckSubmission(const SlurmOptions& options,
                             const std::string& out) {
  // In the name of a log it is dropped, and "%A" is no pattern any more.
  if (out.find('\\') != std::string::npos) {
    return InputError(out,
                      "Slurm cannot have a backslash in the names of logs");
  }
  for (const std::string& word : options.sbatch) {
    if (word.size() > 1 && word[0] == '-') continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "--sbatch '", word,
        "': sbatch would take it for the script; wanted an "
        "option with its value behind '=', such as --reservation=x"));
  }
  const std::optional<absl::Duration> limit = ParseSlurmTime(options.time);
  // Slurm looks twice a minute, and rather warns too early.
  const absl::Duration delay = absl::Seconds(options.signal_delay + 30);
  if (!limit || delay < *limit) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--time ", options.time, " and --signal-delay ", options.signal_delay,
      " (seconds): a task would save before it has begun; wanted a shorter "
      "delay or a longer time"));
}

absl::Status CheckSetup(const std::vector<std::string>& setup) {
  if (setup.empty()) return absl::OkStatus();
  const auto read =
      OutputOf({"bash", "-n", "-c", "--", absl::StrJoin(setup, "\n")},
               absl::Seconds(10));
  // Where there is no bash the nodes may have one.
  if (!read.ok() || read->exit_status == 0) return absl::OkStatus();
  std::string said = read->error;
  said.resize(said.find('\n') == std::string::npos ? said.size()
                                                   : said.find('\n'));
  return absl::InvalidArgumentError(
      absl::StrCat("--setup: no line of shell: ", said));
}

std::string JobScript(const std::vector<std::string>& task_words,
                      const std::vector<std::string>& setup, bool has_rungs) {
  return ScriptOf(
      absl::StrCat("# A task of a Slurm array, written by 'sftbench submit'.\n"
                   "# $1: the array's file of tasks.\n",
                   has_rungs ? "# $2: the rung at whose end they stop.\n" : ""),
      setup, task_words,
      absl::StrCat(" --tasks=\"$1\" --index=\"$SLURM_ARRAY_TASK_ID\"",
                   has_rungs ? " --rung=\"$2\"" : ""));
}

std::string PlainScript(const std::vector<std::string>& words,
                        const std::vector<std::string>& setup) {
  return ScriptOf(
      "# What a search does between rungs, written by 'sftbench "
      "submit'.\n",
      setup, words, "");
}

std::vector<std::string> SbatchWords(const SlurmOptions& options,
                                     const ArrayJob& job) {
  std::vector<std::string> words = {
      "sbatch", "--parsable", "--requeue", "--open-mode=append",
      // The batch process alone; the program hands it on.
      absl::StrCat("--signal=B:USR1@", options.signal_delay),
      // "%" begins a pattern of Slurm's.
      absl::StrCat("--output=", absl::StrReplaceAll(job.log, {{"%", "%%"}}),
                   "/%A_%a.log"),
      absl::StrCat("--array=0-", job.count - 1,
                   options.array_limit > 0
                       ? absl::StrCat("%", options.array_limit)
                       : ""),
      absl::StrCat("--cpus-per-task=", options.cpus_per_task > 0
                                           ? options.cpus_per_task
                                           : job.threads)};
  const auto add = [&words](const std::string& name, const std::string& value) {
    if (!value.empty()) words.push_back(absl::StrCat("--", name, "=", value));
  };
  const std::map<std::string, std::string> texts = PrintFields(options);
  for (const char* field :
       {"job_name", "partition", "account", "qos", "time", "mem", "gpus",
        "gres", "constraint", "exclude", "nodelist", "mail_user"}) {
    add(absl::StrReplaceAll(field, {{"_", "-"}}), texts.at(field));
  }
  if (!options.mail_user.empty()) words.push_back("--mail-type=END,FAIL");
  // Slurm waits for all that a comma separates.
  std::vector<std::string> waits;
  if (!options.dependency.empty()) waits.push_back(options.dependency);
  if (!job.after.empty()) {
    waits.push_back(absl::StrCat("afterany:", absl::StrJoin(job.after, ":")));
  }
  add("dependency", absl::StrJoin(waits, ","));
  words.insert(words.end(), options.sbatch.begin(), options.sbatch.end());
  words.push_back(job.script);
  if (!job.tasks.empty()) words.push_back(job.tasks);
  if (job.rung) words.push_back(absl::StrCat(*job.rung));
  return words;
}

}  // namespace sft::launch
