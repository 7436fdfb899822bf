// What must not change a result: how rows are laid out in batches, how a step
// is split into micro-batches, an evaluation in between, a kill. Over every
// row of the table of methods; a new method is tested by being listed.
#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/rng.h"
#include "harness/core/tensor_digest.h"
#include "harness/train/trainer.h"
#include "tests/methods/methods_support.h"

namespace sft {
namespace {

constexpr char kReal[] = "smollm2-135m-instruct";
constexpr char kTiny[] = "glassllm";

bool Have(const std::string& name) {
  const auto where = LocateModel(name, AssetsDir().string());
  if (!where.ok()) WARN("skipped: " << where.status().ToString());
  return where.ok();
}

// One config for all; dropout wherever the method has such an option.
RunConfig ConfigOf(const UpdateMethodRow& row, bool dropout) {
  RunConfig config;
  config.method = row.name;
  config.seed = 11;
  config.batch_size = 4;
  config.max_length = 96;
  config.learning_rate = 1e-3;
  config.warmup_ratio = 0.2;
  config.weight_decay = 0.01;
  config.budget_epochs = 1;
  for (const FieldSpec& option : row.options) {
    const size_t at = option.name.rfind(".dropout");
    if (dropout && at != std::string::npos) {
      config.method_options[option.name] = "0.1";
    }
  }
  return config;
}

struct Tuned {
  std::unique_ptr<Model> model;
  std::unique_ptr<UpdateMethod> method;
};

Tuned Attached(const UpdateMethodRow& row, const RunConfig& config,
               const std::string& model_name, at::ScalarType compute) {
  Tuned tuned;
  tuned.model = LoadTestModel(compute, model_name);
  auto method = row.make(config);
  REQUIRE(method.ok());
  tuned.method = std::move(*method);
  const absl::Status status = tuned.method->Attach(*tuned.model);
  INFO(status.ToString());
  REQUIRE(status.ok());
  return tuned;
}

// Trained tensors that start at zero would hide the gradients of others.
void MoveOffZero(UpdateMethod& method) {
  const at::NoGradGuard no_grad;
  for (TrainableParameter& p : method.TrainableParameters()) {
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

// One optimizer step's loss and gradients over all `rows`.
Gradients GradientsOf(Tuned& tuned, const std::vector<Example>& rows,
                      RunConfig config, const std::string& batching,
                      int64_t batch_size) {
  config.batch_size = batch_size;
  config.gradient_accumulation_steps = static_cast<int64_t>(rows.size());
  std::unique_ptr<Collator> collator;
  for (const BatchingMethodRow& row : AllMethods().batching) {
    if (row.name != batching) continue;
    auto method = row.make(config);
    REQUIRE(method.ok());
    REQUIRE((*method)->Attach(*tuned.model).ok());
    collator = (*method)->MakeCollator();
  }
  REQUIRE(collator != nullptr);
  auto plan = PlanSteps(config, rows, *collator, 0);
  REQUIRE(plan.ok());
  REQUIRE(plan->steps.size() == 1);
  Gradients out;
  for (const MicroBatchPlan& micro : plan->steps[0].micro_batches) {
    tuned.model->pass_state() = {.training = true, .dropout_seed = 1};
    const LossOutput loss =
        tuned.model->SumLoss(collator->Collate(rows, micro));
    const at::Tensor share =
        loss.loss_sum.div(static_cast<double>(plan->target_tokens));
    share.backward();
    out.loss += share.item<double>();
  }
  for (TrainableParameter& p : tuned.method->TrainableParameters()) {
    if (!p.tensor.grad().defined()) continue;
    out.by_name[p.name] = p.tensor.grad().to(at::kDouble).clone();
    p.tensor.mutable_grad() = at::Tensor();
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

void CheckLayouts(const UpdateMethodRow& row, const std::string& model_name,
                  at::ScalarType compute, const std::vector<Example>& rows,
                  double loss_tolerance, double gradient_tolerance) {
  const RunConfig config = ConfigOf(row, /*dropout=*/false);
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
  return RandomExamples({21, 9, 34, 14, 27, 6, 40, 18}, 7, vocabulary);
}

std::vector<Example> RealRows(size_t count = 8) {
  const nlohmann::json golden = ReadGoldenJson("train_trajectory.json");
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
  if (!Have(kTiny)) return;
  for (const UpdateMethodRow& row : AllMethods().update) {
    CheckLayouts(row, kTiny, at::kDouble, EightRows(200), 1e-10, 1e-10);
  }
}

TEST_CASE("layout and accumulation change only rounding in f32",
          "[invariance][layout][slow]") {
  if (!Have(kReal)) return;
  for (const UpdateMethodRow& row : AllMethods().update) {
    CheckLayouts(row, kReal, at::kFloat, RealRows(), 1e-6, 2e-5);
  }
}

TEST_CASE("bf16 stays near f32", "[invariance][bf16][slow]") {
  if (!Have(kReal)) return;
  for (const UpdateMethodRow& row : AllMethods().update) {
    INFO(row.name);
    const RunConfig config = ConfigOf(row, /*dropout=*/false);
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

// --- Whole runs, on the tiny model -------------------------------------------

struct RunResult {
  std::vector<double> losses;
  std::string weights;  // digest of the tuned model, dense
};

struct TinyRun {
  TinyRun(const UpdateMethodRow& update, const BatchingMethodRow& batching)
      : config(ConfigOf(update, /*dropout=*/true)),
        tuned(Attached(update, config, kTiny, at::kFloat)) {
    auto made = batching.make(config);
    REQUIRE(made.ok());
    REQUIRE((*made)->Attach(*tuned.model).ok());
    batches = std::move(*made);
    trainer =
        std::make_unique<Trainer>(config, "run", *tuned.model, *tuned.method);
  }

  // Rounds up to 2, from where the trainer stands; false if it was stopped.
  bool Run(const TrainerHooks& hooks) {
    const std::unique_ptr<Collator> collator = batches->MakeCollator();
    for (int64_t round = trainer->next_round(); round < 2; ++round) {
      const std::vector<Example> rows =
          RandomExamples({20, 8, 30, 14, 26, 6, 33, 17, 22, 11, 9, 28, 15},
                         static_cast<uint64_t>(round), 200);
      auto plan = PlanSteps(config, rows, *collator, round);
      REQUIRE(plan.ok());
      auto outcome = trainer->RunRound(round, rows, *collator, *plan, hooks);
      INFO(outcome.status().ToString());
      REQUIRE(outcome.ok());
      REQUIRE(outcome->end != RoundEnd::kDiverged);
      if (outcome->end == RoundEnd::kStopped) return false;
    }
    return true;
  }

  RunResult Result() {
    RunResult result;
    for (const StepRecord& step : trainer->steps()) {
      result.losses.push_back(step.loss);
    }
    result.weights = TensorDigest(tuned.model->DenseState());
    return result;
  }

  RunConfig config;
  Tuned tuned;
  std::unique_ptr<BatchingMethod> batches;
  std::unique_ptr<Trainer> trainer;
};

// Calls `check` for every pair of an update method that trains and a batching
// method.
template <class Check>
void ForEveryPair(const Check& check) {
  for (const UpdateMethodRow& update : AllMethods().update) {
    Tuned probe = Attached(update, ConfigOf(update, false), kTiny, at::kFloat);
    REQUIRE(probe.method->BeginRound(0).ok());
    if (probe.method->TrainableParameters().empty()) continue;
    for (const BatchingMethodRow& batching : AllMethods().batching) {
      INFO(update.name << " x " << batching.name);
      check(update, batching);
    }
  }
}

TEST_CASE("an evaluation in the middle of a run changes no later bit",
          "[invariance][evaluation]") {
  if (!Have(kTiny)) return;
  ForEveryPair([](const UpdateMethodRow& update,
                  const BatchingMethodRow& batching) {
    TinyRun plain(update, batching);
    REQUIRE(plain.Run({}));
    TinyRun evaluated(update, batching);
    int evaluations = 0;
    TrainerHooks hooks;
    hooks.eval_every_steps = 1;
    hooks.evaluate = [&](int64_t) {
      ++evaluations;
      Model& model = *evaluated.tuned.model;
      const std::vector<Example> rows = RandomExamples({12, 7, 19}, 3, 200);
      for (const Batch& batch : FlatBatches(rows, 24)) LossOf(model, batch);
      model.GenerateGreedy({{5, 6, 7}}, 4, {});
      return absl::OkStatus();
    };
    REQUIRE(evaluated.Run(hooks));
    CHECK(evaluations == static_cast<int>(evaluated.trainer->steps().size()));
    const RunResult a = plain.Result(), b = evaluated.Result();
    CHECK(a.losses == b.losses);
    CHECK(a.weights == b.weights);
  });
}

TEST_CASE("a run killed at a step and resumed in a fresh model is the same run",
          "[invariance][resume]") {
  if (!Have(kTiny)) return;
  ForEveryPair(
      [](const UpdateMethodRow& update, const BatchingMethodRow& batching) {
        TinyRun undisturbed(update, batching);
        REQUIRE(undisturbed.Run({}));
        const RunResult want = undisturbed.Result();
        const auto steps = static_cast<int64_t>(want.losses.size());
        // In the first round, and in the second.
        for (int64_t kill_after : {int64_t{1}, steps - 1}) {
          INFO("killed after step " << kill_after);
          TempDir folder;
          TrainerHooks hooks;
          hooks.checkpoint_folder = (folder.path() / "checkpoint").string();
          int64_t left = kill_after;
          hooks.should_stop = [&left] { return left-- == 0; };
          {
            TinyRun killed(update, batching);
            REQUIRE_FALSE(killed.Run(hooks));
          }
          auto checkpoint = ReadCheckpoint(hooks.checkpoint_folder, "run");
          INFO(checkpoint.status().ToString());
          REQUIRE(checkpoint.ok());
          TinyRun resumed(update, batching);
          const absl::Status status = resumed.trainer->Resume(*checkpoint);
          INFO(status.ToString());
          REQUIRE(status.ok());
          REQUIRE(resumed.Run({}));
          const RunResult have = resumed.Result();
          CHECK(have.losses == want.losses);
          CHECK(have.weights == want.weights);
        }
      });
}

TEST_CASE("activation checkpointing changes no gradient beyond rounding",
          "[invariance][checkpointing]") {
  if (!Have(kTiny)) return;
  for (const UpdateMethodRow& row : AllMethods().update) {
    INFO(row.name);
    const RunConfig config = ConfigOf(row, /*dropout=*/true);
    Tuned tuned = Attached(row, config, kTiny, at::kDouble);
    REQUIRE(tuned.method->BeginRound(0).ok());
    if (tuned.method->TrainableParameters().empty()) continue;
    MoveOffZero(*tuned.method);
    const Gradients want =
        GradientsOf(tuned, EightRows(200), config, "padded", 8);
    tuned.model->SetActivationCheckpointing(true);
    const Gradients have =
        GradientsOf(tuned, EightRows(200), config, "padded", 8);
    CHECK(have.loss == Approx(want.loss).epsilon(1e-12));
    CHECK(WorstGradient(have, want) < 1e-10);
  }
}

}  // namespace
}  // namespace sft
