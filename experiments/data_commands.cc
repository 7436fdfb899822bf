// data: cleaning and splitting a file of rows; what a data set of the table is.

#include <cstdio>
#include <filesystem>

#include "absl/flags/declare.h"
#include "absl/flags/flag.h"
#include "absl/strings/str_split.h"
#include "datasets/registry.h"
#include "experiments/command_line.h"
#include "experiments/describe_dataset.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/data/prepare/prepare.h"
#include "harness/data/prepare/read_table.h"

ABSL_DECLARE_FLAG(std::string, out);
ABSL_DECLARE_FLAG(bool, json);
ABSL_DECLARE_FLAG(bool, dry_run);
ABSL_FLAG(bool, clean, false, "drop faulty rows; without it they are flagged");
ABSL_FLAG(std::string, split, "0.8,0.1,0.1",
          "shares of train, validation and test");
ABSL_FLAG(std::string, text, "",
          "columns of the prompt (default: by their usual names, such as "
          "text, or instruction and input)");
ABSL_FLAG(std::string, answer, "",
          "columns of the answer (default: those that stand beside the text's "
          "by their usual names)");
ABSL_FLAG(std::string, delimiter, ",", "CSV: what separates fields");
ABSL_FLAG(std::string, label, "",
          "column of the label (default: label, if there is one)");
ABSL_FLAG(int64_t, seed, 0,
          "of splits, subsamples, shuffled rows and sampled answers");
ABSL_FLAG(double, near_duplicate_similarity, 0.8,
          "Jaccard similarity from which rows are near duplicates");
ABSL_FLAG(std::string, label_conflicts, "drop",
          "drop or flag rows of one text and several labels");
ABSL_FLAG(std::string, on_bad_row, "fail",
          "fail or skip at a row that cannot be read");
ABSL_FLAG(std::string, against, "", "a file whose rows must not occur");
ABSL_FLAG(int64_t, subsample, 0, "rows to keep, 0 = all");
ABSL_FLAG(bool, header, true, "CSV, TSV: the first line names the columns");

namespace sft::experiments {
namespace {

data::PrepareOptions OptionsFromFlags() {
  data::PrepareOptions options;
  const std::string text = absl::GetFlag(FLAGS_text);
  if (!text.empty()) options.text = absl::StrSplit(text, ',');
  const std::string answer = absl::GetFlag(FLAGS_answer);
  if (!answer.empty()) options.answer = absl::StrSplit(answer, ',');
  options.delimiter = absl::GetFlag(FLAGS_delimiter);
  options.label = absl::GetFlag(FLAGS_label);
  options.header = absl::GetFlag(FLAGS_header);
  options.clean = absl::GetFlag(FLAGS_clean);
  options.split = absl::GetFlag(FLAGS_split);
  options.seed = absl::GetFlag(FLAGS_seed);
  options.near_duplicate_similarity =
      absl::GetFlag(FLAGS_near_duplicate_similarity);
  options.label_conflicts = absl::GetFlag(FLAGS_label_conflicts);
  options.on_bad_row = absl::GetFlag(FLAGS_on_bad_row);
  options.subsample = absl::GetFlag(FLAGS_subsample);
  return options;
}

absl::StatusOr<int> RunData(const std::vector<std::string>& words) {
  // A name of the table has neither a folder nor an ending.
  if (words[0].find_first_of("./") == std::string::npos &&
      !FileExists(words[0])) {
    SFT_ASSIGN_OR_RETURN(const data::DatasetRow dataset,
                         datasets::DatasetByName(words[0]));
    return DescribeDataset(dataset, TheWorkbench().folders,
                           absl::GetFlag(FLAGS_json));
  }
  const data::PrepareOptions options = OptionsFromFlags();
  SFT_RETURN_IF_ERROR(data::CheckPrepareOptions(options));
  const bool write = !absl::GetFlag(FLAGS_dry_run);
  const std::string out = absl::GetFlag(FLAGS_out);
  std::string scratch = std::filesystem::temp_directory_path().string();
  if (write) {
    // Not /tmp, which may be memory.
    SFT_RETURN_IF_ERROR(MakeFolders(out));
    scratch = out;
  }
  SFT_ASSIGN_OR_RETURN(data::ReadRows read,
                       data::ReadTable(words[0], options, scratch));
  data::ReadRows against;
  if (const std::string path = absl::GetFlag(FLAGS_against); !path.empty()) {
    data::PrepareOptions against_options = options;
    against_options.label.clear();  // leaks are a matter of texts
    SFT_ASSIGN_OR_RETURN(against,
                         data::ReadTable(path, against_options, scratch));
    read.bad.insert(read.bad.end(), against.bad.begin(), against.bad.end());
  }
  SFT_ASSIGN_OR_RETURN(
      const data::PreparedTable table,
      data::PrepareTable(*read.rows, options, against.rows.get()));
  const std::string json =
      data::ReportJson(table.report, words[0], options, read.bad).dump(2) +
      "\n";
  if (write) {
    SFT_RETURN_IF_ERROR(
        data::WritePrepared(*read.rows, table, read.bad, json, out));
  }
  if (absl::GetFlag(FLAGS_json)) {
    fputs(json.c_str(), stdout);
  } else {
    fputs(data::ReportText(table.report, read.bad).c_str(), stdout);
    if (write) printf("Written to %s\n", out.c_str());
  }
  return kExitGood;
}

}  // namespace

std::vector<Command> DataCommands() {
  return {
      {.name = "data",
       .usage = "data FILE --clean --split 0.8,0.1,0.1 --out DIR | data NAME",
       .summary = "Cleans and splits a CSV, TSV, JSON or JSON lines file; or "
                  "says what a listed data set is.",
       .help =
           "Of a file: says what it dropped and why, on the screen, in\n"
           "DIR/report.json and, row by row, in DIR/dropped.tsv.\n"
           "Of a name of `sftbench list datasets`: task, metrics, licence,\n"
           "rows, and which file to put where, with size and digest; exit\n"
           "status 2 if one is missing.\n"
           "  sftbench data ag_news\n"
           "  sftbench data reviews.csv --clean --text review "
           "--label stars --out reviews",
       .flags = {"clean", "split", "out", "text", "answer", "label",
                 "delimiter", "seed", "near_duplicate_similarity",
                 "label_conflicts", "on_bad_row", "against", "subsample",
                 "header", "json", "dry_run"},
       .min_words = 1,
       .max_words = 1,
       .run = RunData},
  };
}

}  // namespace sft::experiments
