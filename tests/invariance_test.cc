// What must not change the gradients of the trainer's step: how rows are laid
// out in batches, how the step is split into micro-batches, what is computed
// anew. Over every row of the table of methods; a new method is tested by being
// listed.
#include "tests/invariance.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/rng.h"
#include "harness/train/trainer.h"

namespace sft::whole::invariance_test {
namespace {

// Trained tensors that start at zero would hide the gradients of others.
void MoveOffZero(train::UpdateMethod& method) {
  const at::NoGradGuard no_grad;
  for (train::TrainableParameter& p : method.TrainableParameters()) {
    if (p.tensor.count_nonzero().item<int64_t>() > 0) continue;
    at::Tensor values = at::empty(p.tensor.sizes(), at::kDouble);
    Rng rng(1, Stream::kInit, p.name);
    double* data = values.data_ptr<double>();
    for (int64_t i = 0; i < values.numel(); ++i) data[i] = 0.02 * rng.Normal();
    p.tensor.copy_(values);
  }
}

struct Gradients {
  double loss = 0;
  std::map<std::string, at::Tensor> by_name;  // f64
};

// The trainer's loss and gradients of one optimizer step over all `rows`. The
// step moves nothing, does not clip, and forgets: its first moments are the
// gradients.
Gradients GradientsOf(Tuned& tuned, const std::vector<Example>& rows,
                      spec::RunConfig config, const std::string& batching,
                      int64_t batch_size) {
  config.batch_size = batch_size;
  config.gradient_accumulation_steps = static_cast<int64_t>(rows.size());
  config.learning_rate = 0;
  config.max_grad_norm = 1e30;
  config.beta1 = 0;
  std::unique_ptr<data::Collator> collator;
  for (const train::BatchingMethodRow& row : methods::AllMethods().batching) {
    if (row.name != batching) continue;
    auto method = row.make(config);
    REQUIRE(method.ok());
    REQUIRE((*method)->Attach(*tuned.model).ok());
    collator = (*method)->MakeCollator();
  }
  REQUIRE(collator != nullptr);
  auto plan = train::PlanSteps(config, rows, *collator, 0);
  REQUIRE(plan.ok());
  REQUIRE(plan->steps.size() == 1);
  train::Trainer trainer(config, "run", *tuned.model, *tuned.method);
  const auto outcome = trainer.RunRound(0, rows, *collator, *plan, {});
  INFO(outcome.status().ToString());
  REQUIRE(outcome.ok());
  REQUIRE(outcome->end == train::RoundEnd::kFinished);
  REQUIRE(trainer.steps().size() == 1);
  std::map<std::string, at::Tensor> state;
  for (const NamedTensor& t : trainer.optimizer()->State()) {
    state[t.name] = t.tensor;
  }
  Gradients out;
  out.loss = trainer.steps()[0].loss;
  for (const train::TrainableParameter& p : trainer.optimizer()->parameters()) {
    // One without a gradient has taken no step.
    if (state.at(p.name + ".step").item<double>() == 0) continue;
    out.by_name[p.name] = state.at(p.name + ".exp_avg").to(at::kDouble);
  }
  return out;
}

// The largest relative L2 distance of a gradient. Gradients that are nothing
// but rounding (a key's bias under softmax) are measured against the rest.
double WorstGradient(const Gradients& a, const Gradients& b) {
  REQUIRE(a.by_name.size() == b.by_name.size());
  double largest = 0;
  for (const auto& [name, grad] : b.by_name) {
    largest = std::max(largest, grad.norm().item<double>());
  }
  double worst = 0;
  for (const auto& [name, grad] : b.by_name) {
    const double norm = grad.norm().item<double>();
    const double distance = a.by_name.at(name).sub(grad).norm().item<double>() /
                            std::max(norm, 1e-6 * largest);
    worst = std::max(worst, distance);
  }
  return worst;
}

// The relative L2 distance of all gradients together.
double WholeGradient(const Gradients& a, const Gradients& b) {
  double distance = 0, norm = 0;
  for (const auto& [name, grad] : b.by_name) {
    distance += a.by_name.at(name).sub(grad).square().sum().item<double>();
    norm += grad.square().sum().item<double>();
  }
  return std::sqrt(distance / norm);
}

double Cosine(const Gradients& a, const Gradients& b) {
  double dot = 0, aa = 0, bb = 0;
  for (const auto& [name, grad] : b.by_name) {
    const at::Tensor& other = a.by_name.at(name);
    dot += other.mul(grad).sum().item<double>();
    aa += other.square().sum().item<double>();
    bb += grad.square().sum().item<double>();
  }
  return dot / std::sqrt(aa * bb);
}

struct Layout {
  std::string batching;
  int64_t batch_size;
};
const std::vector<Layout> kOtherLayouts = {{"padded", 1},  // 8 of one
                                           {"padding_free", 8},
                                           {"padding_free", 1},
                                           {"packed", 1},
                                           {"packed", 4}};

void CheckLayouts(const train::UpdateMethodRow& row,
                  const std::string& model_name, at::ScalarType compute,
                  const std::vector<Example>& rows, double loss_tolerance,
                  double gradient_tolerance) {
  const spec::RunConfig config = ConfigOf(row, /*dropout=*/false);
  Tuned tuned = Attached(row, config, model_name, compute);
  REQUIRE(tuned.method->BeginRound(0).ok());
  if (tuned.method->TrainableParameters().empty()) return;
  MoveOffZero(*tuned.method);
  const Gradients want = GradientsOf(tuned, rows, config, "padded", 8);
  REQUIRE(want.by_name.size() == tuned.method->TrainableParameters().size());
  double worst_loss = 0, worst_whole = 0, worst_gradient = 0;
  for (const Layout& layout : kOtherLayouts) {
    INFO(row.name << " " << layout.batching << " by " << layout.batch_size);
    const Gradients have =
        GradientsOf(tuned, rows, config, layout.batching, layout.batch_size);
    const double loss = std::abs(have.loss / want.loss - 1);
    const double gradient = WorstGradient(have, want);
    CHECK(loss < loss_tolerance);
    const double whole = WholeGradient(have, want);
    CHECK(gradient < gradient_tolerance);
    worst_whole = std::max(worst_whole, whole);
    worst_loss = std::max(worst_loss, loss);
    worst_gradient = std::max(worst_gradient, gradient);
  }
  WARN(row.name << " on " << model_name << ": layouts differ by " << worst_loss
                << " in loss, " << worst_whole << " in the whole gradient, "
                << worst_gradient << " in one tensor's");
}

std::vector<Example> EightRows(uint64_t vocabulary) {
  return methods::RandomExamples({21, 9, 34, 14, 27, 6, 40, 18}, 7, vocabulary);
}

std::vector<Example> RealRows(size_t count = 8) {
  const nlohmann::json golden =
      methods::ReadGoldenJson("train_trajectory.json");
  std::vector<Example> rows;
  for (size_t i = 0; i < std::min(count, golden.at("rows").size()); ++i) {
    const auto& row = golden.at("rows")[i];
    Example example;
    example.row_id = static_cast<int64_t>(i);
    example.input_ids = row.at("input_ids").get<std::vector<int32_t>>();
    example.labels = row.at("labels").get<std::vector<int32_t>>();
    rows.push_back(std::move(example));
  }
  return rows;
}

TEST_CASE("layout and accumulation change nothing in f64",
          "[invariance][layout]") {
  methods::RequireModel(kTiny);
  for (const train::UpdateMethodRow& row : methods::AllMethods().update) {
    CheckLayouts(row, kTiny, at::kDouble, EightRows(200), 1e-10, 1e-10);
  }
}

TEST_CASE("layout and accumulation change only rounding in f32",
          "[invariance][layout][slow]") {
  methods::RequireModel(kReal);
  for (const train::UpdateMethodRow& row : methods::AllMethods().update) {
    // A rotation's gradient is a difference of two products: it loses digits.
    CheckLayouts(row, kReal, at::kFloat, RealRows(), 1e-6, 5e-5);
  }
}

TEST_CASE("bf16 stays near f32", "[invariance][bf16][slow]") {
  methods::RequireModel(kReal);
  for (const train::UpdateMethodRow& row : methods::AllMethods().update) {
    INFO(row.name);
    const spec::RunConfig config = ConfigOf(row, /*dropout=*/false);
    Gradients by_dtype[2];
    bool trains = true;
    for (int i = 0; i < 2; ++i) {
      Tuned tuned =
          Attached(row, config, kReal, i == 0 ? at::kFloat : at::kBFloat16);
      REQUIRE(tuned.method->BeginRound(0).ok());
      trains = !tuned.method->TrainableParameters().empty();
      if (!trains) break;
      MoveOffZero(*tuned.method);
      // A logit has eight bits, so the loss of few targets is all rounding
      // (0.6 % over eight rows, by the luck of the processor's summation).
      by_dtype[i] = GradientsOf(tuned, RealRows(24), config, "padded", 8);
    }
    if (!trains) continue;
    const double loss = std::abs(by_dtype[1].loss / by_dtype[0].loss - 1);
    const double cosine = Cosine(by_dtype[1], by_dtype[0]);
    CHECK(loss < 5e-3);
    CHECK(cosine >= 0.99);
    WARN(row.name << ": bf16 differs by " << loss << " in loss, cosine "
                  << cosine);
  }
}

TEST_CASE("activation checkpointing changes no gradient beyond rounding",
          "[invariance][checkpointing]") {
  methods::RequireModel(kTiny);
  for (const train::UpdateMethodRow& row : methods::AllMethods().update) {
    INFO(row.name);
    spec::RunConfig config = ConfigOf(row, /*dropout=*/true);
    Tuned tuned = Attached(row, config, kTiny, at::kDouble);
    REQUIRE(tuned.method->BeginRound(0).ok());
    if (tuned.method->TrainableParameters().empty()) continue;
    MoveOffZero(*tuned.method);
    const Gradients want =
        GradientsOf(tuned, EightRows(200), config, "padded", 8);
    config.activation_checkpointing = true;
    const Gradients have =
        GradientsOf(tuned, EightRows(200), config, "padded", 8);
    CHECK(have.loss == Approx(want.loss).epsilon(1e-12));
    CHECK(WorstGradient(have, want) < 1e-10);
  }
}

}  // namespace
}  // namespace sft::whole::invariance_test
