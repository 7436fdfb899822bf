// What methods keep, draw anew and leave alone over the rounds of a sequence.
#include <ATen/ATen.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/train/trainer.h"
#include "methods/adapter_io.h"
#include "tests/methods/methods_support.h"
#include "tests/support/tiny_model.h"

namespace sft::methods::rounds_test {
namespace {

std::vector<Example> RowsOf(int64_t round) {
  return RandomExamples({12, 9, 16, 7, 11, 14, 8, 10},
                        static_cast<uint64_t>(round) + 1, 200);
}

struct Sequence {
  Sequence(const std::string& name,
           const std::map<std::string, std::string>& options)
      : model(LoadTestModel()), method(MakeMethod(name, options)) {
    REQUIRE(method->Attach(*model).ok());
    spec::RunConfig config;
    config.learning_rate = 5e-3;
    config.weight_decay = 0.1;
    config.schedule = "constant";
    config.warmup_ratio = 0;
    trainer = std::make_unique<train::Trainer>(config, "run", *model, *method);
  }

  void Begin(int64_t round, const std::vector<Example>& calibration = {}) {
    const absl::Status status = trainer->BeginRound(round, calibration);
    INFO(status.ToString());
    REQUIRE(status.ok());
  }
  void Train(int64_t round, int64_t steps = 3) {
    const std::vector<Example> rows = RowsOf(round);
    train::StepPlan plan;
    for (int64_t s = 0; s < steps; ++s) {
      data::MicroBatchPlan micro;
      for (int64_t i = 0; i < 4; ++i) {
        const int64_t row = (4 * s + i) % std::ssize(rows);
        micro.pieces.push_back(
            {row, 0, std::ssize(rows[static_cast<size_t>(row)].input_ids)});
      }
      plan.steps.push_back({{std::move(micro)}, 0});
    }
    auto outcome =
        trainer->RunRound(round, rows, support::PlainCollator(4), plan, {});
    INFO(outcome.status().ToString());
    REQUIRE(outcome.ok());
    REQUIRE(outcome->end == train::RoundEnd::kFinished);
  }
  std::map<std::string, at::Tensor> Values() {
    std::map<std::string, at::Tensor> values;
    for (const auto& [name, t] : AllTensors(*model)) {
      values[name] = t.detach().clone();
    }
    return values;
  }
  std::set<std::string> Trained() {
    std::set<std::string> names;
    for (const auto& p : method->TrainableParameters()) names.insert(p.name);
    return names;
  }
  double StepsOf(const std::string& parameter) {
    for (const NamedTensor& t : trainer->optimizer()->State()) {
      if (t.name == parameter + ".step") return t.tensor.item<double>();
    }
    return -1;
  }

