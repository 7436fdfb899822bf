#include "experiments/chat_command.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <iostream>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "experiments/chat_session.h"
#include "experiments/model_flags.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/thread_waiting.h"
#include "harness/core/utf8.h"
#include "harness/eval/answers.h"
#include "harness/launch/trained_run.h"

namespace sft::experiments {
namespace {

struct ChatFlags {
  ModelFlags model;
  std::string system;
  double temperature = 0;
  double top_p = 1;
  int64_t seed = 0;
  int64_t max_new_tokens = 512;
};

void DeclareChat(CLI::App& app, ChatFlags& flags) {
  app.add_option("MODEL", flags.model.model,
                 "a folder, a .gguf file, a name of 'list models', or a run's "
                 "record, DIR/runs/<run_id>.h5")
      ->required();
  app.add_option("--system", flags.system, "the system turn, as by /system")
      ->type_name("TEXT");
  app.add_option("--temperature", flags.temperature,
                 "0 = the likeliest token, else sampled")
      ->transform(Number(0));
  app.add_option("--top-p", flags.top_p,
                 "sample of the likeliest with this probability")
      ->check(Checked("more than 0, at most 1", [](std::string& text) {
        double share = 0;
        return absl::SimpleAtod(text, &share) && share > 0 && share <= 1;
      }));
  app.add_option("--seed", flags.seed, "of sampled answers")
      ->transform(WholeNumber());
  app.add_option("--max-new-tokens", flags.max_new_tokens, "longest answer")
      ->transform(WholeNumber(1));
  DeclareLoading(app, flags.model);
  DeclareBos(app, flags.model);
}

constexpr char kCommands[] =
    "/system TEXT  the system turn from here on; without TEXT none\n"
    "/reset        begin anew, with the system turn\n"
    "/help         this\n"
    "/quit         leave, as the end of the input does\n"
    "A line that begins with // is said with one of them. Ctrl-C stops an\n"
    "answer; a second, or one where none is written, leaves.\n";

// What Ctrl-C does: the first stops an answer, any other leaves.
volatile std::sig_atomic_t g_answering = 0;
volatile std::sig_atomic_t g_stop_asked = 0;

void OnInterrupt(int) {
  if (g_answering != 0 && g_stop_asked == 0) {
    g_stop_asked = 1;
    return;
  }
  const ssize_t ignored = write(STDOUT_FILENO, "\n", 1);
  (void)ignored;
  _exit(kExitInterrupted);
}

// The model that the word names: a run's own, or one that is loaded.
struct Speaker {
  std::optional<launch::TrainedRun> run;
  launch::LoadedModel other;
  ChatOptions options;
  std::string system;

  const launch::LoadedModel& loaded() const {
    return run ? run->loaded : other;
  }
};

// Whether nothing is said but which model.
bool IsPlain(const ModelFlags& flags) {
  ModelFlags plain;
  plain.model = flags.model;
  return flags == plain;
}

absl::StatusOr<Speaker> SpeakerOf(const ChatFlags& flags) {
  Speaker speaker;
  const std::string& name = flags.model.model;
  speaker.options.bos = flags.model.bos;
  if (!absl::EndsWith(name, ".h5")) {
    SFT_ASSIGN_OR_RETURN(speaker.other, LoadFromFlags(flags.model));
  } else if (!IsPlain(flags.model)) {
    return absl::InvalidArgumentError(
        "--adapter, --dtype, --device and --bos are those of the run, where "
        "its record is named");
  } else {
    SFT_ASSIGN_OR_RETURN(speaker.run,
                         launch::OpenTrainedRun(TheWorkbench(), name));
    const spec::RunConfig& config = speaker.run->record.config;
    speaker.options.form = config.prompt_form;
    speaker.options.bos = config.bos;
    speaker.options.as_trained = true;
    speaker.system = config.system_prompt;
  }
  SFT_RETURN_IF_ERROR(NeedsDecoder(speaker.loaded(), "chat"));
  if (!flags.system.empty()) speaker.system = flags.system;
  model::GenerationOptions& generation = speaker.options.generation;
  generation.max_new_tokens = flags.max_new_tokens;
  generation.temperature = flags.temperature;
  generation.top_p = flags.top_p;
  generation.seed = flags.seed;
  generation.stop_ids = eval::StopIds(*speaker.loaded().tokenizer);
  return speaker;
}

void Show(const std::string& text) {
  fwrite(text.data(), 1, text.size(), stdout);
  fflush(stdout);
}

// What to say of a line; nullopt to leave.
class Talk {
 public:
  Talk(ChatSession& session, bool terminal)
      : session_(session), terminal_(terminal) {}

