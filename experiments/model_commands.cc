// eval, generate, tokenize: one model at a time.

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "experiments/command_line.h"
#include "experiments/export_command.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/data/added_ids.h"
#include "harness/data/collator.h"
#include "harness/eval/answers.h"
#include "harness/eval/evaluator.h"
#include "harness/launch/run_evaluation.h"
#include "methods/adapter_io.h"

namespace sft::experiments {
namespace {

// Which model, and how it is loaded.
struct ModelFlags {
  std::string model;
  std::string adapter;
  std::string dtype = "f32";
  std::string device = "cpu";
  std::string bos = "auto";
};

void DeclareModel(CLI::App& app, ModelFlags& flags) {
  app.add_option("MODEL", flags.model,
                 "a folder, a .gguf file, or a name of 'list models'")
      ->required();
}

void DeclareBos(CLI::App& app, ModelFlags& flags) {
  app.add_option("--bos", flags.bos,
                 "the token that begins a text; auto: as the tokenizer "
                 "prescribes")
      ->check(ValuesOf<spec::RunConfig>("bos"));
}

void DeclareLoading(CLI::App& app, ModelFlags& flags) {
  app.add_option("--adapter", flags.adapter, "a PEFT adapter to put on")
      ->type_name("DIR");
  app.add_option("--dtype", flags.dtype, "what it is computed in")
      ->check(ValuesOf<spec::RunConfig>("dtype"));
  app.add_option("--device", flags.device, "where it runs")
      ->check(ValuesOf<spec::RunConfig>("device"));
}

spec::RunConfig ConfigOfFlags(const ModelFlags& flags) {
  spec::RunConfig config;
  config.dtype = flags.dtype;
  config.device = flags.device;
  config.bos = flags.bos;
  return config;
}

absl::StatusOr<launch::LoadedModel> LoadFromFlags(const ModelFlags& flags) {
  SFT_ASSIGN_OR_RETURN(const model::ModelOptions options,
                       launch::ModelOptionsOf(ConfigOfFlags(flags)));
  SFT_ASSIGN_OR_RETURN(
      launch::LoadedModel loaded,
      launch::LoadModelAndTokenizer(flags.model, TheWorkbench().folders.assets,
                                    options));
  if (!flags.adapter.empty()) {
    SFT_RETURN_IF_ERROR(methods::AttachAdapter(*loaded.model, flags.adapter));
  }
  return loaded;
}

absl::Status NeedsDecoder(const launch::LoadedModel& loaded,
                          const std::string& what) {
  if (!loaded.model->is_encoder()) return absl::OkStatus();
  return InputError(loaded.where.name,
                    absl::StrCat("is an encoder, and ", what,
                                 " wants a decoder, which predicts text"));
}

struct EvalFlags {
  ModelFlags model;
  std::string task, file;
  int64_t limit = 0;
  int64_t window = 512;
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
  if (loaded.model->is_encoder()) {
    config.max_length =
        std::min(config.max_length, loaded.model->info().max_positions);
  }
  SFT_RETURN_IF_ERROR(launch::SetHeadForTasks(bench, config, *loaded.model));
  if (loaded.model->info().head_drawn) {
    fprintf(stderr, "%s has no head for %s: a drawn one is measured\n",
            loaded.where.name.c_str(), task.c_str());
  }
  SFT_ASSIGN_OR_RETURN(const launch::RunInputs inputs,
                       launch::ReadRunInputs(bench, config, *loaded.tokenizer,
                                             loaded.model->head()));
  for (const std::string& warning : inputs.warnings) {
    fprintf(stderr, "%s\n", warning.c_str());
  }
  return launch::MeasureModel(*loaded.model, *loaded.tokenizer, inputs, 0);
}

absl::StatusOr<int> RunEval(const EvalFlags& flags) {
  if (flags.task.empty() && flags.file.empty()) {
    return absl::InvalidArgumentError(
        "sftbench eval: wants --task; see 'sftbench list tasks'");
  }
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

struct GenerateFlags {
  ModelFlags model;
  std::string prompt;
  bool raw = false;
  int64_t max_new_tokens = 64;
  double temperature = 0;
  int64_t top_k = 0;
  double top_p = 1;
  int64_t seed = 0;
  int64_t beams = 1;
  double length_penalty = 1;
  std::vector<std::string> stop;
};

void DeclareGenerate(CLI::App& app, GenerateFlags& flags) {
  DeclareModel(app, flags.model);
  app.add_option("--prompt", flags.prompt, "what to answer")->required();
  app.add_flag("--raw", flags.raw,
               "continue the prompt as it is, no chat template");
  app.add_option("--max-new-tokens", flags.max_new_tokens, "longest answer")
      ->transform(WholeNumber(1));
  app.add_option("--temperature", flags.temperature,
                 "0 = the likeliest token, else sampled")
      ->transform(Number(0));
  app.add_option("--top-k", flags.top_k,
                 "sample of the k likeliest tokens, 0 = all")
      ->transform(WholeNumber(0));
  app.add_option("--top-p", flags.top_p,
                 "sample of the likeliest with this probability")
      ->check(Checked("more than 0, at most 1", [](std::string& text) {
        double share = 0;
        return absl::SimpleAtod(text, &share) && share > 0 && share <= 1;
      }));
  app.add_option("--seed", flags.seed, "of sampled answers")
      ->transform(WholeNumber());
  app.add_option("--beams", flags.beams, "above 1: beam search")
      ->transform(WholeNumber(1, 64));
  app.add_option("--length-penalty", flags.length_penalty,
                 "beams are ranked by log-probability / length^this")
      ->transform(Number());
  AddList(app, "--stop", flags.stop,
          "texts that end an answer, by commas; \\n, \\x2c as in C")
      ->type_name("TEXTS");
  DeclareLoading(app, flags.model);
  DeclareBos(app, flags.model);
}

absl::StatusOr<model::GenerationOptions> GenerationOptionsOf(
    const GenerateFlags& flags, const Tokenizer& tokenizer,
    const std::vector<std::string>& stop_strings) {
  model::GenerationOptions options;
  options.max_new_tokens = flags.max_new_tokens;
  options.temperature = flags.temperature;
  options.top_k = flags.top_k;
  options.top_p = flags.top_p;
  options.seed = flags.seed;
  options.beams = flags.beams;
  options.length_penalty = flags.length_penalty;
  options.stop_ids = eval::StopIds(tokenizer);
  options.stop = eval::StopAt(tokenizer, stop_strings);
  const bool sampled = options.temperature > 0;
  const std::pair<bool, const char*> rules[] = {
      {sampled || (options.top_k == 0 && options.top_p == 1),
       "--top-k and --top-p want a --temperature above 0: without one the "
       "likeliest token is taken"},
      {options.beams == 1 || !sampled,
       "--beams and --temperature exclude each other"},
      {options.beams > 1 || options.length_penalty == 1,
       "--length-penalty wants --beams above 1"},
  };
  for (const auto& [kept, message] : rules) {
    if (!kept) return absl::InvalidArgumentError(message);
  }
  return options;
}

absl::StatusOr<std::vector<std::string>> StopStrings(
    const std::vector<std::string>& written) {
  std::vector<std::string> out;
  for (const std::string& text : written) {
    std::string plain, error;
    if (!absl::CUnescape(text, &plain, &error) || plain.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--stop = '", text, "': ", error.empty() ? "an empty text" : error));
    }
    out.push_back(std::move(plain));
  }
  return out;
}

absl::StatusOr<int> RunGenerate(const GenerateFlags& flags) {
  const std::string& prompt = flags.prompt;
  if (prompt.empty()) {
    return absl::InvalidArgumentError("sftbench generate: wants --prompt TEXT");
  }
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> stops,
                       StopStrings(flags.stop));
  SFT_ASSIGN_OR_RETURN(const launch::LoadedModel loaded,
                       LoadFromFlags(flags.model));
  SFT_RETURN_IF_ERROR(NeedsDecoder(loaded, "generate"));
  const Tokenizer& tokenizer = *loaded.tokenizer;
  SFT_ASSIGN_OR_RETURN(const model::GenerationOptions options,
                       GenerationOptionsOf(flags, tokenizer, stops));
  std::string text = prompt;
  const bool chat = tokenizer.has_chat_template() && !flags.raw;
  if (chat) {
    SFT_ASSIGN_OR_RETURN(text, tokenizer.RenderChat({{"user", prompt}}, true));
  }
  SFT_ASSIGN_OR_RETURN(AddedIds added,
                       data::AddedIdsOfForm(tokenizer, flags.model.bos,
                                            chat ? "chat" : "plain"));
  added.after.clear();  // the text goes on
  const std::vector<int32_t> ids = data::EncodeWhole(tokenizer, text, added);
  if (ids.empty()) return absl::InvalidArgumentError("the prompt is empty");
  const auto answers = loaded.model->Generate({ids}, options);
  const model::ModelInfo& info = loaded.model->info();
  if (std::ssize(answers[0]) < options.max_new_tokens &&
      std::ssize(ids) + std::ssize(answers[0]) >= info.max_positions) {
    fprintf(stderr, "the answer ends at %s's last position, %lld\n",
            loaded.where.name.c_str(),
            static_cast<long long>(info.max_positions));
  }
  for (const std::string& note : info.notes) {
    if (note.starts_with("generation_config.json")) {
      fprintf(stderr, "%s: %s\n", loaded.where.name.c_str(), note.c_str());
    }
  }
  const std::string answer = tokenizer.Decode(answers[0], true);
  printf("%s\n", std::string(eval::CutAtStop(answer, stops)).c_str());
  return kExitGood;
}

struct LogitsFlags {
  ModelFlags model;
};

void DeclareLogits(CLI::App& app, LogitsFlags& flags) {
  DeclareModel(app, flags.model);
  DeclareLoading(app, flags.model);
}

// Logits of every position for a line of ids: for checks against other
// programs.
absl::StatusOr<int> RunLogits(const LogitsFlags& flags) {
  SFT_ASSIGN_OR_RETURN(const launch::LoadedModel loaded,
                       LoadFromFlags(flags.model));
  SFT_RETURN_IF_ERROR(NeedsDecoder(loaded, "logits"));
  Example example;
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
  const at::Tensor h_BTD = loaded.model->HiddenStates(batch);
  const at::Tensor logits_TV =
      loaded.model->Logits(h_BTD.squeeze(0)).to(at::kCPU, at::kDouble);
  for (int64_t t = 0; t < length; ++t) {
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
           .help =
               R"(Answers are scored as lm-evaluation-harness scores them: the ids that prompt and
answer have together, after the tokenizer's own BOS (--bos), without an end of
turn. Every window of text begins with that BOS.
  sftbench eval smollm2-135m-instruct --task rotten_tomatoes --limit 200
  sftbench eval MODEL --task perplexity --file book.txt)"},
          DeclareEval, RunEval),
      MakeCommand(
          {.name = "generate",
           .usage = "generate MODEL --prompt TEXT [--temperature T] "
                    "[--beams N] [--stop TEXT] [--adapter DIR]",
           .summary = "Answer a prompt.",
           .help =
               R"(The prompt goes through the model's chat template, if it has one, unless --raw;
the tokenizer's own BOS stands before it once (--bos). Greedy, unless told
otherwise: --temperature above 0 draws each token (--top-k and --top-p narrow
the draw, --seed repeats it), --beams above 1 searches for the likeliest answer
(--length-penalty above 1 favours long ones). The answer ends at the end of
turn, before the first --stop text, or after --max-new-tokens.
  sftbench generate smollm2-135m-instruct --prompt 'The capital of France?'
  sftbench generate MODEL --prompt 'A poem' --temperature 0.8 --top-p 0.9
  sftbench generate MODEL --prompt 'Q: 2+2? A:' --raw --beams 4 --stop 'Q:,\n')"},
          DeclareGenerate, RunGenerate),
      MakeCommand(
          {.name = "tokenize",
           .usage = "tokenize MODEL [--special]",
           .summary = "Lines of standard input to lines of token ids.",
           .help =
               R"(No special token is added, unless --special: then those that the tokenizer puts
around every text (BOS; see --bos).
  echo 'a  123' | sftbench tokenize smollm2-135m-instruct)"},
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