  std::unique_ptr<model::Model> model;
  std::unique_ptr<train::UpdateMethod> method;
  std::unique_ptr<train::Trainer> trainer;
};

TEST_CASE("what HFT freezes keeps its bits in each of five rounds, and is told",
          "[methods][hft][rounds]") {
  for (const char* granularity : {"category", "layer", "model"}) {
    INFO(granularity);
    Sequence run("hft", {{"hft.granularity", granularity}});
    std::set<std::string> digests;
    for (int64_t round = 0; round < 5; ++round) {
      run.Begin(round);
      const auto before = run.Values();
      const std::set<std::string> trained = run.Trained();
      run.Train(round);
      int64_t frozen = 0;
      for (const auto& [name, value] : run.Values()) {
        INFO(name);
        const bool same = at::equal(value, before.at(name));
        CHECK(same == !trained.contains(name));
        frozen += !trained.contains(name);
      }
      CHECK(frozen > 0);
    }
    const train::MethodReport report = run.method->Report();
    for (int64_t round = 0; round < 5; ++round) {
      const std::string prefix = absl::StrCat("hft.round", round, ".");
      digests.insert(report.texts.at(prefix + "mask_sha256"));
      const std::string& list = report.texts.at(prefix + "frozen");
      CHECK(list.find("_proj.weight") != std::string::npos);
      CHECK(report.numbers.at(prefix + "realised_share") > 0.3);
    }
    CHECK(digests.size() > 1);
    CHECK(report.texts.at("hft.mask_sha256") ==
          report.texts.at("hft.round4.mask_sha256"));
  }
}

TEST_CASE("what the optimizer remembers goes between rounds, or stays",
          "[methods][hft][rounds]") {
  for (const bool keeps : {false, true}) {
    INFO(keeps);
    Sequence run("hft", {{"hft.optimizer_state", keeps ? "keep" : "drop"}});
    run.Begin(0);
    const std::set<std::string> first = run.Trained();
    run.Train(0);
    run.Begin(1);
    int64_t both = 0;
    for (const std::string& name : run.Trained()) {
      INFO(name);
      const bool stays = first.contains(name);
      CHECK(run.StepsOf(name) == (keeps && stays ? 3 : 0));
      both += stays;
    }
    CHECK(both > 0);
    CHECK(both < std::ssize(run.Trained()));
  }
}

TEST_CASE("LISA forgets the moments of a block that leaves",
          "[methods][lisa][rounds]") {
  Sequence run("lisa", {{"lisa.layers", "1"}, {"lisa.interval", "2"}});
  run.Begin(0);
  std::set<std::string> before = run.Trained();
  // Until another block is drawn.
  int64_t steps = 0;
  while (run.Trained() == before) {
    REQUIRE(steps < 40);
    run.Begin(0);
    steps += 2;
    run.Train(0, steps + 1);
  }
  int64_t anew = 0, on = 0;
  for (const std::string& name : run.Trained()) {
    INFO(name);
    const double taken = run.StepsOf(name);
    const bool stays = before.contains(name);
    // One step of the new period.
    CHECK(taken == (stays ? static_cast<double>(steps + 1) : 1));
    (stays ? on : anew) += 1;
  }
  CHECK(anew > 0);
  CHECK(on > 0);
  CHECK(run.method->MovableParameters().size() ==
        run.model->Parameters().size());
}

TEST_CASE("SSU's columns keep their bits under weight decay, in all rounds",
          "[methods][ssu][rounds]") {
  Sequence run("ssu", {});
  run.Begin(0, RowsOf(7));
  std::map<std::string, at::Tensor> frozen;
  for (const NamedTensor& t : run.method->SaveState()) {
    frozen[t.name.substr(0, t.name.rfind('.')) + ".weight"] = t.tensor.clone();
  }
  const auto before = run.Values();
  run.Train(0);
  run.Begin(1);
  run.Train(1);
  REQUIRE_FALSE(frozen.empty());
  for (const auto& [name, value] : run.Values()) {
    INFO(name);
    const auto columns = frozen.find(name);
    if (columns == frozen.end()) continue;
    CHECK(columns->second.numel() == value.size(1) / 2);
    CHECK(at::equal(value.index_select(1, columns->second),
                    before.at(name).index_select(1, columns->second)));
    CHECK_FALSE(at::equal(value, before.at(name)));
  }
  // The share that may move, by the columns.
  CHECK(run.method->Report().numbers.at("ssu.movable_share") < 1);
}

TEST_CASE("SSU chooses by what the rows put into a map",
          "[methods][ssu][rounds]") {
  Sequence with("ssu", {}), without("ssu", {});
  with.Begin(0, RowsOf(3));
  without.Begin(0);
  CHECK(with.method->Report().texts.at("ssu.frozen_sha256") !=
        without.method->Report().texts.at("ssu.frozen_sha256"));
}

TEST_CASE("EWC has a penalty from the second round on",
          "[methods][ewc][rounds]") {
  Sequence run("ewc", {});
  run.Begin(0);
  CHECK(run.method->SaveState().empty());
  CHECK(run.method->StateBytes() == 0);
  run.Train(0);
  run.Begin(1, RowsOf(0));
  const std::vector<NamedTensor> state = run.method->SaveState();
  CHECK(state.size() == 2 * run.Trained().size());
  int64_t bytes = 0;
  for (const NamedTensor& t : state) {
    bytes += static_cast<int64_t>(t.tensor.nbytes());
    if (t.name.ends_with(".fisher")) {
      CHECK(t.tensor.min().item<double>() >= 0);
    }
  }
  CHECK(run.method->StateBytes() == bytes);
  // At the centre itself nothing pulls.
  auto* hook = run.method->step_hook();
  for (train::TrainableParameter& p : run.method->TrainableParameters()) {
    p.tensor.mutable_grad() = at::zeros_like(p.tensor);
  }
  const at::NoGradGuard no_grad;
  hook->OnGradients();
  for (train::TrainableParameter& p : run.method->TrainableParameters()) {
    INFO(p.name);
    // Where F is 0 there is no centre, and no pull either.
    CHECK(p.tensor.grad().abs().max().item<double>() == 0);
  }
}

TEST_CASE("a new round's adapter begins where the last one ended",
          "[methods][lora][rounds]") {
  const Batch batch = RandomBatch();
  for (const char* way : {"go_on", "merge", "stack"}) {
    INFO(way);
    const std::map<std::string, std::string> options = {
        {"lora.rank", "4"}, {"lora.between_rounds", way}};
    Sequence run("lora", options);
    run.Begin(0);
    const std::set<std::string> first = run.Trained();
    run.Train(0);
    const double ended = LossOf(*run.model, batch);
    run.Begin(1);
    CHECK(LossOf(*run.model, batch) == Approx(ended).epsilon(1e-5));
    CHECK((run.Trained() == first) == (std::string(way) == "go_on"));
    CHECK(run.Trained().size() == first.size());
    run.Train(1);
    const double trained = LossOf(*run.model, batch);
    CHECK(trained != Approx(ended).epsilon(1e-6));

    // One adapter of all rounds, against the untouched weights.
    const support::TempDir folder("adapter");
    const std::string path = (folder.path() / "a").string();
    REQUIRE(run.method->WriteAdapter(path).ok());
    auto fresh = LoadTestModel();
    const absl::Status attached = AttachAdapter(*fresh, path);
    INFO(attached.ToString());
    REQUIRE(attached.ok());
    CHECK(LossOf(*fresh, batch) == Approx(trained).epsilon(1e-5));

    // As an export takes it up from what was trained in any round.
    auto other = LoadTestModel();
    auto method = MakeMethod("lora", options);
    REQUIRE(method->Attach(*other).ok());
    std::map<std::string, at::Tensor> live;
    for (int64_t round : {0, 1}) {
      REQUIRE(method->BeginRound(round).ok());
      for (const auto& p : method->MovableParameters()) live[p.name] = p.tensor;
    }
    {
      const at::NoGradGuard no_grad;
      for (const NamedTensor& t : run.trainer->TrainedTensors()) {
        live.at(t.name).copy_(t.tensor);
      }
    }
    REQUIRE(method->TakeUp().ok());
    CHECK(LossOf(*other, batch) == LossOf(*run.model, batch));
    REQUIRE(run.method->Merge().ok());
    CHECK(LossOf(*run.model, batch) == Approx(trained).epsilon(1e-5));
  }
}

TEST_CASE("adapters that cannot be merged or stacked between rounds say why",
          "[methods][lora][rounds]") {
  const auto refusal = [](const std::string& name,
                          std::map<std::string, std::string> options) {
    spec::RunConfig config;
    config.method = name;
    config.method_options = std::move(options);
    for (const train::UpdateMethodRow& row : AllMethods().update) {
      if (row.name == name) {
        return ToStd(row.make(config).status().message());
      }
    }
    return std::string("no such method");
  };
  const auto has = [](const std::string& text, const char* part) {
    INFO(text);
    return text.find(part) != std::string::npos;
  };
  CHECK(has(refusal("lora",
                    {{"lora.between_rounds", "merge"}, {"lora.dora", "true"}}),
            "stack computes the same"));
  CHECK(has(refusal("qlora", {{"lora.between_rounds", "merge"}}),
            "quantized anew"));
  CHECK(has(refusal("lora",
                    {{"lora.between_rounds", "stack"}, {"lora.init", "pissa"}}),
            "wanted kaiming"));
  CHECK(has(refusal("oft", {{"oft.neumann_terms", "2"}}), "at least 4"));
}

TEST_CASE("MoFO ranks by the first moment, whatever holds it",
          "[methods][mofo][rounds]") {
  for (const char* optimizer : {"adamw", "adamw_8bit"}) {
    INFO(optimizer);
    auto model = LoadTestModel();
    auto method = MakeMethod("mofo", {{"mofo.share", "0.25"}});
    REQUIRE(method->Attach(*model).ok());
    spec::RunConfig config;
    config.optimizer = optimizer;
    config.warmup_ratio = 0;
    config.schedule = "constant";
    config.learning_rate = 1e-3;
    train::Trainer trainer(config, "run", *model, *method);
    std::map<std::string, at::Tensor> before;
    for (const auto& p : method->TrainableParameters()) {
      before[p.name] = p.tensor.detach().clone();
    }
    const std::vector<Example> rows = RowsOf(0);
    train::StepPlan plan;
    plan.steps.push_back({{{{{0, 0, 12}, {1, 0, 9}}}}, 0});
    auto outcome =
        trainer.RunRound(0, rows, support::PlainCollator(2), plan, {});
    REQUIRE(outcome.ok());
    for (const auto& p : method->TrainableParameters()) {
      INFO(p.name);
      const at::Tensor& was = before.at(p.name);
      const int64_t n = was.numel();
      const int64_t moved = p.tensor.detach().ne(was).sum().item<int64_t>();
      // Equal ones at the border move together, those of no gradient nowhere.
      if (was.dim() == 2 && n >= 4096) {
        CHECK(moved <= n / 2);
      }
      CHECK(moved > 0);
    }
    // None that stays has a larger moment than one that moved.
    REQUIRE(trainer.optimizer() != nullptr);
    const auto& moving = trainer.optimizer()->parameters();
    int64_t parted = 0;
    for (size_t i = 0; i < moving.size(); ++i) {
      INFO(moving[i].name);
      const at::Tensor size = trainer.optimizer()->FirstMoment(i).abs();
      const at::Tensor moved =
          moving[i].tensor.detach().ne(before.at(moving[i].name));
      const int64_t count = moved.sum().item<int64_t>();
      if (count == 0 || count == moved.numel()) continue;
      ++parted;
      const double least = size.masked_select(moved).min().item<double>();
      const double greatest =
          size.masked_select(moved.logical_not()).max().item<double>();
      CHECK(least >= greatest);
    }
    CHECK(parted > 0);
  }
}

}  // namespace
}  // namespace sft::methods::rounds_test
