// report, verify, merge-records: from records to tables.

#include <unistd.h>

#include <cstdio>

#include "absl/flags/flag.h"
#include "experiments/command_line.h"
#include "harness/analysis/report.h"
#include "harness/core/status.h"
#include "harness/record/merge.h"
#include "harness/record/verify.h"

ABSL_FLAG(std::string, format, "", "md, csv, tsv, latex or html (default: md)");
ABSL_FLAG(bool, same, false,
          "two records: is everything deterministic the same?");

namespace sft::experiments {
namespace {

absl::StatusOr<int> RunReport(const std::vector<std::string>& words) {
  std::string name = absl::GetFlag(FLAGS_format);
  if (name.empty()) name = "md";
  SFT_ASSIGN_OR_RETURN(const analysis::TableFormat format,
                       analysis::ParseTableFormat(name));
  SFT_ASSIGN_OR_RETURN(const analysis::Report report,
                       analysis::BuildReport(words[0]));
  fputs(analysis::RenderReport(report, format).c_str(), stdout);
  return kExitGood;
}

absl::StatusOr<int> RunVerify(const std::vector<std::string>& words) {
  if (absl::GetFlag(FLAGS_same)) {
    if (words.size() != 2) {
      return absl::InvalidArgumentError(
          "sftbench verify --same: wants two records");
    }
    SFT_ASSIGN_OR_RETURN(const std::string difference,
                         record::CompareRecords(words[0], words[1]));
    printf("%s\n", difference.empty() ? "same" : difference.c_str());
    return difference.empty() ? kExitGood : kExitRunFailed;
  }
  if (words.size() != 1) {
    return absl::InvalidArgumentError(
        "sftbench verify: wants one folder or record");
  }
  SFT_ASSIGN_OR_RETURN(const std::vector<record::VerifiedFile> files,
                       record::VerifyPath(words[0]));
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

absl::StatusOr<int> RunMerge(const std::vector<std::string>& words) {
  const std::vector<std::string> inputs(words.begin(), words.end() - 1);
  SFT_ASSIGN_OR_RETURN(const size_t count,
                       record::MergeRecords(inputs, words.back()));
  fprintf(stderr, "%zu records in %s\n", count, words.back().c_str());
  return kExitGood;
}

}  // namespace

std::vector<Command> RecordCommands() {
  return {
      {.name = "report",
       .usage = "report DIR|FILE [--format md|csv|latex|html]",
       .summary = "The tables of a sweep, from its records and nothing else.",
       .help = "Of a folder, or of one file of merge-records.\n"
               "  sftbench report results/demo --format csv > table.csv",
       .flags = {"format"},
       .min_words = 1,
       .max_words = 1,
       .run = RunReport},
      {.name = "verify",
       .usage = "verify DIR|FILE",
       .summary = "Is every record whole? Names what is damaged.",
       .help = "With --same A B: is everything but times, memory and\n"
               "provenance the same bit for bit?\n"
               "  sftbench verify results/demo",
       .flags = {"same"},
       .min_words = 1,
       .max_words = 2,
       .run = RunVerify},
      {.name = "merge-records",
       .usage = "merge-records IN... OUT.h5",
       .summary = "One file of many records, with the plan they belong to.",
       .help = "  sftbench merge-records results/demo demo.h5",
       .flags = {},
       .min_words = 2,
       .max_words = 100000,
       .run = RunMerge},
  };
}

}  // namespace sft::experiments
