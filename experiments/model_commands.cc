// eval, generate, tokenize: one model at a time.

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "absl/flags/declare.h"
#include "absl/flags/flag.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_join.h"
#include "experiments/command_line.h"
#include "experiments/export_command.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/data/added_ids.h"
#include "harness/data/collator.h"
#include "harness/eval/answers.h"
#include "harness/eval/evaluator.h"
#include "harness/launch/run_assembly.h"
#include "harness/launch/run_evaluation.h"
#include "methods/adapter_io.h"

ABSL_DECLARE_FLAG(std::string, out);
ABSL_DECLARE_FLAG(int64_t, seed);
ABSL_FLAG(std::string, task, "", "a listed task, or 'perplexity' with --file");
ABSL_FLAG(std::string, file, "", "a text file to measure perplexity on");
ABSL_FLAG(int64_t, limit, 0, "test rows, or tokens of text; 0 = all");
ABSL_FLAG(bool, json, false, "print JSON");
ABSL_FLAG(std::string, adapter, "", "a PEFT adapter folder to put on");
ABSL_FLAG(std::string, dtype, "",
          "f32 (the default), bf16 or f64; of an export: f32, bf16 or f16, "
          "the checkpoint's own by default");
ABSL_FLAG(std::string, device, "cpu", "cpu or cuda");
ABSL_FLAG(std::string, prompt, "", "what to answer");
ABSL_FLAG(bool, raw, false, "continue the prompt as it is, no chat template");
ABSL_FLAG(std::string, bos, "auto",
          "the token that begins a text: auto (as the tokenizer prescribes), "
          "always, never");
ABSL_FLAG(bool, special, false,
          "with the tokens that the tokenizer puts around a text");
ABSL_FLAG(int64_t, max_new_tokens, 64, "longest answer, in tokens");
ABSL_FLAG(double, temperature, 0, "0 = the likeliest token, else sampled");
ABSL_FLAG(int64_t, top_k, 0, "sample of the k likeliest tokens; 0 = all");
ABSL_FLAG(double, top_p, 1, "sample of the likeliest with this probability");
ABSL_FLAG(int64_t, beams, 1, "above 1: beam search");
ABSL_FLAG(double, length_penalty, 1,
          "beams are ranked by log-probability / length^this");
ABSL_FLAG(std::vector<std::string>, stop, {},
          "texts that end an answer, by commas; \\n, \\x2c as in C");
ABSL_FLAG(int64_t, window, 512, "tokens a window of text");

