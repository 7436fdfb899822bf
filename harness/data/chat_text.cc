// Where each answer of a row stands in its text, by the model's own chat
// template.
#include <algorithm>

#include "absl/strings/match.h"
#include "harness/core/status.h"
#include "harness/data/clean_text.h"
#include "harness/data/row_text.h"
#include "harness/data/special_tokens.h"

namespace sft::data {
namespace {

using Ranges = std::vector<std::pair<size_t, size_t>>;

// A text that stands in none of `turns`. No template takes its characters,
// which are of no script, for white space or for anything of its own.
std::string MarkFor(const std::vector<ChatTurn>& turns) {
  for (int n = 0;; ++n) {
    std::string mark = absl::StrCat("\uE000", n, "\uE001");
    const bool taken =
        std::any_of(turns.begin(), turns.end(), [&](const ChatTurn& turn) {
          return turn.content.find(mark) != std::string::npos ||
                 turn.message.find(mark) != std::string::npos;
        });
    if (!taken) return mark;
  }
}

// What the template writes around the content of turns[index].
absl::StatusOr<std::pair<std::string, std::string>> Around(
    const Tokenizer& tokenizer, std::vector<ChatTurn> turns, size_t index,
    const std::string& variables) {
  const std::string mark = MarkFor(turns);
  turns[index] = {turns[index].role, mark};
  SFT_ASSIGN_OR_RETURN(
      const RenderedChat chat,
      tokenizer.RenderChatWith(turns, variables,
                               /*add_generation_prompt=*/false));
  const std::string& text = chat.text;
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

// Bytes that two texts have in common from the start on.
size_t CommonSize(std::string_view a, std::string_view b) {
  const size_t most = std::min(a.size(), b.size());
  return static_cast<size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(most),
                    b.begin())
          .first -
      a.begin());
}

std::vector<ChatTurn> Through(const std::vector<ChatTurn>& turns,
                              size_t index) {
  return {turns.begin(),
          turns.begin() + static_cast<std::ptrdiff_t>(index) + 1};
}

}  // namespace

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

