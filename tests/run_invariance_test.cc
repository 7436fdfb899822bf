// What must not change a run: an evaluation in between, a kill. Over every pair
// of update and batching method.
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/tensor_digest.h"
#include "harness/launch/general_rows.h"
#include "harness/train/optimizers/registry.h"
#include "harness/train/trainer.h"
#include "tests/invariance.h"

namespace sft::whole::run_invariance_test {
namespace {

struct RunResult {
  std::vector<double> losses;
  std::string weights;  // digest of the tuned model, dense
};

spec::RunConfig WithOptions(spec::RunConfig config,
                            const std::map<std::string, std::string>& options) {
  for (const auto& [name, value] : options) {
    config.method_options[name] = value;
  }
  return config;
}

// Rows of a round, a fifth of them replayed from those before.
std::vector<Example> RowsOf(int64_t round) {
  std::vector<Example> rows =
      methods::RandomExamples({20, 8, 30, 14, 26, 6, 33, 17, 22, 11, 9, 28, 15},
                              static_cast<uint64_t>(round), 200);
  if (round == 0) return rows;
  double own = 0;
  for (const Example& row : rows) {
    own += static_cast<double>(row.target_tokens());
  }
  const std::vector<Example> replayed = launch::UntilTargets(
      launch::Shuffled(RowsOf(round - 1), "replay", /*sample_seed=*/0),
      launch::TargetsOfShare(own, 0.2));
  rows.insert(rows.end(), replayed.begin(), replayed.end());
  return rows;
}

struct TinyRun {
  TinyRun(const train::UpdateMethodRow& update,
          const train::BatchingMethodRow& batching,
          const std::string& optimizer = "adamw", double max_grad_norm = 1,
          const std::map<std::string, std::string>& options = {},
          int64_t run_rounds = 2)
      : config(WithOptions(ConfigOf(update, /*dropout=*/true), options)),
        tuned(Attached(update, config, kTiny, at::kFloat)),
        rounds(run_rounds) {
    config.optimizer = optimizer;
    config.max_grad_norm = max_grad_norm;
    if (update.calibration) calibration = update.calibration(config);
    auto made = batching.make(config);
    REQUIRE(made.ok());
    REQUIRE((*made)->Attach(*tuned.model).ok());
    batches = std::move(*made);
    trainer = std::make_unique<train::Trainer>(config, "run", *tuned.model,
                                               *tuned.method);
  }

  // What the method reads before a round, as a worker gives it.
  std::vector<Example> CalibrationOf(int64_t round) const {
    if (calibration.rows == 0) return {};
    if (!calibration.of_round_before) {
      return round == 0 ? methods::RandomExamples({16, 9, 21}, 99, 200)
                        : std::vector<Example>();
    }
    if (round == 0) return {};
    std::vector<Example> rows = RowsOf(round - 1);
    rows.resize(4);
    return rows;
  }

  // All rounds, from where the trainer stands; false if it was stopped.
  bool Run(const train::TrainerHooks& hooks) {
    const std::unique_ptr<data::Collator> collator = batches->MakeCollator();
    for (int64_t round = trainer->next_round(); round < rounds; ++round) {
      const std::vector<Example> rows = RowsOf(round);
      if (!trainer->HasBegun(round)) {
        REQUIRE(trainer->BeginRound(round, CalibrationOf(round)).ok());
      }
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
  int64_t rounds = 2;
  train::CalibrationRows calibration;
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

// `make` makes a run afresh: killed after its first step and before its last
// one, or after the steps given, and resumed, it must be the one that nobody
// killed.
template <class Make>
void CheckKills(const Make& make, std::vector<int64_t> kills = {}) {
  auto undisturbed = make();
  REQUIRE(undisturbed->Run({}));
  const RunResult want = undisturbed->Result();
  const auto steps = static_cast<int64_t>(want.losses.size());
  if (kills.empty()) kills = {1, steps - 1};
  for (int64_t kill_after : kills) {
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

template <class Row>
Row RowNamed(const std::vector<Row>& rows, const std::string& name) {
  for (const Row& row : rows) {
    if (row.name == name) return row;
  }
  FAIL("no method called " << name);
  return rows.front();
}

// What a method keeps over rounds, of rows that it reads and replays among
// others, is in its checkpoint, or follows from what is.
TEST_CASE("a run killed inside its third round of five is the same run",
          "[invariance][resume][rounds]") {
  methods::RequireModel(kTiny);
  const train::MethodTables tables = methods::AllMethods();
  const auto padded = RowNamed(tables.batching, "padded");
  struct Case {
    std::string method;
    std::map<std::string, std::string> options;
  };
  for (const Case& c : std::vector<Case>{
           {"ewc", {}},
           {"ssu", {}},
           {"lisa", {{"lisa.layers", "1"}, {"lisa.interval", "2"}}},
           {"hft", {{"hft.optimizer_state", "keep"}}},
           {"lora", {{"lora.rank", "4"}, {"lora.between_rounds", "merge"}}},
           {"lora", {{"lora.rank", "4"}, {"lora.between_rounds", "stack"}}},
           {"qlora", {{"lora.rank", "4"}, {"lora.between_rounds", "stack"}}},
           {"oft", {}}}) {
    INFO(c.method);
    const auto make = [&] {
      return std::make_unique<TinyRun>(RowNamed(tables.update, c.method),
                                       padded, "adamw", 1, c.options,
                                       /*run_rounds=*/5);
    };
    int64_t first = 0, of_round = 0;  // steps before the third round, and in it
    {
      auto run = make();
      REQUIRE(run->Run({}));
      for (const StepRecord& step : run->trainer->steps()) {
        first += step.round < 2;
        of_round += step.round == 2;
      }
    }
    REQUIRE(of_round >= 3);
    CheckKills(make, {first + 1, first + of_round - 1});
  }
}

TEST_CASE("so it is under every optimizer, clipped or not",
          "[invariance][resume][optimizer][slow]") {
  methods::RequireModel(kTiny);
  const train::MethodTables tables = methods::AllMethods();
  const train::UpdateMethodRow full = RowNamed(tables.update, "full");
  const train::BatchingMethodRow padded = RowNamed(tables.batching, "padded");
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
