// Cross-entropy of a linear head over a large vocabulary, the two as one
// differentiable operation that works on a part of the rows at a time: the
// logits of all rows never exist, and backward finds its gradients made.
// M target rows, D width, V vocabulary.
#ifndef HARNESS_MODEL_OPS_HEAD_LOSS_H_
#define HARNESS_MODEL_OPS_HEAD_LOSS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace sft::model {

// Rows whose logits exist at a time: enough for full speed of the products,
// and few passes over the gradient of w.
inline constexpr int64_t kHeadLossRows = 512;

// Sum over m of -log softmax(w h[m])[label[m]], nats, in the master dtype.
// h_MD in the compute dtype, in which the products are; w_VD in the master
// dtype (cast here); label_M int64.
at::Tensor HeadLoss(const at::Tensor& h_MD, const at::Tensor& w_VD,
                    const at::Tensor& label_M);

// log sum e^logit of each row of [M, V], f64 [M]; no gradient.
at::Tensor LogSums(const at::Tensor& logits_MV);

}  // namespace sft::model

#endif  // HARNESS_MODEL_OPS_HEAD_LOSS_H_
