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

Moved Attach(const std::string& name, const Options& options) {
  Moved out;
  out.model = LoadTestModel();
  out.method = MakeMethod(name, options, 3);
  REQUIRE(out.method->Attach(*out.model).ok());
  REQUIRE(out.method->BeginRound(0).ok());
  for (const train::TrainableParameter& p : out.method->TrainableParameters()) {
    out.trained[p.name] = p.tensor;
  }
  return out;
}

// As if it had been trained.
Moved Tuned(const std::string& name, const Options& options) {
  Moved out = Attach(name, options);
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

}  // namespace
}  // namespace sft::methods::rewind_test
