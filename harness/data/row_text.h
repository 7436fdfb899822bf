// A row as one text, and which bytes of it are answers. Nothing is encoded
// apart: a tokenizer reads the joined text, for the ids of a part depend on
// what stands before it.
#ifndef HARNESS_DATA_ROW_TEXT_H_
#define HARNESS_DATA_ROW_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/tokenizer.h"

namespace sft::data {

struct RowText {
  std::string text;
  // Half-open byte ranges of answers, each with the spaces before it and its
  // end of turn, ascending.
  std::vector<std::pair<size_t, size_t>> answers;
  // Ends of turn that no text writes (a token that is in the vocabulary only):
  // where they stand, ascending. Part of the answer that ends there.
  std::vector<std::pair<size_t, int32_t>> ids;
};

// What stands around the answer of a row, whatever the answer is: the whole is
// before + lead + answer + end.
struct AnswerFrame {
  RowText before;    // no space at its end
  std::string lead;  // the spaces between prompt and answer
  std::string end;   // through the end of turn; "" if no text writes it
  std::string rest;  // what a chat template writes behind `end`
  // What a chat template writes before `lead` once an answer follows: `before`,
  // but of templates that then leave out something of it.
  std::string shown;
  std::optional<int32_t> end_id;  // the end of turn
};

// Rows in the plain form: turns two line breaks apart, a space before each
// answer, the end of turn behind it. `all`: every answer is one of
// RowText::answers, else only the last.
class PlainText {
 public:
  explicit PlainText(const Tokenizer& tokenizer);
  AnswerFrame Frame(const std::vector<ChatTurn>& before) const;
  RowText Whole(const std::vector<ChatTurn>& turns, bool all) const;

 private:
  RowText Prompt(const std::vector<ChatTurn>& before, bool all) const;
  void AddAnswer(const std::string& answer, bool bears_loss,
                 RowText& out) const;

  std::optional<int32_t> end_id_;
  std::string end_;  // "" if this text does not give end_id_ back
};

// Rows as the model's own chat template writes them. Where an answer stands is
// found by a second rendering with a mark in its place, so templates that trim
// it, or write something between prompt and answer, are read as they are; what
// {% generation %} blocks write is taken as it is. An answer follows the prompt
// that the template writes for it in use. An error tells what cannot be placed.
// `variables` as in Tokenizer::RenderChatWith.
class ChatText {
 public:
  explicit ChatText(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}
  absl::StatusOr<AnswerFrame> Frame(const std::vector<ChatTurn>& before,
                                    const std::string& variables = "") const;
  // One text, or with `all` one for each answer, of the turns through it, where
  // a template writes earlier turns otherwise once others follow (it drops
  // their thoughts, or moves the system turn): what an answer was trained
  // behind is what it follows in use.
  absl::StatusOr<std::vector<RowText>> Whole(
      const std::vector<ChatTurn>& turns, bool all,
      const std::string& variables = "") const;

 private:
  struct End {
    size_t size = 0;  // bytes through it
    int32_t id = 0;
  };
  // A row's text through its last answer, the template's own before it was cut,
  // and what stands in both from the start on.
  struct Placed {
    RowText row;
    AnswerFrame frame;
    RenderedChat whole;
    bool as_written = true;  // the text is the template's
  };
  // The end of turn in what a template writes behind an answer: special tokens
  // in a row, up to the first that the tokenizer knows to end turns; only white
  // space may stand before them.
  std::optional<End> EndIn(const std::string& behind) const;
  // The last such token of an answer's own text; `id` counts as one, too.
  std::optional<End> LastEndIn(const std::string& answer, int32_t id) const;
  bool IsEnd(const std::string& text) const;  // special tokens alone
  // Bytes of `behind` through the last special token of `turn_end` with which
  // it begins as `turn_end` does.
  size_t SharedEnd(const std::string& turn_end,
                   const std::string& behind) const;
  absl::StatusOr<Placed> Last(const std::vector<ChatTurn>& turns,
                              const std::string& variables) const;
  // The last answer of a template that marks answers itself.
  absl::Status PlaceGenerated(const std::vector<ChatTurn>& before,
                              const std::string& variables,
                              Placed& placed) const;
  // Where the answer turns[index], not the last, stands in `last`'s text;
  // nullopt where the template writes it otherwise as the last.
  absl::StatusOr<std::optional<std::vector<std::pair<size_t, size_t>>>> Earlier(
      const std::vector<ChatTurn>& turns, size_t index,
      const std::string& variables, const Placed& last) const;

  const Tokenizer& tokenizer_;
};

// The token with which the model's chat template ends an answer; nullopt where
// there is no template, or none such.
std::optional<int32_t> ChatEndOfTurn(const Tokenizer& tokenizer);

// Ids of a RowText, and for each whether an answer's loss falls on it: it does
// where one byte of the token is the answer's, other than white space that a
// token before the answer swallows.
struct Tokens {
  std::vector<int32_t> ids;
  std::vector<bool> target;
  int64_t last_answer = 0;  // where the last answer begins; else the size

  int64_t size() const { return static_cast<int64_t>(ids.size()); }
  void Append(int32_t id, bool is_target) {
    ids.push_back(id);
    target.push_back(is_target);
  }
};
Tokens EncodeRow(const Tokenizer& tokenizer, const RowText& row);

}  // namespace sft::data

#endif  // HARNESS_DATA_ROW_TEXT_H_
