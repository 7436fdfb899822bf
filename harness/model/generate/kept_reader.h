// A reader of one text that keeps what it has read from one prompt to the next:
// of a conversation's next prompt only what follows the tokens that it begins
// with as the text read before.
#ifndef HARNESS_MODEL_GENERATE_KEPT_READER_H_
#define HARNESS_MODEL_GENERATE_KEPT_READER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "harness/model/generate/causal_reader.h"

namespace sft::model {

class KeptReader final : public CausalReader {
 public:
  // `room`: tokens that a new cache has room for beyond what it is made for.
  KeptReader(std::unique_ptr<CausalReader> reader, int64_t room)
      : reader_(std::move(reader)), room_(room) {}

  // Tokens of the last prompt that were not read again.
  int64_t reused() const { return reused_; }
  // Whoever broke off a call forgets what was read.
  void Forget() { read_.clear(); }

  int64_t Reach() const override { return reader_->Reach(); }
  // One prompt alone.
  at::Tensor ReadPrompts(const std::vector<std::vector<int32_t>>& prompts,
                         int64_t new_tokens) override;
  bool ReadsUnevenly(int64_t rows) const override {
    return reader_->ReadsUnevenly(rows);
  }
  at::Tensor ReadNext(
      const std::vector<std::vector<int32_t>>& of_rows) override;
  void Advance(const std::vector<int64_t>& tokens) override;
  void Select(const std::vector<int64_t>& from) override;

 private:
  // Reads on behind the first `kept` tokens, which are those of `prompt`.
  at::Tensor ReadOn(const std::vector<int32_t>& prompt, int64_t kept);
  // How many tokens of `prompt` need not be read; 0 where to read on behind
  // them costs more than to read all.
  int64_t Kept(const std::vector<int32_t>& prompt, int64_t new_tokens) const;
  int64_t StepTokens() const;  // that one step may read

  std::unique_ptr<CausalReader> reader_;
  int64_t room_;
  std::vector<int32_t> read_;  // tokens that stand in the reader
  std::vector<int32_t> next_;  // read last, not yet standing
  int64_t held_ = 0;           // tokens that its cache has room for
  int64_t reused_ = 0;
};

}  // namespace sft::model

#endif  // HARNESS_MODEL_GENERATE_KEPT_READER_H_
