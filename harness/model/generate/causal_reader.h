// What generation needs of a model: texts read token by token, each a row whose
// past the reader keeps.
// M tokens, V vocabulary.
#ifndef HARNESS_MODEL_GENERATE_CAUSAL_READER_H_
#define HARNESS_MODEL_GENERATE_CAUSAL_READER_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace sft::model {

class CausalReader {
 public:
  virtual ~CausalReader() = default;
  // Tokens that a row may have: what has a position.
  virtual int64_t Reach() const = 0;
  // Makes a row of each prompt (none is empty), with room for `new_tokens`
  // more, and gives the logits [rows, V] of what follows them.
  virtual at::Tensor ReadPrompts(
      const std::vector<std::vector<int32_t>>& prompts, int64_t new_tokens) = 0;
  // Whether a step of `rows` rows may read none or several tokens of a row;
  // else it reads one of each.
  virtual bool ReadsUnevenly(int64_t rows) const = 0;
  // Reads what follows each row and gives the logits [M, V] of what follows
  // each of these tokens, row by row. They live until the next call.
  virtual at::Tensor ReadNext(
      const std::vector<std::vector<int32_t>>& of_rows) = 0;
  // Of each row the number of tokens read last that stand; those behind them
  // are read anew. Below 0: so many that stood do so no longer.
  virtual void Advance(const std::vector<int64_t>& tokens) = 0;
  // Row b becomes what row from[b] was; there may be fewer or more.
  virtual void Select(const std::vector<int64_t>& from) = 0;
};

}  // namespace sft::model

#endif  // HARNESS_MODEL_GENERATE_CAUSAL_READER_H_
