// Rows as token ids: prompt ids + answer ids + end of turn. Each part is
// encoded on its own, so that generation and label scoring continue exactly
// the ids that training saw.
#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "harness/core/status.h"
#include "harness/data/dataset.h"
#include "harness/data/render_head.h"

namespace sft {
namespace {

constexpr char kTurnSeparator[] = "\n\n";  // of turns in the plain form

// Ids, and for each whether an answer's loss falls on it.
struct Tokens {
  std::vector<int32_t> ids;
  std::vector<bool> target;

  void Append(const std::vector<int32_t>& more, bool is_target) {
    ids.insert(ids.end(), more.begin(), more.end());
    target.insert(target.end(), more.size(), is_target);
  }
  int64_t size() const { return static_cast<int64_t>(ids.size()); }
};

std::optional<int32_t> EndOfTurn(const Tokenizer& tokenizer) {
  const std::optional<int32_t> id = tokenizer.end_of_turn_id();
  return id ? id : tokenizer.eos_id();
}

std::string EndOfTurnText(const Tokenizer& tokenizer) {
  const std::optional<int32_t> id = EndOfTurn(tokenizer);
  return id ? tokenizer.Decode({*id}, /*skip_special_tokens=*/false) : "";
}

// What an answer's text is when it is encoded.
std::string AnswerText(const std::string& answer, bool chat) {
  return chat ? answer : " " + answer;
}

void AppendAnswer(const std::string& answer, bool chat, bool is_target,
                  const Tokenizer& tokenizer, Tokens& out) {
  out.Append(tokenizer.Encode(AnswerText(answer, chat)), is_target);
  if (const std::optional<int32_t> id = EndOfTurn(tokenizer)) {
    out.Append({*id}, is_target);
  }
}

// The turns before the answer as text and answers, one after another.
Tokens PlainPrompt(const std::vector<ChatTurn>& turns, bool loss_on_answers,
                   const Tokenizer& tokenizer) {
  Tokens out;
  std::string text;
  for (size_t i = 0; i < turns.size(); ++i) {
    if (turns[i].role == "assistant") {
      if (!text.empty()) out.Append(tokenizer.Encode(text), false);
      text.clear();
      AppendAnswer(turns[i].content, false, loss_on_answers, tokenizer, out);
      continue;
    }
    if (i > 0) text += kTurnSeparator;
    text += turns[i].content;
  }
  // The answer brings the space before it.
  while (!text.empty() && text.back() == ' ') text.pop_back();
  if (!text.empty()) out.Append(tokenizer.Encode(text), false);
  return out;
}

// `rendered` holds `answer` and the end of turn at `begin`?
absl::Status CheckAnswerAt(const std::string& rendered, size_t begin,
                           const std::string& answer,
                           const std::string& end_of_turn) {
  if (rendered.size() < begin ||
      !absl::StartsWith(rendered.substr(begin), answer + end_of_turn)) {
    return absl::InvalidArgumentError(
        "the chat template does not write the answer and the end of turn "
        "right after the generation prompt");
  }
  return absl::OkStatus();
}

absl::StatusOr<Tokens> ChatPrompt(const std::vector<ChatTurn>& turns,
                                  bool loss_on_answers,
                                  const Tokenizer& tokenizer) {
  SFT_ASSIGN_OR_RETURN(const std::string whole,
                       tokenizer.RenderChat(turns, true));
  Tokens out;
  size_t cursor = 0;
  if (loss_on_answers) {
    const std::string end_of_turn = EndOfTurnText(tokenizer);
    for (size_t i = 0; i < turns.size(); ++i) {
      if (turns[i].role != "assistant") continue;
      const std::vector<ChatTurn> before(turns.begin(), turns.begin() + i);
      SFT_ASSIGN_OR_RETURN(const std::string prefix,
                           tokenizer.RenderChat(before, true));
      if (prefix.size() < cursor || !absl::StartsWith(whole, prefix)) {
        return absl::InvalidArgumentError(
            "the chat template rewrites earlier turns: loss_on: all_assistant "
            "cannot place its targets");
      }
      SFT_RETURN_IF_ERROR(
          CheckAnswerAt(whole, prefix.size(), turns[i].content, end_of_turn));
      out.Append(tokenizer.Encode(whole.substr(cursor, prefix.size() - cursor)),
                 false);
      AppendAnswer(turns[i].content, true, true, tokenizer, out);
      cursor = prefix.size() + turns[i].content.size() + end_of_turn.size();
    }
  }
  out.Append(tokenizer.Encode(whole.substr(cursor)), false);
  return out;
}

// Drops the middle of `tokens` so that `keep` are left; returns how many.
int64_t CutMiddle(int64_t keep, Tokens& tokens) {
  if (tokens.size() <= keep) return 0;
  const int64_t cut = tokens.size() - keep;
  const int64_t head = keep / 2;
  tokens.ids.erase(tokens.ids.begin() + head, tokens.ids.begin() + head + cut);
  tokens.target.erase(tokens.target.begin() + head,
                      tokens.target.begin() + head + cut);
  return cut;
}

// One call's choices, worked out once.
struct Renderer {
  const Task& task;
  const Tokenizer& tokenizer;
  bool chat = false;
  bool all_answers = false;
  bool loss_on_prompt = false;
  int64_t max_length = 0;
  int64_t shared_room = 0;  // tokens kept for any row's answer; 0 = none
  std::string system_prompt = {};

