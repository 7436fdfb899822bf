// pack: what each way of batching makes of a data set's lengths.

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "experiments/command_line.h"
#include "harness/core/status.h"
#include "harness/data/length_histogram.h"
#include "harness/launch/run_assembly.h"
#include "methods/packer.h"
#include "methods/packing_figures.h"

namespace sft::experiments {
namespace {

struct PackFlags {
  std::string histogram, data, model;
  int64_t max_length = 512;
  std::vector<std::string> strategies;
  int64_t max_per_pack = 0;
  int64_t batch_size = 8;
  int64_t seed = 0;
  bool json = false;
};

void DeclarePack(CLI::App& app, PackFlags& flags) {
  constexpr double kMost = 1 << 20;
  app.add_option("--histogram", flags.histogram,
                 "a CSV file with the header length,count")
      ->type_name("FILE");
  app.add_option("--data", flags.data, "a listed data set: its training rows")
      ->type_name("NAME");
  app.add_option("--model", flags.model,
                 "whose tokenizer and form --data is read in")
      ->type_name("NAME");
  app.add_option("--max-length", flags.max_length,
                 "tokens a pack; longer rows are cut")
      ->transform(WholeNumber(1, kMost));
  AddList(app, "--strategies", flags.strategies,
          "by commas; without it all that can be had")
      ->type_name("S,S");
  app.add_option("--max-per-pack", flags.max_per_pack,
                 "most rows a pack, 0 = no bound")
      ->transform(WholeNumber(0, kMost));
  app.add_option("--batch-size", flags.batch_size,
                 "packs, or padded rows, a step")
      ->transform(WholeNumber(1, kMost));
  app.add_option("--seed", flags.seed, "of the order of the rows")
      ->transform(WholeNumber(0));
  app.add_flag("--json", flags.json, "print JSON");
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

absl::StatusOr<Lengths> LengthsOfFlags(const PackFlags& flags) {
  const std::string &data = flags.data, &model = flags.model;
  if (flags.histogram.empty() == data.empty() ||
      data.empty() != model.empty()) {
    return absl::InvalidArgumentError(
        "sftbench pack: wants --histogram FILE.csv, or --data NAME and "
        "--model NAME (see 'sftbench pack --help')");
  }
  if (!data.empty()) return LengthsOfData(data, model, flags.max_length);
  SFT_ASSIGN_OR_RETURN(std::vector<int64_t> counts,
                       data::ReadLengthHistogram(flags.histogram));
  return Lengths{std::move(counts), 0, 0};
}

absl::StatusOr<std::vector<methods::PackingFigures>> Measure(
    std::vector<std::string> names, const methods::PackingQuestion& question) {
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

absl::StatusOr<int> RunPack(const PackFlags& flags) {
  methods::PackingQuestion question;
  question.max_length = flags.max_length;
  question.max_per_pack = flags.max_per_pack;
  question.batch_size = flags.batch_size;
  question.seed = static_cast<uint64_t>(flags.seed);
  SFT_ASSIGN_OR_RETURN(Lengths lengths, LengthsOfFlags(flags));
  question.counts_by_length = std::move(lengths.counts);
  SFT_ASSIGN_OR_RETURN(std::vector<methods::PackingFigures> measured,
                       Measure(flags.strategies, question));
  for (methods::PackingFigures& figures : measured) {
    figures.truncated_rows += lengths.truncated_rows;
    figures.truncated_tokens += lengths.truncated_tokens;
  }
  if (flags.json) {
    PrintJson(question, measured);
  } else {
    PrintText(measured);
  }
  return kExitGood;
}

}  // namespace

std::vector<Command> PackCommands() {
  return {MakeCommand(
      {.name = "pack",
       .usage = "pack --histogram FILE.csv | --data NAME --model MODEL "
                "[--max-length N] [--strategies S,S...] [--json]",
       .summary = "How full each way of batching fills its batches, from "
                  "lengths alone.",
       .help = R"(
FILE.csv has the header length,count and a line each length.
  printf 'length,count\n100,30\n200,20\n412,10\n' > h.csv
  sftbench pack --histogram h.csv --max-length 512
  sftbench pack --data rotten_tomatoes --model glassllm --max-length 256

ffd bfd             first-fit and best-fit decreasing
spfhp lpfhp nnlshp  shortest-pack-first, longest-pack-first and
                    least-squares histogram packing (2107.02027);
                    nnlshp has at most 3 rows a pack, and
                    --max-length up to 1024
next_fit            rows as shuffled with --seed
wrapped             rows end to end, cut where a pack is full
padded_to_max padded_to_longest padded_bucketed
                    no packs: pads up to --max-length, to the
                    longest of a batch, the same with batches of
                    rows of like length

efficiency is tokens over tokens and pads, steps are batches of --batch-size
packs (or padded rows), seconds are of packing the histogram. Rows longer than
--max-length are cut and counted. --max-per-pack bounds every strategy but
wrapped. In a pipe the columns are tab-separated.
)"},
      DeclarePack, RunPack)};
}

}  // namespace sft::experiments
