#include "experiments/chat_session.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "harness/core/status.h"
#include "harness/core/stop_point.h"
#include "harness/core/utf8.h"
#include "harness/data/added_ids.h"
#include "harness/data/render/render.h"
#include "harness/model/generate/generate.h"

namespace sft::experiments {
namespace {

using Ids = std::vector<int32_t>;

// Tokens that a conversation's cache has room for at first.
constexpr int64_t kRoomTokens = 2048;
// What a tokenizer writes for bytes that are no character, or none as yet.
constexpr char kReplacement[] = "\uFFFD";

}  // namespace

std::string TokenStream::Next(const Ids& ids, bool ended) {
  std::string text = tokenizer_.Decode(ids, /*skip_special_tokens=*/true);
  absl::string_view sure = ToAbsl(text);
  // A character has at most four bytes, and the last of them is missing.
  while (!ended && absl::EndsWith(sure, kReplacement)) {
    sure.remove_suffix(sizeof(kReplacement) - 1);
  }
  // A decoder may change its mind of what it wrote (of spaces before a word):
  // what is shown stays, and the rest comes once it agrees, or at the end.
  if (!ended && !absl::StartsWith(sure, shown_)) return "";
  std::string next(sure.substr(std::min(sure.size(), shown_.size())));
  shown_ = std::string(sure);
  return next;
}

ChatSession::ChatSession(model::Model& model, const Tokenizer& tokenizer,
                         ChatOptions options)
    : model_(model),
      tokenizer_(tokenizer),
      options_(std::move(options)),
      reader_(model.MakeReader(), kRoomTokens) {}

std::vector<ChatTurn> ChatSession::With(const std::string& system,
                                        const std::string& text) const {
  std::vector<ChatTurn> turns = turns_;
  if (!system.empty()) turns.insert(turns.begin(), {"system", system});
  turns.push_back({"user", text});
  return turns;
}

absl::StatusOr<Ids> ChatSession::PromptOf(
    const std::vector<ChatTurn>& turns) const {
  data::Task task;
  task.name = "chat";
  data::RenderOptions render;
  render.form = options_.form;
  render.bos = options_.bos;
  // What is too long is said, and not cut.
  render.max_length = std::numeric_limits<int32_t>::max();
  SFT_ASSIGN_OR_RETURN(const std::string form,
                       data::EffectiveForm(task, tokenizer_, render));
  if (form == "plain" || options_.as_trained) {
    data::Row row;
    row.turns = turns;
    return data::RenderPrompt(row, task, tokenizer_, render);
  }
  SFT_ASSIGN_OR_RETURN(const std::string text,
                       tokenizer_.RenderChat(turns, true));
  SFT_ASSIGN_OR_RETURN(AddedIds added,
                       data::AddedIdsOfForm(tokenizer_, options_.bos, form));
  added.after.clear();  // the text goes on
  return data::EncodeWhole(tokenizer_, text, added);
}

absl::Status ChatSession::SetSystem(const std::string& text) {
  SFT_RETURN_IF_ERROR(PromptOf(With(text, "x")).status());
  system_ = text;
  return absl::OkStatus();
}

absl::Status ChatSession::Say(
    const std::string& text,
    const std::function<void(const std::string&)>& show,
    const std::function<bool()>& stopped) {
  cut_short_.clear();
  SFT_ASSIGN_OR_RETURN(const Ids prompt, PromptOf(With(system_, text)));
  prompt_tokens_ = std::ssize(prompt);
  if (prompt.empty()) return absl::InvalidArgumentError("an empty prompt");
  const int64_t reach = reader_.Reach();
  if (prompt_tokens_ >= reach) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the conversation has ", prompt_tokens_, " tokens, and the model ",
        reach, " positions: /reset begins anew"));
  }
  TokenStream stream(tokenizer_);
  Ids answer;
  bool was_stopped = false;
  model::GenerationOptions generation = options_.generation;
  generation.streams = {answers_++};
  generation.stop = [&](const Ids& ids) {
    answer = ids;
    show(stream.Next(ids, /*ended=*/false));
    was_stopped = was_stopped || stopped();
    return was_stopped;
  };
  const absl::Status status = RunStoppable(stopped, [&] {
    answer = model::GenerateBy(reader_, {prompt}, generation)[0];
    return absl::OkStatus();
  });
  if (!status.ok()) {
    // Broken off in the middle of a step: what was read is not to be trusted.
    reader_.Forget();
    if (!absl::IsAborted(status)) return status;
    was_stopped = true;
  }
  show(stream.Next(answer, /*ended=*/true));
  const int64_t written = std::ssize(answer);
  if (was_stopped) {
    cut_short_ = "stopped";
  } else if (written >= generation.max_new_tokens) {
    cut_short_ = absl::StrCat("--max-new-tokens ", generation.max_new_tokens);
  } else if (prompt_tokens_ + written >= reach) {
    cut_short_ = absl::StrCat("the model's last position, ", reach);
  }
  absl::string_view said = ToAbsl(stream.shown());
  if (options_.form == "plain" || !tokenizer_.has_chat_template()) {
    // The plain form puts a space before an answer.
    said = absl::StripLeadingAsciiWhitespace(said);
  }
  turns_.push_back({"user", text});
  turns_.push_back({"assistant", std::string(said)});
  return absl::OkStatus();
}

}  // namespace sft::experiments
