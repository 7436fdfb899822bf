// Products of matrices by what is fastest here: our own tiles for f32 on
// processors where they outrun BLAS, LibTorch's for all else. No autograd.
#ifndef HARNESS_KERNELS_PRODUCT_MATRIX_PRODUCT_H_
#define HARNESS_KERNELS_PRODUCT_MATRIX_PRODUCT_H_

#include <ATen/core/Tensor.h>

namespace sft::kernels {

// Whether a [M, K] b [K, N] is a product of our own tiles.
bool IsTiledProduct(const at::Tensor& a_MK, const at::Tensor& b_KN);
// a [M, K] b [K, N] -> [M, N], in their dtype.
at::Tensor MatrixProduct(const at::Tensor& a_MK, const at::Tensor& b_KN);
// sum_MN += a b; all of one dtype.
void AddMatrixProduct(const at::Tensor& a_MK, const at::Tensor& b_KN,
                      at::Tensor& sum_MN);

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_PRODUCT_MATRIX_PRODUCT_H_
