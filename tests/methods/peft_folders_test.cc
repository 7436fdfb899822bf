// Adapter folders that PEFT wrote (tests/golden/make_golden_adapters.py): the
// same logits as PEFT's, or a refusal that names what is not applied.
#include <ATen/ATen.h>

#include <filesystem>
#include <map>

#include "harness/formats/safetensors.h"
#include "methods/adapter_io.h"
#include "tests/harness/model/fake_files.h"

namespace sft::methods::peft_folders_test {
namespace {

using model::fake::RelativeError;
using model::fake::RequireOneLine;

std::string Goldens(const std::string& name) {
  return (support::SourceDir() / "tests/golden/adapters" / name).string();
}

std::unique_ptr<model::Model> Base(const std::string& name,
                                   at::ScalarType compute) {
  model::ModelLocation where;
  where.name = where.folder =
      (support::SourceDir() / "tests/golden/decoders" / name).string();
  auto model = model::LoadModel(where, {.compute_dtype = compute});
  INFO(model.status().ToString());
  REQUIRE(model.ok());
  return std::move(*model);
}

at::Tensor Logits(model::Model& model, const std::vector<int64_t>& ids) {
  c10::NoGradGuard off;
  model::fake::Row row{ids, std::vector<int64_t>(ids.size(), kNoLoss)};
  return model.Logits(model.HiddenStates(model::fake::PackedBatch({row}))[0]);
}

// Most are within 1e-6. PiSSA and OLoRA begin from a factorization in f32,
// which rounds otherwise on another maker's processor (6e-6 seen).
constexpr double kTolerance = 1e-5;

TEST_CASE("PEFT's folders give PEFT's logits", "[methods][adapter][peft]") {
  const nlohmann::json golden =
      nlohmann::json::parse(model::fake::ReadBytes(Goldens("golden.json")));
  const auto ids = golden["ids"].get<std::vector<int64_t>>();
  const auto expected =
      formats::ReadSafetensors(Goldens("expected.safetensors"));
  REQUIRE(expected.ok());
  CHECK(expected->size() == 12);
  for (const NamedTensor& wanted : *expected) {
    INFO(wanted.name);
    const auto base = golden["bases"][wanted.name].get<std::string>();
    for (at::ScalarType compute : {at::kFloat, at::kDouble}) {
      auto model = Base(base, compute);
      const at::Tensor before = Logits(*model, ids);
      const absl::Status attached = AttachAdapter(*model, Goldens(wanted.name));
      INFO(attached.ToString());
      REQUIRE(attached.ok());
      CHECK(RelativeError(Logits(*model, ids), wanted.tensor) < kTolerance);
      CHECK(RelativeError(before, wanted.tensor) > 0.01);
    }
  }
}

// The folder `name` with another adapter_config.json.
absl::Status AttachWith(const std::string& name, const std::string& base,
                        const std::string& key, const nlohmann::json& value) {
  const support::TempDir dir("peft");
  const std::string folder = dir.path().string();
  std::filesystem::copy(Goldens(name), folder,
                        std::filesystem::copy_options::recursive |
                            std::filesystem::copy_options::overwrite_existing);
  const std::string path = folder + "/adapter_config.json";
  nlohmann::json config = nlohmann::json::parse(model::fake::ReadBytes(path));
  config[key] = value;
  model::fake::WriteBytes(path, config.dump());
  return AttachAdapter(*Base(base, at::kFloat), folder);
}

TEST_CASE("what is set and not applied is refused by its name",
          "[methods][adapter][peft]") {
  struct Case {
    const char* key;
    nlohmann::json value;
    const char* part;
  };
  for (const Case& c : std::vector<Case>{
           {"use_hyperlora", true, "use_hyperlora is set (true)"},
           {"scaling_mode", "cubic", "scaling_mode is set (\"cubic\")"},
           {"lora_bias", true, "lora_bias"},
           {"target_parameters", {"w"}, "target_parameters"},
           {"trainable_token_indices", {1}, "trainable_token_indices"},
           {"kasa_config", {{"beta", 1}}, "kasa_config"},
           {"layer_replication", {{0, 1}}, "layer_replication"},
           {"init_lora_weights", "corda", "corda"},
           {"init_lora_weights", "loftq", "loftq"},
           {"init_lora_weights", "lora_ga", "lora_ga"},
           {"init_lora_weights", "pissa_niter_4", "pissa_niter_4"},
           {"init_lora_weights", "of tomorrow", "of tomorrow"},
           {"bias", "some", "bias"},
           {"peft_type", "LOHA", "peft_type"},
           {"r", 0, "r is no whole number"},
           {"r", 2.5, "r is no whole number"},
           {"rank_pattern", {{"(", 2}}, "regular expression"},
           {"rank_pattern", {{".*q_proj", 5}}, "adapter_config.json says 5"},
           {"rank_pattern", {{"q_proj", "x"}}, "no number"},
           {"alpha_pattern", {1, 2}, "alpha_pattern is no object"},
           {"target_modules", {"k_proj", "v_proj"}, "does not target"},
           {"target_modules", "model\\..*v_proj", "does not target"},
           {"exclude_modules", {"q_proj"}, "does not target"},
           {"exclude_modules", ".*layers.0.*", "does not target"},
           {"layers_to_transform", {0}, "does not target"},
           {"layers_to_transform", "first", "layers_to_transform"},
           {"modules_to_save", {"self_attn"}, "does not target"},
           {"use_dora", true, "lacks its magnitude"},
       }) {
    INFO(c.key << " " << c.value.dump());
    RequireOneLine(AttachWith("pissa", "rope_llama3", c.key, c.value), c.part);
  }
}

TEST_CASE("what is unset, or changes nothing here, is passed over",
          "[methods][adapter][peft]") {
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, nlohmann::json>>{
           {"use_hyperlora", false},
           {"scaling_mode", nullptr},
           {"of_tomorrow", nlohmann::json::object()},
           {"peft_version", "9.9"},
           {"fan_in_fan_out", true},
           {"eva_config", {{"rho", 2.0}}},
           {"runtime_config", {{"a", 1}}},
           {"target_modules", "all-linear"},
           {"target_modules", nullptr},
           {"target_modules", ".*(q|v)_proj"},
           {"layers_to_transform", {0, 1}},
           {"exclude_modules", {"o_proj"}},
           {"init_lora_weights", "gaussian"},
           {"init_lora_weights", "eva"}}) {
    INFO(key << " " << value.dump());
    const absl::Status status = AttachWith("pissa", "rope_llama3", key, value);
    INFO(status.ToString());
    CHECK(status.ok());
  }
}

TEST_CASE("a saved map of a transposed layout is read as it is stored",
          "[methods][adapter][peft]") {
  auto model = Base("gpt2", at::kFloat);
  const support::TempDir dir("peft");
  const std::string folder = dir.path().string();
  auto tensors =
      formats::ReadSafetensors(Goldens("gpt2") + "/adapter_model.safetensors");
  REQUIRE(tensors.ok());
  nlohmann::json config = nlohmann::json::parse(
      model::fake::ReadBytes(Goldens("gpt2") + "/adapter_config.json"));
  config["modules_to_save"] = {"attn.c_proj", "c_fc"};
  std::erase_if(*tensors, [](const NamedTensor& t) {
    return t.name.find("attn.c_proj") != std::string::npos ||
           t.name.find("c_fc") != std::string::npos;
  });
  std::map<std::string, at::Tensor> wanted_OI;
  for (const model::Parameter& p : model->Parameters()) {
    const bool square = p.name == "transformer.h.0.attn.c_proj.weight";
    if (!square && p.name != "transformer.h.1.mlp.c_fc.weight") continue;
    CHECK((p.tensor.size(0) == p.tensor.size(1)) == square);
    wanted_OI[p.name] = at::randn_like(p.tensor);
    tensors->push_back(
        {"base_model.model." + p.name, wanted_OI[p.name].t().contiguous()});
  }
  REQUIRE(wanted_OI.size() == 2);
  REQUIRE(formats::WriteSafetensors(folder + "/adapter_model.safetensors",
                                    *tensors, {})
              .ok());
  model::fake::WriteBytes(folder + "/adapter_config.json", config.dump());
  const absl::Status attached = AttachAdapter(*model, folder);
  INFO(attached.ToString());
  REQUIRE(attached.ok());
  for (const model::Parameter& p : model->Parameters()) {
    const auto it = wanted_OI.find(p.name);
    if (it != wanted_OI.end()) CHECK(at::equal(p.tensor, it->second));
  }
}

TEST_CASE("a head that files call otherwise is found by PEFT's name",
          "[methods][adapter][peft]") {
  auto model = Base("gpt_neox", at::kFloat);
  const support::TempDir dir("peft");
  const std::string folder = dir.path().string();
  nlohmann::json config = nlohmann::json::parse(
      model::fake::ReadBytes(Goldens("saved") + "/adapter_config.json"));
  config["target_modules"] = {"query_key_value"};
  config["modules_to_save"] = {"lm_head"};
  model::fake::WriteBytes(folder + "/adapter_config.json", config.dump());
  std::vector<NamedTensor> tensors;
  for (const model::LinearSlot& slot : model->linear_slots()) {
    if (slot.role != model::Role::kQkv) continue;
    const std::string name = "base_model.model." + slot.name;
    tensors.push_back(
        {name + ".lora_A.weight", at::randn({2, slot.in_features})});
    tensors.push_back(
        {name + ".lora_B.weight", at::randn({slot.out_features, 2})});
  }
  const at::Tensor head = at::randn({97, 32});
  tensors.push_back({"base_model.model.lm_head.weight", head});
  REQUIRE(formats::WriteSafetensors(folder + "/adapter_model.safetensors",
                                    tensors, {})
              .ok());
  const absl::Status attached = AttachAdapter(*model, folder);
  INFO(attached.ToString());
  REQUIRE(attached.ok());
  const model::Parameter last = model->Parameters().back();
  CHECK(last.name == "embed_out.weight");
  CHECK(at::equal(last.tensor, head));
}

TEST_CASE("an adapter on a table that does not fit is refused",
          "[methods][adapter][peft]") {
  RequireOneLine(
      AttachWith("tables", "rope_llama3", "init_lora_weights", "pissa"),
      "only on the maps of the blocks");
  RequireOneLine(
      AttachWith("tables_tied", "qwen2", "ensure_weight_tying", true),
      "ensure_weight_tying");
  // The tied head's shape is that of the tokens' table, not of the positions'.
  RequireOneLine(AttachAdapter(*Base("gpt2", at::kFloat), Goldens("tables")),
                 "[97, 16]");
  RequireOneLine(AttachAdapter(*Base("gpt2", at::kFloat), Goldens("pissa")),
                 "which");
  RequireOneLine(AttachAdapter(*Base("qwen2", at::kFloat), Goldens("saved")),
                 "[16, 16]");
  // PEFT factors the matrix as Conv1D stores it.
  RequireOneLine(AttachWith("gpt2", "gpt2", "init_lora_weights", "olora"),
                 "init_lora_weights olora on transformer.h.0");
  // Biases of a folder that says it trains none.
  RequireOneLine(AttachWith("biases", "qwen2", "bias", "none"),
                 "unknown tensor");
}

}  // namespace
}  // namespace sft::methods::peft_folders_test
