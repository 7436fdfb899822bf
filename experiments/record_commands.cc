// report, compare, query, verify, merge-records: from records to tables.

#include <unistd.h>

#include <cstdio>

#include "experiments/command_line.h"
#include "experiments/events_command.h"
#include "experiments/query_command.h"
#include "experiments/report_command.h"
#include "harness/core/status.h"
#include "harness/record/merge.h"
#include "harness/record/verify.h"

namespace sft::experiments {
namespace {

struct VerifyFlags {
  std::vector<std::string> paths;
  bool same = false;
};

void DeclareVerify(CLI::App& app, VerifyFlags& flags) {
  app.add_option("DIR|FILE", flags.paths, "a record, or a folder of them")
      ->required()
      ->expected(1, 2)
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  app.add_flag("--same", flags.same,
               "of two records: is everything deterministic the same?");
}

absl::StatusOr<int> RunVerify(const VerifyFlags& flags) {
  if (flags.same) {
    if (flags.paths.size() != 2) {
      return absl::InvalidArgumentError(
          "sftbench verify --same: wants two records");
    }
    SFT_ASSIGN_OR_RETURN(
        const std::string difference,
        record::CompareRecords(flags.paths[0], flags.paths[1]));
    printf("%s\n", difference.empty() ? "same" : difference.c_str());
    return difference.empty() ? kExitGood : kExitRunFailed;
  }
  if (flags.paths.size() != 1) {
    return absl::InvalidArgumentError(
        "sftbench verify: wants one folder or record");
  }
  SFT_ASSIGN_OR_RETURN(const std::vector<record::VerifiedFile> files,
                       record::VerifyPath(flags.paths[0]));
  size_t damaged = 0;
  for (const record::VerifiedFile& file : files) {
    if (file.status.ok()) {
      printf("ok\t%s\n", file.path.c_str());
      continue;
    }
    ++damaged;
    printf("damaged\t%s\n", file.path.c_str());
    fprintf(stderr, "error: %s\n", std::string(file.status.message()).c_str());
  }
  return damaged == 0 ? kExitGood : kExitBadInput;
}

struct MergeFlags {
  std::vector<std::string> files;  // the last one is written
};

void DeclareMerge(CLI::App& app, MergeFlags& flags) {
  app.add_option("FILES", flags.files,
                 "records, folders or merged files; last, the one to write")
      ->required()
      ->expected(2, 100000)
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
}

absl::StatusOr<int> RunMerge(const MergeFlags& flags) {
  const std::vector<std::string>& words = flags.files;
  const std::vector<std::string> inputs(words.begin(), words.end() - 1);
  SFT_ASSIGN_OR_RETURN(const size_t count,
                       record::MergeRecords(inputs, words.back()));
  fprintf(stderr, "%zu records in %s\n", count, words.back().c_str());
  return kExitGood;
}

}  // namespace

std::vector<Command> RecordCommands() {
  return {
      ReportCommand(),
      CompareCommand(),
      QueryCommand(),
      MakeCommand(
          {.name = "verify",
           .usage = "verify DIR|FILE | verify --same FILE FILE",
           .summary = "Is every record whole? Names what is damaged.",
           .help = "With --same A B: is everything but times, memory and\n"
                   "provenance the same bit for bit?\n"
                   "  sftbench verify results/demo",
           .exit_status = "0 whole (or the same), 1 not the same, 2 damaged, "
                          "or bad usage or input"},
          DeclareVerify, RunVerify),
      MakeCommand(
          {.name = "merge-records",
           .usage = "merge-records IN... OUT.h5",
           .summary = "One file of many records, with the plan they belong to.",
           .help = "  sftbench merge-records results/demo demo.h5"},
          DeclareMerge, RunMerge),
      EventsCommand(),
  };
}

}  // namespace sft::experiments
