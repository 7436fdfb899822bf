// The ways of updating that are made against forgetting, 20 steps each, beside
// what their papers' formulas give in PyTorch (golden/update_trajectories.json,
// make_golden_updates.py). f32, the weights of a tiny decoder.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/status.h"
#include "harness/formats/safetensors.h"
#include "harness/train/trainer.h"
#include "methods/adapter_io.h"
#include "methods/lisa.h"
#include "methods/mofo.h"
#include "tests/methods/methods_support.h"
#include "tests/support/tiny_model.h"

namespace sft::methods::update_trajectories_test {
namespace {

// Sums of f32 in another order, over 20 steps of Adam.
constexpr double kTolerance = 1e-4;

const nlohmann::json& Golden() {
  static const auto& golden =
      *new nlohmann::json(ReadGoldenJson("update_trajectories.json"));
  return golden;
}

std::vector<Example> Rows(const nlohmann::json& list, size_t begin = 0,
                          size_t end = SIZE_MAX) {
  std::vector<Example> rows;
  for (size_t i = begin; i < std::min(end, list.size()); ++i) {
    Example example;
    example.row_id = static_cast<int64_t>(i);
    example.input_ids = list[i].at("input_ids").get<std::vector<int32_t>>();
    example.labels = list[i].at("labels").get<std::vector<int32_t>>();
    example.labels[0] = kNoLoss;
    rows.push_back(std::move(example));
  }
  return rows;
}

data::Piece Whole(const std::vector<Example>& rows, int64_t index) {
  return {index, 0, std::ssize(rows[static_cast<size_t>(index)].input_ids)};
}

// Step s takes the next four rows, in turn.
train::StepPlan PlanOf(const std::vector<Example>& rows, int64_t steps) {
  train::StepPlan plan;
  for (int64_t s = 0; s < steps; ++s) {
    data::MicroBatchPlan micro;
    for (int64_t i = 0; i < 4; ++i) {
      micro.pieces.push_back(Whole(rows, 4 * (s % (std::ssize(rows) / 4)) + i));
    }
    plan.steps.push_back({{std::move(micro)}, 0});
  }
  return plan;
}

double HeldOutLoss(model::Model& model) {
  const std::vector<Example> rows = Rows(Golden().at("heldout"));
  std::vector<data::Piece> pieces;
  for (int64_t i = 0; i < std::ssize(rows); ++i) {
    pieces.push_back(Whole(rows, i));
  }
  const Batch batch = data::PaddedBatch(rows, pieces, 0, 0);
  return LossOf(model, batch) / static_cast<double>(batch.target_tokens);
}

std::unique_ptr<model::Model> BaseModel() {
  return LoadTestModel(at::kFloat,
                       (support::SourceDir() / "tests/golden/decoders" /
                        Golden().at("base").get<std::string>())
                           .string());
}

class Run {
 public:
  Run(const std::string& name, std::unique_ptr<train::UpdateMethod> method)
      : want_(Golden().at("runs").at(name)),
        model_(BaseModel()),
        method_(std::move(method)) {
    const absl::Status attached = method_->Attach(*model_);
    INFO(attached.ToString());
    REQUIRE(attached.ok());
    CHECK(HeldOutLoss(*model_) ==
          Approx(Golden().at("heldout_before").get<double>())
              .epsilon(kTolerance));
    spec::RunConfig config;
    config.learning_rate = Golden().at("rate").get<double>();
    config.weight_decay = 0.01;
    config.schedule = "constant";
    config.warmup_ratio = 0;
    trainer_ =
        std::make_unique<train::Trainer>(config, name, *model_, *method_);
  }

  void Round(int64_t round, const std::vector<Example>& rows, int64_t steps,
             const std::vector<Example>& calibration = {}) {
    REQUIRE(trainer_->BeginRound(round, calibration).ok());
    auto outcome = trainer_->RunRound(round, rows, support::PlainCollator(4),
                                      PlanOf(rows, steps), {});
    INFO(outcome.status().ToString());
    REQUIRE(outcome.ok());
    REQUIRE(outcome->end == train::RoundEnd::kFinished);
  }

