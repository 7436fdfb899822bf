// A matrix that is both the embedding and the head. Its gradient has two terms:
// the head's fills it, the lookup's has the rows of the tokens in the batch. As
// autograd adds them, the second is a matrix of zeros but for these rows; here
// they go into the first.
#ifndef HARNESS_MODEL_OPS_TIED_WEIGHT_H_
#define HARNESS_MODEL_OPS_TIED_WEIGHT_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace sft::model {

struct TiedWeight {
  at::Tensor lookup_VD;  // for LookUp
  at::Tensor head_VD;    // for HeadLoss, which gives its gradient away
};
// Both are w_VD itself, whose gradient is the sum, bit for bit as autograd's.
TiedWeight SplitTied(const at::Tensor& w_VD);

// Rows of the embedding [..., D] by ids [...]; those of `pad` take no gradient
// (-1: none is left out). The gradient of w_VD is sparse.
at::Tensor LookUp(const at::Tensor& w_VD, const at::Tensor& ids, int64_t pad);

}  // namespace sft::model

#endif  // HARNESS_MODEL_OPS_TIED_WEIGHT_H_
