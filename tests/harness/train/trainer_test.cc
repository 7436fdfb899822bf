#include "harness/train/trainer.h"

#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/tensor_digest.h"
#include "tests/harness/train/named_parameters_method.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/tiny_model.h"

namespace sft::train::trainer_test {
namespace {

constexpr double kDropout = 0.2;

spec::RunConfig TinyConfig() {
  spec::RunConfig config;
  config.learning_rate = 0.05;
  config.warmup_ratio = 0;
  config.batch_size = 4;
  config.budget_epochs = 2;
  config.weight_decay = 0.01;
  config.seed = 5;
  return config;
}

// Everything of one run, made afresh.
struct Setup {
  explicit Setup(const spec::RunConfig& run_config,
                 std::vector<std::vector<std::string>> names = {},
                 at::ScalarType dtype = at::kFloat, double dropout = 0)
      : config(run_config), model(1, dtype, dropout), method(std::move(names)) {
    REQUIRE(method.Attach(model).ok());
    trainer = std::make_unique<Trainer>(config, "run", model, method);
  }
  RoundOutcome Run(int64_t round, const data::Collator& collator,
                   const TrainerHooks& hooks = {}) {
    const std::vector<Example> examples = support::TinyExamples(16, round);
    auto plan = PlanSteps(config, examples, collator, round);
    REQUIRE(plan.ok());
    auto outcome = trainer->RunRound(round, examples, collator, *plan, hooks);
    INFO(outcome.status().ToString());
    REQUIRE(outcome.ok());
    return *outcome;
  }
  std::vector<double> Losses() const {
    std::vector<double> losses;
    for (const StepRecord& step : trainer->steps()) losses.push_back(step.loss);
    return losses;
  }
  std::string Digest() { return TensorDigest(model.DenseState()); }

