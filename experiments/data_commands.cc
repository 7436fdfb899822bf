// data: cleaning and splitting a file of rows; what a data set of the table is.

#include <cstdio>
#include <filesystem>

#include "datasets/registry.h"
#include "experiments/command_line.h"
#include "experiments/describe_dataset.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/data/forms/table_form.h"
#include "harness/data/prepare/prepare.h"
#include "harness/data/prepare/read_table.h"

namespace sft::experiments {
namespace {

struct DataFlags {
  DataFlags() { options.clean = false; }

  std::string path;
  data::PrepareOptions options;
  std::string out = "results";
  std::string against;
  bool json = false;
  bool dry_run = false;
};

void DeclareData(CLI::App& app, DataFlags& flags) {
  data::PrepareOptions& options = flags.options;
  const auto values = ValuesOf<data::PrepareOptions>;
  app.add_option("FILE|NAME", flags.path,
                 "rows to clean and split, or a listed data set to describe")
      ->required();
  app.add_flag("--clean", options.clean,
               "drop faulty rows; without it they are flagged");
  app.add_option("--split", options.split,
                 "shares of train, validation and test")
      ->type_name("A,B,C");
  app.add_option("--out", flags.out, "where the files go")->type_name("DIR");
  AddList(app, "--text", options.text,
          "columns of the prompt; without it by their usual names, such as "
          "text, or instruction and input")
      ->type_name("NAMES");
  AddList(app, "--answer", options.answer,
          "columns of the answer; without it those that stand beside the "
          "text's by their usual names")
      ->type_name("NAMES");
  app.add_option("--label", options.label,
                 "column of the label; without it label, if there is one")
      ->type_name("NAME");
  app.add_option("--format", options.format,
                 "how FILE is read; without it by its name")
      ->check(OneOf(data::TableFormNames()));
  app.add_option("--delimiter", options.delimiter,
                 "CSV, TSV: the character between fields; without it as the "
                 "file has it");
  app.add_option("--quote", options.quote,
                 "CSV, TSV: the character around fields, or none; without it "
                 "as the file has it");
  app.add_option("--rows", options.rows,
                 "JSON: the key at which the list of rows stands")
      ->type_name("KEY");
  app.add_flag("!--no-header,!--noheader,--header", options.header,
               "CSV, TSV: the columns are called 1, 2, ...; without it the "
               "first line names them");
  app.add_option("--seed", options.seed, "of splits and subsamples")
      ->transform(values("seed"));
  app.add_option("--near-duplicate-similarity",
                 options.near_duplicate_similarity,
                 "Jaccard similarity from which rows are near duplicates")
      ->transform(values("near_duplicate_similarity"));
  app.add_option("--label-conflicts", options.label_conflicts,
                 "what to do with rows of one text and several labels")
      ->check(values("label_conflicts"));
  app.add_option("--on-bad-row", options.on_bad_row,
                 "what to do at a row that cannot be read")
      ->check(values("on_bad_row"));
  app.add_option("--against", flags.against,
                 "rows that must not occur, such as a test set")
      ->type_name("FILE");
  app.add_option("--subsample", options.subsample, "rows to keep, 0 = all")
      ->transform(values("subsample"));
  app.add_flag("--json", flags.json, "print JSON");
  app.add_flag("--dry-run", flags.dry_run, "write nothing");
}

absl::StatusOr<int> RunData(const DataFlags& flags) {
  // A name of the table has neither a folder nor an ending.
  if (flags.path.find_first_of("./") == std::string::npos &&
      !FileExists(flags.path)) {
    SFT_ASSIGN_OR_RETURN(const data::DatasetRow dataset,
                         datasets::DatasetByName(flags.path));
    return DescribeDataset(dataset, TheWorkbench().folders, flags.json);
  }
  const data::PrepareOptions& options = flags.options;
  SFT_RETURN_IF_ERROR(data::CheckPrepareOptions(options));
  const bool write = !flags.dry_run;
  const std::string& out = flags.out;
  std::string scratch = std::filesystem::temp_directory_path().string();
  if (write) {
    // Not /tmp, which may be memory.
    SFT_RETURN_IF_ERROR(MakeFolders(out));
    scratch = out;
  }
  SFT_ASSIGN_OR_RETURN(data::ReadRows read,
                       data::ReadTable(flags.path, options, scratch));
  for (const std::string& note : read.notes) {
    fprintf(stderr, "%s\n", note.c_str());
  }
  data::ReadRows against;
  if (!flags.against.empty()) {
    data::PrepareOptions against_options = options;
    against_options.label.clear();  // leaks are a matter of texts
    SFT_ASSIGN_OR_RETURN(
        against, data::ReadTable(flags.against, against_options, scratch));
    read.bad.insert(read.bad.end(), against.bad.begin(), against.bad.end());
  }
  SFT_ASSIGN_OR_RETURN(
      const data::PreparedTable table,
      data::PrepareTable(*read.rows, options, against.rows.get()));
  const std::string json =
      data::ReportJson(table.report, flags.path, options, read.bad).dump(2) +
      "\n";
  if (write) {
    SFT_RETURN_IF_ERROR(
        data::WritePrepared(*read.rows, table, read.bad, json, out));
  }
  if (flags.json) {
    fputs(json.c_str(), stdout);
  } else {
    fputs(data::ReportText(table.report, read.bad).c_str(), stdout);
    if (write) printf("Written to %s\n", out.c_str());
  }
  return kExitGood;
}

}  // namespace

std::vector<Command> DataCommands() {
  return {MakeCommand(
      {.name = "data",
       .usage = "data FILE --clean --split 0.8,0.1,0.1 --out DIR | data NAME",
       .summary = "Cleans and splits a file of rows, or a folder of such; or "
                  "says what a listed data set is.",
       .help = R"(
Of a file: says what it dropped and why, on the screen, in DIR/report.json and,
row by row, in DIR/dropped.tsv.
Of a name of 'sftbench list datasets': task, metrics, licence, rows, and which
file to put where, with size and digest; exit status 2 if one is missing.
  sftbench data ag_news
  sftbench data reviews.csv --clean --text review --label stars --out reviews
)"},
      DeclareData, RunData)};
}

}  // namespace sft::experiments