  static absl::StatusOr<Renderer> Make(const Task& task,
                                       const Tokenizer& tokenizer,
                                       const RenderOptions& options) {
    Renderer r{task, tokenizer};
    SFT_ASSIGN_OR_RETURN(const std::string form,
                         EffectiveForm(task, tokenizer, options));
    r.chat = form == "chat";
    if (options.loss_on != "last" && options.loss_on != "all_assistant") {
      return InputError("loss_on", absl::StrCat("'", options.loss_on,
                                                "' is neither 'last' nor "
                                                "'all_assistant'"));
    }
    r.all_answers = options.loss_on == "all_assistant";
    if (options.loss_on_prompt != 0 && options.loss_on_prompt != 1) {
      return InputError("loss_on_prompt",
                        absl::StrCat(options.loss_on_prompt,
                                     " is neither 0 (answers only) nor 1 "
                                     "(every token)"));
    }
    r.loss_on_prompt = options.loss_on_prompt == 1;
    r.system_prompt = options.system_prompt;
    r.max_length = options.max_length;
    if (r.max_length < 2) {
      return InputError("max_length",
                        absl::StrCat(r.max_length, " tokens hold no target"));
    }
    r.shared_room = options.answer_room;
    if (task.kind == TaskKind::kClassification) {
      r.shared_room = std::max(r.shared_room, r.RoomFor(task.labels));
    } else if (task.kind == TaskKind::kGeneration ||
               task.kind == TaskKind::kQuestionAnswering ||
               task.kind == TaskKind::kTokenLabels) {
      r.shared_room = std::max(r.shared_room, task.max_new_tokens);
    }
    SFT_RETURN_IF_ERROR(r.CheckRoom(r.shared_room));
    return r;
  }

  // The longest of `answers` with its end of turn: the same room for every
  // choice, for a prompt's ids must not depend on the answer.
  int64_t RoomFor(const std::vector<std::string>& answers) const {
    int64_t room = 0;
    for (const std::string& answer : answers) {
      const auto ids = tokenizer.Encode(AnswerText(answer, chat));
      room = std::max(room, static_cast<int64_t>(ids.size()));
    }
    return room + EndOfTurn(tokenizer).has_value();
  }

  absl::Status CheckRoom(int64_t room) const {
    if (room == 0 || max_length - room >= 2) return absl::OkStatus();
    return InputError(
        "max_length",
        absl::StrCat(max_length, " tokens leave ", max_length - room,
                     " for the prompts of ", task.name,
                     ", whose answers take up to ", room));
  }

  // Tokens kept for the answer of `row`; 0 = its prompt is not cut.
  int64_t Room(const Row& row) const {
    if (task.kind == TaskKind::kMultipleChoice) {
      return std::max(shared_room, RoomFor(row.choices));
    }
    if (task.kind == TaskKind::kLastWord && !row.turns.empty()) {
      return std::max(shared_room, RoomFor({row.turns.back().content}));
    }
    return shared_room;
  }

  // The row's turns, with the system prompt where they have none.
  std::vector<ChatTurn> TurnsOf(const Row& row) const {
    std::vector<ChatTurn> turns = row.turns;
    if (!system_prompt.empty() &&
        (turns.empty() || turns.front().role != "system")) {
      turns.insert(turns.begin(), {"system", system_prompt});
    }
    return turns;
  }

  // The prompt of a row; `cut` counts the tokens left out.
  absl::StatusOr<Tokens> Prompt(const Row& row, int64_t* cut) const {
    std::vector<ChatTurn> turns = TurnsOf(row);
    if (!turns.empty() && turns.back().role == "assistant") turns.pop_back();
    Tokens tokens;
    if (chat) {
      SFT_ASSIGN_OR_RETURN(tokens, ChatPrompt(turns, all_answers, tokenizer));
    } else {
      tokens = PlainPrompt(turns, all_answers, tokenizer);
    }
    const int64_t room = Room(row);
    SFT_RETURN_IF_ERROR(CheckRoom(room));
    *cut = room > 0 ? CutMiddle(max_length - room, tokens) : 0;
    return tokens;
  }