  spec::RunConfig config;
  support::TinyModel model;
  NamedParametersMethod method;
  std::unique_ptr<Trainer> trainer;
};

const std::vector<std::vector<std::string>> kTwoRounds = {
    {"model.embed_tokens.weight", "model.norm.weight"},
    {"lm_head.weight", "model.norm.weight"}};

TEST_CASE("training lowers the loss and records every step",
          "[train][trainer]") {
  Setup run(TinyConfig());
  const RoundOutcome outcome = run.Run(0, support::PlainCollator(4));
  CHECK(outcome.end == RoundEnd::kFinished);
  const std::vector<StepRecord>& steps = run.trainer->steps();
  REQUIRE(steps.size() == 8);
  CHECK(outcome.steps_taken == 8);
  CHECK(steps.back().loss < steps.front().loss);
  for (size_t i = 0; i < steps.size(); ++i) {
    CHECK(steps[i].step == static_cast<int64_t>(i) + 1);
    CHECK(steps[i].sequences == 4);
    CHECK(steps[i].target_tokens > 0);
    CHECK(steps[i].real_tokens > steps[i].target_tokens);
    CHECK(steps[i].grad_norm > 0);
  }
  CHECK(steps.front().learning_rate == 0.05);
  for (const model::Parameter& p : run.model.Parameters()) {
    CHECK_FALSE(p.tensor.grad().defined());
  }
}

TEST_CASE("one batch of 8 is 8 batches of one", "[train][trainer]") {
  spec::RunConfig whole = TinyConfig(), pieces = TinyConfig();
  pieces.gradient_accumulation_steps = 8;
  Setup a(whole, {}, at::kDouble), b(pieces, {}, at::kDouble);
  a.Run(0, support::PlainCollator(8));
  b.Run(0, support::PlainCollator(1));
  REQUIRE(a.Losses().size() == b.Losses().size());
  for (size_t i = 0; i < a.Losses().size(); ++i) {
    CHECK(a.Losses()[i] == Approx(b.Losses()[i]).epsilon(1e-10));
    CHECK(a.trainer->steps()[i].grad_norm ==
          Approx(b.trainer->steps()[i].grad_norm).epsilon(1e-10));
  }
}

TEST_CASE("a step inside backward is the step after it, bit for bit",
          "[train][trainer]") {
  for (int64_t micro_batches : {1, 2}) {
    INFO(micro_batches << " micro-batches");
    spec::RunConfig folded = TinyConfig(), after = TinyConfig();
    folded.gradient_accumulation_steps = micro_batches;
    after.gradient_accumulation_steps = micro_batches;
    folded.max_grad_norm = 0;
    after.max_grad_norm = 1e30;  // clips nothing, but waits for all gradients
    Setup a(folded), b(after);
    a.Run(0, support::PlainCollator(4));
    b.Run(0, support::PlainCollator(4));
    CHECK(a.Losses() == b.Losses());
    CHECK(a.Digest() == b.Digest());
    for (size_t i = 0; i < a.trainer->steps().size(); ++i) {
      CHECK(a.trainer->steps()[i].grad_norm == b.trainer->steps()[i].grad_norm);
    }
    for (const model::Parameter& p : a.model.Parameters()) {
      CHECK_FALSE(p.tensor.grad().defined());
    }
  }
}

TEST_CASE("decay: matrices spares norms and biases, and nothing else",
          "[train][trainer]") {
  // After one step a parameter has moved by its own gradient and decay alone.
  const auto one_step = [](double weight_decay, const std::string& decay) {
    spec::RunConfig config = TinyConfig();
    config.budget_epochs = 0;
    config.budget_steps = 1;
    config.weight_decay = weight_decay;
    config.decay = decay;
    auto run = std::make_unique<Setup>(config);
    run->Run(0, support::PlainCollator(4));
    return run;
  };
  const auto all = one_step(0.5, "all");
  const auto matrices = one_step(0.5, "matrices");
  const auto none = one_step(0, "all");
  size_t spared = 0;
  const std::vector<model::Parameter>& decayed = all->model.Parameters();
  for (size_t i = 0; i < decayed.size(); ++i) {
    const model::Parameter got = matrices->model.Parameters()[i];
    const bool spare =
        got.role == model::Role::kNorm || got.role == model::Role::kBias;
    spared += spare;
    INFO(got.name);
    CHECK(at::equal(got.tensor, decayed[i].tensor) == !spare);
    CHECK(at::equal(got.tensor, none->model.Parameters()[i].tensor) == spare);
  }
  CHECK(spared > 0);
  CHECK(spared < decayed.size());
}

TEST_CASE("an evaluation in the middle changes no later bit",
          "[train][trainer]") {
  Setup plain(TinyConfig(), {}, at::kFloat, kDropout);
  Setup evaluated(TinyConfig(), {}, at::kFloat, kDropout);
  plain.Run(0, support::PlainCollator(4));
  int evaluations = 0;
  TrainerHooks hooks;
  hooks.eval_every_steps = 3;
  hooks.evaluate = [&](int64_t) {
    ++evaluations;
    CHECK_FALSE(evaluated.model.pass_state().training);
    const std::vector<Example> rows = support::TinyExamples(3, 9);
    const model::LossOutput out =
        evaluated.model.SumLoss(data::FlatBatches(rows, 1000).front());
    CHECK_FALSE(out.loss_sum.requires_grad());
    return absl::OkStatus();
  };
  evaluated.Run(0, support::PlainCollator(4), hooks);
  CHECK(evaluations == 2);
  CHECK(plain.Losses() == evaluated.Losses());
  CHECK(plain.Digest() == evaluated.Digest());
}

TEST_CASE("dropout is drawn from the seed", "[train][trainer]") {
  const auto losses = [](int64_t seed, double dropout) {
    spec::RunConfig config = TinyConfig();
    const int64_t plan_seed = config.seed;
    config.seed = seed;
    Setup setup(config, {}, at::kFloat, dropout);
    setup.config.seed = plan_seed;  // the same rows in the same order
    setup.Run(0, support::PlainCollator(4));
    return setup.Losses();
  };
  CHECK(losses(5, kDropout) == losses(5, kDropout));
  CHECK(losses(5, kDropout) != losses(6, kDropout));
  CHECK(losses(5, 0) == losses(6, 0));
  CHECK(losses(5, kDropout) != losses(5, 0));
}

TEST_CASE("a run killed at any step and resumed is the undisturbed run",
          "[train][trainer][checkpoint]") {
  const support::PlainCollator collator(4);
  Setup undisturbed(TinyConfig(), kTwoRounds, at::kFloat, kDropout);
  undisturbed.Run(0, collator);
  undisturbed.Run(1, collator);
  REQUIRE(undisturbed.trainer->steps().size() == 16);
  for (int64_t kill_after : {1, 5, 8, 9, 15, 16}) {
    INFO("killed after step " << kill_after);
    support::TempDir folder;
    const std::string path = (folder.path() / "checkpoint").string();
    TrainerHooks hooks;
    hooks.checkpoint_folder = path;
    hooks.checkpoint_every_steps = 1;
    {
      Setup killed(TinyConfig(), kTwoRounds, at::kFloat, kDropout);
      int64_t left = kill_after;
      hooks.should_stop = [&left] { return left-- == 0; };
      if (killed.Run(0, collator, hooks).end == RoundEnd::kFinished) {
        killed.Run(1, collator, hooks);
      }
      REQUIRE(killed.trainer->steps().size() ==
              static_cast<size_t>(kill_after));
    }
    auto checkpoint = ReadCheckpoint(path, "run");
    INFO(checkpoint.status().ToString());
    REQUIRE(checkpoint.ok());
    Setup resumed(TinyConfig(), kTwoRounds, at::kFloat, kDropout);
    REQUIRE(resumed.trainer->Resume(*checkpoint).ok());
    for (int64_t round = resumed.trainer->next_round(); round < 2; ++round) {
      resumed.Run(round, collator);
    }
    CHECK(resumed.Losses() == undisturbed.Losses());
    CHECK(resumed.Digest() == undisturbed.Digest());
    CHECK(TensorDigest(resumed.trainer->TrainedTensors()) ==
          TensorDigest(undisturbed.trainer->TrainedTensors()));
  }
}

TEST_CASE("an evaluation that is stopped is asked for again by who resumes",
          "[train][trainer][checkpoint]") {
  const support::PlainCollator collator(4);
  Setup undisturbed(TinyConfig());
  undisturbed.Run(0, collator);
  support::TempDir folder;
  TrainerHooks hooks;
  hooks.checkpoint_folder = (folder.path() / "checkpoint").string();
  hooks.eval_every_steps = 3;
  std::vector<int64_t> asked;
  hooks.evaluate = [&](int64_t step) {
    asked.push_back(step);
    return step == 6 && asked.size() < 3 ? absl::AbortedError("stopped")
                                         : absl::OkStatus();
  };
  Setup stopped(TinyConfig());
  const RoundOutcome outcome = stopped.Run(0, collator, hooks);
  CHECK(outcome.end == RoundEnd::kStopped);
  CHECK(asked == std::vector<int64_t>{3, 6});
  const auto checkpoint = ReadCheckpoint(hooks.checkpoint_folder, "run");
  REQUIRE(checkpoint.ok());
  CHECK(checkpoint->steps.size() == 6);
  Setup resumed(TinyConfig());
  REQUIRE(resumed.trainer->Resume(*checkpoint).ok());
  CHECK(resumed.Run(0, collator, hooks).end == RoundEnd::kFinished);
  CHECK(asked == std::vector<int64_t>{3, 6, 6});
  CHECK(resumed.Losses() == undisturbed.Losses());
  CHECK(resumed.Digest() == undisturbed.Digest());
}

TEST_CASE("frozen parameters stay as they were, bit for bit",
          "[train][trainer]") {
  Setup run(TinyConfig(), kTwoRounds);
  const at::Tensor map = run.model.Parameters()[1].tensor.detach().clone();
  run.Run(0, support::PlainCollator(4));
  const at::Tensor embedding = run.model.Parameters()[0].tensor.clone();
  run.Run(1, support::PlainCollator(4));
  CHECK(run.model.Parameters()[1].tensor.equal(map));
  CHECK(run.model.Parameters()[0].tensor.equal(embedding));
  CHECK(run.trainer->TrainedTensors().size() == 3);
}

TEST_CASE("a loss that is not finite ends the round as diverged",
          "[train][trainer]") {
  Setup run(TinyConfig());
  run.model.Parameters()[3].tensor.detach()[0][0] = INFINITY;
  const std::string before = run.Digest();
  const RoundOutcome outcome = run.Run(0, support::PlainCollator(4));
  CHECK(outcome.end == RoundEnd::kDiverged);
  CHECK(outcome.message.find("step 1") != std::string::npos);
  CHECK(run.trainer->steps().size() == 1);
  CHECK(run.Digest() == before);
}

TEST_CASE("a loss that runs away ends the round as diverged",
          "[train][trainer]") {
  spec::RunConfig config = TinyConfig();
  config.learning_rate = 10;
  config.budget_epochs = 40;
  config.schedule = "constant";
  Setup run(config);
  const RoundOutcome outcome = run.Run(0, support::PlainCollator(4));
  CHECK(outcome.end == RoundEnd::kDiverged);
  CHECK(run.trainer->steps().size() >= 20);
}

TEST_CASE("a wall-time budget ends the round", "[train][trainer]") {
  spec::RunConfig config = TinyConfig();
  config.budget_epochs = 0;
  config.budget_wall_seconds = 0.05;
  Setup run(config);
  const RoundOutcome outcome = run.Run(0, support::PlainCollator(4));
  CHECK(outcome.end == RoundEnd::kFinished);
  CHECK(outcome.steps_taken > 0);
  CHECK(outcome.steps_taken < 4000);
  CHECK(run.trainer->steps().back().learning_rate < config.learning_rate);
}

TEST_CASE("a hook's error ends the round with it", "[train][trainer]") {
  Setup run(TinyConfig());
  const std::vector<Example> examples = support::TinyExamples(16);
  const support::PlainCollator collator(4);
  auto plan = PlanSteps(run.config, examples, collator, 0);
  REQUIRE(plan.ok());
  TrainerHooks hooks;
  hooks.on_step = [](const StepRecord&) {
    return absl::UnavailableError("no space left");
  };
  auto outcome = run.trainer->RunRound(0, examples, collator, *plan, hooks);
  CHECK(absl::IsUnavailable(outcome.status()));
}

TEST_CASE("a checkpoint of other steps is refused",
          "[train][trainer][checkpoint]") {
  support::TempDir folder;
  const std::string path = (folder.path() / "checkpoint").string();
  const support::PlainCollator collator(4), other(2);
  TrainerHooks hooks;
  hooks.checkpoint_folder = path;
  hooks.checkpoint_every_steps = 3;
  Setup run(TinyConfig());
  run.Run(0, collator, hooks);
  auto checkpoint = ReadCheckpoint(path, "run");
  REQUIRE(checkpoint.ok());
  CHECK(checkpoint->steps_in_round == 6);
  Setup resumed(TinyConfig());
  REQUIRE(resumed.trainer->Resume(*checkpoint).ok());
  const std::vector<Example> examples = support::TinyExamples(16);
  auto plan = PlanSteps(resumed.config, examples, other, 0);
  REQUIRE(plan.ok());
  auto outcome = resumed.trainer->RunRound(0, examples, other, *plan, {});
  CHECK(absl::IsFailedPrecondition(outcome.status()));
  // And one of a run that trained other tensors.
  Setup fewer(TinyConfig(), {{"model.norm.weight"}});
  CHECK_FALSE(fewer.trainer->Resume(*checkpoint).ok());
}

}  // namespace
}  // namespace sft::train::trainer_test
