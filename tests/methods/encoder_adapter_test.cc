// Adapters of encoders: PEFT's files with a head in them.
#include <algorithm>
#include <cmath>

#include "harness/formats/safetensors.h"
#include "methods/adapter_io.h"
#include "tests/methods/encoder_support.h"

namespace sft::methods::encoder_adapter_test {

// A method on an encoder, one step further and written as a folder.
struct WrittenAdapter {
  WrittenAdapter(const HeadCase& c, const Variant& variant)
      : of(c), run(AttachTo(c, variant, at::kFloat)) {
    TakeStep(run, 0.05, HeadBatch(c));
    REQUIRE(run.method->WriteAdapter(path).ok());
  }
  // A model without a head gets that of the folder, and the trained one's loss.
  void CheckComesBack() const {
    auto fresh = LoadHeadless(of.family, at::kFloat);
    const absl::Status attached = AttachAdapter(*fresh, path);
    INFO(attached.ToString());
    REQUIRE(attached.ok());
    // A folder does not tell heads of rows apart; the task does.
    CHECK(fresh->head() ==
          (ReadsRows(of.kind) ? HeadKind::kSequence : of.kind));
    REQUIRE(fresh->SetHead(of.kind, of.classes, /*seed=*/9).ok());
    const Batch batch = HeadBatch(of);
    CHECK(LossOf(*fresh, batch) ==
          Approx(LossOf(*run.model, batch)).epsilon(1e-5));
  }
  std::string ConfigPath() const { return path + "/adapter_config.json"; }
  nlohmann::json Config() const {
    return nlohmann::json::parse(std::ifstream(ConfigPath()));
  }

  HeadCase of;
  Attached run;
  support::TempDir folder{"adapter"};
  std::string path = folder.path().string();
};

TEST_CASE("an adapter of an encoder holds its head, and both come back",
          "[methods][adapter][encoders]") {
  for (const HeadCase& c : HeadCases()) {
    for (const std::string targets : {"all-linear", "down_proj", "q_proj"}) {
      INFO(NameOf(c) << " " << targets);
      const WrittenAdapter written(
          c, {"lora", {{"lora.rank", "4"}, {"lora.targets", targets}}});
      written.CheckComesBack();
      const nlohmann::json config = written.Config();
      CHECK(config["task_type"] == (ReadsRows(c.kind) ? "SEQ_CLS"
                                    : c.kind == HeadKind::kToken
                                        ? "TOKEN_CLS"
                                        : "QUESTION_ANS"));
      // As PEFT reads it: a target names every module that ends so.
      auto named = [&config](const std::string& module) {
        for (const auto& t : config["target_modules"]) {
          const std::string target = t, end = "." + target;
          if (module == target ||
              (module.size() > end.size() &&
               module.substr(module.size() - end.size()) == end)) {
            return true;
          }
        }
        return false;
      };
      model::Model& trained = *written.run.model;
      for (const model::LinearSlot& slot : trained.linear_slots()) {
        INFO(slot.name);
        CHECK(named(slot.name) ==
              (dynamic_cast<LoraLinear*>(slot.map.get()) != nullptr));
      }
      for (const model::Parameter& p : trained.HeadParameters()) {
        INFO(p.name);
        CHECK_FALSE(named(p.name.substr(0, p.name.rfind('.'))));
        const std::string top = p.name.substr(0, p.name.find('.'));
        const auto& saved = config["modules_to_save"];
        CHECK(std::find(saved.begin(), saved.end(), top) != saved.end());
      }
    }
  }
}

TEST_CASE("an OFT folder of an encoder holds its head, and both come back",
          "[methods][oft][adapter][encoders]") {
  for (const HeadCase& c : HeadCases()) {
    INFO(NameOf(c));
    const WrittenAdapter written(c, {"oft", {{"oft.block_size", "8"}}});
    written.CheckComesBack();
    // Of another model's head nothing is read.
    nlohmann::json config = written.Config();
    config["modules_to_save"].push_back("another");
    std::ofstream(written.ConfigPath()) << config.dump();
    auto refused = LoadHeadless(c.family, at::kFloat);
    CHECK(AttachAdapter(*refused, written.path)
              .message()
              .find("modules_to_save") != std::string::npos);
  }
}

TEST_CASE("adapters made by PEFT for encoders give PEFT's scores",
          "[methods][adapter][encoders]") {
  const nlohmann::json golden = ReadGoldenJson("encoders/peft.json");
  for (const nlohmann::json& item : golden["adapters"]) {
    const std::string family = item["family"];
    INFO(family);
    Example row;
    row.head = HeadKind::kSequence;
    row.input_ids = item["ids"].get<std::vector<int32_t>>();
    row.labels.assign(row.input_ids.size(), kNoLoss);
    auto model = LoadHeadless(family, at::kFloat);
    const absl::Status attached = AttachAdapter(
        *model, (support::SourceDir() / "tests/golden/encoders/peft" / family)
                    .string());
    INFO(attached.ToString());
    REQUIRE(attached.ok());
    const at::NoGradGuard no_grad;
    const at::Tensor scores = model->HeadLogits(data::FlatBatch(
        {row}, {{0, 0, static_cast<int64_t>(row.input_ids.size())}}));
    const at::Tensor wanted =
        at::tensor(item["logits"].get<std::vector<float>>()).unsqueeze(0);
    CHECK(at::allclose(scores, wanted, 1e-4, 1e-5));
  }
}

TEST_CASE("a head that a model cannot have is refused in one line",
          "[methods][adapter][encoders]") {
  const HeadCase c{"bert", HeadKind::kSequence, 3};
  Attached run = AttachTo(c, {"lora", {{"lora.rank", "4"}}}, at::kFloat);
  const support::TempDir folder("adapter");
  const std::string path = folder.path().string();
  REQUIRE(run.method->WriteAdapter(path).ok());
  const std::string weights = path + "/adapter_model.safetensors";
  auto tensors = formats::ReadSafetensors(weights);
  REQUIRE(tensors.ok());
  const auto refused = [&](const std::string& part,
                           const std::string& family = "bert") {
    auto model = LoadHeadless(family, at::kFloat);
    const absl::Status status = AttachAdapter(*model, path);
    INFO(status.ToString());
    CHECK_FALSE(status.ok());
    CHECK(status.message().find('\n') == std::string::npos);
    CHECK(std::string(status.message()).find(part) != std::string::npos);
  };
  refused("distilbert", "distilbert");
  auto write = [&](const std::vector<NamedTensor>& changed) {
    REQUIRE(formats::WriteSafetensors(weights, changed, {}).ok());
  };
  std::vector<NamedTensor> changed = *tensors;
  for (NamedTensor& t : changed) {
    if (t.name == "base_model.model.classifier.weight") {
      t.tensor = at::ones({3, 31});
    }
  }
  write(changed);
  refused("classifier");
  for (NamedTensor& t : changed) {
    if (t.name == "base_model.model.classifier.weight") {
      t.tensor = at::full({3, 32}, NAN);
    }
  }
  write(changed);
  refused("finite");
  changed = *tensors;
  changed.push_back({"base_model.model.other.weight", at::ones({2})});
  write(changed);
  refused("unknown tensor");
  changed.back().name = "base_model.model.bert.classifier.weight";
  write(changed);
  refused("head");
}

}  // namespace sft::methods::encoder_adapter_test
