// A tokenizer that can be read by eye: a byte is its own id, "<eot>" is 256,
// and the chat form is "[role]content<eot>\n".
#ifndef TESTS_HARNESS_DATA_FAKE_TOKENIZER_H_
#define TESTS_HARNESS_DATA_FAKE_TOKENIZER_H_

#include <string>
#include <vector>

#include "harness/core/tokenizer.h"

namespace sft::data {

class FakeTokenizer : public Tokenizer {
 public:
  static constexpr int32_t kEndOfTurn = 256;

  std::vector<int32_t> Encode(std::string_view text) const override {
    return EncodeWithOffsets(text).ids;
  }
  Encoding EncodeWithOffsets(std::string_view text) const override {
    Encoding out;
    for (size_t i = 0; i < text.size();) {
      const bool special = text.substr(i, 5) == "<eot>";
      const size_t length = special ? 5 : 1;
      out.ids.push_back(special ? kEndOfTurn
                                : static_cast<unsigned char>(text[i]));
      out.offsets.emplace_back(i, i + length);
      i += length;
    }
    return out;
  }
  std::string Decode(const std::vector<int32_t>& ids,
                     bool skip_special_tokens) const override {
    std::string out;
    for (int32_t id : ids) {
      if (id == kEndOfTurn) {
        if (!skip_special_tokens) out += "<eot>";
      } else {
        out += static_cast<char>(id);
      }
    }
    return out;
  }
  std::optional<int32_t> TokenId(std::string_view token) const override {
    if (token == "<eot>") return kEndOfTurn;
    return std::nullopt;
  }
  int32_t vocab_size() const override { return 257; }
  std::optional<int32_t> bos_id() const override { return std::nullopt; }
  std::optional<int32_t> eos_id() const override { return kEndOfTurn; }
  std::optional<int32_t> end_of_turn_id() const override { return kEndOfTurn; }
  int32_t pad_id() const override { return kEndOfTurn; }
  bool has_chat_template() const override { return chat_template; }
  absl::StatusOr<std::string> RenderChat(
      const std::vector<ChatTurn>& turns,
      bool add_generation_prompt) const override {
    std::string out;
    for (const ChatTurn& turn : turns) {
      out += "[" + turn.role + "]" + turn.content + after_content + "<eot>\n";
    }
    if (add_generation_prompt) out += "[assistant]";
    return out;
  }
  std::string digest() const override { return "fake"; }

  bool chat_template = true;
  std::string after_content;  // a template that adds something to answers
};

}  // namespace sft::data

#endif  // TESTS_HARNESS_DATA_FAKE_TOKENIZER_H_
