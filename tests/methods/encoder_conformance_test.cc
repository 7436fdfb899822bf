// What every update and every batching method has to keep on encoders, over
// every family and head (tests/golden/make_golden_encoders.py).
#include <algorithm>
#include <set>

#include "harness/core/tensor_digest.h"
#include "harness/model/ops/dense_linear.h"
#include "harness/train/trainer.h"
#include "methods/qlora.h"
#include "tests/methods/encoder_support.h"

namespace sft::methods::encoder_conformance_test {

TEST_CASE("Every method trains every encoder and head, and merges",
          "[methods][conformance][encoders]") {
  for (const HeadCase& c : HeadCases()) {
    const Batch batch = HeadBatch(c);
    for (const Variant& variant : EncoderVariants()) {
      INFO(NameOf(c) << ": " << NameOf(variant));
      const double untouched = LossOf(*LoadEncoder(c, at::kDouble), batch);
      Attached run = AttachTo(c, variant, at::kDouble);
      const double before = LossOf(*run.model, batch);
      if (variant.method != "qlora") {
        CHECK(before == Approx(untouched).epsilon(1e-9));
      }
      std::map<std::string, at::Tensor> values;
      for (const auto& [name, t] : AllTensors(*run.model)) {
        values[name] = t.detach().clone();
      }
      std::set<std::string> trainable;
      for (const train::TrainableParameter& p :
           run.method->TrainableParameters()) {
        CHECK(p.tensor.is_leaf());
        CHECK(p.tensor.requires_grad());
        CHECK(trainable.insert(p.name).second);
      }
      const bool trains = variant.method != "untuned";
      for (const model::Parameter& p : run.model->HeadParameters()) {
        CHECK(trainable.contains(p.name) == trains);
      }
      // Too short to overshoot; a squared error is steeper.
      TakeStep(run, c.kind == HeadKind::kValue ? 1e-6 : 1e-3, batch);
      for (const auto& [name, t] : AllTensors(*run.model)) {
        INFO(name);
        const bool same = at::equal(t.detach(), values[name]);
        CHECK(t.requires_grad() == trainable.contains(name));
        if (!trainable.contains(name)) CHECK(same);
      }
      if (trains) {
        for (const model::Parameter& p : run.model->HeadParameters()) {
          // What is added to the scores of all tokens moves no span.
          if (c.kind == HeadKind::kSpan && p.name.ends_with("bias")) continue;
          CHECK_FALSE(at::equal(p.tensor.detach(), values[p.name]));
        }
      }
      const double trained = LossOf(*run.model, batch);
      if (trains) CHECK(trained < before);
      REQUIRE(run.method->Merge().ok());
      CHECK(LossOf(*run.model, batch) == Approx(trained).epsilon(1e-9));
      for (const model::LinearSlot& slot : run.model->linear_slots()) {
        CHECK(dynamic_cast<model::DenseLinear*>(slot.map.get()) != nullptr);
      }
    }
  }
}

TEST_CASE("bf16 and f32 agree on an encoder's loss, and masters stay f32",
          "[methods][conformance][encoders]") {
  for (const HeadCase& c : HeadCases()) {
    const Batch batch = HeadBatch(c);
    for (const Variant& variant : EncoderVariants()) {
      INFO(NameOf(c) << ": " << NameOf(variant));
      Attached wide = AttachTo(c, variant, at::kFloat);
      Attached narrow = AttachTo(c, variant, at::kBFloat16);
      // Eight bits a product; the random blocks double the error a few times,
      // and a square once more.
      const double bound = c.kind == HeadKind::kValue ? 0.1 : 0.05;
      CHECK(LossOf(*narrow.model, batch) ==
            Approx(LossOf(*wide.model, batch)).epsilon(bound));
      TakeStep(narrow, 0.01, batch);
      for (const train::TrainableParameter& p :
           narrow.method->TrainableParameters()) {
        CHECK(p.tensor.scalar_type() == at::kFloat);
        CHECK(p.tensor.grad().defined());
      }
    }
  }
}

TEST_CASE("QLoRA quantizes every map of an encoder but its head",
          "[methods][encoders]") {
  const HeadCase c{"bert", HeadKind::kSequence, 3};
  Attached run =
      AttachTo(c, {"qlora", {{"lora.targets", "q_proj"}}}, at::kFloat);
  for (const model::LinearSlot& slot : run.model->linear_slots()) {
    INFO(slot.name);
    const model::LinearMap* map = slot.map.get();
    if (const auto* lora = dynamic_cast<const LoraLinear*>(map)) {
      CHECK(slot.role == model::Role::kQuery);
      map = &lora->base();
    }
    CHECK(dynamic_cast<const Nf4Linear*>(map) != nullptr);
  }
  CHECK(run.model->linear_slots().back().role == model::Role::kPooler);
  for (const model::Parameter& p : run.model->HeadParameters()) {
    CHECK(p.tensor.scalar_type() == at::kFloat);
  }
}

TEST_CASE("HFT freezes half of every category of every encoder",
          "[methods][conformance][encoders]") {
  for (const HeadCase& c : HeadCases()) {
    INFO(NameOf(c));
    auto model = LoadEncoder(c);
    auto method = MakeMethod("hft");
    REQUIRE(method->Attach(*model).ok());
    std::map<std::string, int64_t> frozen;
    for (const model::Parameter& p : model->Parameters()) {
      INFO(p.name);
      const bool trained = p.tensor.requires_grad();
      if (p.layer < 0 || p.role == model::Role::kBias) {
        // Embeddings and their norm, pooler, head, biases.
        CHECK(trained);
        continue;
      }
      const std::string layer = std::to_string(p.layer);
      switch (p.role) {
        case model::Role::kUp:
        case model::Role::kDown:
          frozen["ffn" + layer] += !trained;
          break;
        case model::Role::kNorm:
          frozen["norm"] += !trained;
          break;
        case model::Role::kQkv:
        case model::Role::kGateUp:
          frozen[std::string(RoleName(p.role))] += !trained;
          break;
        default:
          frozen["attention" + layer] += !trained;
      }
    }
    // Fused maps are categories of their own: half of the layers, and so of
    // what stands alone beside them. Of three norms one.
    if (c.family == "modernbert") {
      CHECK(frozen["qkv_proj"] == 1);
      CHECK(frozen["gate_up_proj"] == 1);
      CHECK(frozen["attention0"] + frozen["attention1"] == 1);
      CHECK(frozen["ffn0"] + frozen["ffn1"] == 1);
      CHECK(frozen["norm"] == 1);
      continue;
    }
    CHECK(frozen == std::map<std::string, int64_t>{{"attention0", 2},
                                                   {"attention1", 2},
                                                   {"ffn0", 1},
                                                   {"ffn1", 1},
                                                   {"norm", 2}});
  }
}

namespace {

// Loss and gradients, by name, of one step over all rows.
std::map<std::string, at::Tensor> StepOf(Attached& run, spec::RunConfig config,
                                         const train::BatchingMethodRow& row,
                                         const std::vector<Example>& rows) {
  config.gradient_accumulation_steps = static_cast<int64_t>(rows.size());
  auto batching = row.make(config);
  REQUIRE(batching.ok());
  REQUIRE((*batching)->Attach(*run.model).ok());
  const std::unique_ptr<data::Collator> collator = (*batching)->MakeCollator();
  auto plan = train::PlanSteps(config, rows, *collator, 0);
  INFO(plan.status().ToString());
  REQUIRE(plan.ok());
  REQUIRE(plan->steps.size() == 1);
  std::map<std::string, at::Tensor> out;
  double sum = 0;
  for (const data::MicroBatchPlan& micro : plan->steps[0].micro_batches) {
    const Batch batch = collator->Collate(rows, micro);
    const model::LossOutput loss = run.model->SumLoss(batch);
    CHECK(loss.target_tokens == batch.target_tokens);
    const at::Tensor share =
        loss.loss_sum.div(static_cast<double>(plan->target_tokens));
    if (share.requires_grad()) share.backward();
    sum += share.item<double>();
  }
  out["loss"] = at::tensor(sum, at::kDouble);
  for (train::TrainableParameter& p : run.method->TrainableParameters()) {
    if (p.tensor.grad().defined()) out[p.name] = p.tensor.grad().clone();
    p.tensor.mutable_grad() = at::Tensor();
  }
  return out;
}

}  // namespace

TEST_CASE("every batching method gives an encoder the same gradients",
          "[methods][conformance][encoders]") {
  for (const HeadCase& c : HeadCases()) {
    const std::vector<Example> rows = HeadRows(c);
    for (const train::UpdateMethodRow& update : AllMethods().update) {
      Variant variant{update.name, {}};
      if (update.name.find("lora") != std::string::npos) {
        variant.options["lora.rank"] = "4";
      }
      Attached run = AttachTo(c, variant, at::kDouble);
      // Off a B of nought; a squared error is steeper.
      TakeStep(run, c.kind == HeadKind::kValue ? 1e-5 : 0.01, HeadBatch(c));
      for (train::TrainableParameter& p : run.method->TrainableParameters()) {
        p.tensor.mutable_grad() = at::Tensor();
      }
      std::map<std::string, at::Tensor> want;
      for (const train::BatchingMethodRow& batching : AllMethods().batching) {
        for (int64_t batch_size : {6, 2, 1}) {
          spec::RunConfig config;
          config.batch_size = batch_size;
          config.max_length = 24;
          config.budget_epochs = 1;
          INFO(NameOf(c) << ": " << update.name << " " << batching.name
                         << " by " << batch_size);
          const auto have = StepOf(run, config, batching, rows);
          if (want.empty()) want = have;
          REQUIRE(have.size() == want.size());
          // What cancels out is rounding of the largest.
          double largest = 1;
          for (const auto& [name, grad] : want) {
            largest = std::max(largest, grad.abs().max().item<double>());
          }
          for (const auto& [name, grad] : have) {
            INFO(name);
            CHECK(at::allclose(grad, want.at(name), 1e-9, 1e-9 * largest));
          }
        }
      }
    }
  }
}

TEST_CASE("wrapped packing is refused for a head", "[methods][encoders]") {
  const HeadCase c{"bert", HeadKind::kToken, 5};
  spec::RunConfig config;
  config.max_length = 24;
  config.method_options = {{"pack.strategy", "wrapped"}};
  for (const train::BatchingMethodRow& row : AllMethods().batching) {
    if (row.name != "packed") continue;
    auto batching = row.make(config);
    REQUIRE(batching.ok());
    const auto collator = (*batching)->MakeCollator();
    const std::vector<Example> rows = HeadRows(c);
    Rng rng(1, Stream::kDataOrder);
    const auto plans = collator->PlanPass(rows, {0, 1, 2, 3}, rng);
    CHECK_THROWS_WITH(collator->Collate(rows, plans[0]),
                      Catch::Contains("whole"));
  }
}

TEST_CASE("a run on an encoder, killed and resumed, is the same run",
          "[methods][conformance][encoders]") {
  const HeadCase c{"bert", HeadKind::kSequence, 3};
  const std::vector<Example> rows = HeadRows(c);
  for (const train::UpdateMethodRow& update : AllMethods().update) {
    if (update.name == "untuned") continue;
    spec::RunConfig config;
    config.method = update.name;
    config.batch_size = 2;
    config.learning_rate = 1e-3;
    config.budget_epochs = 2;
    config.max_length = 24;
    if (update.name.find("lora") != std::string::npos) {
      config.method_options["lora.rank"] = "4";
    }
    struct Run {
      Attached attached;
      std::unique_ptr<train::Trainer> trainer;
    };
    auto start = [&] {
      Run run{AttachTo(c, {update.name, config.method_options}, at::kFloat),
              nullptr};
      run.trainer = std::make_unique<train::Trainer>(
          config, "run", *run.attached.model, *run.attached.method);
      return run;
    };
    auto batching = AllMethods().batching[0].make(config);
    REQUIRE(batching.ok());
    const auto collator = (*batching)->MakeCollator();
    auto plan = train::PlanSteps(config, rows, *collator, 0);
    REQUIRE(plan.ok());
    auto train = [&](Run& run, const train::TrainerHooks& hooks) {
      auto outcome = run.trainer->RunRound(0, rows, *collator, *plan, hooks);
      INFO(outcome.status().ToString());
      REQUIRE(outcome.ok());
      return TensorDigest(run.attached.model->DenseState());
    };
    INFO(update.name);
    Run whole = start();
    const std::string before = TensorDigest(whole.attached.model->DenseState());
    const std::string want = train(whole, {});
    CHECK(want != before);
    const support::TempDir folder("encoders");
    train::TrainerHooks hooks;
    hooks.checkpoint_folder = (folder.path() / "checkpoint").string();
    int64_t left = 2;
    hooks.should_stop = [&left] { return left-- == 0; };
    Run killed = start();
    CHECK(train(killed, hooks) != want);
    auto checkpoint = train::ReadCheckpoint(hooks.checkpoint_folder, "run");
    REQUIRE(checkpoint.ok());
    Run resumed = start();
    REQUIRE(resumed.trainer->Resume(*checkpoint).ok());
    CHECK(train(resumed, {}) == want);
  }
}

}  // namespace sft::methods::encoder_conformance_test
