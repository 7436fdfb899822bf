#include "harness/data/row_text.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "harness/core/status.h"
#include "harness/data/clean_text.h"

namespace sft::data {
namespace {

constexpr char kTurnSeparator[] = "\n\n";  // of turns in the plain form

void StripSpaces(std::string& text) {
  while (!text.empty() && text.back() == ' ') text.pop_back();
}

bool IsSpecial(const Tokenizer& tokenizer, int32_t id) {
  return tokenizer.Decode({id}, /*skip_special_tokens=*/true).empty() &&
         !tokenizer.Decode({id}, /*skip_special_tokens=*/false).empty();
}

bool EndsTurns(const Tokenizer& tokenizer, int32_t id) {
  const std::vector<int32_t> stops = tokenizer.stop_ids();
  return std::find(stops.begin(), stops.end(), id) != stops.end();
}

// Bytes of `span`, a token's, through the token itself: an added token may have
// swallowed white space behind it.
size_t OwnSize(const Tokenizer& tokenizer, int32_t id, std::string_view span) {
  const std::string own = tokenizer.Decode({id}, /*skip_special_tokens=*/false);
  const size_t at = own.empty() ? std::string_view::npos : span.find(own);
  return at == std::string_view::npos ? span.size() : at + own.size();
}

// A text that stands in none of `turns`. No template takes its characters,
// which are of no script, for white space or for anything of its own.
std::string MarkFor(const std::vector<ChatTurn>& turns) {
  for (int n = 0;; ++n) {
    std::string mark = absl::StrCat("\uE000", n, "\uE001");
    const bool taken =
        std::any_of(turns.begin(), turns.end(), [&](const ChatTurn& turn) {
          return turn.content.find(mark) != std::string::npos;
        });
    if (!taken) return mark;
  }
}

// What the template writes around the content of turns[index].
absl::StatusOr<std::pair<std::string, std::string>> Around(
    const Tokenizer& tokenizer, std::vector<ChatTurn> turns, size_t index) {
  const std::string mark = MarkFor(turns);
  turns[index].content = mark;
  SFT_ASSIGN_OR_RETURN(
      const std::string text,
      tokenizer.RenderChat(turns, /*add_generation_prompt=*/false));
  const size_t at = text.find(mark);
  if (at == std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the chat template leaves out turn ", index + 1, ", an answer"));
  }
  if (text.find(mark, at + 1) != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the chat template writes turn ", index + 1, ", an answer, twice"));
  }
  return std::make_pair(text.substr(0, at), text.substr(at + mark.size()));
}

}  // namespace

PlainText::PlainText(const Tokenizer& tokenizer) {
  end_id_ = tokenizer.end_of_turn_id();
  if (!end_id_) end_id_ = tokenizer.eos_id();
  if (!end_id_) return;
  end_ = tokenizer.Decode({*end_id_}, /*skip_special_tokens=*/false);
  if (tokenizer.Encode(end_) != std::vector<int32_t>{*end_id_}) end_.clear();
}

void PlainText::AddAnswer(const std::string& answer, bool bears_loss,
                          RowText& out) const {
  StripSpaces(out.text);
  const size_t begin = out.text.size();
  absl::StrAppend(&out.text, " ", answer, end_);
  if (end_.empty() && end_id_) out.ids.emplace_back(out.text.size(), *end_id_);
  if (bears_loss) out.answers.emplace_back(begin, out.text.size());
}

RowText PlainText::Prompt(const std::vector<ChatTurn>& before, bool all) const {
  RowText out;
  for (size_t i = 0; i < before.size(); ++i) {
    if (before[i].role == "assistant") {
      AddAnswer(before[i].content, all, out);
    } else {
      absl::StrAppend(&out.text, i > 0 ? kTurnSeparator : "",
                      before[i].content);
    }
  }
  return out;
}

AnswerFrame PlainText::Frame(const std::vector<ChatTurn>& before) const {
  AnswerFrame frame;
  frame.before = Prompt(before, /*all=*/false);
  StripSpaces(frame.before.text);
  frame.lead.assign(1, ' ');
  frame.end = end_;
  frame.end_id = end_id_;
  return frame;
}

RowText PlainText::Whole(const std::vector<ChatTurn>& turns, bool all) const {
  RowText out = Prompt({turns.begin(), turns.end() - 1}, all);
  AddAnswer(turns.back().content, /*bears_loss=*/true, out);
  return out;
}

std::optional<ChatText::End> ChatText::EndIn(const std::string& behind) const {
  const Encoding encoding = tokenizer_.EncodeInPlace(behind);
  std::optional<End> end;
  for (size_t t = 0; t < encoding.ids.size(); ++t) {
    const int32_t id = encoding.ids[t];
    const auto& [from, to] = encoding.offsets[t];
    const auto span =
        std::string_view(behind).substr(from, static_cast<size_t>(to - from));
    if (IsSpecial(tokenizer_, id)) {
      const size_t own = OwnSize(tokenizer_, id, span);
      end = {static_cast<size_t>(from) + own, id};
      // White space ends the row of tokens, swallowed or not.
      if (own < span.size() || EndsTurns(tokenizer_, id)) break;
    } else if (end || !IsBlank(span)) {
      break;
    }
  }
  return end;
}

size_t ChatText::SharedEnd(const std::string& turn_end,
                           const std::string& behind) const {
  const Encoding a = tokenizer_.EncodeInPlace(turn_end);
  const Encoding b = tokenizer_.EncodeInPlace(behind);
  size_t size = 0;
  for (size_t t = 0; t < std::min(a.ids.size(), b.ids.size()); ++t) {
    if (a.ids[t] != b.ids[t]) break;
    if (IsSpecial(tokenizer_, b.ids[t])) {
      const auto [from, to] = b.offsets[t];
      const auto span = std::string_view(behind).substr(
          static_cast<size_t>(from), static_cast<size_t>(to - from));
      size = static_cast<size_t>(from) + OwnSize(tokenizer_, b.ids[t], span);
    }
  }
  return size;
}

absl::StatusOr<AnswerFrame> ChatText::Frame(
    const std::vector<ChatTurn>& before) const {
  std::vector<ChatTurn> turns = before;
  turns.push_back({"assistant", ""});
  SFT_ASSIGN_OR_RETURN(auto around,
                       Around(tokenizer_, turns, turns.size() - 1));
  auto& [text, behind] = around;
  AnswerFrame frame;
  const std::optional<End> end = EndIn(behind);
  const size_t size = end ? end->size : 0;
  if (end) frame.end_id = end->id;
  frame.end = behind.substr(0, size);
  frame.rest = behind.substr(size);
  frame.before.text = std::move(text);
  const size_t whole = frame.before.text.size();
  StripSpaces(frame.before.text);
  frame.lead = std::string(whole - frame.before.text.size(), ' ');
  return frame;
}

absl::Status ChatText::AddEarlier(const std::vector<ChatTurn>& turns,
                                  const std::string& turn_end,
                                  const std::string& whole,
                                  RowText& out) const {
  for (size_t i = 0; i + 1 < turns.size(); ++i) {
    if (turns[i].role != "assistant") continue;
    SFT_ASSIGN_OR_RETURN(auto around, Around(tokenizer_, turns, i));
    auto& [before, behind] = around;
    if (whole.size() < before.size() + behind.size() ||
        !absl::StartsWith(whole, before) || !absl::EndsWith(whole, behind)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the chat template rewrites turn ", i + 1,
                       ": loss_on: all_assistant cannot place its targets"));
    }
    size_t end = whole.size() - behind.size();
    if (absl::StartsWith(behind, turn_end)) {
      end += turn_end.size();
    } else if (const auto found = EndIn(behind);
               found && EndsTurns(tokenizer_, found->id)) {
      end += found->size;
    } else {
      // As of templates that end the whole chat with one more token.
      end += SharedEnd(turn_end, behind);
    }
    StripSpaces(before);
    out.answers.emplace_back(before.size(), end);
  }
  return absl::OkStatus();
}

