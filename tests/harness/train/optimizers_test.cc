// What holds of every optimizer that a spec can name.
#include <ATen/ATen.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/rng.h"
#include "harness/train/optimizers/adamw_paged.h"
#include "harness/train/optimizers/registry.h"
#include "harness/train/step_in_backward.h"
#include "tests/support/catch_torch.h"
#include "tests/support/require.h"

namespace sft::train::optimizers_test {
namespace {

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const OptimizerRow& row : AllOptimizers()) names.push_back(row.name);
  return names;
}

at::Tensor Drawn(at::IntArrayRef shape, const std::string& name) {
  at::Tensor values = at::empty(shape, at::kDouble);
  Rng rng(3, Stream::kInit, name);
  double* data = values.data_ptr<double>();
  for (int64_t i = 0; i < values.numel(); ++i) data[i] = rng.Normal();
  return values.to(at::kFloat);
}

// Small and large ones in turn, with a rate and without decay.
std::vector<TrainableParameter> Parameters(at::Device device = at::kCPU) {
  const auto leaf = [&](at::IntArrayRef shape, const std::string& name) {
    return Drawn(shape, name).to(device).set_requires_grad(true);
  };
  return {{"a", leaf({37, 5}, "a")},
          {"b", leaf({70, 90}, "b"), /*learning_rate_scale=*/4.0},
          {"c", leaf({3}, "c"), 1.0, /*weight_decay=*/false},
          {"d", leaf({4096}, "d"), 1.0, /*weight_decay=*/false},
          {"e", leaf({330, 310}, "e")}};
}

std::unique_ptr<Optimizer> Made(const std::string& name,
                                std::vector<TrainableParameter> parameters) {
  spec::RunConfig config;
  config.optimizer = name;
  config.weight_decay = 0.1;
  auto made = MakeOptimizer(config, std::move(parameters));
  INFO(made.status().ToString());
  REQUIRE(made.ok());
  return std::move(*made);
}

void SetGradients(const Optimizer& optimizer, int step) {
  for (const TrainableParameter& p : optimizer.parameters()) {
    p.tensor.mutable_grad() =
        Drawn(p.tensor.sizes(), p.name + std::to_string(step))
            .mul_(0.1)
            .to(p.tensor.device());
  }
}

bool SameWeights(const Optimizer& a, const Optimizer& b) {
  for (size_t i = 0; i < a.parameters().size(); ++i) {
    if (!at::equal(a.parameters()[i].tensor.cpu(),
                   b.parameters()[i].tensor.cpu())) {
      return false;
    }
  }
  return true;
}

TEST_CASE("every optimizer goes on from its state bit for bit",
          "[train][optimizer]") {
  for (const std::string& name : Names()) {
    INFO(name);
    const auto first = Made(name, Parameters());
    for (int step = 0; step < 3; ++step) {
      SetGradients(*first, step);
      first->Step(1e-2);
    }
    std::vector<NamedTensor> state;
    for (const NamedTensor& t : first->State()) {
      state.push_back({t.name, t.tensor.clone()});
    }
    const auto second = Made(name, Parameters());
    for (size_t i = 0; i < first->parameters().size(); ++i) {
      second->parameters()[i].tensor.detach().copy_(
          first->parameters()[i].tensor);
    }
    REQUIRE(second->LoadState(state).ok());
    for (Optimizer* optimizer : {first.get(), second.get()}) {
      for (int step = 3; step < 6; ++step) {
        SetGradients(*optimizer, step);
        optimizer->Step(5e-3);
      }
    }
    CHECK(SameWeights(*first, *second));
    const std::vector<NamedTensor> a = first->State(), b = second->State();
    for (size_t i = 0; i < a.size(); ++i) {
      INFO(a[i].name);
      CHECK(a[i].name == b[i].name);
      CHECK(at::equal(a[i].tensor, b[i].tensor));
    }
    state.pop_back();
    CHECK_FALSE(second->LoadState(state).ok());
  }
}

