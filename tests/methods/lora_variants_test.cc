// LoRA, rsLoRA, DoRA and PiSSA beside PEFT: logits, gradients and merged
// weights (tests/golden/make_golden_lora_variants.py).
#include <ATen/ATen.h>

#include <map>
#include <string>

#include "harness/formats/safetensors.h"
#include "tests/harness/model/fake_files.h"
#include "tests/methods/methods_support.h"

namespace sft::methods::lora_variants_test {
namespace {

using model::fake::RelativeError;

// Both compute in f32, in another order of summation; PiSSA begins from a
// factorization, which rounds otherwise on another processor.
constexpr double kTolerance = 1e-5;

const std::map<std::string, std::string>& OptionOf(const std::string& variant) {
  static const auto& options =
      *new std::map<std::string, std::map<std::string, std::string>>{
          {"lora", {}},
          {"rslora", {{"lora.rslora", "true"}}},
          {"dora", {{"lora.dora", "true"}}},
          {"pissa", {{"lora.init", "pissa"}}}};
  return options.at(variant);
}

TEST_CASE("LoRA's variants are PEFT's: forward, gradient and merge",
          "[methods][lora][peft]") {
  const nlohmann::json golden = ReadGoldenJson("lora_variants.json");
  const auto read = formats::ReadSafetensors(
      (support::SourceDir() / "tests/golden/lora_variants.safetensors")
          .string());
  REQUIRE(read.ok());
  std::map<std::string, at::Tensor> wanted;
  for (const NamedTensor& t : *read) wanted[t.name] = t.tensor;

  const auto ids = golden["ids"].get<std::vector<int64_t>>();
  model::fake::Row row{ids, ids};
  row.labels[0] = kNoLoss;
  const Batch batch = model::fake::PackedBatch({row});
  for (const auto& variant :
       golden["variants"].get<std::vector<std::string>>()) {
    INFO(variant);
    model::ModelLocation where;
    where.name = where.folder =
        (support::SourceDir() / "tests/golden/decoders" /
         golden["base"].get<std::string>())
            .string();
    auto model = model::LoadModel(where, {.compute_dtype = at::kFloat});
    REQUIRE(model.ok());
    std::map<std::string, std::string> options = OptionOf(variant);
    options["lora.rank"] = golden["rank"].dump();
    options["lora.alpha"] = golden["alpha"].dump();
    auto method = MakeMethod("lora", options);
    REQUIRE(method->Attach(**model).ok());
    REQUIRE(method->BeginRound(0).ok());
    const auto logits = [&] {
      const c10::NoGradGuard off;
      return (*model)->Logits((*model)->HiddenStates(batch)[0]);
    };

    const auto trained = method->TrainableParameters();
    CHECK(trained.size() == (variant == "dora" ? 42 : 28));  // of 14 maps
    for (const train::TrainableParameter& p : trained) {
      INFO(p.name);
      const c10::NoGradGuard off;
      p.tensor.detach().copy_(wanted.at(variant + "/value/" + p.name));
    }
    CHECK(RelativeError(logits(), wanted.at(variant + "/logits")) < kTolerance);
    (*model)->SumLoss(batch).loss_sum.backward();
    for (const train::TrainableParameter& p : trained) {
      INFO(p.name);
      REQUIRE(p.tensor.grad().defined());
      CHECK(RelativeError(p.tensor.grad(), wanted.at(variant + "/gradient/" +
                                                     p.name)) < kTolerance);
    }
    REQUIRE(method->Merge().ok());
    CHECK(RelativeError(logits(), wanted.at(variant + "/merged/logits")) <
          kTolerance);
    for (const auto& name : golden["merged"].get<std::vector<std::string>>()) {
      INFO(name);
      int found = 0;
      for (const model::LinearSlot& slot : (*model)->linear_slots()) {
        if (slot.name != name) continue;
        ++found;
        CHECK(RelativeError(slot.map->DenseWeight(),
                            wanted.at(variant + "/merged/" + name)) <
              kTolerance);
      }
      CHECK(found == 1);
    }
  }
}

}  // namespace
}  // namespace sft::methods::lora_variants_test