namespace sft::experiments {
namespace {

spec::RunConfig ConfigOfFlags() {
  spec::RunConfig config;
  if (const std::string dtype = absl::GetFlag(FLAGS_dtype); !dtype.empty()) {
    config.dtype = dtype;
  }
  config.device = absl::GetFlag(FLAGS_device);
  config.bos = absl::GetFlag(FLAGS_bos);
  return config;
}

absl::StatusOr<launch::LoadedModel> LoadFromFlags(const std::string& name) {
  spec::RunConfig config = ConfigOfFlags();
  SFT_RETURN_IF_ERROR(ReadFields(
      {{"dtype", config.dtype}, {"device", config.device}, {"bos", config.bos}},
      config));
  config.model = name;
  SFT_ASSIGN_OR_RETURN(launch::LoadedModel loaded,
                       launch::LoadModelOf(TheWorkbench(), config));
  const std::string adapter = absl::GetFlag(FLAGS_adapter);
  if (!adapter.empty()) {
    SFT_RETURN_IF_ERROR(methods::AttachAdapter(*loaded.model, adapter));
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

absl::StatusOr<std::vector<EvalRecord>> Evaluate(
    const launch::LoadedModel& loaded, const std::string& task) {
  const std::string file = absl::GetFlag(FLAGS_file);
  const int64_t limit = absl::GetFlag(FLAGS_limit);
  if (limit < 0) return absl::InvalidArgumentError("--limit wants 0 or more");
  if (task == "perplexity" || !file.empty()) {
    if (file.empty()) {
      return absl::InvalidArgumentError("--task perplexity wants --file TEXT");
    }
    SFT_RETURN_IF_ERROR(NeedsDecoder(loaded, "perplexity"));
    SFT_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
    eval::EvalOptions options;
    options.bos = absl::GetFlag(FLAGS_bos);
    SFT_ASSIGN_OR_RETURN(
        EvalRecord eval,
        eval::EvaluateHeldout(*loaded.model, *loaded.tokenizer, {text},
                              absl::GetFlag(FLAGS_window), limit, "perplexity",
                              options));
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
  spec::RunConfig config = ConfigOfFlags();
  config.evaluate = {task};
  config.test_limit = limit;
  if (limit > 0) config.validation_limit = limit;
  config.heldout_tokens = limit > 0 ? limit : config.heldout_tokens;
  config.heldout_window = absl::GetFlag(FLAGS_window);
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
  return launch::MeasureModel(*loaded.model, *loaded.tokenizer, inputs, 0);
}

absl::StatusOr<int> RunEval(const std::vector<std::string>& words) {
  const std::string task = absl::GetFlag(FLAGS_task);
  if (task.empty() && absl::GetFlag(FLAGS_file).empty()) {
    return absl::InvalidArgumentError(
        "sftbench eval: wants --task; see 'sftbench list tasks'");
  }
  SFT_ASSIGN_OR_RETURN(const launch::LoadedModel loaded,
                       LoadFromFlags(words[0]));
  SFT_ASSIGN_OR_RETURN(const std::vector<EvalRecord> evals,
                       Evaluate(loaded, task));
  if (!absl::GetFlag(FLAGS_json)) {
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
  out["model"] = words[0];
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

absl::StatusOr<model::GenerationOptions> GenerationFlags(
    const Tokenizer& tokenizer, const std::vector<std::string>& stop_strings) {
  model::GenerationOptions options;
  options.max_new_tokens = absl::GetFlag(FLAGS_max_new_tokens);
  options.temperature = absl::GetFlag(FLAGS_temperature);
  options.top_k = absl::GetFlag(FLAGS_top_k);
  options.top_p = absl::GetFlag(FLAGS_top_p);
  options.seed = absl::GetFlag(FLAGS_seed);
  options.beams = absl::GetFlag(FLAGS_beams);
  options.length_penalty = absl::GetFlag(FLAGS_length_penalty);
  options.stop_ids = eval::StopIds(tokenizer);
  options.stop = eval::StopAt(tokenizer, stop_strings);
  const bool sampled = options.temperature > 0;
  const auto finite = [](double x) { return x - x == 0; };
  const std::pair<bool, const char*> rules[] = {
      {options.max_new_tokens >= 1, "--max_new_tokens wants at least 1"},
      {finite(options.temperature) && options.temperature >= 0,
       "--temperature wants 0 or more"},
      {options.top_k >= 0, "--top_k wants 0 or more"},
      {options.top_p > 0 && options.top_p <= 1,
       "--top_p wants more than 0 and at most 1"},
      {sampled || (options.top_k == 0 && options.top_p == 1),
       "--top_k and --top_p want a --temperature above 0: without one the "
       "likeliest token is taken"},
      {options.beams >= 1 && options.beams <= 64,
       "--beams wants a number from 1 to 64"},
      {options.beams == 1 || !sampled,
       "--beams and --temperature exclude each other"},
      {finite(options.length_penalty), "--length_penalty wants a number"},
      {options.beams > 1 || options.length_penalty == 1,
       "--length_penalty wants --beams above 1"},
  };
  for (const auto& [kept, message] : rules) {
    if (!kept) return absl::InvalidArgumentError(message);
  }
  return options;
}

absl::StatusOr<std::vector<std::string>> StopStrings() {
  std::vector<std::string> out;
  for (const std::string& text : absl::GetFlag(FLAGS_stop)) {
    std::string plain, error;
    if (!absl::CUnescape(text, &plain, &error) || plain.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--stop = '", text, "': ", error.empty() ? "an empty text" : error));
    }
    out.push_back(std::move(plain));
  }
  return out;
}

absl::StatusOr<int> RunGenerate(const std::vector<std::string>& words) {
  const std::string prompt = absl::GetFlag(FLAGS_prompt);
  if (prompt.empty()) {
    return absl::InvalidArgumentError("sftbench generate: wants --prompt TEXT");
  }
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> stops, StopStrings());
  SFT_ASSIGN_OR_RETURN(const launch::LoadedModel loaded,
                       LoadFromFlags(words[0]));
  SFT_RETURN_IF_ERROR(NeedsDecoder(loaded, "generate"));
  const Tokenizer& tokenizer = *loaded.tokenizer;
  SFT_ASSIGN_OR_RETURN(const model::GenerationOptions options,
                       GenerationFlags(tokenizer, stops));
  std::string text = prompt;
  const bool chat = tokenizer.has_chat_template() && !absl::GetFlag(FLAGS_raw);
  if (chat) {
    SFT_ASSIGN_OR_RETURN(text, tokenizer.RenderChat({{"user", prompt}}, true));
  }
  SFT_ASSIGN_OR_RETURN(AddedIds added,
                       data::AddedIdsOfForm(tokenizer, absl::GetFlag(FLAGS_bos),
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

// Logits of every position for a line of ids: for checks against other
// programs.
absl::StatusOr<int> RunLogits(const std::vector<std::string>& words) {
  SFT_ASSIGN_OR_RETURN(const launch::LoadedModel loaded,
                       LoadFromFlags(words[0]));
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

absl::StatusOr<int> RunTokenize(const std::vector<std::string>& words) {
  SFT_ASSIGN_OR_RETURN(
      const model::ModelLocation where,
      model::LocateModel(words[0], TheWorkbench().folders.assets));
  SFT_ASSIGN_OR_RETURN(const std::unique_ptr<Tokenizer> tokenizer,
                       launch::LoadTokenizerOf(where));
  AddedIds added;
  if (absl::GetFlag(FLAGS_special)) {
    SFT_ASSIGN_OR_RETURN(
        added, data::AddedIdsOf(*tokenizer, absl::GetFlag(FLAGS_bos)));
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
      {.name = "eval",
       .usage = "eval MODEL --task T [--file TEXT] [--limit N] [--json] "
                "[--adapter DIR]",
       .summary = "Measure one model on one task.",
       .help =
           "Answers are scored as lm-evaluation-harness scores them: the ids\n"
           "that prompt and answer have together, after the tokenizer's own\n"
           "BOS (--bos), without an end of turn. Every window of text begins\n"
           "with that BOS.\n"
           "  sftbench eval smollm2-135m-instruct --task rotten_tomatoes "
           "--limit 200\n"
           "  sftbench eval MODEL --task perplexity --file book.txt",
       .flags = {"task", "file", "limit", "json", "adapter", "dtype", "device",
                 "window", "bos"},
       .min_words = 1,
       .max_words = 1,
       .run = RunEval},
      {.name = "generate",
       .usage = "generate MODEL --prompt TEXT [--temperature T] [--beams N] "
                "[--stop TEXT] [--adapter DIR]",
       .summary = "Answer a prompt.",
       .help =
           "The prompt goes through the model's chat template, if it has\n"
           "one, unless --raw; the tokenizer's own BOS stands before it once\n"
           "(--bos). Greedy, unless told otherwise: --temperature\n"
           "above 0 draws each token (--top_k and --top_p narrow the draw,\n"
           "--seed repeats it), --beams above 1 searches for the likeliest\n"
           "answer (--length_penalty above 1 favours long ones). The answer\n"
           "ends at the end of turn, before the first --stop text, or after\n"
           "--max_new_tokens.\n"
           "  sftbench generate smollm2-135m-instruct --prompt 'What is the "
           "capital of France?'\n"
           "  sftbench generate MODEL --prompt 'A poem' --temperature 0.8 "
           "--top_p 0.9 --seed 1\n"
           "  sftbench generate MODEL --prompt 'Q: 2+2? A:' --raw --beams 4 "
           "--stop 'Q:,\\n'",
       .flags = {"prompt", "raw", "bos", "max_new_tokens", "temperature",
                 "top_k", "top_p", "seed", "beams", "length_penalty", "stop",
                 "adapter", "dtype", "device"},
       .min_words = 1,
       .max_words = 1,
       .run = RunGenerate},
      {.name = "tokenize",
       .usage = "tokenize MODEL [--special]",
       .summary = "Lines of standard input to lines of token ids.",
       .help = "No special token is added, unless --special: then those that\n"
               "the tokenizer puts around every text (BOS; see --bos).\n"
               "  echo 'a  123' | sftbench tokenize smollm2-135m-instruct",
       .flags = {"special", "bos"},
       .min_words = 1,
       .max_words = 1,
       .run = RunTokenize},
      {.name = "logits",
       .usage = "logits MODEL [--adapter DIR]",
       .summary = "A line of token ids to a line of logits a position.",
       .help = "",
       .flags = {"adapter", "dtype", "device"},
       .min_words = 1,
       .max_words = 1,
       .run = RunLogits,
       .hidden = true},
      ExportCommand(),
  };
}

}  // namespace sft::experiments
