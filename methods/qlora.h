// QLoRA (arXiv 2305.14314, equation 5): the base linear maps in NF4, blocks of
// 64, the absmax quantized once more; LoRA on top in the model's compute
// dtype. The head, embeddings and norms stay dense, as in bitsandbytes. The
// dense matrix lives only within a product: the backward pass dequantizes
// again.
#ifndef METHODS_QLORA_H_
#define METHODS_QLORA_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/kernels/nf4/nf4_glue.h"
#include "methods/lora.h"

namespace sft::methods {

struct QloraOptions : LoraOptions {
  bool double_quant = true;

  template <class V>
  void VisitFields(V& v) {
    LoraOptions::VisitFields(v);
    v("qlora.double_quant", double_quant, Limits{},
      "quantize the absmax of the blocks too");
  }
};

// y = dequant(W4) x + bias.
class Nf4Linear : public model::LinearMap {
 public:
  Nf4Linear(kernels::Nf4Tensor weight, at::Tensor bias_O,
            at::ScalarType compute);

  at::Tensor Forward(const at::Tensor& x,
                     const model::PassState& pass) override;
  bool MapRows(const float* x_MI, int64_t rows, float* y_MO) override;
  at::Tensor DenseWeight() const override;
  std::vector<model::MatrixShape> Matrices() const override;
  std::vector<NamedTensor> Tensors() const override;
  std::vector<std::pair<std::string, int64_t>> BytesByCategory() const override;

  const kernels::Nf4Tensor& weight() const { return weight_; }

 private:
  kernels::Nf4Tensor weight_;
  at::Tensor bias_O_;  // undefined if none
  at::ScalarType compute_;
};

class QloraMethod : public LoraMethod {
 public:
  QloraMethod(const QloraOptions& options, int64_t seed);

  // Adds bits_per_weight, quantization_error and, once merged, the two errors
  // of merging against the map that was trained, dequant(W4) + BA, as relative
  // Frobenius norms: merge_error_w16 of W16 + BA, and merge_error_dequant of
  // dequant(W4) + BA rounded to bf16. Merge() itself keeps the second
  // unrounded.
  train::MethodReport Report() override;

 protected:
  std::unique_ptr<model::LinearMap> FreezeBase(
      const model::LinearSlot& slot,
      std::unique_ptr<model::LinearMap> dense) override;
  void BeforeMerge(const LoraLinear& map) override;

 private:
  bool double_quant_;
  double bits_ = 0, weights_ = 0;
  // Squared Frobenius norms over all maps.
  double weight_square_ = 0, quantization_square_ = 0;
  double merged_square_ = 0, w16_error_square_ = 0, rounding_square_ = 0;
  std::vector<std::pair<const model::LinearMap*, double>> base_error_square_;
};

}  // namespace sft::methods

#endif  // METHODS_QLORA_H_
