// y = W (R^T x): a rotation in blocks before any frozen map (OFT, 2306.07280,
// input-centric: 2506.19847), as PEFT 0.21.2 computes it: x -> x R. R is a skew
// Q's Cayley transform, exactly (I - Q) (I + Q)^-1, or by n Neumann terms
//   R = (I + Q) (I + Q + ... + Q^(n-2)), which tends to (I + Q) (I - Q)^-1.
// I/O in/out features, S size of a block, K = I / S blocks, E = S (S - 1) / 2.
#ifndef METHODS_OFT_LINEAR_H_
#define METHODS_OFT_LINEAR_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/model/model.h"

namespace sft::methods {

// R [K, S, S] of the upper triangles of Q, row by row; differentiable.
// neumann_terms: 0 = exact, else at least 4.
at::Tensor CayleyRotations(const at::Tensor& triangles_KE, int64_t block_size,
                           int64_t neumann_terms);

// PEFT's rule: the divisor of in_features next to `wanted`, of two the smaller.
int64_t OftBlockSize(int64_t in_features, int64_t wanted);

class OftLinear : public model::LinearMap {
 public:
  // Rotates in the type of the triangles, as PEFT does.
  OftLinear(std::unique_ptr<model::LinearMap> base, at::Tensor triangles_KE,
            int64_t in_features, int64_t neumann_terms);

  at::Tensor Forward(const at::Tensor& x,
                     const model::PassState& pass) override;
  bool Draws() const override { return base_->Draws(); }
  at::Tensor DenseWeight() const override;
  std::vector<model::MatrixShape> Matrices() const override;
  std::vector<NamedTensor> Tensors() const override;
  std::vector<std::pair<std::string, int64_t>> BytesByCategory() const override;

  at::Tensor& triangles_KE() { return triangles_KE_; }

 private:
  // x R for x [..., I].
  at::Tensor Rotated(const at::Tensor& x, const at::Tensor& r_KSS) const;
  at::Tensor R_KSS() const {
    return CayleyRotations(triangles_KE_, block_size_, neumann_terms_);
  }

  std::unique_ptr<model::LinearMap> base_;
  at::Tensor triangles_KE_;
  int64_t in_features_, block_size_, neumann_terms_;
};

}  // namespace sft::methods

#endif  // METHODS_OFT_LINEAR_H_
