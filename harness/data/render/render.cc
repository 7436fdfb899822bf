// Rows as token ids: the joined text is encoded, and cut where its answer
// begins, so that generation and scoring continue the ids that training saw.
#include "harness/data/render/render.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "absl/strings/match.h"
#include "harness/core/status.h"
#include "harness/core/stop_point.h"
#include "harness/core/utf8.h"
#include "harness/data/added_ids.h"
#include "harness/data/render/render_head.h"
#include "harness/data/row_text.h"
#include "harness/data/tasks/task_kind.h"

namespace sft::data {
namespace {

using Ids = std::vector<int32_t>;

// What Python's str.isspace() holds for space.
bool IsSpace(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 ||
         c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

// Takes the white space off the end of `text` and returns it.
std::string TakeSpace(std::string& text) {
  size_t end = text.size();
  while (end > 0) {
    size_t begin = end - 1;
    while (begin > 0 && (text[begin] & 0xC0) == 0x80) --begin;
    if (!IsSpace(DecodeUtf8At(text, begin).code_point)) break;
    end = begin;
  }
  std::string space = text.substr(end);
  text.resize(end);
  return space;
}

// Drops the middle of `tokens` so that `keep` are left; returns how many.
int64_t CutMiddle(int64_t keep, int64_t kept_head, Tokens& tokens) {
  if (tokens.size() <= keep) return 0;
  const int64_t cut = tokens.size() - keep;
  // What begins every text (BOS) is kept.
  const int64_t head = std::max(keep / 2, std::min(keep, kept_head));
  tokens.ids.erase(tokens.ids.begin() + head, tokens.ids.begin() + head + cut);
  tokens.target.erase(tokens.target.begin() + head,
                      tokens.target.begin() + head + cut);
  return cut;
}

// One call's choices, worked out once.
struct Renderer {
  const Task& task;
  const TaskKindRow& kind;
  const Tokenizer& tokenizer;
  PlainText plain;
  ChatText chats;
  bool chat = false;
  bool all_answers = false;
  bool loss_on_prompt = false;
  bool score_end_of_turn = false;
  int64_t max_length = 0;
  int64_t shared_room = 0;  // tokens kept for any row's answer; 0 = none
  int64_t end_tokens = 0;   // of an end of turn
  std::string system_prompt = {};
  AddedIds added = {};

  static absl::StatusOr<Renderer> Make(const Task& task,
                                       const Tokenizer& tokenizer,
                                       const RenderOptions& options) {
    Renderer r{task, KindRow(task.kind), tokenizer, PlainText(tokenizer),
               ChatText(tokenizer)};
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
    r.score_end_of_turn = options.score_end_of_turn;
    r.system_prompt = options.system_prompt;
    SFT_ASSIGN_OR_RETURN(r.added, AddedIdsOfForm(tokenizer, options.bos, form));
    r.max_length = options.max_length;
    if (r.max_length < 2) {
      return InputError("max_length",
                        absl::StrCat(r.max_length, " tokens hold no target"));
    }
    const absl::StatusOr<AnswerFrame> any = r.FrameOf({{"user", "x"}});
    if (any.ok() && any->end_id) {
      r.end_tokens =
          std::max<int64_t>(1, std::ssize(tokenizer.Encode(any->end)));
    }
    r.shared_room = options.answer_room;
    if (const auto answers = r.kind.decoder.task_answers; answers != nullptr) {
      r.shared_room = std::max(r.shared_room, r.RoomFor(answers(task)));
    }
    if (r.kind.generates) {
      r.shared_room = std::max(r.shared_room, task.max_new_tokens);
    }
    SFT_RETURN_IF_ERROR(r.CheckRoom(r.shared_room));
    return r;
  }

  absl::StatusOr<AnswerFrame> FrameOf(const std::vector<ChatTurn>& before,
                                      const std::string& variables = "") const {
    if (chat) return chats.Frame(before, variables);
    return plain.Frame(before);
  }

  // The longest of `answers` with its end of turn: the same room for every
  // choice, for a prompt's ids must not depend on the answer.
  int64_t RoomFor(const std::vector<std::string>& answers) const {
    int64_t room = 0;
    for (const std::string& answer : answers) {
      const Ids ids = tokenizer.Encode(chat ? answer : " " + answer);
      room = std::max(room, std::ssize(ids));
    }
    return room + end_tokens;
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
    if (kind.decoder.row_answers == nullptr) return shared_room;
    const auto answers = kind.decoder.row_answers(row);
    return answers ? std::max(shared_room, RoomFor(*answers)) : shared_room;
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
  // Those before the answer.
  std::vector<ChatTurn> PromptTurnsOf(const Row& row) const {
    std::vector<ChatTurn> turns = TurnsOf(row);
    if (!turns.empty() && turns.back().role == "assistant") turns.pop_back();
    return turns;
  }

  // Ids of a text from its beginning on, BOS before them.
  Tokens Encode(const RowText& text) const {
    Tokens tokens = EncodeRow(tokenizer, text);
    if (!BeginsWith(tokens.ids, added.before)) {
      tokens.ids.insert(tokens.ids.begin(), added.before.begin(),
                        added.before.end());
      tokens.target.insert(tokens.target.begin(), added.before.size(), false);
      tokens.last_answer += std::ssize(added.before);
    }
    return tokens;
  }
  // Cuts a prompt so that `room` tokens are left; how many it lost.
  int64_t Cut(int64_t room, Tokens& prompt) const {
    if (room == 0) return 0;
    return CutMiddle(max_length - room, std::ssize(added.before), prompt);
  }

  // The prompt of a row; `cut` counts the tokens left out.
  absl::StatusOr<Tokens> Prompt(const Row& row, int64_t* cut) const {
    SFT_ASSIGN_OR_RETURN(const AnswerFrame frame,
                         FrameOf(PromptTurnsOf(row), row.chat_variables));
    Tokens tokens = Encode(frame.before);
    const int64_t room = Room(row);
    SFT_RETURN_IF_ERROR(CheckRoom(room));
    *cut = Cut(room, tokens);
    return tokens;
  }

  absl::StatusOr<RenderedAnswers> Answers(
      const Row& row, const std::vector<std::string>& answers) const {
    SFT_ASSIGN_OR_RETURN(AnswerFrame frame,
                         FrameOf(PromptTurnsOf(row), row.chat_variables));
    std::string& lead = frame.lead;
    if (!chat && !score_end_of_turn && frame.before.ids.empty()) {
      lead = TakeSpace(frame.before.text) + lead;
    }
    const Tokens context = Encode(frame.before);
    std::vector<Tokens> prompts;
    RenderedAnswers out;
    int64_t room = Room(row);
    for (const std::string& answer : answers) {
      RowText text = frame.before;
      absl::StrAppend(&text.text, lead, answer);
      if (score_end_of_turn) {
        text.text += frame.end;
        if (frame.end.empty() && frame.end_id) {
          text.ids.emplace_back(text.text.size(), *frame.end_id);
        }
        text.answers = {{frame.before.text.size(), text.text.size()}};
      }
      Tokens whole = Encode(text);
      const int64_t begin = std::min(
          whole.size(), score_end_of_turn ? whole.last_answer : context.size());
      out.answers.emplace_back(whole.ids.begin() + begin, whole.ids.end());
      if (answer.empty() || out.answers.back().empty()) {
        return absl::InvalidArgumentError(
            absl::StrCat("the answer '", answer, "' has no token"));
      }
      room = std::max(room, std::ssize(out.answers.back()));
      prompts.push_back(context);
      if (score_end_of_turn) {
        whole.ids.resize(begin);
        whole.target.resize(begin);
        prompts.back() = std::move(whole);
      }
    }
    SFT_RETURN_IF_ERROR(CheckRoom(room));
    for (Tokens& prompt : prompts) {
      if (prompt.ids.empty()) {
        return absl::InvalidArgumentError("an empty prompt");
      }
      Cut(room, prompt);
      out.prompts.push_back(std::move(prompt.ids));
    }
    return out;
  }

  absl::Status CheckRow(const Row& row) const {
    if (row.turns.empty() || row.turns.back().role != "assistant") {
      return absl::InvalidArgumentError("the last turn is no assistant's");
    }
    const ChatTurn& answer = row.turns.back();
    if (answer.content.empty() && (answer.message.empty() || !chat)) {
      return absl::InvalidArgumentError("empty answer");
    }
    if (kind.decoder.check != nullptr) return kind.decoder.check(row, task);
    return absl::OkStatus();
  }

  // Ids of the whole row, or of its answers' rows; last_answer holds how many
  // are the prompt's.
  absl::StatusOr<std::vector<Tokens>> Whole(const Row& row) const {
    std::vector<Tokens> out;
    if (chat) {
      SFT_ASSIGN_OR_RETURN(
          const std::vector<RowText> texts,
          chats.Whole(TurnsOf(row), all_answers, row.chat_variables));
      for (const RowText& text : texts) out.push_back(Encode(text));
      return out;
    }
    Tokens tokens = Encode(plain.Whole(TurnsOf(row), all_answers));
    for (size_t i = 0; i < added.after.size(); ++i) {
      // The end of turn may be what the tokenizer ends every text with.
      if (i == 0 && tokens.ids.back() == added.after[0]) continue;
      tokens.Append(added.after[i], true);
    }
    out.push_back(std::move(tokens));
    return out;
  }

  // Adds the row to `out`, or says why not.
  absl::Status Add(const Row& row, RenderedRows& out) const {
    SFT_RETURN_IF_ERROR(CheckRow(row));
    SFT_ASSIGN_OR_RETURN(const std::vector<Tokens> wholes, Whole(row));
    absl::Status status;
    size_t added_examples = 0;
    for (const Tokens& whole : wholes) {
      const absl::Status one = AddExample(row, whole, out);
      if (one.ok()) {
        ++added_examples;
      } else {
        status = one;
      }
    }
    out.rows_in_parts += wholes.size() > 1;
    // Of a row in parts those that are too long are left out.
    return added_examples > 0 ? absl::OkStatus() : status;
  }

  absl::Status AddExample(const Row& row, const Tokens& whole,
                          RenderedRows& out) const {
    const int64_t room = Room(row);
    SFT_RETURN_IF_ERROR(CheckRoom(room));
    Tokens tokens = whole;
    tokens.ids.resize(whole.last_answer);
    tokens.target.resize(whole.last_answer);
    int64_t cut = Cut(room, tokens);
    const int64_t prompt_tokens = tokens.size();
    for (int64_t t = whole.last_answer; t < whole.size(); ++t) {
      tokens.Append(whole.ids[t], whole.target[t]);
    }
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
      StopPoint();
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

absl::StatusOr<RenderedAnswers> RenderAnswers(
    const Row& row, const std::vector<std::string>& answers, const Task& task,
    const Tokenizer& tokenizer, const RenderOptions& options) {
  SFT_ASSIGN_OR_RETURN(const Renderer renderer,
                       Renderer::Make(task, tokenizer, options));
  return renderer.Answers(row, answers);
}

}  // namespace sft::data
