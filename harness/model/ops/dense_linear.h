// The plain linear map of a model.
// M rows, I/O in/out features.
#ifndef HARNESS_MODEL_OPS_DENSE_LINEAR_H_
#define HARNESS_MODEL_OPS_DENSE_LINEAR_H_

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "harness/model/model.h"
#include "harness/model/ops/reading_product.h"

namespace sft::model {

// The plain map: a weight [O, I] in the master dtype (f32 or f64), an
// optional bias [O]. In bf16 the weight is cast a forward pass (the cast is
// differentiable); once frozen (SetFrozenDtype) it is stored in bf16.
class DenseLinear : public LinearMap {
 public:
  DenseLinear(at::Tensor weight_OI, at::Tensor bias_O, at::ScalarType compute);
  at::Tensor Forward(const at::Tensor& x, const PassState& pass) override;
  bool MapRows(const float* x_MI, int64_t rows, float* y_MO) override;
  at::Tensor DenseWeight() const override;
  std::vector<MatrixShape> Matrices() const override;
  std::vector<NamedTensor> Tensors() const override;
  std::vector<std::pair<std::string, int64_t>> BytesByCategory() const override;

  at::Tensor& weight_OI() { return weight_OI_; }
  at::Tensor& bias_O() { return bias_O_; }
  at::ScalarType compute_dtype() const { return compute_; }
  // For a weight that will never be trained: keep it in the compute dtype.
  void FreezeInComputeDtype();

 private:
  at::Tensor ComputeWeight();

  at::Tensor weight_OI_;
  at::Tensor bias_O_;  // undefined if none
  at::ScalarType compute_;
  // The weight in the compute dtype, kept while no gradient is recorded: a
  // generated token would else cost a cast of every weight.
  at::Tensor cast_OI_;
  uint32_t cast_version_ = 0;  // of the weight it was made of
  LaidOutWeight laid_out_;
};

}  // namespace sft::model

#endif  // HARNESS_MODEL_OPS_DENSE_LINEAR_H_
