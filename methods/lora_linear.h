// y = W x + s B A x: a low-rank term beside any base map (LoRA, arXiv
// 2106.09685, equation 3). With a magnitude m (DoRA, arXiv 2402.09353,
// equation 5): y = m / |W + s B A|_row (W x + s B A x), the norm a constant for
// the gradient. I/O in/out features, R rank.
#ifndef METHODS_LORA_LINEAR_H_
#define METHODS_LORA_LINEAR_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/model/model.h"

namespace sft::methods {

// The low-rank factors in the master dtype (f32, or f64).
struct LoraFactors {
  at::Tensor a_RI;
  at::Tensor b_OR;
  at::Tensor magnitude_O;  // DoRA's m, undefined without
  double scale = 1;        // s
};

class LoraLinear : public model::LinearMap {
 public:
  // `slot_index` tells the slots' dropout masks apart; dropout 0 = none.
  LoraLinear(std::unique_ptr<model::LinearMap> base, LoraFactors factors,
             at::ScalarType compute, double dropout, uint64_t slot_index);

  at::Tensor Forward(const at::Tensor& x,
                     const model::PassState& pass) override;
  bool MapRows(const float* x_MI, int64_t rows, float* y_MO) override;
  bool Draws() const override { return dropout_ > 0 || base_->Draws(); }
  at::Tensor DenseWeight() const override;
  std::vector<model::MatrixShape> Matrices() const override;
  std::vector<NamedTensor> Tensors() const override;
  std::vector<std::pair<std::string, int64_t>> BytesByCategory() const override;

  model::LinearMap& base() { return *base_; }
  const model::LinearMap& base() const { return *base_; }
  LoraFactors& factors() { return factors_; }
  const LoraFactors& factors() const { return factors_; }
  // Before the names of the factors: one map may stand on another.
  void SetLabel(std::string label) { label_ = std::move(label); }
  void SetDropout(double dropout) { dropout_ = dropout; }
  // A part of the base from here on: nothing trains, nothing is dropped.
  void Freeze();
  std::unique_ptr<model::LinearMap> ReleaseBase() { return std::move(base_); }
  // The base's bias, undefined if none.
  at::Tensor Bias() const;

 private:
  at::Tensor DropInput(const at::Tensor& x, const model::PassState& pass) const;
  // W + s B A, before any magnitude.
  at::Tensor Direction_OI() const;

  std::unique_ptr<model::LinearMap> base_;
  LoraFactors factors_;
  at::ScalarType compute_;
  double dropout_;
  uint64_t slot_index_;
  std::string label_;
};

// The first R singular triples of W as factors, s B A the best rank-R
// approximation of W (PiSSA, arXiv 2404.02948, equations 2 and 3): the base
// then holds W - s B A.
LoraFactors PissaFactors(const at::Tensor& weight_OI, int64_t rank,
                         double scale);
// Per-row L2 norm of W [O, I]: DoRA's initial magnitude [O].
at::Tensor RowNorms(const at::Tensor& weight_OI);

}  // namespace sft::methods

#endif  // METHODS_LORA_LINEAR_H_