  absl::Status CheckRow(const Row& row) const {
    if (row.turns.empty() || row.turns.back().role != "assistant") {
      return absl::InvalidArgumentError("the last turn is no assistant's");
    }
    const std::string& answer = row.turns.back().content;
    if (answer.empty()) return absl::InvalidArgumentError("empty answer");
    if (task.kind == TaskKind::kClassification) {
      const int64_t labels = static_cast<int64_t>(task.labels.size());
      if (row.label < 0 || row.label >= labels ||
          task.labels[row.label] != answer) {
        return absl::InvalidArgumentError(
            absl::StrCat("label ", row.label, " with the answer '", answer,
                         "' is none of the task's ", labels));
      }
    }
    if (chat) {
      const std::vector<ChatTurn> turns = TurnsOf(row);
      const std::vector<ChatTurn> before(turns.begin(), turns.end() - 1);
      SFT_ASSIGN_OR_RETURN(const std::string prompt,
                           tokenizer.RenderChat(before, true));
      SFT_ASSIGN_OR_RETURN(const std::string whole,
                           tokenizer.RenderChat(turns, false));
      if (!absl::StartsWith(whole, prompt)) {
        return absl::InvalidArgumentError(
            "the chat template writes another prompt with the answer than "
            "without");
      }
      SFT_RETURN_IF_ERROR(CheckAnswerAt(whole, prompt.size(), answer,
                                        EndOfTurnText(tokenizer)));
    }
    return absl::OkStatus();
  }

  // Adds the row to `out`, or says why not.
  absl::Status Add(const Row& row, RenderedRows& out) const {
    SFT_RETURN_IF_ERROR(CheckRow(row));
    int64_t cut = 0;
    SFT_ASSIGN_OR_RETURN(Tokens tokens, Prompt(row, &cut));
    const int64_t prompt_tokens = tokens.size();
    AppendAnswer(row.turns.back().content, chat, true, tokenizer, tokens);
    if (tokens.size() > max_length) {
      cut += tokens.size() - max_length;
      tokens.ids.resize(max_length);
      tokens.target.resize(max_length);
    }
    Example example;
    example.row_id = row.id;
    example.labels.assign(tokens.ids.size(), kNoLoss);
    // Nothing precedes the first token.
    for (size_t t = 1; t < tokens.ids.size(); ++t) {
      if (tokens.target[t] || loss_on_prompt) {
        example.labels[t] = tokens.ids[t];
      }
    }
    const bool any_target =
        std::find(tokens.target.begin() + 1, tokens.target.end(), true) !=
        tokens.target.end();
    if (!any_target) {
      return absl::InvalidArgumentError(
          absl::StrCat("no target token is left: a prompt of ", prompt_tokens,
                       " tokens, max_length ", max_length));
    }
    example.input_ids = std::move(tokens.ids);
    out.examples.push_back(std::move(example));
    out.labels.push_back(row.label);
    out.truncated_rows += cut > 0;
    out.truncated_tokens += cut;
    return absl::OkStatus();
  }
};

}  // namespace

absl::StatusOr<std::string> EffectiveForm(const Task& task,
                                          const Tokenizer& tokenizer,
                                          const RenderOptions& options) {
  std::string form = options.form;
  if (form == "auto") {
    form = tokenizer.has_chat_template() ? task.default_form : "plain";
  }
  if (form != "plain" && form != "chat") {
    return InputError("prompt_form", absl::StrCat("'", form,
                                                  "' is none of auto, plain, "
                                                  "chat"));
  }
  if (form == "chat" && !tokenizer.has_chat_template()) {
    return InputError("prompt_form",
                      "chat is asked for, but the model has no chat template; "
                      "'plain' needs none");
  }
  return form;
}

absl::StatusOr<RenderedRows> RenderRows(const std::vector<Row>& rows,
                                        const Task& task,
                                        const Tokenizer& tokenizer,
                                        const RenderOptions& options) {
  RenderedRows out;
  if (options.head != HeadKind::kNextToken) {
    out = RenderHeadRows(rows, task, tokenizer, options);
  } else {
    SFT_ASSIGN_OR_RETURN(const Renderer renderer,
                         Renderer::Make(task, tokenizer, options));
    for (const Row& row : rows) {
      const absl::Status status = renderer.Add(row, out);
      if (!status.ok()) {
        out.refused.push_back({absl::StrCat(task.name, ": row ", row.id),
                               ToStd(status.message())});
      }
    }
  }
  if (out.examples.empty() && !rows.empty()) {
    return InputError(
        out.refused.front().where,
        absl::StrCat(out.refused.front().reason, " (and none of the ",
                     rows.size(), " rows can be used)"));
  }
  return out;
}

absl::StatusOr<std::vector<int32_t>> RenderPrompt(const Row& row,
                                                  const Task& task,
                                                  const Tokenizer& tokenizer,
                                                  const RenderOptions& options,
                                                  int64_t* cut_tokens) {
  SFT_ASSIGN_OR_RETURN(const Renderer renderer,
                       Renderer::Make(task, tokenizer, options));
  int64_t cut = 0;
  SFT_ASSIGN_OR_RETURN(Tokens tokens, renderer.Prompt(row, &cut));
  if (cut_tokens != nullptr) *cut_tokens = cut;
  return std::move(tokens.ids);
}

std::vector<int32_t> RenderAnswer(const std::string& answer, const Task& task,
                                  const Tokenizer& tokenizer,
                                  const RenderOptions& options) {
  const absl::StatusOr<std::string> form =
      EffectiveForm(task, tokenizer, options);
  return tokenizer.Encode(AnswerText(answer, form.ok() && *form == "chat"));
}

}  // namespace sft
