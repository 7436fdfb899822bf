#include <ATen/Parallel.h>

#include <cmath>
#include <string>
#include <vector>

#include "harness/core/rng.h"
#include "harness/train/optimizers/adamw.h"
#include "harness/train/step_in_backward.h"
#include "tests/support/catch_torch.h"

namespace sft::train::optimizer_test {
namespace {

at::Tensor Drawn(at::IntArrayRef shape, const std::string& name,
                 at::ScalarType dtype = at::kFloat) {
  at::Tensor values = at::empty(shape, at::kDouble);
  Rng rng(3, Stream::kInit, name);
  double* data = values.data_ptr<double>();
  for (int64_t i = 0; i < values.numel(); ++i) data[i] = rng.Normal();
  return values.to(dtype);
}

std::vector<TrainableParameter> Parameters(at::ScalarType dtype = at::kFloat) {
  std::vector<TrainableParameter> out;
  out.push_back({"a", Drawn({37, 5}, "a", dtype).set_requires_grad(true)});
  out.push_back({"b", Drawn({130}, "b", dtype).set_requires_grad(true),
                 /*learning_rate_scale=*/4.0});
  out.push_back({"c", Drawn({3}, "c", dtype).set_requires_grad(true),
                 /*learning_rate_scale=*/1.0, /*weight_decay=*/false});
  return out;
}

void SetGradients(const AdamW& optimizer, int step) {
  for (const TrainableParameter& p : optimizer.parameters()) {
    at::Tensor grad = Drawn(p.tensor.sizes(), p.name + std::to_string(step),
                            p.tensor.scalar_type());
    p.tensor.mutable_grad() = grad.mul_(0.1);
  }
}

double RelativeError(const at::Tensor& a, const at::Tensor& b) {
  return (a.detach() - b.detach()).norm().item<double>() /
         b.detach().norm().item<double>();
}

constexpr AdamWOptions kOptions{.weight_decay = 0.1};

TEST_CASE("the fused step agrees with the plain one", "[train][optimizer]") {
  AdamW fused(Parameters(), kOptions);
  AdamWOptions plain_options = kOptions;
  plain_options.force_reference = true;
  AdamW plain(Parameters(), plain_options);
  for (int step = 0; step < 30; ++step) {
    SetGradients(fused, step);
    SetGradients(plain, step);
    fused.Step(1e-2);
    plain.Step(1e-2);
  }
  for (size_t i = 0; i < 3; ++i) {
    INFO(fused.parameters()[i].name);
    CHECK(RelativeError(fused.parameters()[i].tensor,
                        plain.parameters()[i].tensor) < 1e-6);
  }
}

TEST_CASE("one step in f64 is the formula", "[train][optimizer]") {
  AdamW optimizer(Parameters(at::kDouble), kOptions);
  const at::Tensor before = optimizer.parameters()[1].tensor.detach().clone();
  SetGradients(optimizer, 0);
  const at::Tensor grad = optimizer.parameters()[1].tensor.grad().clone();
  optimizer.Step(1e-2);
  const double* w = before.const_data_ptr<double>();
  const double* g = grad.const_data_ptr<double>();
  const at::Tensor after = optimizer.parameters()[1].tensor.detach();
  for (int64_t i = 0; i < before.numel(); ++i) {
    // After one step the corrected moments are g and g^2.
    const double rate = 4e-2;
    const double want =
        w[i] * (1 - rate * 0.1) - rate * g[i] / (std::abs(g[i]) + 1e-8);
    CHECK(after[i].item<double>() == Approx(want).epsilon(1e-12));
  }
}

TEST_CASE("a parameter without a gradient keeps value and step count",
          "[train][optimizer]") {
  AdamW optimizer(Parameters(), kOptions);
  SetGradients(optimizer, 0);
  optimizer.DropGradients();
  CHECK_FALSE(optimizer.parameters()[0].tensor.grad().defined());
  optimizer.parameters()[0].tensor.mutable_grad() = at::ones({37, 5});
  const at::Tensor before = optimizer.parameters()[1].tensor.detach().clone();
  optimizer.Step(1e-2);
  CHECK(optimizer.parameters()[1].tensor.equal(before));
  CHECK(optimizer.State()[2].tensor.item<float>() == 1);
  CHECK(optimizer.State()[5].tensor.item<float>() == 0);
}

TEST_CASE("gradients are clipped by their norm together",
          "[train][optimizer]") {
  AdamW optimizer(Parameters(), kOptions);
  SetGradients(optimizer, 0);
  std::vector<at::Tensor> flat;
  for (const TrainableParameter& p : optimizer.parameters()) {
    flat.push_back(p.tensor.grad().flatten());
  }
  const at::Tensor all = at::cat(flat);
  const double norm = all.to(at::kDouble).norm().item<double>();
  CHECK(optimizer.GradNorm() == Approx(norm).epsilon(1e-12));
  optimizer.ClipGradients(norm, 2 * norm);
  CHECK(optimizer.GradNorm() == Approx(norm).epsilon(1e-12));
  optimizer.ClipGradients(norm, 0.5);
  CHECK(optimizer.GradNorm() ==
        Approx(norm * 0.5 / (norm + 1e-6)).epsilon(1e-6));
}

TEST_CASE("the norm of large gradients does not depend on threads",
          "[train][optimizer]") {
  std::vector<TrainableParameter> parameters = {
      {"w", at::zeros({1 << 20}).set_requires_grad(true)}};
  AdamW optimizer(parameters, kOptions);
  parameters[0].tensor.mutable_grad() = Drawn({1 << 20}, "large");
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const double one = optimizer.GradNorm();
  at::set_num_threads(2);
  const double two = optimizer.GradNorm();
  at::set_num_threads(before);
  CHECK(one == two);
  CHECK(one == Approx(1024).epsilon(1e-2));
}

TEST_CASE("state saved and loaded goes on bit for bit", "[train][optimizer]") {
  AdamW first(Parameters(), kOptions);
  SetGradients(first, 0);
  first.Step(1e-2);
  std::vector<NamedTensor> state, weights;
  for (const NamedTensor& t : first.State()) {
    state.push_back({t.name, t.tensor.clone()});
  }
  for (const TrainableParameter& p : first.parameters()) {
    weights.push_back({p.name, p.tensor.detach().clone()});
  }
  AdamW second(Parameters(), kOptions);
  for (size_t i = 0; i < weights.size(); ++i) {
    second.parameters()[i].tensor.detach().copy_(weights[i].tensor);
  }
  REQUIRE(second.LoadState(state).ok());
  for (AdamW* optimizer : {&first, &second}) {
    SetGradients(*optimizer, 1);
    optimizer->Step(5e-3);
  }
  for (size_t i = 0; i < 3; ++i) {
    CHECK(first.parameters()[i].tensor.equal(second.parameters()[i].tensor));
  }
  state.pop_back();
  CHECK_FALSE(second.LoadState(state).ok());
  state.push_back({"c.step", at::zeros({2})});
  CHECK_FALSE(second.LoadState(state).ok());
}

TEST_CASE("only trainable parameters have state", "[train][optimizer]") {
  AdamW optimizer(Parameters(), kOptions);
  CHECK(optimizer.trainable_parameters() == 37 * 5 + 130 + 3);
  CHECK(optimizer.StateBytes() == 4 * (2 * (37 * 5 + 130 + 3) + 3));
}

TEST_CASE("a backward pass moves what it has a gradient of and drops that",
          "[train][optimizer]") {
  AdamW inside(Parameters(), kOptions), after(Parameters(), kOptions);
  const auto backward = [](const AdamW& optimizer) {
    at::Tensor sum = at::zeros({});
    for (const TrainableParameter& p : optimizer.parameters()) {
      if (p.name != "c") sum = sum + p.tensor.square().sum();
    }
    sum.backward();
  };
  {
    const StepInBackward step(inside, 1e-2);
    backward(inside);
  }
  backward(after);
  const double norm = after.GradNorm();
  after.Step(1e-2);
  for (size_t i = 0; i < 3; ++i) {
    CHECK_FALSE(inside.parameters()[i].tensor.grad().defined());
    CHECK(
        at::equal(inside.parameters()[i].tensor, after.parameters()[i].tensor));
  }
  CHECK(inside.GradNorm() == norm);
  inside.DropGradients();
  CHECK(inside.GradNorm() == 0);
  // Without it, gradients stay.
  backward(inside);
  CHECK(inside.parameters()[0].tensor.grad().defined());
}

}  // namespace
}  // namespace sft::train::optimizer_test
