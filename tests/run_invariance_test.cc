// What must not change a run: an evaluation in between, a kill. Over every pair
// of update and batching method.
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/tensor_digest.h"
#include "harness/train/optimizers/registry.h"
#include "harness/train/trainer.h"
#include "tests/invariance.h"

namespace sft::whole::run_invariance_test {
namespace {

struct RunResult {
  std::vector<double> losses;
  std::string weights;  // digest of the tuned model, dense
};

struct TinyRun {
  TinyRun(const train::UpdateMethodRow& update,
          const train::BatchingMethodRow& batching,
          const std::string& optimizer = "adamw", double max_grad_norm = 1)
      : config(ConfigOf(update, /*dropout=*/true)),
        tuned(Attached(update, config, kTiny, at::kFloat)) {
    config.optimizer = optimizer;
    config.max_grad_norm = max_grad_norm;
    auto made = batching.make(config);
    REQUIRE(made.ok());
    REQUIRE((*made)->Attach(*tuned.model).ok());
    batches = std::move(*made);
    trainer = std::make_unique<train::Trainer>(config, "run", *tuned.model,
                                               *tuned.method);
  }

  // Rounds up to 2, from where the trainer stands; false if it was stopped.
  bool Run(const train::TrainerHooks& hooks) {
    const std::unique_ptr<data::Collator> collator = batches->MakeCollator();
    for (int64_t round = trainer->next_round(); round < 2; ++round) {
      const std::vector<Example> rows = methods::RandomExamples(
          {20, 8, 30, 14, 26, 6, 33, 17, 22, 11, 9, 28, 15},
          static_cast<uint64_t>(round), 200);
      auto plan = train::PlanSteps(config, rows, *collator, round);
      REQUIRE(plan.ok());
      auto outcome = trainer->RunRound(round, rows, *collator, *plan, hooks);
      INFO(outcome.status().ToString());
      REQUIRE(outcome.ok());
      REQUIRE(outcome->end != train::RoundEnd::kDiverged);
      if (outcome->end == train::RoundEnd::kStopped) return false;
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

  spec::RunConfig config;
  Tuned tuned;
  std::unique_ptr<train::BatchingMethod> batches;
  std::unique_ptr<train::Trainer> trainer;
};

// Calls `check` for every pair of an update method that trains and a batching
// method.
template <class Check>
void ForEveryPair(const Check& check) {
  for (const train::UpdateMethodRow& update : methods::AllMethods().update) {
    Tuned probe = Attached(update, ConfigOf(update, false), kTiny, at::kFloat);
    REQUIRE(probe.method->BeginRound(0).ok());
    if (probe.method->TrainableParameters().empty()) continue;
    for (const train::BatchingMethodRow& batching :
         methods::AllMethods().batching) {
      INFO(update.name << " x " << batching.name);
      check(update, batching);
    }
  }
}

TEST_CASE("an evaluation in the middle of a run changes no later bit",
          "[invariance][evaluation]") {
  methods::RequireModel(kTiny);
  ForEveryPair([](const train::UpdateMethodRow& update,
                  const train::BatchingMethodRow& batching) {
    TinyRun plain(update, batching);
    REQUIRE(plain.Run({}));
    TinyRun evaluated(update, batching);
    int evaluations = 0;
    train::TrainerHooks hooks;
    hooks.eval_every_steps = 1;
    hooks.evaluate = [&](int64_t) {
      ++evaluations;
      model::Model& model = *evaluated.tuned.model;
      const std::vector<Example> rows =
          methods::RandomExamples({12, 7, 19}, 3, 200);
      for (const Batch& batch : data::FlatBatches(rows, 24))
        methods::LossOf(model, batch);
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

// `make` makes a run afresh: killed in the first round and in the second, and
// resumed, it must be the one that nobody killed.
template <class Make>
void CheckKills(const Make& make) {
  auto undisturbed = make();
  REQUIRE(undisturbed->Run({}));
  const RunResult want = undisturbed->Result();
  const auto steps = static_cast<int64_t>(want.losses.size());
  for (int64_t kill_after : {int64_t{1}, steps - 1}) {
    INFO("killed after step " << kill_after);
    support::TempDir folder;
    train::TrainerHooks hooks;
    hooks.checkpoint_folder = (folder.path() / "checkpoint").string();
    int64_t left = kill_after;
    hooks.should_stop = [&left] { return left-- == 0; };
    REQUIRE_FALSE(make()->Run(hooks));
    auto checkpoint = train::ReadCheckpoint(hooks.checkpoint_folder, "run");
    INFO(checkpoint.status().ToString());
    REQUIRE(checkpoint.ok());
    auto resumed = make();
    const absl::Status status = resumed->trainer->Resume(*checkpoint);
    INFO(status.ToString());
    REQUIRE(status.ok());
    REQUIRE(resumed->Run({}));
    const RunResult have = resumed->Result();
    CHECK(have.losses == want.losses);
    CHECK(have.weights == want.weights);
  }
}

TEST_CASE("a run killed at a step and resumed in a fresh model is the same run",
          "[invariance][resume]") {
  methods::RequireModel(kTiny);
  ForEveryPair([](const train::UpdateMethodRow& update,
                  const train::BatchingMethodRow& batching) {
    CheckKills([&] { return std::make_unique<TinyRun>(update, batching); });
  });
}

TEST_CASE("so it is under every optimizer, clipped or not",
          "[invariance][resume][optimizer][slow]") {
  methods::RequireModel(kTiny);
  const train::MethodTables tables = methods::AllMethods();
  const auto of_name = [](const auto& rows, const std::string& name) {
    for (const auto& row : rows) {
      if (row.name == name) return row;
    }
    FAIL("no method called " << name);
    return rows.front();
  };
  const train::UpdateMethodRow full = of_name(tables.update, "full");
  const train::BatchingMethodRow padded = of_name(tables.batching, "padded");
  std::map<std::string, RunResult> results;
  for (const train::OptimizerRow& row : train::AllOptimizers()) {
    // Without clipping the step is taken inside the backward pass.
    for (double max_grad_norm : {0.0, 1.0}) {
      INFO(row.name << ", max_grad_norm " << max_grad_norm);
      CheckKills([&] {
        return std::make_unique<TinyRun>(full, padded, row.name, max_grad_norm);
      });
    }
    TinyRun run(full, padded, row.name);
    REQUIRE(run.Run({}));
    results[row.name] = run.Result();
    // The model is large enough for moments of 8 bits.
    bool bytes = false;
    for (const NamedTensor& t : run.trainer->optimizer()->State()) {
      bytes |= t.tensor.scalar_type() == at::kByte;
    }
    CHECK(bytes == (row.name == "adamw_8bit"));
  }
  const RunResult& plain = results.at("adamw");
  const RunResult& of_bytes = results.at("adamw_8bit");
  CHECK(plain.weights != of_bytes.weights);
  CHECK(plain.weights == results.at("adamw_paged").weights);  // on the CPU
  CHECK(of_bytes.losses.back() == Approx(plain.losses.back()).epsilon(0.01));
}

}  // namespace
}  // namespace sft::whole::run_invariance_test
