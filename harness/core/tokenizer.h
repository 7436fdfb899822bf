// What data, evaluation and methods may ask of a tokenizer; harness/text
// implements it. Ids are int32; text is UTF-8.
#ifndef HARNESS_CORE_TOKENIZER_H_
#define HARNESS_CORE_TOKENIZER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace sft {

// One turn of a conversation. Roles: "system", "user", "assistant", "tool".
struct ChatTurn {
  std::string role;
  std::string content;
  // The whole message as JSON, role and content too, where it says more than
  // these (tool calls, thoughts, no content at all); "" where it does not.
  std::string message = {};
};

// A conversation as a chat template writes it.
struct RenderedChat {
  std::string text;
  // Half-open byte ranges that {% generation %} blocks wrote, ascending.
  std::vector<std::pair<size_t, size_t>> generated;
};

// Ids with, for each, the half-open byte range of the text it came from.
struct Encoding {
  std::vector<int32_t> ids;
  std::vector<std::pair<int64_t, int64_t>> offsets;
};

// How an encoder's tokenizer lays out its input: before A after, and for a
// pair before A between B after ("[CLS] A [SEP] B [SEP]").
struct InputLayout {
  std::vector<int32_t> before, between, after;
  bool second_type = false;  // B and `after` of a pair are of token type 1
  // A word of a list is encoded with a space before it (byte-level BPE).
  bool space_before_words = false;
};

// Ids that a tokenizer puts around every text by itself: <s> before it, ...
struct AddedIds {
  std::vector<int32_t> before, after;
  bool operator==(const AddedIds&) const = default;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // Ids of `text`; no special token is added. Special tokens written in the
  // text (such as "<|im_end|>") become their single id, as `tokenizers` does.
  virtual std::vector<int32_t> Encode(std::string_view text) const = 0;
  // The same with byte offsets into `text`.
  virtual Encoding EncodeWithOffsets(std::string_view text) const = 0;
  // With every byte that a token stands for, the spaces too that
  // EncodeWithOffsets leaves out where the tokenizer's file says so.
  virtual Encoding EncodeInPlace(std::string_view text) const {
    return EncodeWithOffsets(text);
  }
  // The text of `ids`; special tokens are left out if asked. Bytes that are
  // no valid UTF-8 become U+FFFD.
  virtual std::string Decode(const std::vector<int32_t>& ids,
                             bool skip_special_tokens) const = 0;
  // The id of one token as written in the vocabulary; nullopt if unknown.
  virtual std::optional<int32_t> TokenId(std::string_view token) const = 0;
  virtual int32_t vocab_size() const = 0;

  // Special ids; nullopt where the model has none. The end-of-turn id closes
  // an answer and is inside the loss (the eos of instruct models).
  virtual std::optional<int32_t> bos_id() const = 0;
  virtual std::optional<int32_t> eos_id() const = 0;
  virtual std::optional<int32_t> end_of_turn_id() const = 0;
  virtual int32_t pad_id() const = 0;
  // Every id that ends an answer, each once: end of turn, end of text, and
  // what the model's files list beside them.
  virtual std::vector<int32_t> stop_ids() const {
    std::vector<int32_t> ids;
    if (end_of_turn_id()) ids.push_back(*end_of_turn_id());
    if (eos_id() && eos_id() != end_of_turn_id()) ids.push_back(*eos_id());
    return ids;
  }

  // What its post-processor puts around one text; Encode adds none of it.
  virtual AddedIds added_ids() const { return {}; }
  // The same for an encoder's one text or pair; nullopt where no token is
  // added, or not in this form.
  virtual std::optional<InputLayout> input_layout() const {
    return std::nullopt;
  }

  // False where the model folder or file holds no chat template.
  virtual bool has_chat_template() const = 0;
  // `turns` as the model's own chat template writes them, as text.
  virtual absl::StatusOr<std::string> RenderChat(
      const std::vector<ChatTurn>& turns, bool add_generation_prompt) const = 0;
  // The same with `variables`, a JSON object of what the template is given
  // beside them ({"tools": [...], "enable_thinking": false}); "" = nothing.
  virtual absl::StatusOr<RenderedChat> RenderChatWith(
      const std::vector<ChatTurn>& turns, std::string_view variables,
      bool add_generation_prompt) const {
    if (!variables.empty()) {
      return absl::UnimplementedError("this tokenizer's chats take no tools");
    }
    absl::StatusOr<std::string> text = RenderChat(turns, add_generation_prompt);
    if (!text.ok()) return text.status();
    return RenderedChat{*std::move(text), {}};
  }

  // SHA-256 (hex) over vocabulary, merges, special tokens, pre-tokenizer and
  // chat template.
  virtual std::string digest() const = 0;
};

}  // namespace sft

#endif  // HARNESS_CORE_TOKENIZER_H_
