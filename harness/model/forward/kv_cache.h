// Keys and values of a generation, rows of any length together: row b has
// lengths[b] filled slots, and its next tokens write the slots behind them.
// B rows, S slots, K key and value heads, H head width.
#ifndef HARNESS_MODEL_FORWARD_KV_CACHE_H_
#define HARNESS_MODEL_FORWARD_KV_CACHE_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "harness/kernels/attention/attention.h"
#include "harness/model/families/config.h"

namespace sft::model {

// Tokens that a step reads, and where the cache keeps them: their rows, and
// slots in those, which are their positions. A row may have several, one behind
// the other. Flat: all are as long.
struct StepTokens {
  std::vector<int64_t> ids, rows, slots;
};

class KvCache {
 public:
  // `lengths`: of each prompt; `slots`: of the longest row at its end.
  KvCache(const DecoderConfig& config, std::vector<int64_t> lengths,
          int64_t slots, const at::TensorOptions& options);

  const std::vector<int64_t>& lengths() const { return lengths_; }
  int64_t rows() const { return static_cast<int64_t>(lengths_.size()); }
  // int64 [B, 1], on the device: positions of the next tokens.
  const at::Tensor& lengths_B1() const { return lengths_B1_; }

  // A layer's attention over the prompts, a flat batch [1, heads, T, H], which
  // it keeps.
  at::Tensor AttendPrompts(int64_t layer, const at::Tensor& q,
                           const at::Tensor& k, const at::Tensor& v,
                           const Batch& prompts, double scale,
                           const kernels::AttentionShape& shape);
  // Likewise over one new token a row (T = 1) and all that is kept.
  at::Tensor AttendNext(int64_t layer, const at::Tensor& q, const at::Tensor& k,
                        const at::Tensor& v, double scale,
                        const kernels::AttentionShape& shape);
  // Likewise on the CPU over f32 that holds values of the cache's dtype, M
  // tokens of NextTokens(): q [M, heads, H], k and v [M, K, H] -> out
  // [M, heads, H].
  void AttendRows(int64_t layer, const StepTokens& tokens, const float* q,
                  const float* k, const float* v, int64_t heads, double scale,
                  const kernels::AttentionShape& shape, float* out);
  // `of_rows`: of each row the tokens that follow what it has.
  StepTokens NextTokens(const std::vector<std::vector<int32_t>>& of_rows) const;
  // Once all layers have read them: of each row the number of tokens that
  // stand. What lies behind them is written again.
  void Advance(const std::vector<int64_t>& tokens);
  // Row b becomes what row from[b] was; there may be fewer or more.
  void Select(const std::vector<int64_t>& from);

 private:
  void SetLengths(std::vector<int64_t> lengths);
  // What the next tokens see: undefined where that is every slot.
  const at::Tensor& Seen(int64_t window);

  std::vector<at::Tensor> k_BKSH_, v_BKSH_;  // a layer each
  std::vector<int64_t> lengths_;
  int64_t longest_ = 0;
  bool level_ = false;  // all rows have one length
  at::Tensor lengths_B1_, row_B_;
  // By window, of this step.
  struct SeenMask {
    int64_t window = 0;
    at::Tensor mask_B11S;
  };
  std::vector<SeenMask> seen_;
};

}  // namespace sft::model

#endif  // HARNESS_MODEL_FORWARD_KV_CACHE_H_