bool ChatText::IsEnd(const std::string& text) const {
  return IsBlank(
      tokenizer_.Decode(tokenizer_.Encode(text), /*skip_special_tokens=*/true));
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

std::optional<ChatText::End> ChatText::LastEndIn(const std::string& answer,
                                                 int32_t id) const {
  const Encoding encoding = tokenizer_.EncodeInPlace(answer);
  for (size_t t = encoding.ids.size(); t-- > 0;) {
    if (encoding.ids[t] != id && !EndsTurns(tokenizer_, encoding.ids[t])) {
      continue;
    }
    const auto [from, to] = encoding.offsets[t];
    const auto span = std::string_view(answer).substr(
        static_cast<size_t>(from), static_cast<size_t>(to - from));
    return End{
        static_cast<size_t>(from) + OwnSize(tokenizer_, encoding.ids[t], span),
        encoding.ids[t]};
  }
  return std::nullopt;
}

absl::StatusOr<AnswerFrame> ChatText::Frame(
    const std::vector<ChatTurn>& before, const std::string& variables) const {
  std::vector<ChatTurn> turns = before;
  turns.push_back({"assistant", ""});
  SFT_ASSIGN_OR_RETURN(auto around,
                       Around(tokenizer_, turns, turns.size() - 1, variables));
  auto& [text, behind] = around;
  AnswerFrame frame;
  const std::optional<End> end = EndIn(behind);
  const size_t size = end ? end->size : 0;
  if (end) frame.end_id = end->id;
  frame.end = behind.substr(0, size);
  frame.rest = behind.substr(size);
  const size_t whole = text.size();
  StripSpaces(text);
  frame.lead = std::string(whole - text.size(), ' ');
  frame.shown = std::move(text);
  // In use an answer follows this; templates that have no such prompt of their
  // own, or refuse one, write what they have.
  absl::StatusOr<RenderedChat> prompt =
      tokenizer_.RenderChatWith(before, variables, true);
  frame.before.text = frame.shown;
  if (prompt.ok() && !before.empty()) {
    StripSpaces(prompt->text);
    if (!absl::StartsWith(frame.shown, prompt->text)) {
      frame.before.text = std::move(prompt->text);
    }
  }
  return frame;
}

absl::Status ChatText::PlaceGenerated(const std::vector<ChatTurn>& before,
                                      const std::string& variables,
                                      Placed& placed) const {
  SFT_ASSIGN_OR_RETURN(const RenderedChat earlier,
                       tokenizer_.RenderChatWith(before, variables, false));
  const std::string& text = placed.whole.text;
  const size_t common = CommonSize(text, earlier.text);
  RowText& row = placed.row;
  for (auto [begin, end] : placed.whole.generated) {
    if (end <= common || begin == end) continue;
    row.answers.emplace_back(begin, end);
  }
  if (row.answers.empty()) {
    return absl::InvalidArgumentError(
        "the chat template's {% generation %} holds nothing of the answer");
  }
  // A block may leave out the end of turn, which would never be learnt.
  auto& [begin, end] = row.answers.back();
  const int32_t id = placed.frame.end_id.value_or(-1);
  const auto own = LastEndIn(text.substr(begin, end - begin), id);
  const bool has_end = own && IsBlank(std::string_view(text).substr(
                                  begin + own->size, end - begin - own->size));
  if (!has_end) {
    const auto found = EndIn(text.substr(end));
    if (!found) {
      return absl::InvalidArgumentError(
          "the chat template writes no token in or right behind its {% "
          "generation %} that could end the answer");
    }
    end += found->size;
  }
  row.text = text.substr(0, end);
  return absl::OkStatus();
}

absl::StatusOr<ChatText::Placed> ChatText::Last(
    const std::vector<ChatTurn>& turns, const std::string& variables) const {
  const std::vector<ChatTurn> before(turns.begin(), turns.end() - 1);
  Placed placed;
  AnswerFrame& frame = placed.frame;
  SFT_ASSIGN_OR_RETURN(frame, Frame(before, variables));
  SFT_ASSIGN_OR_RETURN(placed.whole,
                       tokenizer_.RenderChatWith(turns, variables, false));
  const std::string& whole = placed.whole.text;
  if (!placed.whole.generated.empty()) {
    SFT_RETURN_IF_ERROR(PlaceGenerated(before, variables, placed));
    return placed;
  }
  if (!frame.end_id) {
    return absl::InvalidArgumentError(
        "the chat template writes no token right behind an answer that could "
        "end it; prompt_form: plain needs no template");
  }
  size_t begin = frame.shown.size();
  size_t content = begin + frame.lead.size();
  const bool as_shown =
      absl::StartsWith(whole, absl::StrCat(frame.shown, frame.lead));
  if (!as_shown) {
    // As of templates that write the thoughts of an answer, if it has any.
    SFT_ASSIGN_OR_RETURN(RenderedChat prompt,
                         tokenizer_.RenderChatWith(before, variables, true));
    if (!absl::StartsWith(whole, prompt.text)) {
      return absl::InvalidArgumentError(
          "the chat template writes another prompt with the answer than "
          "without");
    }
    content = prompt.text.size();
    StripSpaces(prompt.text);
    begin = prompt.text.size();
  }
  const std::string behind = absl::StrCat(frame.end, frame.rest);
  size_t end = whole.size() - std::min(whole.size(), frame.rest.size());
  if (!absl::EndsWith(whole, behind) ||
      whole.size() < content + behind.size()) {
    // Calls may end with another token than answers.
    const auto found = LastEndIn(whole.substr(content), *frame.end_id);
    if (turns.back().message.empty() || !found) {
      return absl::InvalidArgumentError(
          "the chat template writes something else behind this answer than "
          "behind others");
    }
    end = content + found->size;
  }
  if (absl::EndsWith(whole, behind) &&
      whole.size() == content + behind.size()) {
    return absl::InvalidArgumentError(
        "the chat template writes nothing of the answer");
  }
  RowText& row = placed.row;
  if (as_shown && frame.before.text != frame.shown) {
    placed.as_written = false;
    row.text =
        absl::StrCat(frame.before.text, whole.substr(begin, end - begin));
    begin = frame.before.text.size();
  } else {
    row.text = whole.substr(0, end);
  }
  row.answers.emplace_back(begin, row.text.size());
  return placed;
}

absl::StatusOr<std::optional<Ranges>> ChatText::Earlier(
    const std::vector<ChatTurn>& turns, size_t index,
    const std::string& variables, const Placed& last) const {
  if (!last.as_written) return std::nullopt;
  const std::string& whole = last.whole.text;
  const std::vector<ChatTurn> through = Through(turns, index);
  if (!last.whole.generated.empty() || !turns[index].message.empty()) {
    SFT_ASSIGN_OR_RETURN(Placed placed, Last(through, variables));
    const std::string& text = placed.row.text;
    const size_t common = CommonSize(whole, text);
    Ranges& found = placed.row.answers;
    // What ends the whole chat once more is no part of an earlier answer.
    while (found.size() > 1 && found.back().second > common &&
           IsEnd(text.substr(found.back().first))) {
      found.pop_back();
    }
    if (!placed.as_written || found.back().second > common) {
      return std::nullopt;
    }
    return std::move(found);
  }
  SFT_ASSIGN_OR_RETURN(auto around,
                       Around(tokenizer_, turns, index, variables));
  auto& [before, behind] = around;
  if (whole.size() < before.size() + behind.size() ||
      !absl::StartsWith(whole, before) || !absl::EndsWith(whole, behind)) {
    return std::nullopt;
  }
  size_t end = whole.size() - behind.size();
  if (absl::StartsWith(behind, last.frame.end)) {
    end += last.frame.end.size();
  } else if (const auto found = EndIn(behind);
             found && EndsTurns(tokenizer_, found->id)) {
    end += found->size;
  } else {
    // As of templates that end the whole chat with one more token.
    end += SharedEnd(last.frame.end, behind);
  }
  SFT_ASSIGN_OR_RETURN(const RenderedChat as_last,
                       tokenizer_.RenderChatWith(through, variables, false));
  if (CommonSize(whole, as_last.text) < end) return std::nullopt;
  StripSpaces(before);
  return Ranges{{before.size(), end}};
}

absl::StatusOr<std::vector<RowText>> ChatText::Whole(
    const std::vector<ChatTurn>& turns, bool all,
    const std::string& variables) const {
  SFT_ASSIGN_OR_RETURN(Placed last, Last(turns, variables));
  std::vector<size_t> earlier;
  for (size_t i = 0; all && i + 1 < turns.size(); ++i) {
    if (turns[i].role == "assistant") earlier.push_back(i);
  }
  Ranges answers;
  for (const size_t index : earlier) {
    SFT_ASSIGN_OR_RETURN(const auto found,
                         Earlier(turns, index, variables, last));
    if (!found) {
      std::vector<RowText> rows;
      for (const size_t each : earlier) {
        SFT_ASSIGN_OR_RETURN(Placed one, Last(Through(turns, each), variables));
        rows.push_back(std::move(one.row));
      }
      rows.push_back(std::move(last.row));
      return rows;
    }
    answers.insert(answers.end(), found->begin(), found->end());
  }
  last.row.answers.insert(last.row.answers.begin(), answers.begin(),
                          answers.end());
  return std::vector<RowText>{std::move(last.row)};
}

}  // namespace sft::data
