#include "harness/kernels/attention/relative_attention.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <vector>

namespace sft::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// scores [B, N, T, S] of the rows that each pair of tokens has. LibTorch's own
// would keep the scores for their shape: as much as a whole block does.
struct OfRowsFunction : torch::autograd::Function<OfRowsFunction> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& scores_BNTS,
                            const at::Tensor& rows_BNTT) {
    at::AutoDispatchBelowADInplaceOrView below;
    ctx->saved_data["sizes"] = scores_BNTS.sizes();
    ctx->save_for_backward({rows_BNTT});
    return scores_BNTS.gather(3, rows_BNTT);
  }
  static variable_list backward(AutogradContext* ctx,
                                const variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    at::Tensor sum =
        at::zeros(ctx->saved_data["sizes"].toIntVector(), grads[0].options());
    return {sum.scatter_add_(3, saved[0], grads[0]), at::Tensor()};
  }
};

struct RelativeInputs {
  at::Tensor q, k, v;                // [B, N, T, H]
  at::Tensor keys_NSH, queries_NSH;  // of the table
  at::Tensor rows_TT;                // by query, key
  double scale;
};

// One sequence, or padded rows of which `real` marks the keys ([B, 1, 1, T]).
at::Tensor AttendRelative(const RelativeInputs& in, const at::Tensor& real) {
  const int64_t B = in.q.size(0), N = in.q.size(1), T = in.q.size(2);
  const auto of_rows = [&](const at::Tensor& scores_BNTS,
                           const at::Tensor& rows_TT) {
    return OfRowsFunction::apply(scores_BNTS, rows_TT.expand({B, N, T, T}));
  };
  at::Tensor scores =
      at::matmul(in.q, in.k.transpose(2, 3))
          .add(of_rows(at::matmul(in.q, in.keys_NSH.transpose(1, 2)),
                       in.rows_TT))
          .add(of_rows(at::matmul(in.k, in.queries_NSH.transpose(1, 2)),
                       in.rows_TT.t())
                   .transpose(2, 3))
          .mul(in.scale);
  if (real.defined())
    scores = scores.masked_fill(real.logical_not(), -INFINITY);
  return at::matmul(scores.softmax(-1), in.v);
}

}  // namespace

at::Tensor DistanceRows(int64_t tokens, int64_t buckets, int64_t max_distance,
                        at::Device device) {
  const at::Tensor place_T = at::arange(tokens, at::kLong);
  const at::Tensor distance_TT = place_T.unsqueeze(1).sub(place_T);
  const int64_t mid = buckets / 2;
  const at::Tensor size_TT = distance_TT.abs();
  const at::Tensor base =
      at::full({},
               static_cast<double>(max_distance - 1) / static_cast<double>(mid),
               at::kFloat)
          .log();
  const at::Tensor far_TT = size_TT.clamp_min(mid)
                                .to(at::kFloat)
                                .div(static_cast<double>(mid))
                                .log()
                                .div(base)
                                .mul(static_cast<double>(mid - 1))
                                .ceil()
                                .add(static_cast<double>(mid))
                                .to(at::kLong)
                                .mul(distance_TT.sign());
  return at::where(size_TT.le(mid), distance_TT, far_TT)
      .add(buckets)
      .clamp(0, 2 * buckets - 1)
      .to(device);
}

at::Tensor RelativeAttention(const at::Tensor& q_BNTH, const at::Tensor& k_BNTH,
                             const at::Tensor& v_BNTH,
                             const at::Tensor& keys_NSH,
                             const at::Tensor& queries_NSH,
                             const at::Tensor& rows_TT, const Batch& batch,
                             double scale) {
  const at::ScalarType dtype = q_BNTH.scalar_type();
  const at::ScalarType wide = dtype == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor keys = keys_NSH.to(wide), queries = queries_NSH.to(wide);
  const auto attend = [&](int64_t begin, int64_t tokens,
                          const at::Tensor& real) {
    const auto part = [&](const at::Tensor& x) {
      return x.narrow(2, begin, tokens).to(wide);
    };
    const at::Tensor rows = rows_TT.narrow(0, 0, tokens).narrow(1, 0, tokens);
    return AttendRelative(
        {part(q_BNTH), part(k_BNTH), part(v_BNTH), keys, queries, rows, scale},
        real);
  };
  const int64_t B = q_BNTH.size(0), T = q_BNTH.size(2);
  if (!batch.cu_seqlens.defined()) {
    const auto longs =
        at::TensorOptions().dtype(at::kLong).device(q_BNTH.device());
    const at::Tensor real =
        at::arange(T, longs)
            .lt(at::tensor(batch.lengths, longs).unsqueeze(1))
            .view({B, 1, 1, T});
    return attend(0, T, real).to(dtype);
  }
  const at::Tensor bounds = batch.cu_seqlens.cpu();
  const int32_t* bound = bounds.const_data_ptr<int32_t>();
  std::vector<at::Tensor> parts;
  for (int64_t p = 0; p + 1 < bounds.numel(); ++p) {
    parts.push_back(attend(bound[p], bound[p + 1] - bound[p], {}));
  }
  return at::cat(parts, 2).to(dtype);
}

}  // namespace sft::kernels
