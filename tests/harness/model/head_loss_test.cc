#include "harness/model/ops/head_loss.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "harness/core/batch.h"
#include "tests/support/catch_torch.h"

namespace sft::model::head_loss_test {
namespace {

at::Tensor Leaf(const at::Tensor& x) {
  return x.detach().to(at::kDouble).clone().requires_grad_(true);
}
double Apart(const at::Tensor& a, const at::Tensor& b) {
  return a.to(at::kDouble).sub(b).abs().max().item<double>() /
         b.abs().max().item<double>();
}

// 1,100 rows make three parts, the last one not full.
TEST_CASE("the head's loss and gradients are those of logits formed whole") {
  at::manual_seed(6);
  const auto dtype = GENERATE(at::kDouble, at::kFloat, at::kBFloat16);
  const auto master = dtype == at::kDouble ? at::kDouble : at::kFloat;
  const int64_t rows = 1100, width = 24, vocabulary = 331;
  const at::Tensor h = at::randn({rows, width}).to(dtype);
  const at::Tensor w = at::randn({vocabulary, width}).to(master).mul(0.5);
  const at::Tensor label = at::randint(vocabulary, {rows}, at::kLong);
  label[7] = kNoLoss;  // counts for nothing
  const at::Tensor h64 = Leaf(h), w64 = Leaf(w.to(dtype));
  const at::Tensor wanted = at::cross_entropy_loss(
      at::matmul(h64, w64.t()), label, {}, at::Reduction::Sum);
  torch::autograd::backward({wanted.mul(0.25)});

  const at::Tensor h_leaf = h.detach().clone().requires_grad_(true);
  const at::Tensor w_leaf = w.detach().clone().requires_grad_(true);
  const at::Tensor loss = HeadLoss(h_leaf, w_leaf, label);
  torch::autograd::backward({loss.mul(0.25)});
  const double bound = dtype == at::kDouble  ? 1e-12
                       : dtype == at::kFloat ? 2e-6
                                             : 1e-2;
  CHECK(std::fabs(loss.item<double>() / wanted.item<double>() - 1) < bound);
  CHECK(Apart(h_leaf.grad(), h64.grad()) < bound);
  CHECK(Apart(w_leaf.grad(), w64.grad()) < bound);
  CHECK(w_leaf.grad().scalar_type() == master);

  // A frozen head gives the same to the rows, and evaluation the same loss.
  const at::Tensor again = h.detach().clone().requires_grad_(true);
  torch::autograd::backward({HeadLoss(again, w, label).mul(0.25)});
  CHECK(at::equal(again.grad(), h_leaf.grad()));
  c10::NoGradGuard off;
  CHECK(HeadLoss(h_leaf, w_leaf, label).item<double>() == loss.item<double>());
}

}  // namespace
}  // namespace sft::model::head_loss_test