TEST_CASE("every optimizer's step inside backward is the step after it",
          "[train][optimizer]") {
  const auto backward = [](const Optimizer& optimizer) {
    at::Tensor sum = at::zeros({});
    for (const TrainableParameter& p : optimizer.parameters()) {
      if (p.name != "c") sum = sum + p.tensor.square().sum();
    }
    sum.backward();
  };
  for (const std::string& name : Names()) {
    INFO(name);
    const auto inside = Made(name, Parameters()),
               after = Made(name, Parameters());
    for (int step = 0; step < 3; ++step) {
      {
        const StepInBackward folded(*inside, 1e-2);
        backward(*inside);
      }
      backward(*after);
      const double norm = after->GradNorm();
      after->Step(1e-2);
      CHECK(inside->GradNorm() == norm);
      inside->DropGradients();
      after->DropGradients();
      CHECK(SameWeights(*inside, *after));
    }
    CHECK(at::equal(inside->parameters()[2].tensor, Parameters()[2].tensor));
  }
}

TEST_CASE("every optimizer moves a range of parameters as it moves all",
          "[train][optimizer]") {
  for (const std::string& name : Names()) {
    INFO(name);
    const auto whole = Made(name, Parameters()),
               parts = Made(name, Parameters());
    for (int step = 0; step < 2; ++step) {
      SetGradients(*whole, step);
      SetGradients(*parts, step);
      whole->Step(1e-2);
      parts->StepRange(0, 2, 1e-2);
      parts->StepRange(2, 2, 1e-2);
      parts->StepRange(2, 5, 1e-2);
      CHECK(SameWeights(*whole, *parts));
    }
  }
}

// On sum (w - 1)^2, from where the first steps all go one way.
void Descend(Optimizer& optimizer) {
  for (int step = 0; step < 50; ++step) {
    for (const TrainableParameter& p : optimizer.parameters()) {
      p.tensor.mutable_grad() = (p.tensor.detach() - 1).mul_(2);
    }
    optimizer.Step(1e-2);
  }
}

TEST_CASE("every optimizer goes downhill", "[train][optimizer]") {
  const auto height = [](const TrainableParameter& p) {
    return (p.tensor.detach() - 1).square().sum().item<double>();
  };
  for (const std::string& name : Names()) {
    const auto optimizer = Made(name, Parameters());
    std::vector<double> before;
    for (const TrainableParameter& p : optimizer->parameters()) {
      before.push_back(height(p));
    }
    Descend(*optimizer);
    for (size_t i = 0; i < before.size(); ++i) {
      INFO(name << ", " << optimizer->parameters()[i].name);
      CHECK(height(optimizer->parameters()[i]) < before[i]);
    }
  }
}

TEST_CASE("every form of AdamW follows it", "[train][optimizer]") {
  struct Form {
    const char* name;
    double bound;  // of the distance, as a share of the way
  };
  // In the uppermost decade of its block's map an 8-bit moment is off by up to
  // half a gap, 0.007 of at least 0.1; f32 moments are the same bits.
  for (const auto& [name, bound] :
       {Form{"adamw", 0.0}, Form{"adamw_8bit", 0.07},
        Form{"adamw_paged", 0.0}}) {
    INFO(name);
    const auto mine = Made(name, Parameters()),
               adamw = Made("adamw", Parameters());
    for (Optimizer* optimizer : {mine.get(), adamw.get()}) {
      Descend(*optimizer);
    }
    for (size_t i = 0; i < mine->parameters().size(); ++i) {
      const at::Tensor start = Parameters()[i].tensor.detach();
      const at::Tensor far = adamw->parameters()[i].tensor.detach() - start;
      const at::Tensor apart =
          mine->parameters()[i].tensor.detach() - start - far;
      INFO(mine->parameters()[i].name);
      CHECK(apart.norm().item<double>() <= bound * far.norm().item<double>());
    }
  }
}

