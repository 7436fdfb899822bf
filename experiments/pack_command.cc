// pack: what each way of batching makes of a data set's lengths.

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/flags/declare.h"
#include "absl/flags/flag.h"
#include "absl/strings/str_format.h"
#include "experiments/command_line.h"
#include "harness/core/status.h"
#include "harness/data/length_histogram.h"
#include "harness/launch/run_assembly.h"
#include "methods/packer.h"
#include "methods/packing_figures.h"

ABSL_DECLARE_FLAG(bool, json);
ABSL_DECLARE_FLAG(int64_t, seed);
ABSL_FLAG(std::string, histogram, "", "a CSV file with header length,count");
ABSL_FLAG(std::string, data, "", "a listed data set: its training rows");
ABSL_FLAG(std::string, model, "", "whose tokenizer and form --data is read in");
ABSL_FLAG(int64_t, max_length, 512, "tokens a pack; longer rows are cut");
ABSL_FLAG(std::vector<std::string>, strategies, {},
          "by commas; when not given, all that can be had");
ABSL_FLAG(int64_t, max_per_pack, 0, "most rows a pack, 0 = no bound");
ABSL_FLAG(int64_t, batch_size, 8, "packs, or padded rows, a step");

namespace sft::experiments {
namespace {

absl::Status CheckRange(const std::string& flag, int64_t value, int64_t least,
                        int64_t most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return InputError("--" + flag,
                    absl::StrCat(value, ": wanted ", least, " to ", most));
}

struct Lengths {
  std::vector<int64_t> counts;
  // Cut as the rows were rendered, where a prompt makes room for its answer.
  int64_t truncated_rows = 0;
  int64_t truncated_tokens = 0;
};

absl::StatusOr<Lengths> LengthsOfData(const std::string& data,
                                      const std::string& model,
                                      int64_t max_length) {
  const launch::Workbench& bench = TheWorkbench();
  spec::RunConfig config;
  config.model = model;
  config.train = {data};
  config.max_length = max_length;
  SFT_ASSIGN_OR_RETURN(const launch::LoadedModel loaded,
                       launch::LoadModelOf(bench, config));
  SFT_ASSIGN_OR_RETURN(const launch::RunInputs inputs,
                       launch::ReadInputsFor(bench, config, loaded));
  std::vector<int64_t> lengths;
  for (const Example& example : inputs.training[0].examples) {
    lengths.push_back(static_cast<int64_t>(example.input_ids.size()));
  }
  const auto fact = [&](const std::string& name) {
    const auto found = inputs.facts.find("data." + data + ".train." + name);
    return found == inputs.facts.end() ? 0
                                       : static_cast<int64_t>(found->second);
  };
  return Lengths{data::CountLengths(lengths), fact("truncated_rows"),
                 fact("truncated_tokens")};
}

absl::StatusOr<Lengths> LengthsOfFlags(int64_t max_length) {
  const std::string histogram = absl::GetFlag(FLAGS_histogram);
  const std::string data = absl::GetFlag(FLAGS_data);
  const std::string model = absl::GetFlag(FLAGS_model);
  if (histogram.empty() == data.empty() || data.empty() != model.empty()) {
    return absl::InvalidArgumentError(
        "sftbench pack: wants --histogram FILE.csv, or --data NAME and "
        "--model NAME (see 'sftbench pack --help')");
  }
  if (!data.empty()) return LengthsOfData(data, model, max_length);
  SFT_ASSIGN_OR_RETURN(std::vector<int64_t> counts,
                       data::ReadLengthHistogram(histogram));
  return Lengths{std::move(counts), 0, 0};
}

absl::StatusOr<std::vector<methods::PackingFigures>> Measure(
    const methods::PackingQuestion& question) {
  std::vector<std::string> names = absl::GetFlag(FLAGS_strategies);
  const bool all = names.empty();
  if (all) names = methods::PackingNames();
  std::vector<methods::PackingFigures> out;
  for (const std::string& name : names) {
    const absl::StatusOr<methods::PackingFigures> figures =
        methods::MeasurePacking(name, question);
    if (figures.ok()) {
      out.push_back(*figures);
    } else if (all) {
      fprintf(stderr, "%s is left out: %s\n", name.c_str(),
              std::string(figures.status().message()).c_str());
    } else {
      return figures.status();
    }
  }
  return out;
}

void PrintJson(const methods::PackingQuestion& question,
               const std::vector<methods::PackingFigures>& measured) {
  nlohmann::ordered_json out = {{"max_length", question.max_length},
                                {"batch_size", question.batch_size},
                                {"seed", question.seed}};
  out["strategies"] = nlohmann::ordered_json::array();
  for (const methods::PackingFigures& f : measured) {
    out["strategies"].push_back({{"strategy", f.strategy},
                                 {"max_per_pack", f.max_per_pack},
                                 {"rows", f.rows},
                                 {"tokens", f.tokens},
                                 {"packs", f.packs},
                                 {"efficiency", f.efficiency()},
                                 {"truncated_rows", f.truncated_rows},
                                 {"truncated_tokens", f.truncated_tokens},
                                 {"rows_per_pack", f.rows_per_pack()},
                                 {"steps", f.steps},
                                 {"seconds", f.seconds}});
  }
  printf("%s\n", out.dump().c_str());
}

void PrintText(const std::vector<methods::PackingFigures>& measured) {
  std::vector<std::vector<std::string>> rows = {
      {"strategy", "max_per_pack", "packs", "efficiency", "truncated_rows",
       "truncated_tokens", "rows_per_pack", "steps", "seconds"}};
  for (const methods::PackingFigures& f : measured) {
    rows.push_back(
        {f.strategy, f.max_per_pack > 0 ? absl::StrCat(f.max_per_pack) : "-",
         absl::StrCat(f.packs), absl::StrFormat("%.6f", f.efficiency()),
         absl::StrCat(f.truncated_rows), absl::StrCat(f.truncated_tokens),
         absl::StrFormat("%.3f", f.rows_per_pack()), absl::StrCat(f.steps),
         absl::StrFormat("%.6f", f.seconds)});
  }
  PrintColumns(rows);
}

absl::StatusOr<int> RunPack(const std::vector<std::string>&) {
  methods::PackingQuestion question;
  question.max_length = absl::GetFlag(FLAGS_max_length);
  question.max_per_pack = absl::GetFlag(FLAGS_max_per_pack);
  question.batch_size = absl::GetFlag(FLAGS_batch_size);
  const int64_t seed = absl::GetFlag(FLAGS_seed);
  constexpr int64_t kMost = int64_t{1} << 20;
  SFT_RETURN_IF_ERROR(CheckRange("max_length", question.max_length, 1, kMost));
  SFT_RETURN_IF_ERROR(
      CheckRange("max_per_pack", question.max_per_pack, 0, kMost));
  SFT_RETURN_IF_ERROR(CheckRange("batch_size", question.batch_size, 1, kMost));
  SFT_RETURN_IF_ERROR(CheckRange("seed", seed, 0, INT64_MAX));
  question.seed = static_cast<uint64_t>(seed);
  SFT_ASSIGN_OR_RETURN(Lengths lengths, LengthsOfFlags(question.max_length));
  question.counts_by_length = std::move(lengths.counts);
  SFT_ASSIGN_OR_RETURN(std::vector<methods::PackingFigures> measured,
                       Measure(question));
  for (methods::PackingFigures& figures : measured) {
    figures.truncated_rows += lengths.truncated_rows;
    figures.truncated_tokens += lengths.truncated_tokens;
  }
  if (absl::GetFlag(FLAGS_json)) {
    PrintJson(question, measured);
  } else {
    PrintText(measured);
  }
  return kExitGood;
}

}  // namespace

std::vector<Command> PackCommands() {
  return {
      {.name = "pack",
       .usage = "pack --histogram FILE.csv | --data NAME --model MODEL "
                "[--max_length N] [--strategies S,S...] [--json]",
       .summary = "How full each way of batching fills its batches, from "
                  "lengths alone.",
       .help =
           "FILE.csv has the header length,count and a line each length.\n"
           "  printf 'length,count\\n100,30\\n200,20\\n412,10\\n' > h.csv\n"
           "  sftbench pack --histogram h.csv --max_length 512\n"
           "  sftbench pack --data rotten_tomatoes --model glassllm "
           "--max_length 256\n\n"
           "ffd bfd             first-fit and best-fit decreasing\n"
           "spfhp lpfhp nnlshp  shortest-pack-first, longest-pack-first and\n"
           "                    least-squares histogram packing (2107.02027);\n"
           "                    nnlshp has at most 3 rows a pack, and\n"
           "                    --max_length up to 1024\n"
           "next_fit            rows as shuffled with --seed\n"
           "wrapped             rows end to end, cut where a pack is full\n"
           "padded_to_max padded_to_longest padded_bucketed\n"
           "                    no packs: pads up to --max_length, to the\n"
           "                    longest of a batch, the same with batches of\n"
           "                    rows of like length\n\n"
           "efficiency is tokens over tokens and pads, steps are batches of\n"
           "--batch_size packs (or padded rows), seconds are of packing the\n"
           "histogram. Rows longer than --max_length are cut and counted.\n"
           "--max_per_pack bounds every strategy but wrapped. In a pipe the\n"
           "columns are tab-separated.",
       .flags = {"histogram", "data", "model", "max_length", "strategies",
                 "max_per_pack", "batch_size", "seed", "json"},
       .run = RunPack}};
}

}  // namespace sft::experiments