  absl::StatusOr<int> Run() {
    std::string line;
    while (Ask(), std::getline(std::cin, line)) {
      if (!line.empty() && line.back() == '\r') line.pop_back();
      line = SanitizeUtf8(line);
      if (line == "/quit") return kExitGood;
      const absl::Status status = Take(line);
      if (status.ok()) continue;
      // Whoever types reads it and goes on; a script is to notice.
      if (!terminal_) return status;
      fprintf(stderr, "%s\n", ToStd(status.message()).c_str());
    }
    if (terminal_) Show("\n");
    return kExitGood;
  }

 private:
  void Ask() const {
    if (terminal_) Show("> ");
  }

  absl::Status Take(const std::string& line) {
    if (absl::StartsWith(line, "//")) return Say(line.substr(1));
    if (!absl::StartsWith(line, "/")) {
      return line.empty() && terminal_ ? absl::OkStatus() : Say(line);
    }
    const size_t space = line.find(' ');
    const std::string word = line.substr(0, space);
    const std::string rest(absl::StripAsciiWhitespace(
        space == std::string::npos ? "" : line.substr(space)));
    if (word == "/system") return session_.SetSystem(rest);
    if (!rest.empty() || (word != "/reset" && word != "/help")) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", line,
                       "' is no command: /help shows them, and // "
                       "says a line that begins with /"));
    }
    if (word == "/help") {
      Show(kCommands);
    } else {
      session_.Reset();
    }
    return absl::OkStatus();
  }

  absl::Status Say(const std::string& text) {
    g_stop_asked = 0;
    g_answering = 1;
    const absl::Status status =
        session_.Say(text, Show, [] { return g_stop_asked != 0; });
    g_answering = 0;
    if (!status.ok()) return status;
    Show("\n");
    if (!session_.cut_short().empty()) {
      fprintf(stderr, "(the answer ends here: %s)\n",
              session_.cut_short().c_str());
    }
    return absl::OkStatus();
  }

  ChatSession& session_;
  bool terminal_;
};

absl::StatusOr<int> RunChat(const ChatFlags& flags) {
  if (flags.temperature == 0 && flags.top_p != 1) {
    return absl::InvalidArgumentError(
        "--top-p wants a --temperature above 0: without one the likeliest "
        "token is taken");
  }
  const CrowdWatch watch;
  SFT_ASSIGN_OR_RETURN(const Speaker speaker, SpeakerOf(flags));
  const launch::LoadedModel& loaded = speaker.loaded();
  ChatSession session(*loaded.model, *loaded.tokenizer, speaker.options);
  if (!speaker.system.empty()) {
    SFT_RETURN_IF_ERROR(session.SetSystem(speaker.system));
  }
  const bool terminal = isatty(STDIN_FILENO) != 0;
  if (terminal) {
    fprintf(stderr, "%s%s; /help shows the commands\n",
            loaded.where.name.c_str(),
            loaded.tokenizer->has_chat_template()
                ? ""
                : " has no chat template: turns are joined as plain text");
  }
  struct sigaction action = {};
  action.sa_handler = OnInterrupt;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  return Talk(session, terminal).Run();
}

}  // namespace

Command ChatCommand() {
  return MakeCommand(
      {.name = "chat",
       .usage = "chat MODEL|RUN [--system TEXT] [--temperature T] [--top-p P] "
                "[--seed N] [--max-new-tokens N] [--adapter DIR]",
       .summary = "Talk with a model.",
       .help = R"(
A line is a turn, and its answer is printed as it is written; where the input is
no terminal, too: printf 'Hi\n' | sftbench chat MODEL. Turns go through the
model's chat template; a model without one gets them as plain text. Of a run,
named by its record, prompts are those that it was trained on, with its system
prompt. Greedy, unless --temperature is above 0.
  sftbench chat smollm2-135m-instruct --temperature 0.7 --top-p 0.9
  sftbench chat results/demo/runs/ID.h5
In it:
  /system TEXT  the system turn from here on; without TEXT none
  /reset        begin anew, with the system turn
  /help         show these
  /quit         leave, as the end of the input does
Ctrl-C stops an answer; a second, or one where none is written, leaves.
)",
       .exit_status = "0 good, 2 bad usage or input, 130 interrupted"},
      DeclareChat, RunChat);
}

}  // namespace sft::experiments
