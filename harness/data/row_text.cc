#include "harness/data/row_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "harness/core/status.h"
#include "harness/data/special_tokens.h"

namespace sft::data {
namespace {

constexpr char kTurnSeparator[] = "\n\n";  // of turns in the plain form

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
