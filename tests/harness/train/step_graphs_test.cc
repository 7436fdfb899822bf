// Passes over filled-up batches, and their capture on a card.
#include "harness/train/step_graphs.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "harness/train/optimizers/adamw.h"
#include "tests/support/catch_torch.h"
#include "tests/support/random_decoder.h"
#include "tests/support/require.h"

namespace sft::train::step_graphs_test {
namespace {

constexpr support::DecoderSize kSmall = {"small", 2, 64, 4, 2, 128, 331};

// A model all of whose tensors are trained.
struct Trained {
  explicit Trained(at::Device device, at::ScalarType compute = at::kFloat)
      : model(support::RandomDecoder(kSmall, compute, device)) {
    std::vector<TrainableParameter> parameters;
    for (const model::Parameter& p : model->Parameters()) {
      at::Tensor leaf = p.tensor;
      leaf.requires_grad_(true);
      parameters.push_back({.name = p.name, .tensor = leaf});
    }
    optimizer = std::make_unique<AdamW>(std::move(parameters), AdamWOptions{});
  }
  std::vector<at::Tensor> Gradients() const {
    std::vector<at::Tensor> out;
    for (const TrainableParameter& p : optimizer->parameters()) {
      out.push_back(p.tensor.grad().clone());
    }
    return out;
  }
  std::unique_ptr<model::Model> model;
  std::unique_ptr<Optimizer> optimizer;
};

// Flat batches of a plan, and the shape that they share.
struct Work {
  Work() {
    Rng rng(1, Stream::kMethod, "step_graphs_test");
    for (int64_t length : {30, 27, 21, 40, 18, 25, 33, 11, 24}) {
      rows.push_back(support::RandomRow(length, kSmall.vocabulary, rng));
    }
    for (int64_t i = 0; i < 9; i += 3) {
      data::MicroBatchPlan micro;
      for (int64_t j = i; j < i + 3; ++j) {
        micro.pieces.push_back({j, 0, std::ssize(rows[j].input_ids)});
      }
      plan.steps.push_back({.micro_batches = {micro}});
    }
    shapes = ShapesOfPlan(rows, plan);
  }
  Batch Plain(size_t step) const {
    return data::FlatBatch(rows, plan.steps[step].micro_batches[0].pieces);
  }
  std::vector<Example> rows;
  StepPlan plan;
  PlanShapes shapes;
};

double Apart(const std::vector<at::Tensor>& a,
             const std::vector<at::Tensor>& b) {
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const at::Tensor wanted = b[i].cpu();
    worst = std::max(worst, a[i].cpu().sub(wanted).abs().max().item<double>() /
                                wanted.abs().max().item<double>());
  }
  return worst;
}

// The eager pass.
double ForwardAndBackward(Trained& trained, const Batch& batch) {
  trained.optimizer->DropGradients();
  const model::LossOutput out = trained.model->SumLoss(batch);
  out.loss_sum.div(10.0).backward();
  CHECK(out.target_tokens == batch.target_tokens);
  return out.loss_sum.item<double>();
}

}  // namespace

TEST_CASE("a filled-up batch has the loss and the gradients of the batch",
          "[train][step_graphs]") {
  const Work work;
  Trained trained(at::kCPU);
  for (size_t step = 0; step < work.plan.steps.size(); ++step) {
    REQUIRE(work.shapes[step][0].has_value());
    CHECK(work.shapes[step][0] == work.shapes[0][0]);
    const Batch batch = work.Plain(step);
    const double wanted = ForwardAndBackward(trained, batch);
    const auto gradients = trained.Gradients();
    const Batch full = data::FilledUp(batch, *work.shapes[step][0]);
    CHECK(full.slots() == work.shapes[0][0]->tokens);
    // The CPU's attention wants no empty sequences.
    Batch dense = full;
    std::vector<int32_t> bounds(
        full.cu_seqlens.const_data_ptr<int32_t>(),
        full.cu_seqlens.const_data_ptr<int32_t>() + full.cu_seqlens.numel());
    bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
    dense.cu_seqlens = at::tensor(bounds, at::kInt);
    const double made = ForwardAndBackward(trained, dense);
    CHECK(std::abs(made - wanted) < 1e-6 * wanted);
    CHECK(Apart(trained.Gradients(), gradients) < 1e-5);
  }
}

TEST_CASE("no pass is captured on the CPU", "[train][step_graphs]") {
  Trained trained(at::kCPU);
  CHECK_FALSE(StepGraphs::CanCapture(*trained.model));
}

TEST_CASE("a replayed pass is bit for bit the pass kernel by kernel",
          "[train][step_graphs][gpu]") {
  support::RequireGpu();
  const at::ScalarType dtype = GENERATE(at::kFloat, at::kBFloat16);
  const Work work;
  Trained eager(at::kCPU, dtype), captured(at::kCUDA, dtype);
  REQUIRE(StepGraphs::CanCapture(*captured.model));
  StepGraphs graphs(*captured.model, *captured.optimizer);
  // The last batches are replays of the pass that the second one captured.
  for (size_t step : {0, 1, 2, 0, 1}) {
    const Batch full = data::FilledUp(work.Plain(step), *work.shapes[step][0]);
    const Batch there = data::OnDevice(full, at::kCUDA);
    graphs.BeginStep();
    const double loss = graphs.Run(there, 10).item<double>();
    CHECK(graphs.broken() == "");
    const auto gradients = captured.Gradients();
    // Another, which begins: kernel by kernel.
    captured.optimizer->DropGradients();
    StepGraphs fresh(*captured.model, *captured.optimizer);
    CHECK(fresh.Run(there, 10).item<double>() == loss);
    const auto again = captured.Gradients();
    for (size_t i = 0; i < gradients.size(); ++i) {
      CHECK(at::equal(gradients[i], again[i]));
    }
    const double wanted = ForwardAndBackward(eager, work.Plain(step));
    CHECK(std::abs(loss - wanted) <
          (dtype == at::kFloat ? 1e-5 : 3e-3) * wanted);
    CHECK(Apart(gradients, eager.Gradients()) <
          (dtype == at::kFloat ? 1e-4 : 5e-2));
    captured.optimizer->DropGradients();
  }
  // Twice in one step: the sum of both.
  const Batch there = data::OnDevice(
      data::FilledUp(work.Plain(0), *work.shapes[0][0]), at::kCUDA);
  graphs.BeginStep();
  graphs.Run(there, 10);
  const auto once = captured.Gradients();
  graphs.Run(there, 10);
  const auto twice = captured.Gradients();
  for (size_t i = 0; i < once.size(); ++i) {
    CHECK(at::equal(twice[i], once[i].mul(2)));
  }
}

}  // namespace sft::train::step_graphs_test
