// The tokenizer as a pipeline: added tokens, normalizer, pre-tokenizer,
// subword model; decoder back.
#ifndef HARNESS_TEXT_COMPOSED_TOKENIZER_H_
#define HARNESS_TEXT_COMPOSED_TOKENIZER_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/tokenizer.h"
#include "harness/text/added_tokens.h"
#include "harness/text/chat_template.h"
#include "harness/text/decoder.h"
#include "harness/text/normalizer.h"
#include "harness/text/post_processor.h"
#include "harness/text/pre_tokenizer.h"
#include "harness/text/subword_model.h"

namespace sft::text {

struct TokenizerParts {
  AddedTokens added;
  std::unique_ptr<Normalizer> normalizer;
  std::unique_ptr<PreTokenizer> pre_tokenizer;
  std::unique_ptr<SubwordModel> model;
  std::unique_ptr<TokenDecoder> decoder;
  // Canonical text of the three configurations, for the digest.
  std::string pipeline;
  std::optional<int32_t> bos_id, eos_id, end_of_turn_id, pad_id;
  std::vector<int32_t> more_stop_ids;  // that end an answer too, ascending
  std::optional<ChatTemplate> chat_template;
  PostProcessor post;

  std::optional<int32_t> TokenId(std::string_view token) const;
  int32_t VocabSize() const;
};

class ComposedTokenizer : public Tokenizer {
 public:
  explicit ComposedTokenizer(TokenizerParts parts);

  std::vector<int32_t> Encode(std::string_view text) const override;
  Encoding EncodeWithOffsets(std::string_view text) const override;
  Encoding EncodeInPlace(std::string_view text) const override;
  std::string Decode(const std::vector<int32_t>& ids,
                     bool skip_special_tokens) const override;
  std::optional<int32_t> TokenId(std::string_view token) const override;
  int32_t vocab_size() const override { return vocab_size_; }
  std::optional<int32_t> bos_id() const override { return parts_.bos_id; }
  std::optional<int32_t> eos_id() const override { return parts_.eos_id; }
  std::optional<int32_t> end_of_turn_id() const override {
    return parts_.end_of_turn_id;
  }
  int32_t pad_id() const override {
    return parts_.pad_id.value_or(parts_.eos_id.value_or(0));
  }
  AddedIds added_ids() const override { return parts_.post.single; }
  std::vector<int32_t> stop_ids() const override;
  std::optional<InputLayout> input_layout() const override {
    return parts_.post.layout;
  }
  bool has_chat_template() const override {
    return parts_.chat_template.has_value();
  }
  absl::StatusOr<RenderedChat> RenderChatWith(
      const std::vector<ChatTurn>& turns, std::string_view variables,
      bool add_generation_prompt) const override;
  absl::StatusOr<std::string> RenderChat(
      const std::vector<ChatTurn>& turns,
      bool add_generation_prompt) const override;
  std::string digest() const override { return digest_; }

 private:
  Encoding Run(std::string_view text, bool with_offsets) const;
  void RunSection(AlignedText section, Encoding* out) const;
  void TrimOffsets(Encoding* out) const;
  std::string ComputeDigest() const;

  TokenizerParts parts_;
  int32_t vocab_size_;
  std::string digest_;
};

}  // namespace sft::text

#endif  // HARNESS_TEXT_COMPOSED_TOKENIZER_H_