  void Check() {
    const std::vector<StepRecord>& steps = trainer_->steps();
    REQUIRE(steps.size() == want_.at("losses").size());
    double worst_loss = 0, worst_norm = 0;
    for (size_t s = 0; s < steps.size(); ++s) {
      INFO("step " << s + 1);
      const double loss = want_.at("losses")[s].get<double>();
      const double norm = want_.at("grad_norms")[s].get<double>();
      CHECK(steps[s].loss == Approx(loss).epsilon(kTolerance));
      CHECK(steps[s].grad_norm == Approx(norm).epsilon(10 * kTolerance));
      worst_loss = std::max(worst_loss, std::abs(steps[s].loss / loss - 1));
      worst_norm =
          std::max(worst_norm, std::abs(steps[s].grad_norm / norm - 1));
    }
    CHECK(HeldOutLoss(*model_) ==
          Approx(want_.at("heldout_after").get<double>()).epsilon(kTolerance));
    int64_t trainable = 0;
    for (const train::TrainableParameter& p : method_->MovableParameters()) {
      trainable += p.tensor.numel();
    }
    CHECK(trainable == want_.at("trainable").get<int64_t>());
    WARN("largest relative error of a loss "
         << worst_loss << ", of a gradient norm " << worst_norm);
  }

  const nlohmann::json& want() const { return want_; }
  train::UpdateMethod& method() { return *method_; }

 private:
  const nlohmann::json& want_;
  std::unique_ptr<model::Model> model_;
  std::unique_ptr<train::UpdateMethod> method_;
  std::unique_ptr<train::Trainer> trainer_;
};

std::string Number(const nlohmann::json& value) {
  return CanonicalText(value.get<double>());
}
std::string Whole(const nlohmann::json& value) {
  return CanonicalText(value.get<int64_t>());
}
const nlohmann::json& RunOf(const std::string& name) {
  return Golden().at("runs").at(name);
}

TEST_CASE("L2-SP follows its formula", "[methods][l2sp][trajectory]") {
  Run run(
      "l2sp",
      MakeMethod("l2sp", {{"l2sp.alpha", Number(RunOf("l2sp").at("alpha"))}}));
  run.Round(0, Rows(Golden().at("rows")), 20);
  run.Check();
}

TEST_CASE("EWC holds what two tasks need as two penalties do",
          "[methods][ewc][trajectory]") {
  Run run(
      "ewc",
      MakeMethod("ewc", {{"ewc.lambda", Number(RunOf("ewc").at("lambda"))}}));
  std::vector<Example> before;
  for (int64_t task = 0; task < 3; ++task) {
    const auto first = static_cast<size_t>(8 * task);
    const std::vector<Example> rows =
        Rows(Golden().at("rows"), first, first + 8);
    run.Round(task, rows, run.want().at("steps")[task].get<int64_t>(), before);
    before = rows;
  }
  run.Check();
}

TEST_CASE("MoFO moves the weights of largest momentum",
          "[methods][mofo][trajectory]") {
  Run run(
      "mofo",
      MakeMethod("mofo", {{"mofo.share", Number(RunOf("mofo").at("share"))}}));
  run.Round(0, Rows(Golden().at("rows")), 20);
  run.Check();
  CHECK(dynamic_cast<MofoMethod&>(run.method()).moved_share() ==
        Approx(0.15).margin(0.01));
}

// The oracle's draws.
class GoldenLisa : public LisaMethod {
 public:
  GoldenLisa()
      : LisaMethod({.layers = 1,
                    .interval = RunOf("lisa").at("interval").get<int64_t>()},
                   /*seed=*/0) {}

