#include "experiments/generate_command.h"

#include <cstdio>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "experiments/model_flags.h"
#include "harness/core/status.h"
#include "harness/core/thread_waiting.h"
#include "harness/data/added_ids.h"
#include "harness/eval/answers.h"

namespace sft::experiments {
namespace {

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
  const CrowdWatch watch;
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

}  // namespace

Command GenerateCommand() {
  return MakeCommand({.name = "generate",
                      .usage = "generate MODEL --prompt TEXT [--temperature T] "
                               "[--beams N] [--stop TEXT] [--adapter DIR]",
                      .summary = "Answer a prompt.",
                      .help = R"(
The prompt goes through the model's chat template, if it has one, unless --raw;
the tokenizer's own BOS stands before it once (--bos). Greedy, unless told
otherwise: --temperature above 0 draws each token (--top-k and --top-p narrow
the draw, --seed repeats it), --beams above 1 searches for the likeliest answer
(--length-penalty above 1 favours long ones). The answer ends at the end of
turn, before the first --stop text, or after --max-new-tokens.
  sftbench generate smollm2-135m-instruct --prompt 'The capital of France?'
  sftbench generate MODEL --prompt 'A poem' --temperature 0.8 --top-p 0.9
  sftbench generate MODEL --prompt 'Q: 2+2? A:' --raw --beams 4 --stop 'Q:,\n'
)"},
                     DeclareGenerate, RunGenerate);
}

}  // namespace sft::experiments
