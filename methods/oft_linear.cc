#include "methods/oft_linear.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>

#include <utility>

namespace sft::methods {
namespace {

// Q [K, S, S]: the triangles above the diagonal, their negatives below.
at::Tensor Skew(const at::Tensor& triangles_KE, int64_t size) {
  const at::Tensor places_2E = at::triu_indices(
      size, size, /*offset=*/1,
      at::TensorOptions(at::kLong).device(triangles_KE.device()));
  const at::Tensor flat_E = places_2E[0] * size + places_2E[1];
  const at::Tensor upper =
      at::zeros({triangles_KE.size(0), size * size}, triangles_KE.options())
          .index_copy(1, flat_E, triangles_KE)
          .view({-1, size, size});
  return upper - upper.transpose(1, 2);
}

}  // namespace

at::Tensor CayleyRotations(const at::Tensor& triangles_KE, int64_t block_size,
                           int64_t neumann_terms) {
  TORCH_CHECK(neumann_terms == 0 || neumann_terms >= 4, neumann_terms,
              " terms: wanted 0 or at least 4");
  const at::Tensor q_KSS = Skew(triangles_KE, block_size);
  const at::Tensor one_SS = at::eye(block_size, q_KSS.options());
  if (neumann_terms == 0) {
    return at::linalg_solve(one_SS + q_KSS, one_SS - q_KSS, /*left=*/false);
  }
  // I + 2 Q + ... + 2 Q^(n-2) + Q^(n-1).
  at::Tensor power = q_KSS;
  at::Tensor r_KSS = one_SS + 2 * q_KSS;
  for (int64_t k = 2; k < neumann_terms - 1; ++k) {
    power = at::bmm(power, q_KSS);
    r_KSS = r_KSS + 2 * power;
  }
  return r_KSS + at::bmm(power, q_KSS);
}

int64_t OftBlockSize(int64_t in_features, int64_t wanted) {
  if (wanted >= in_features) return in_features;
  int64_t above = wanted, below = wanted;
  while (in_features % above != 0) ++above;
  while (in_features % below != 0) --below;
  return wanted - below <= above - wanted ? below : above;
}

OftLinear::OftLinear(std::unique_ptr<model::LinearMap> base,
                     at::Tensor triangles_KE, int64_t in_features,
                     int64_t neumann_terms)
    : base_(std::move(base)),
      triangles_KE_(std::move(triangles_KE)),
      in_features_(in_features),
      block_size_(in_features / triangles_KE_.size(0)),
      neumann_terms_(neumann_terms) {
  TORCH_CHECK(triangles_KE_.size(0) * block_size_ == in_features &&
                  triangles_KE_.size(1) == block_size_ * (block_size_ - 1) / 2,
              "triangles ", triangles_KE_.sizes(), " for ", in_features,
              " inputs");
}

at::Tensor OftLinear::Rotated(const at::Tensor& x,
                              const at::Tensor& r_KSS) const {
  const at::Tensor blocks_KMS = x.reshape({-1, r_KSS.size(0), block_size_})
                                    .to(r_KSS.scalar_type())
                                    .transpose(0, 1);
  return at::bmm(blocks_KMS, r_KSS)
      .transpose(0, 1)
      .reshape(x.sizes())
      .to(x.scalar_type());
}

at::Tensor OftLinear::Forward(const at::Tensor& x,
                              const model::PassState& pass) {
  return base_->Forward(Rotated(x, R_KSS()), pass);
}

// Row o of W' is row o of W times R^T.
at::Tensor OftLinear::DenseWeight() const {
  at::NoGradGuard no_grad;
  const at::Tensor w_OI = base_->DenseWeight();
  return Rotated(w_OI, R_KSS().to(w_OI.scalar_type()).transpose(1, 2));
}

std::vector<model::MatrixShape> OftLinear::Matrices() const {
  // A row of I numbers meets K matrices [S, S].
  std::vector<model::MatrixShape> out = base_->Matrices();
  out.push_back({in_features_, block_size_, triangles_KE_.requires_grad()});
  return out;
}

std::vector<NamedTensor> OftLinear::Tensors() const {
  std::vector<NamedTensor> out = base_->Tensors();
  out.push_back({"oft_R.weight", triangles_KE_});
  return out;
}

std::vector<std::pair<std::string, int64_t>> OftLinear::BytesByCategory()
    const {
  auto out = base_->BytesByCategory();
  out.emplace_back("adapters", static_cast<int64_t>(triangles_KE_.nbytes()));
  return out;
}

}  // namespace sft::methods
