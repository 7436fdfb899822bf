// Models between the base and the tuned one: theta(alpha) = base + alpha
// (tuned - base), by a method's own form and in dense weights.
#include <ATen/ATen.h>

#include "harness/model/dense_pairs.h"
#include "tests/methods/methods_support.h"

namespace sft::methods::rewind_test {
namespace {

using Options = std::map<std::string, std::string>;

struct Moved {
  std::unique_ptr<model::Model> model;
  std::unique_ptr<train::UpdateMethod> method;
  std::map<std::string, at::Tensor> trained;
};

Moved Attach(const std::string& name, const Options& options,
             at::ScalarType compute = at::kFloat) {
  Moved out;
  out.model = LoadTestModel(compute);
  out.method = MakeMethod(name, options, 3);
  REQUIRE(out.method->Attach(*out.model).ok());
  REQUIRE(out.method->BeginRound(0).ok());
  for (const train::TrainableParameter& p : out.method->TrainableParameters()) {
    out.trained[p.name] = p.tensor;
  }
  return out;
}

// As if it had been trained.
Moved Tuned(const std::string& name, const Options& options,
            at::ScalarType compute = at::kFloat) {
  Moved out = Attach(name, options, compute);
  at::NoGradGuard no_grad;
  uint64_t seed = 1;
  for (auto& [key, tensor] : out.trained) {
    Rng rng(seed++, Stream::kInit, key);
    at::Tensor change = at::empty(tensor.numel());
    for (int64_t i = 0; i < change.numel(); ++i) {
      change.data_ptr<float>()[i] = static_cast<float>(0.02 * rng.Normal());
    }
    tensor.detach().add_(change.view(tensor.sizes()));
  }
  return out;
}

double LargestGap(const std::vector<NamedTensor>& a,
                  const std::vector<NamedTensor>& b) {
  REQUIRE(a.size() == b.size());
  double gap = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    REQUIRE(a[i].name == b[i].name);
    gap = std::max(gap, (a[i].tensor - b[i].tensor).abs().max().item<double>());
  }
  return gap;
}

// The base with its weights moved a share of the way.
std::vector<NamedTensor> DenseBetween(model::Model& base, model::Model& tuned,
                                      double alpha) {
  const absl::Status status =
      model::ForEachDensePair(base, tuned, [&](const model::DensePair& pair) {
        at::Tensor weight = pair.base;
        weight.lerp_(pair.tuned, alpha);
      });
  INFO(status.ToString());
  REQUIRE(status.ok());
  return base.DenseState();
}

TEST_CASE("a low-rank term is rewound by its scale, PiSSA's against B0 A0",
          "[methods][rewind]") {
  RequireModel("glassllm");
  for (const Options& options :
       {Options{{"lora.rank", "4"}},
        Options{{"lora.rank", "4"}, {"lora.rslora", "true"}},
        Options{{"lora.rank", "4"}, {"lora.init", "pissa"}}}) {
    const Moved tuned = Tuned("lora", options);
    for (const double alpha : {0.0, 0.25, 0.8, 1.0}) {
      INFO(options.size() << " options, alpha " << alpha);
      const Moved between = Attach("lora", options);
      REQUIRE(between.method->Rewind(tuned.trained, alpha));
      const auto base = LoadTestModel();
      CHECK(LargestGap(between.model->DenseState(),
                       DenseBetween(*base, *tuned.model, alpha)) < 2e-6);
    }
  }
}

TEST_CASE("a magnitude, and whole weights, are rewound in dense ones",
          "[methods][rewind]") {
  RequireModel("glassllm");
  const Options dora = {{"lora.rank", "4"}, {"lora.dora", "true"}};
  CHECK_FALSE(
      Attach("lora", dora).method->Rewind(Tuned("lora", dora).trained, 0.5));
  CHECK_FALSE(Attach("full", {}).method->Rewind({}, 0.5));
  const Moved tuned = Tuned("lora", dora);
  const auto untouched = LoadTestModel();
  const auto at_end = LoadTestModel();
  CHECK(LargestGap(DenseBetween(*at_end, *tuned.model, 1),
                   tuned.model->DenseState()) < 1e-6);
  const auto at_base = LoadTestModel();
  CHECK(LargestGap(DenseBetween(*at_base, *tuned.model, 0),
                   untouched->DenseState()) == 0);
}

std::map<std::string, at::Tensor> ChangesOfMaps(model::Model& base,
                                                model::Model& tuned) {
  std::map<std::string, at::Tensor> changes;
  const absl::Status status =
      model::ForEachDensePair(base, tuned, [&](const model::DensePair& pair) {
        if (pair.is_map) changes[pair.name] = pair.tuned - pair.base;
      });
  REQUIRE(status.ok());
  return changes;
}

TEST_CASE("what rounding takes of a base is no change under an adapter",
          "[methods][rewind]") {
  RequireModel("glassllm");
  const Options options = {{"lora.rank", "4"}};
  const auto base = LoadTestModel();
  const Moved exact = Tuned("lora", options);
  const Moved rounded = Tuned("lora", options, at::kBFloat16);
  const auto wanted = ChangesOfMaps(*base, *exact.model);
  const auto found = ChangesOfMaps(*base, *rounded.model);
  REQUIRE(wanted.size() == found.size());
  REQUIRE_FALSE(wanted.empty());
  double lost = 0;  // what would stand there besides
  for (const model::LinearSlot& slot : rounded.model->linear_slots()) {
    const std::string name = slot.name + ".weight";
    INFO(name);
    CHECK((found.at(name) - wanted.at(name)).abs().max().item<double>() < 1e-5);
    for (const NamedTensor& one : slot.map->Tensors()) {
      if (one.name == "weight")
        CHECK(one.tensor.scalar_type() == at::kBFloat16);
    }
  }
  for (const model::Parameter& p : base->Parameters()) {
    const at::Tensor w = p.tensor.detach();
    lost = std::max(
        lost,
        (w - w.to(at::kBFloat16).to(at::kFloat)).abs().max().item<double>());
  }
  CHECK(lost > 1e-4);
}

TEST_CASE("a weight that rounding and training changed keeps its change",
          "[methods][rewind]") {
  RequireModel("glassllm");
  const auto base = LoadTestModel();
  const Moved half = Attach("lora", {{"lora.rank", "4"}}, at::kBFloat16);
  model::LinearSlot& slot = half.model->linear_slots()[0];
  for (const NamedTensor& one : slot.map->Tensors()) {
    if (one.name == "weight") one.tensor.detach()[0][0].fill_(1);
  }
  const at::Tensor change =
      ChangesOfMaps(*base, *half.model).at(slot.name + ".weight");
  CHECK(change.ne(0).sum().item<int64_t>() == 1);
  CHECK(change[0][0].item<double>() > 0.1);
}

}  // namespace
}  // namespace sft::methods::rewind_test
