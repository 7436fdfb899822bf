#include "harness/model/ops/tied_weight.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "harness/model/ops/head_loss.h"
#include "harness/model/ops/ops.h"
#include "harness/model/ops/remake.h"
#include "tests/support/catch_torch.h"

namespace sft::model::tied_weight_test {
namespace {

TEST_CASE("a tied matrix has the gradient that autograd adds, bit for bit",
          "[model][tied]") {
  at::manual_seed(11);
  const int64_t vocabulary = 40, width = 12, tokens = 90;
  const int64_t pad = GENERATE(-1, 3);
  const at::Tensor w = at::randn({vocabulary, width});
  // Ids that come often, and some that never do.
  const at::Tensor ids = at::randint(25, {2, tokens / 2}, at::kLong);
  const at::Tensor label = at::randint(vocabulary, {tokens}, at::kLong);
  const at::Tensor scale = at::randn({tokens, width});
  const auto loss_of = [&](const at::Tensor& rows, const at::Tensor& head) {
    return HeadLoss(rows.reshape({tokens, width}).mul(scale), head, label);
  };
  const at::Tensor plain = w.clone().requires_grad_(true);
  torch::autograd::backward({loss_of(at::embedding(plain, ids, pad), plain)});

  const at::Tensor leaf = w.clone().requires_grad_(true);
  const TiedWeight tied = SplitTied(leaf);
  const at::Tensor loss =
      loss_of(LookUp(tied.lookup_VD, ids, pad), tied.head_VD);
  torch::autograd::backward({loss});
  CHECK(leaf.grad().layout() == at::kStrided);
  CHECK(at::equal(leaf.grad(), plain.grad()));

  // One of the two alone.
  const at::Tensor lookup = w.clone().requires_grad_(true);
  torch::autograd::backward(
      {LookUp(SplitTied(lookup).lookup_VD, ids, pad).square().sum()});
  const at::Tensor wanted = w.clone().requires_grad_(true);
  torch::autograd::backward({at::embedding(wanted, ids, pad).square().sum()});
  CHECK(lookup.grad().layout() == at::kStrided);
  CHECK(at::equal(lookup.grad(), wanted.grad()));
  const at::Tensor head = w.clone().requires_grad_(true);
  torch::autograd::backward({SplitTied(head).head_VD.square().sum()});
  CHECK(at::equal(head.grad(), w.mul(2)));
}

TEST_CASE("a residual sum is made again from what it is of, bit for bit",
          "[model][tied]") {
  at::manual_seed(12);
  const at::Tensor x = at::randn({7, 16}).requires_grad_(true);
  const at::Tensor more = at::randn({7, 16}).to(at::kBFloat16);
  const at::Tensor w = at::rand({16}).requires_grad_(true);
  const auto run = [&](bool made_again) {
    const at::Tensor sum = made_again ? ResidualSum(x, more) : x.add(more);
    CHECK(IsRemade(sum) == made_again);
    const at::Tensor y = RmsNorm(sum, w, 1e-5, at::kBFloat16);
    const auto grads =
        torch::autograd::grad({y.to(at::kFloat).square().sum()}, {x, w});
    return std::vector<at::Tensor>{sum, y, grads[0], grads[1]};
  };
  const std::vector<at::Tensor> made = run(true), kept = run(false);
  for (size_t i = 0; i < made.size(); ++i) CHECK(at::equal(made[i], kept[i]));
  // Nothing is gained by a term as wide as the sum, nor by a sum of such a sum.
  CHECK_FALSE(IsRemade(ResidualSum(x, x)));
  CHECK_FALSE(IsRemade(ResidualSum(ResidualSum(x, more), more)));
}

}  // namespace
}  // namespace sft::model::tied_weight_test