absl::StatusOr<RowText> ChatText::Whole(const std::vector<ChatTurn>& turns,
                                        bool all) const {
  const std::vector<ChatTurn> before(turns.begin(), turns.end() - 1);
  SFT_ASSIGN_OR_RETURN(const AnswerFrame frame, Frame(before));
  if (!frame.end_id) {
    return absl::InvalidArgumentError(
        "the chat template writes no token right behind an answer that could "
        "end it; prompt_form: plain needs no template");
  }
  SFT_ASSIGN_OR_RETURN(std::string whole, tokenizer_.RenderChat(turns, false));
  const std::string behind = absl::StrCat(frame.end, frame.rest);
  size_t begin = frame.before.text.size();
  size_t content = begin + frame.lead.size();
  if (!absl::StartsWith(whole, absl::StrCat(frame.before.text, frame.lead))) {
    // As of templates that write the thoughts of an answer, if it has any.
    SFT_ASSIGN_OR_RETURN(std::string prompt,
                         tokenizer_.RenderChat(before, true));
    content = prompt.size();
    if (!absl::StartsWith(whole, prompt)) {
      return absl::InvalidArgumentError(
          "the chat template writes another prompt with the answer than "
          "without");
    }
    StripSpaces(prompt);
    begin = prompt.size();
  }
  if (!absl::EndsWith(whole, behind) ||
      whole.size() < content + behind.size()) {
    return absl::InvalidArgumentError(
        "the chat template writes something else behind this answer than "
        "behind others");
  }
  if (whole.size() == content + behind.size()) {
    return absl::InvalidArgumentError(
        "the chat template writes nothing of the answer");
  }
  RowText out;
  if (all) {
    SFT_RETURN_IF_ERROR(AddEarlier(turns, frame.end, whole, out));
  }
  whole.resize(whole.size() - frame.rest.size());
  out.answers.emplace_back(begin, whole.size());
  out.text = std::move(whole);
  return out;
}

