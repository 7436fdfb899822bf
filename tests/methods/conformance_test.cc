// What every row of the registry has to keep, with several options each.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "absl/strings/match.h"
#include "harness/kernels/nf4/nf4_glue.h"
#include "harness/model/ops/dense_linear.h"
#include "methods/qlora.h"
#include "tests/methods/variants.h"

namespace sft::methods::conformance_test {

// Gives `twin`, a model as it was loaded, the weights that QLoRA begins with on
// `run`: of every map but the head the values of its NF4 codes, and under PiSSA
// of what its factors leave over, with these added. DoRA's magnitudes are those
// of the rows before they were quantized.
void BeginAsQlora(const Variant& variant, Attached& run, model::Model& twin) {
  QloraOptions options;
  REQUIRE(ReadFields(variant.options, options).ok());
  std::map<std::string, at::Tensor> trained;
  for (const train::TrainableParameter& p : run.method->TrainableParameters()) {
    trained[p.name] = p.tensor;
  }
  const at::NoGradGuard no_grad;
  for (model::LinearSlot& slot : twin.linear_slots()) {
    if (slot.role == model::Role::kHead) continue;
    auto* dense = dynamic_cast<model::DenseLinear*>(slot.map.get());
    REQUIRE(dense != nullptr);
    at::Tensor& weight_OI = dense->weight_OI();
    at::Tensor factors_OI = at::zeros_like(weight_OI);
    const auto a_RI = trained.find(slot.name + ".lora_A.weight");
    if (options.init == "pissa" && a_RI != trained.end()) {
      factors_OI =
          at::mm(trained.at(slot.name + ".lora_B.weight"), a_RI->second) *
          options.scale();
    }
    at::Tensor begun_OI =
        kernels::DequantizeNf4(
            kernels::QuantizeNf4(weight_OI - factors_OI, options.double_quant),
            weight_OI.scalar_type())
            .add(factors_OI);
    const auto magnitude_O = trained.find(slot.name + ".lora_magnitude_vector");
    if (magnitude_O != trained.end()) {
      const at::Tensor norms_O = begun_OI.square().sum(1).sqrt();
      begun_OI.mul_(magnitude_O->second.div(norms_O).unsqueeze(1));
    }
    weight_OI.copy_(begun_OI);
  }
}

TEST_CASE("What moves is what a method names, and nothing else",
          "[methods][conformance]") {
  for (const Variant& variant : Variants()) {
    INFO(NameOf(variant));
    Attached run = Attach(variant);
    std::map<std::string, at::Tensor> before;
    for (const auto& [name, t] : AllTensors(*run.model)) {
      before[name] = t.detach().clone();
    }
    std::set<std::string> trainable;
    for (const train::TrainableParameter& p :
         run.method->TrainableParameters()) {
      CHECK(p.tensor.is_leaf());
      CHECK(p.tensor.requires_grad());
      CHECK(p.tensor.scalar_type() == at::kFloat);
      CHECK(trainable.insert(p.name).second);
    }
    TakeStep(run, 0.1);
    int64_t moved = 0;
    for (const auto& [name, t] : AllTensors(*run.model)) {
      INFO(name);
      const bool named = trainable.contains(name);
      CHECK(t.requires_grad() == named);
      CHECK((t.grad().defined() && named) == t.grad().defined());
      if (named) {
        CHECK(t.grad().defined());
        moved += !at::equal(t.detach(), before[name]);
      } else {
        CHECK(at::equal(t.detach(), before[name]));
      }
    }
    if (variant.method == "untuned") {
      CHECK(trainable.empty());
    } else {
      CHECK(moved > 0);
    }
  }
}

TEST_CASE("A method that trains an adapter writes one, and no other does",
          "[methods][conformance]") {
  for (const Variant& variant : Variants()) {
    INFO(NameOf(variant));
    Attached run = Attach(variant);
    const support::TempDir folder("adapter");
    const std::string path = (folder.path() / "a").string();
    CHECK(run.method->WriteAdapter(path).ok() == run.method->TrainsAdapter());
  }
}

TEST_CASE("Merging changes no loss", "[methods][conformance]") {
  const Batch batch = RandomBatch();
  for (const Variant& variant : Variants()) {
    INFO(NameOf(variant));
    Attached run = Attach(variant, at::kDouble);
    TakeStep(run, 0.05);
    const double before = LossOf(*run.model, batch);
    REQUIRE(run.method->Merge().ok());
    CHECK(LossOf(*run.model, batch) == Approx(before).epsilon(1e-9));
    for (const model::LinearSlot& slot : run.model->linear_slots()) {
      CHECK(dynamic_cast<model::DenseLinear*>(slot.map.get()) != nullptr);
    }
  }
}

TEST_CASE("An attached method starts from the model's own function",
          "[methods][conformance]") {
  const Batch batch = RandomBatch();
  const double untouched = LossOf(*LoadTestModel(at::kDouble), batch);
  for (const Variant& variant : Variants()) {
    INFO(NameOf(variant));
    Attached run = Attach(variant, at::kDouble);
    double wanted = untouched;
    if (variant.method == "qlora") {
      const auto twin = LoadTestModel(at::kDouble);
      BeginAsQlora(variant, run, *twin);
      wanted = LossOf(*twin, batch);
      CHECK(wanted != untouched);
    }
    CHECK(LossOf(*run.model, batch) == Approx(wanted).epsilon(1e-11));
  }
}

TEST_CASE("bf16 and f32 agree on the loss before training",
          "[methods][conformance]") {
  const Batch batch = RandomBatch();
  for (const Variant& variant : Variants()) {
    INFO(NameOf(variant));
    Attached wide = Attach(variant);
    Attached narrow = Attach(variant, at::kBFloat16);
    CHECK(LossOf(*narrow.model, batch) ==
          Approx(LossOf(*wide.model, batch)).epsilon(0.02));
    TakeStep(narrow, 0.1);
    for (const train::TrainableParameter& p :
         narrow.method->TrainableParameters()) {
      CHECK(p.tensor.scalar_type() == at::kFloat);
    }
  }
}

TEST_CASE("A round begun again, or loaded, trains the same tensors",
          "[methods][conformance]") {
  const auto names = [](train::UpdateMethod& method) {
    std::vector<std::string> out;
    for (const train::TrainableParameter& p : method.TrainableParameters()) {
      out.push_back(p.name);
    }
    return out;
  };
  for (const Variant& variant : Variants()) {
    INFO(NameOf(variant));
    Attached first = Attach(variant), second = Attach(variant);
    REQUIRE(first.method->BeginRound(1).ok());
    REQUIRE(first.method->BeginRound(1).ok());
    REQUIRE(second.method->BeginRound(1).ok());
    CHECK(names(*first.method) == names(*second.method));
    REQUIRE(second.method->BeginRound(0).ok());
    const absl::Status loaded =
        second.method->LoadState(first.method->SaveState());
    INFO(loaded.ToString());
    REQUIRE(loaded.ok());
    CHECK(names(*first.method) == names(*second.method));
  }
}

TEST_CASE("Recomputing a block draws the same dropout masks",
          "[methods][conformance]") {
  std::vector<Variant> dropping;
  for (const train::UpdateMethodRow& row : AllMethods().update) {
    for (const FieldSpec& option : row.options) {
      if (!absl::EndsWith(option.name, ".dropout")) continue;
      dropping.push_back({row.name, {{option.name, "0.4"}}});
    }
  }
  REQUIRE(dropping.size() >= 2);
  for (const Variant& variant : dropping) {
    INFO(NameOf(variant));
    std::vector<std::map<std::string, at::Tensor>> grads;
    for (bool checkpointing : {false, true}) {
      Attached run = Attach(variant, at::kDouble);
      run.model->SetActivationCheckpointing(checkpointing);
      TakeStep(run, 0);
      grads.emplace_back();
      for (train::TrainableParameter& p : run.method->TrainableParameters()) {
        grads.back()[p.name] = p.tensor.grad();
      }
    }
    for (const auto& [name, grad] : grads[0]) {
      INFO(name);
      CHECK(at::allclose(grad, grads[1][name], 1e-10, 1e-12));
    }
  }
}

TEST_CASE("An evaluation between two steps changes no gradient",
          "[methods][conformance]") {
  for (const Variant& variant : Variants()) {
    INFO(NameOf(variant));
    std::vector<std::map<std::string, at::Tensor>> grads;
    for (bool evaluates : {false, true}) {
      Attached run = Attach(variant);
      if (evaluates) LossOf(*run.model, RandomBatch());
      TakeStep(run, 0);
      grads.emplace_back();
      for (train::TrainableParameter& p : run.method->TrainableParameters()) {
        grads.back()[p.name] = p.tensor.grad();
      }
    }
    for (const auto& [name, grad] : grads[0]) {
      CHECK(at::equal(grad, grads[1][name]));
    }
  }
}

// Tiny checkpoints of every family, as tests/harness/model/families_test.cc
// compares them with transformers.
std::vector<std::string> FamilyFolders() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(
           support::SourceDir() / "tests" / "golden" / "decoders")) {
    out.push_back(entry.path().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}
Batch FamilyBatch() {
  const std::vector<Example> rows = RandomExamples({9, 14, 6}, 7, 97);
  return data::PaddedBatch(rows, {{0, 0, 9}, {1, 0, 14}, {2, 0, 6}}, 0, 0);
}

TEST_CASE("Every method trains every family of decoders, and merges",
          "[methods][conformance][families]") {
  const Batch batch = FamilyBatch();
  const std::vector<std::string> folders = FamilyFolders();
  REQUIRE(folders.size() >= 3);
  for (const std::string& folder : folders) {
    for (Variant variant : Variants()) {
      const bool adapts = variant.method == "lora" || variant.method == "qlora";
      // Not every family has a q_proj; rank 8 is a fourth of the width.
      if (variant.options.contains("lora.targets")) {
        variant.options["lora.targets"] = "o_proj,down_proj";
      }
      if (adapts) variant.options["lora.rank"] = "4";
      INFO(folder << ": " << NameOf(variant));
      Attached run{LoadTestModel(at::kDouble, folder),
                   MakeMethod(variant.method, variant.options)};
      double wanted = LossOf(*run.model, batch);
      const absl::Status attached = run.method->Attach(*run.model);
      INFO(attached.ToString());
      REQUIRE(attached.ok());
      REQUIRE(run.method->BeginRound(0).ok());
      const double before = LossOf(*run.model, batch);
      if (variant.method == "qlora") {
        const auto twin = LoadTestModel(at::kDouble, folder);
        BeginAsQlora(variant, run, *twin);
        wanted = LossOf(*twin, batch);
      }
      CHECK(before == Approx(wanted).epsilon(1e-9));
      std::map<std::string, at::Tensor> values;
      for (const auto& [name, t] : AllTensors(*run.model)) {
        values[name] = t.detach().clone();
      }
      std::set<std::string> trainable;
      for (const train::TrainableParameter& p :
           run.method->TrainableParameters()) {
        trainable.insert(p.name);
      }
      if (adapts && !variant.options.contains("lora.targets")) {
        // all-linear: two matrices in every slot.
        CHECK(trainable.size() >= 2 * run.model->linear_slots().size());
      }
      TakeStep(run, 0.01, batch);
      int64_t moved = 0;
      for (const auto& [name, t] : AllTensors(*run.model)) {
        INFO(name);
        const bool same = at::equal(t.detach(), values[name]);
        if (!trainable.contains(name)) CHECK(same);
        moved += !same;
      }
      CHECK((moved > 0) == (variant.method != "untuned"));
      const double trained = LossOf(*run.model, batch);
      if (!trainable.empty()) CHECK(trained < before);
      REQUIRE(run.method->Merge().ok());
      CHECK(LossOf(*run.model, batch) == Approx(trained).epsilon(1e-9));
    }
  }
}

TEST_CASE("HFT freezes half of every category of every family",
          "[methods][conformance][families]") {
  for (const std::string& folder : FamilyFolders()) {
    INFO(folder);
    auto model = LoadTestModel(at::kFloat, folder);
    auto method = MakeMethod("hft");
    REQUIRE(method->Attach(*model).ok());
    // Per category: tensors, and how many of them are trained.
    std::map<std::string, std::pair<int64_t, int64_t>> counts;
    for (const model::Parameter& p : model->Parameters()) {
      std::string category;
      if (p.layer < 0 || p.role == model::Role::kBias) {
        CHECK(p.tensor.requires_grad());
        continue;
      }
      switch (p.role) {
        case model::Role::kNorm:
          category = "norms";
          break;
        case model::Role::kQkv:
          category = "qkv";
          break;
        case model::Role::kGateUp:
          category = "gate_up";
          break;
        case model::Role::kUp:
        case model::Role::kDown:
        case model::Role::kGate:
          category = "ffn";
          break;
        default:
          category = "attention";
      }
      ++counts[category].first;
      counts[category].second += p.tensor.requires_grad();
    }
    for (const auto& [category, count] : counts) {
      INFO(category);
      CHECK(count.second == (count.first + 1) / 2);
    }
  }
}

// Values that an option's limits leave out; none where it has no limits.
std::vector<std::string> OutOfRange(const FieldSpec& option) {
  std::vector<std::string> out;
  const auto add = [&](double value) {
    if (!std::isfinite(value)) return;
    out.push_back(option.type == FieldType::kInt
                      ? CanonicalText(static_cast<int64_t>(value))
                      : CanonicalText(value));
  };
  switch (option.type) {
    case FieldType::kInt:
    case FieldType::kDouble:
      add(option.limits.min - 1);
      add(option.limits.max + 1);
      out.push_back("many");
      break;
    case FieldType::kBool:
      out.push_back("2");
      break;
    case FieldType::kString:
      if (!option.limits.choices.empty()) out.push_back("no-such-choice");
      break;
    case FieldType::kStringList:
      break;
  }
  return out;
}

template <class Row>
void CheckOptions(const Row& row) {
  for (const FieldSpec& option : row.options) {
    INFO(row.name << ": " << option.name);
    CHECK(CanonicalizeField(option, option.default_text).ok());
    const std::vector<std::string> refused = OutOfRange(option);
    // A name is looked up where names are.
    const bool is_free =
        option.type == FieldType::kStringList ||
        (option.type == FieldType::kString && option.limits.choices.empty());
    CHECK((is_free || !refused.empty()));
    for (const std::string& value : refused) {
      INFO(value);
      CHECK_FALSE(CanonicalizeField(option, value).ok());
      spec::RunConfig config;
      config.method_options = {{option.name, value}};
      const absl::Status made = row.make(config).status();
      CHECK(made.code() == absl::StatusCode::kInvalidArgument);
      CHECK(std::string(made.message()).find(option.name) != std::string::npos);
    }
  }
}

TEST_CASE("Options out of range and unknown ones are refused",
          "[methods][conformance]") {
  const train::MethodTables tables = AllMethods();
  for (const train::UpdateMethodRow& row : tables.update) CheckOptions(row);
  for (const train::BatchingMethodRow& row : tables.batching) CheckOptions(row);
  auto method = MakeMethod("lora", {{"lora.targets", "q_proj,kproj"}});
  auto model = LoadTestModel();
  const absl::Status wrong = method->Attach(*model);
  CHECK(wrong.code() == absl::StatusCode::kInvalidArgument);
  CHECK(std::string(wrong.message()).find("kproj") != std::string::npos);
  method = MakeMethod("lora", {{"lora.rank", "129"}});
  CHECK(method->Attach(*model).code() == absl::StatusCode::kInvalidArgument);
}

}  // namespace sft::methods::conformance_test
