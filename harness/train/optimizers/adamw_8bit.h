// AdamW with 8-bit moments (Dettmers et al., arXiv 2110.02861), as
// bitsandbytes' AdamW8bit: blocks of 256 elements, 2 bytes and a share of two
// f32 a weight instead of 8 bytes. A moment is read back, moved as AdamW moves
// it, applied, and rounded to its block's map
// (harness/kernels/adam8/adam8_logic.h). Parameters below 4096 elements keep
// f32 moments and AdamW's own step.
#ifndef HARNESS_TRAIN_OPTIMIZERS_ADAMW_8BIT_H_
#define HARNESS_TRAIN_OPTIMIZERS_ADAMW_8BIT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/kernels/adam8/adam8_glue.h"
#include "harness/train/optimizers/adamw.h"

namespace sft::train {

class AdamW8bit : public Optimizer {
 public:
  // f32 parameters.
  AdamW8bit(std::vector<TrainableParameter> parameters,
            const AdamWOptions& options);

  // Of a small parameter as AdamW; of others "<parameter>.exp_avg" and
  // ".exp_avg_sq" (uint8 codes, flat), ".exp_avg_absmax",
  // ".exp_avg_sq_absmax" (f32, one a block), ".step".
  std::vector<NamedTensor> State() const override;
  // Of a large parameter read back from its codes.
  at::Tensor FirstMoment(size_t index) const override;

 protected:
  void MoveRange(size_t begin, size_t end, double learning_rate) override;

 private:
  struct Large {
    size_t index;  // of the parameter
    kernels::Adam8Tensors moments;
    at::Tensor step;  // f32 scalar on the CPU, steps taken
  };

  std::vector<Large> large_;         // in the order of the parameters
  std::vector<size_t> small_until_;  // [P + 1], small ones before each
  AdamW small_;
  AdamWOptions options_;
};

// Why a config cannot have it, "" if it can: f64 weights.
std::string AdamW8bitObjection(const spec::RunConfig& config);
// As AdamWStateBytes: two moments of a byte a number and an f32 a block.
int64_t AdamW8bitStateBytes(int64_t numbers, int64_t number_bytes);
// InvalidArgument: f64 weights.
absl::StatusOr<std::unique_ptr<Optimizer>> MakeAdamW8bit(
    const spec::RunConfig& config, std::vector<TrainableParameter> parameters);

}  // namespace sft::train

#endif  // HARNESS_TRAIN_OPTIMIZERS_ADAMW_8BIT_H_