std::optional<int32_t> ChatEndOfTurn(const Tokenizer& tokenizer) {
  if (!tokenizer.has_chat_template()) return std::nullopt;
  const auto frame = ChatText(tokenizer).Frame({{"user", "x"}});
  return frame.ok() ? frame->end_id : std::nullopt;
}

Tokens EncodeRow(const Tokenizer& tokenizer, const RowText& row) {
  Tokens out;
  size_t from = 0, answer = 0;
  // Tokens come in order, so the answer that ends last before one is past.
  bool found = false;
  const auto is_target = [&](size_t begin, size_t end) {
    while (answer < row.answers.size() && row.answers[answer].second <= begin) {
      ++answer;
    }
    return answer < row.answers.size() && row.answers[answer].first < end &&
           begin < row.answers[answer].second;
  };
  // A token before the answer that has swallowed the answer's white space.
  const auto is_marker = [&](int32_t id, size_t begin, size_t end) {
    const size_t first = row.answers[answer].first;
    if (begin >= first) return false;
    const auto span = std::string_view(row.text).substr(begin, end - begin);
    return OwnSize(tokenizer, id, span) <= first - begin;
  };
  const auto add = [&](size_t to) {
    const Encoding encoding = tokenizer.EncodeInPlace(
        std::string_view(row.text).substr(from, to - from));
    for (size_t t = 0; t < encoding.ids.size(); ++t) {
      const auto& [begin, end] = encoding.offsets[t];
      const bool target = is_target(from + begin, from + end) &&
                          !is_marker(encoding.ids[t], from + begin, from + end);
      if (target && !found && row.answers.back().first < from + end) {
        found = true;
        out.last_answer = out.size();
      }
      out.Append(encoding.ids[t], target);
    }
    from = to;
  };
  for (const auto& [at, id] : row.ids) {
    add(at);
    const bool ends_answer =
        std::any_of(row.answers.begin(), row.answers.end(),
                    [at = at](const auto& a) { return a.second == at; });
    out.Append(id, ends_answer);
  }
  add(row.text.size());
  if (!found) out.last_answer = out.size();
  return out;
}

}  // namespace sft::data