TEST_CASE("every optimizer's row knows the bytes of its state",
          "[train][optimizer]") {
  std::vector<TrainableParameter> parameters;
  for (int64_t numbers : {3, 4095, 4096, 5000, 65536}) {
    parameters.push_back({std::to_string(numbers),
                          at::zeros({numbers}).set_requires_grad(true)});
  }
  for (const OptimizerRow& row : AllOptimizers()) {
    INFO(row.name);
    int64_t bytes = 0;
    for (const TrainableParameter& p : parameters) {
      bytes += row.state_bytes(p.tensor.numel(), p.tensor.element_size());
    }
    CHECK(bytes == Made(row.name, parameters)->StateBytes());
    CHECK(FindOptimizer(row.name) == &row);
    CHECK_FALSE(row.summary.empty());
    CHECK_FALSE(row.state_device.empty());
  }
  CHECK(FindOptimizer("adamw_4bit") == nullptr);
}

TEST_CASE("a row objects to the configs that its optimizer refuses",
          "[train][optimizer]") {
  for (const OptimizerRow& row : AllOptimizers()) {
    INFO(row.name);
    for (const char* dtype : {"f32", "bf16", "f64"}) {
      spec::RunConfig config;
      config.optimizer = row.name;
      config.dtype = dtype;
      const at::ScalarType master =
          config.dtype == "f64" ? at::kDouble : at::kFloat;
      const auto made = MakeOptimizer(
          config, {{"w", at::zeros({5000}, master).set_requires_grad(true)}});
      CHECK(made.ok() == row.objection(config).empty());
    }
  }
}

TEST_CASE("8-bit moments take 2 bytes a weight and 8 a block",
          "[train][optimizer]") {
  const auto optimizer = Made("adamw_8bit", Parameters());
  const int64_t small = 4 * (2 * (37 * 5 + 3) + 2);
  const int64_t large = 2 * (6300 + 4096 + 102'300) + 8 * (25 + 16 + 400) + 12;
  CHECK(optimizer->StateBytes() == small + large);
}

TEST_CASE("an optimizer that cannot be made is refused", "[train][optimizer]") {
  spec::RunConfig config;
  config.optimizer = "adamw_4bit";
  CHECK(absl::IsInvalidArgument(MakeOptimizer(config, Parameters()).status()));
  config.optimizer = "adamw_8bit";
  std::vector<TrainableParameter> doubles = {
      {"w", at::zeros({5000}, at::kDouble).set_requires_grad(true)}};
  CHECK(absl::IsInvalidArgument(MakeOptimizer(config, doubles).status()));
}

TEST_CASE("every optimizer on CUDA goes the way it goes on the CPU",
          "[train][optimizer][gpu]") {
  support::RequireGpu();
  const at::Device device(at::kCUDA, 0);
  for (const std::string& name : Names()) {
    INFO(name);
    const auto cpu = Made(name, Parameters()),
               gpu = Made(name, Parameters(device)),
               plain = Made("adamw", Parameters(device));
    for (int step = 0; step < 5; ++step) {
      for (Optimizer* optimizer : {cpu.get(), gpu.get(), plain.get()}) {
        SetGradients(*optimizer, step);
        optimizer->Step(1e-2);
      }
    }
    // Where the moments lie changes no bit; the fused operators of the two
    // devices round in another order.
    if (name == "adamw_paged") CHECK(SameWeights(*gpu, *plain));
    for (size_t i = 0; i < cpu->parameters().size(); ++i) {
      CHECK(at::allclose(gpu->parameters()[i].tensor.cpu(),
                         cpu->parameters()[i].tensor, 1e-5, 1e-6));
    }
    // And a state taken on the device goes on there.
    std::vector<NamedTensor> state;
    for (const NamedTensor& t : gpu->State()) {
      state.push_back({t.name, t.tensor.cpu()});
    }
    CHECK(gpu->LoadState(state).ok());
  }
}

}  // namespace
}  // namespace sft::train::optimizers_test