 protected:
  std::set<int64_t> DrawLayers(int64_t period) override {
    return {RunOf("lisa").at("layers")[period].get<int64_t>()};
  }
};

TEST_CASE("LISA moves the blocks that are drawn, and forgets the others",
          "[methods][lisa][trajectory]") {
  Run run("lisa", std::make_unique<GoldenLisa>());
  run.Round(0, Rows(Golden().at("rows")), 20);
  run.Check();
}

TEST_CASE("SSU freezes the columns that general rows need",
          "[methods][ssu][trajectory]") {
  Run run("ssu", MakeMethod("ssu"));
  run.Round(0, Rows(Golden().at("rows")), 20, Rows(run.want().at("general")));
  std::map<std::string, at::Tensor> state;
  for (const NamedTensor& t : run.method().SaveState()) {
    state[t.name] = t.tensor;
  }
  REQUIRE(state.size() == run.want().at("frozen").size());
  for (const auto& [slot, columns] : run.want().at("frozen").items()) {
    INFO(slot);
    const auto wanted = columns.get<std::vector<int64_t>>();
    CHECK(at::equal(state.at(slot + ".frozen"), at::tensor(wanted)));
  }
  run.Check();
}

TEST_CASE("OFT follows PEFT's rotations", "[methods][oft][trajectory]") {
  for (const char* name : {"oft", "oft_exact"}) {
    INFO(name);
    const nlohmann::json& want = RunOf(name);
    Run run(name,
            MakeMethod("oft", {{"oft.block_size", Whole(want.at("block_size"))},
                               {"oft.neumann_terms",
                                Whole(want.at("neumann_terms"))}}));
    run.Round(0, Rows(Golden().at("rows")), 20);
    run.Check();
  }
}

TEST_CASE("an OFT folder of PEFT's gives PEFT's logits, and back",
          "[methods][oft][adapter][peft]") {
  const nlohmann::json& want = RunOf("oft");
  const std::vector<Example> rows = Rows(Golden().at("heldout"), 0, 1);
  const auto check = [&](const std::string& folder) {
    auto model = BaseModel();
    const absl::Status attached = AttachAdapter(*model, folder);
    INFO(attached.ToString());
    REQUIRE(attached.ok());
    const at::NoGradGuard no_grad;
    const Batch batch = data::FlatBatch(rows, {Whole(rows, 0)});
    const at::Tensor h_TD = model->HiddenStates(batch)[0];
    const at::Tensor have_V =
        model->Logits(h_TD.narrow(0, h_TD.size(0) - 1, 1))[0];
    const at::Tensor want_V =
        at::tensor(want.at("logits").get<std::vector<double>>());
    const double error =
        (have_V.to(at::kDouble) - want_V).norm().item<double>();
    CHECK(error / want_V.norm().item<double>() < 1e-5);
    return model;
  };
  const std::string theirs =
      (support::SourceDir() / "tests/golden/oft_adapter").string();
  check(theirs);
  // Their values in our adapter, written by us.
  auto model = BaseModel();
  auto method = MakeMethod("oft", {{"oft.block_size", "8"}});
  REQUIRE(method->Attach(*model).ok());
  const auto stored =
      formats::ReadSafetensors(theirs + "/adapter_model.safetensors");
  REQUIRE(stored.ok());
  {
    const at::NoGradGuard no_grad;
    std::map<std::string, at::Tensor> live;
    for (const auto& p : method->TrainableParameters()) {
      live["base_model.model." + p.name] = p.tensor;
    }
    REQUIRE(live.size() == stored->size());
    for (const NamedTensor& t : *stored) live.at(t.name).copy_(t.tensor);
  }
  const support::TempDir folder("oft");
  const std::string ours = (folder.path() / "a").string();
  REQUIRE(method->WriteAdapter(ours).ok());
  check(ours);
}

TEST_CASE("an OFT folder that would compute something else is refused",
          "[methods][oft][adapter][peft]") {
  const std::string theirs =
      (support::SourceDir() / "tests/golden/oft_adapter").string();
  const auto refusal = [&](const std::string& key,
                           const nlohmann::json& value) {
    const support::TempDir folder("oft");
    std::filesystem::copy(
        theirs, folder.path(),
        std::filesystem::copy_options::recursive |
            std::filesystem::copy_options::overwrite_existing);
    const std::filesystem::path path = folder.path() / "adapter_config.json";
    nlohmann::json config = nlohmann::json::parse(std::ifstream(path));
    config[key] = value;
    std::ofstream(path) << config.dump();
    auto model = BaseModel();
    return ToStd(AttachAdapter(*model, folder.path().string()).message());
  };
  CHECK(refusal("coft", true).find("coft is set (true)") != std::string::npos);
  CHECK(refusal("block_share", true).find("block_share") != std::string::npos);
  CHECK(refusal("bias", "all").find("bias") != std::string::npos);
  CHECK(refusal("modules_to_save", {"lm_head"}).find("modules_to_save") !=
        std::string::npos);
  CHECK(refusal("num_cayley_neumann_terms", 2).find("from 4 to 64") !=
        std::string::npos);
}

}  // namespace
}  // namespace sft::methods::update_trajectories_test
