#include "harness/model/ops/head_loss.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "harness/kernels/block/block_glue.h"
#include "harness/kernels/block/block_ops.h"
#include "harness/model/ops/linear_product.h"
#include "harness/model/ops/reading_product.h"

namespace sft::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The sum of losses, f64 []; logits_RV becomes their gradient where one is
// wanted.
at::Tensor LossOfRows(at::Tensor& logits_RV, const at::Tensor& label_R,
                      bool gradient) {
  if (kernels::HasBlockKernels(logits_RV)) {
    return kernels::CrossEntropyOfRows(logits_RV, label_R, gradient);
  }
  const at::ScalarType wide =
      logits_RV.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  at::Tensor log_p_RV = logits_RV.to(wide).log_softmax(-1);
  const at::Tensor none_R1 = label_R.lt(0).unsqueeze(1);
  const at::Tensor at_R1 = label_R.clamp_min(0).unsqueeze(1);
  const at::Tensor sum = log_p_RV.gather(1, at_R1)
                             .masked_fill(none_R1, 0)
                             .sum()
                             .neg()
                             .to(at::kDouble);
  if (gradient) {
    at::Tensor grad_RV = log_p_RV.exp_();
    grad_RV.scatter_add_(1, at_R1,
                         at::full(at_R1.sizes(), -1.0, grad_RV.options()));
    grad_RV.masked_fill_(none_R1, 0);
    logits_RV = grad_RV.to(logits_RV.scalar_type());
  }
  return sum;
}

struct HeadLossFunction : torch::autograd::Function<HeadLossFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& h_MD,
                            const at::Tensor& w_VD, const at::Tensor& label_M,
                            bool grad_h, bool grad_w) {
    at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor h = h_MD.contiguous(), label = label_M.contiguous();
    at::Tensor of_h = grad_h ? at::empty_like(h) : at::Tensor();
    at::Tensor of_w = grad_w ? at::zeros_like(w_VD) : at::Tensor();
    // Behind what stays: what goes leaves room for the lookup's gradient.
    const at::Tensor w = w_VD.to(h.scalar_type());
    // On the device throughout: nobody waits for a part's loss.
    at::Tensor sum = at::zeros({}, w_VD.options().dtype(at::kDouble));
    for (int64_t begin = 0; begin < h.size(0); begin += kHeadLossRows) {
      const int64_t rows = std::min(kHeadLossRows, h.size(0) - begin);
      const at::Tensor part_RD = h.narrow(0, begin, rows);
      at::Tensor logits_RV = grad_h || grad_w
                                 ? LinearProduct(part_RD, w, at::Tensor())
                                 : ReadingProduct(part_RD, w, at::Tensor());
      sum.add_(LossOfRows(logits_RV, label.narrow(0, begin, rows),
                          grad_h || grad_w));
      if (grad_h) {
        of_h.narrow(0, begin, rows).copy_(InputGradient(logits_RV, w));
      }
      if (grad_w) AddWeightGradient(logits_RV, part_RD, of_w);
    }
    ctx->saved_data["of_h"] = of_h;
    ctx->saved_data["of_w"] = of_w;
    return sum.to(w_VD.scalar_type());
  }

  static variable_list backward(AutogradContext* ctx,
                                const variable_list& grads) {
    auto scaled = [&](const char* name) {
      at::Tensor made = ctx->saved_data[name].toTensor();
      // Made for this one pass backwards: scaled in place and given away.
      ctx->saved_data[name] = at::Tensor();
      return made.defined() ? made.mul_(grads[0].to(made.scalar_type())) : made;
    };
    return {scaled("of_h"), scaled("of_w"), at::Tensor(), at::Tensor(),
            at::Tensor()};
  }
};

}  // namespace

at::Tensor HeadLoss(const at::Tensor& h_MD, const at::Tensor& w_VD,
                    const at::Tensor& label_M) {
  const bool on = c10::GradMode::is_enabled();
  return HeadLossFunction::apply(h_MD, w_VD, label_M,
                                 on && h_MD.requires_grad(),
                                 on && w_VD.requires_grad());
}

at::Tensor LogSums(const at::Tensor& logits_MV) {
  if (!logits_MV.is_cpu() || logits_MV.scalar_type() != at::kFloat) {
    return at::logsumexp(logits_MV, {1}).to(at::kDouble);
  }
  const at::Tensor logits = logits_MV.contiguous();
  const int64_t M = logits.size(0), V = logits.size(1);
  const at::Tensor out_M = at::empty({M}, at::kDouble);
  float* row = logits.mutable_data_ptr<float>();
  double* out = out_M.mutable_data_ptr<double>();
  at::parallel_for(0, M, 1, [&](int64_t begin, int64_t end) {
    const int64_t label = 0;
    for (int64_t m = begin; m < end; ++m) {
      // Minus log p of the first, plus its logit.
      out[m] = kernels::CrossEntropyRows(row + m * V, &label, 1, V,
                                         /*gradient=*/false) +
               static_cast<double>(row[m * V]);
    }
  });
  return out_M;
}

}  // namespace sft::model
