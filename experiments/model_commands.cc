// eval, tokenize, logits: one model at a time.

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_join.h"
#include "experiments/chat_command.h"
#include "experiments/command_line.h"
#include "experiments/export_command.h"
#include "experiments/generate_command.h"
#include "experiments/model_flags.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/thread_waiting.h"
#include "harness/data/added_ids.h"
#include "harness/data/collator.h"
#include "harness/eval/evaluator.h"
#include "harness/launch/run_assembly.h"
#include "harness/launch/run_evaluation.h"

namespace sft::experiments {
namespace {

struct EvalFlags {
  ModelFlags model;
  std::string task, file;
  int64_t limit = 0;
  int64_t window = 512, stride = 0;
  bool json = false;
};

void DeclareEval(CLI::App& app, EvalFlags& flags) {
  DeclareModel(app, flags.model);
  app.add_option("--task", flags.task,
                 "a name of 'list tasks', or 'perplexity' with --file")
      ->type_name("NAME");
  app.add_option("--file", flags.file, "a text to measure perplexity on")
      ->type_name("TEXT");
  app.add_option("--limit", flags.limit,
                 "test rows, or tokens of text; 0 = all")
      ->transform(WholeNumber(0));
  app.add_option("--window", flags.window, "tokens a window of text")
      ->transform(ValuesOf<spec::RunConfig>("heldout_window"));
  app.add_option(
         "--stride", flags.stride,
         "tokens from one window to the next, of which each scores what "
         "the one before did not; 0: windows do not overlap")
      ->transform(ValuesOf<spec::RunConfig>("heldout_stride"));
  app.add_flag("--json", flags.json, "print JSON");
  DeclareLoading(app, flags.model);
  DeclareBos(app, flags.model);
}

absl::StatusOr<std::vector<EvalRecord>> Evaluate(
    const launch::LoadedModel& loaded, const EvalFlags& flags) {
  const std::string &task = flags.task, &file = flags.file;
  const int64_t limit = flags.limit;
  if (task == "perplexity" || !file.empty()) {
    if (file.empty()) {
      return absl::InvalidArgumentError("--task perplexity wants --file TEXT");
    }
    SFT_RETURN_IF_ERROR(NeedsDecoder(loaded, "perplexity"));
    SFT_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
    eval::EvalOptions options;
    options.bos = flags.model.bos;
    options.heldout_stride = flags.stride;
    options.bits_per_byte = true;
    SFT_ASSIGN_OR_RETURN(
        EvalRecord eval,
        eval::EvaluateHeldout(*loaded.model, *loaded.tokenizer, {text},
                              flags.window, limit, "perplexity", options));
    return std::vector<EvalRecord>{std::move(eval)};
  }
  const launch::Workbench& bench = TheWorkbench();
  const data::DatasetRow* row = bench.FindDataset(task);
  if (row == nullptr) {
    std::vector<std::string> names = {"perplexity"};
    for (const data::DatasetRow& known : bench.datasets)
      names.push_back(known.name);
    return absl::InvalidArgumentError(absl::StrCat(
        "--task = '", task, "': wanted one of ", absl::StrJoin(names, ", ")));
  }
  spec::RunConfig config = ConfigOfFlags(flags.model);
  config.evaluate = {task};
  config.test_limit = limit;
  if (limit > 0) config.validation_limit = limit;
  config.heldout_tokens = limit > 0 ? limit : config.heldout_tokens;
  config.heldout_window = flags.window;
  config.heldout_stride = flags.stride;
  if (loaded.model->is_encoder()) {
    config.max_length =
        std::min(config.max_length, loaded.model->info().max_positions);
  }
  SFT_ASSIGN_OR_RETURN(const launch::RunInputs inputs,
                       launch::ReadInputsFor(bench, config, loaded));
  if (loaded.model->info().head_drawn) {
    fprintf(stderr, "%s has no head for %s: a drawn one is measured\n",
            loaded.where.name.c_str(), task.c_str());
  }
  for (const std::string& warning : inputs.warnings) {
    fprintf(stderr, "%s\n", warning.c_str());
  }
  std::vector<EvalRecord> evals;
  SFT_RETURN_IF_ERROR(
      launch::MeasureModel(*loaded.model, *loaded.tokenizer, inputs, 0, evals));
  return evals;
}

absl::StatusOr<int> RunEval(const EvalFlags& flags) {
  if (flags.task.empty() && flags.file.empty()) {
    return absl::InvalidArgumentError(
        "sftbench eval: wants --task; see 'sftbench list tasks'");
  }
  const CrowdWatch watch;
  SFT_ASSIGN_OR_RETURN(const launch::LoadedModel loaded,
                       LoadFromFlags(flags.model));
  SFT_ASSIGN_OR_RETURN(const std::vector<EvalRecord> evals,
                       Evaluate(loaded, flags));
  if (!flags.json) {
    printf("split\tmetric\tvalue\tunit\titems\n");
    for (const EvalRecord& eval : evals) {
      for (const MetricRecord& metric : eval.metrics) {
        printf("%s\t%s\t%.17g\t%s\t%zu\n", eval.split.c_str(),
               metric.name.c_str(), metric.value, metric.unit.c_str(),
               eval.row_ids.size());
      }
    }
    return kExitGood;
  }
  nlohmann::ordered_json out;
  out["model"] = flags.model.model;
  out["task"] = evals.front().task;
  out["metrics"] = nlohmann::ordered_json::array();
  for (const EvalRecord& eval : evals) {
    for (const MetricRecord& metric : eval.metrics) {
      out["metrics"].push_back({{"split", eval.split},
                                {"metric", metric.name},
                                {"value", metric.value},
                                {"unit", metric.unit},
                                {"signature", metric.signature},
                                {"items", metric.items}});
    }
  }
  printf("%s\n", out.dump(1).c_str());
  return kExitGood;
}

struct LogitsFlags {
  ModelFlags model;
};

void DeclareLogits(CLI::App& app, LogitsFlags& flags) {
  DeclareModel(app, flags.model);
  DeclareLoading(app, flags.model);
}

// Logits of every position, or of a head, for a line of ids: for checks
// against other programs.
absl::StatusOr<int> RunLogits(const LogitsFlags& flags) {
  const CrowdWatch watch;
  SFT_ASSIGN_OR_RETURN(const launch::LoadedModel loaded,
                       LoadWithoutTokenizer(flags.model));
  const HeadKind head = loaded.model->head();
  if (loaded.model->is_encoder() && head == HeadKind::kNextToken) {
    return InputError(loaded.where.name,
                      "is an encoder without the head of a task; an export of "
                      "a run has one, or --adapter");
  }
  Example example;
  example.head = head;
  for (int64_t id = 0; std::cin >> id;) {
    if (id < 0 || id >= loaded.model->info().vocabulary) {
      return absl::InvalidArgumentError(
          absl::StrCat("standard input: ", id, " is no id of this model"));
    }
    example.input_ids.push_back(static_cast<int32_t>(id));
  }
  if (example.input_ids.empty()) {
    return absl::InvalidArgumentError("standard input: wanted token ids");
  }
  example.labels.assign(example.input_ids.size(), kNoLoss);
  const int64_t length = static_cast<int64_t>(example.input_ids.size());
  const Batch batch = data::FlatBatch({example}, {{0, 0, length}});
  c10::AutoGradMode no_grad(false);
  const at::Tensor logits_TV =
      (loaded.model->is_encoder()
           ? loaded.model->HeadLogits(batch).reshape(
                 {ReadsRows(head) ? 1 : length, -1})
           : loaded.model->Logits(loaded.model->HiddenStates(batch).squeeze(0)))
          .to(at::kCPU, at::kDouble);
  for (int64_t t = 0; t < logits_TV.size(0); ++t) {
    const at::Tensor row = logits_TV.select(0, t).contiguous();
    const double* values = row.const_data_ptr<double>();
    for (int64_t v = 0; v < row.numel(); ++v) {
      printf("%s%.9g", v == 0 ? "" : " ", values[v]);
    }
    printf("\n");
  }
  return kExitGood;
}

struct TokenizeFlags {
  ModelFlags model;
  bool special = false;
};

void DeclareTokenize(CLI::App& app, TokenizeFlags& flags) {
  DeclareModel(app, flags.model);
  app.add_flag("--special", flags.special,
               "with the tokens that the tokenizer puts around a text");
  DeclareBos(app, flags.model);
}

absl::StatusOr<int> RunTokenize(const TokenizeFlags& flags) {
  SFT_ASSIGN_OR_RETURN(
      const model::ModelLocation where,
      model::LocateModel(flags.model.model, TheWorkbench().folders.assets));
  SFT_ASSIGN_OR_RETURN(const std::unique_ptr<Tokenizer> tokenizer,
                       launch::LoadTokenizerOf(where));
  AddedIds added;
  if (flags.special) {
    SFT_ASSIGN_OR_RETURN(added, data::AddedIdsOf(*tokenizer, flags.model.bos));
  }
  std::string line;
  while (std::getline(std::cin, line)) {
    printf(
        "%s\n",
        absl::StrJoin(data::EncodeWhole(*tokenizer, line, added), " ").c_str());
  }
  return kExitGood;
}

}  // namespace

std::vector<Command> ModelCommands() {
  return {
      MakeCommand(
          {.name = "eval",
           .usage = "eval MODEL --task T [--file TEXT] [--limit N] [--json] "
                    "[--adapter DIR]",
           .summary = "Measure one model on one task.",
           .help = R"(
Answers are scored as lm-evaluation-harness scores them: the ids that prompt and
answer have together, after the tokenizer's own BOS (--bos), without an end of
turn. Every window of text begins with that BOS.
  sftbench eval smollm2-135m-instruct --task rotten_tomatoes --limit 200
  sftbench eval MODEL --task perplexity --file book.txt
)"},
          DeclareEval, RunEval),
      GenerateCommand(),
      ChatCommand(),
      MakeCommand({.name = "tokenize",
                   .usage = "tokenize MODEL [--special]",
                   .summary = "Lines of standard input to lines of token ids.",
                   .help = R"(
No special token is added, unless --special: then those that the tokenizer puts
around every text (BOS; see --bos).
  echo 'a  123' | sftbench tokenize smollm2-135m-instruct
)"},
                  DeclareTokenize, RunTokenize),
      MakeCommand({.name = "logits",
                   .usage = "logits MODEL [--adapter DIR]",
                   .summary = "A line of token ids to a line of logits a "
                              "position.",
                   .help = "",
                   .hidden = true},
                  DeclareLogits, RunLogits),
      ExportCommand(),
  };
}

}  // namespace sft::experiments
