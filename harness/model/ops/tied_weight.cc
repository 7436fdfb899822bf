#include "harness/model/ops/tied_weight.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <tuple>

namespace sft::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct SplitFunction : torch::autograd::Function<SplitFunction> {
  static variable_list forward(AutogradContext* ctx, const at::Tensor& w_VD) {
    at::AutoDispatchBelowADInplaceOrView below;
    ctx->set_materialize_grads(false);
    return {w_VD.detach(), w_VD.detach()};
  }
  static variable_list backward(AutogradContext*, const variable_list& grads) {
    at::Tensor of_lookup = grads[0], of_head = grads[1];
    if (!of_head.defined()) {
      return {of_lookup.defined() ? of_lookup.to_dense() : of_lookup};
    }
    if (of_lookup.defined()) {
      of_head.index_add_(0, of_lookup._indices().select(0, 0),
                         of_lookup._values());
    }
    return {of_head};
  }
};

struct LookUpFunction : torch::autograd::Function<LookUpFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& w_VD,
                            const at::Tensor& ids, int64_t pad) {
    at::AutoDispatchBelowADInplaceOrView below;
    ctx->save_for_backward({ids});
    ctx->saved_data["pad"] = pad;
    ctx->saved_data["rows"] = w_VD.size(0);
    return at::embedding(w_VD, ids);
  }
  static variable_list backward(AutogradContext* ctx,
                                const variable_list& grads) {
    const int64_t pad = ctx->saved_data["pad"].toInt();
    at::Tensor ids_S = ctx->get_saved_variables()[0].reshape({-1});
    at::Tensor grad_SD = grads[0].reshape({ids_S.size(0), -1});
    if (pad >= 0) {
      const at::Tensor kept = ids_S.ne(pad).nonzero().select(1, 0);
      grad_SD = grad_SD.index_select(0, kept);
      ids_S = ids_S.index_select(0, kept);
    }
    // A row's terms in the order of the tokens.
    const auto [ids_U, at_S, counts] =
        at::_unique2(ids_S, /*sorted=*/true, /*return_inverse=*/true);
    at::Tensor sums_UD =
        at::zeros({ids_U.size(0), grad_SD.size(1)}, grad_SD.options());
    sums_UD.index_add_(0, at_S, grad_SD);
    const at::Tensor of_w = at::_sparse_coo_tensor_unsafe(
        ids_U.unsqueeze(0), sums_UD,
        {ctx->saved_data["rows"].toInt(), grad_SD.size(1)},
        grad_SD.options().layout(at::kSparse), /*is_coalesced=*/true);
    return {of_w, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

TiedWeight SplitTied(const at::Tensor& w_VD) {
  const variable_list both = SplitFunction::apply(w_VD);
  return {both[0], both[1]};
}

at::Tensor LookUp(const at::Tensor& w_VD, const at::Tensor& ids, int64_t pad) {
  return LookUpFunction::apply(w_VD, ids, pad);
}

}  // namespace sft::model
