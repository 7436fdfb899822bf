// Every decoder family against transformers: logits, gradients, generation and
// export of tiny random checkpoints (tests/golden/make_golden_decoders.py).
#include "harness/model/families/families.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "harness/formats/safetensors.h"
#include "harness/model/load/weights.h"
#include "tests/harness/model/fake_files.h"

namespace sft::model::families_test {
namespace {

using fake::RelativeError;
using fake::RequireOneLine;

// Every checkpoint that the script has written.
const std::vector<std::string>& Families() {
  static const auto& names = *new std::vector<std::string>([] {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(
             support::SourceDir() / "tests/golden/decoders")) {
      out.push_back(entry.path().filename().string());
    }
    std::sort(out.begin(), out.end());
    return out;
  }());
  return names;
}

struct Golden {
  std::string folder;
  nlohmann::json json;
  std::map<std::string, at::Tensor> expected;
  std::vector<fake::Row> rows;
};
Golden ReadGolden(const std::string& family) {
  Golden out;
  out.folder =
      (support::SourceDir() / "tests/golden/decoders" / family).string();
  out.json =
      nlohmann::json::parse(fake::ReadBytes(out.folder + "/golden.json"));
  auto tensors = formats::ReadSafetensors(out.folder + "/expected.safetensors");
  REQUIRE(tensors.ok());
  for (const NamedTensor& t : *tensors) out.expected[t.name] = t.tensor;
  for (const nlohmann::json& row : out.json["rows"]) {
    out.rows.push_back({row["ids"].get<std::vector<int64_t>>(),
                        row["labels"].get<std::vector<int64_t>>()});
  }
  return out;
}

std::unique_ptr<Model> Load(const std::string& folder,
                            at::ScalarType compute = at::kFloat) {
  ModelLocation where;
  where.name = where.folder = folder;
  auto model = LoadModel(where, {.compute_dtype = compute});
  INFO(model.status().ToString());
  REQUIRE(model.ok());
  return std::move(*model);
}

// [tokens of both rows, V], pads left out.
at::Tensor AllLogits(Model& model, const std::vector<fake::Row>& rows,
                     bool packed) {
  c10::NoGradGuard off;
  const Batch batch =
      packed ? fake::PackedBatch(rows) : fake::PaddedBatch(rows);
  const at::Tensor h_BTD = model.HiddenStates(batch);
  if (packed) return model.Logits(h_BTD[0]);
  std::vector<at::Tensor> parts;
  for (size_t b = 0; b < rows.size(); ++b) {
    parts.push_back(
        h_BTD[b].narrow(0, 0, static_cast<int64_t>(rows[b].ids.size())));
  }
  return model.Logits(at::cat(parts));
}
at::Tensor ExpectedLogits(const Golden& golden) {
  return at::cat(
      {golden.expected.at("logits.0"), golden.expected.at("logits.1")});
}

}  // namespace

TEST_CASE("every row of the table has a checkpoint of transformers'",
          "[model][families]") {
  std::set<std::string> here;
  for (const std::string& name : Families()) {
    const auto config = ConfigFromJson(
        name, fake::ReadBytes(ReadGolden(name).folder + "/config.json"));
    REQUIRE(config.ok());
    here.insert(config->family);
  }
  for (const DecoderFamily& row : DecoderFamilies()) {
    CAPTURE(row.name);
    CHECK(here.count(std::string(row.name)) == 1);
  }
}

TEST_CASE("logits of every family equal transformers'", "[model][families]") {
  for (const std::string& family : Families()) {
    INFO(family);
    const Golden golden = ReadGolden(family);
    auto model = Load(golden.folder);
    CHECK(FindFamily(model->info().family) != nullptr);
    for (bool packed : {false, true}) {
      CHECK(RelativeError(AllLogits(*model, golden.rows, packed),
                          ExpectedLogits(golden)) < 1e-4);
    }
    auto narrow = Load(golden.folder, at::kBFloat16);
    CHECK(RelativeError(AllLogits(*narrow, golden.rows, false),
                        ExpectedLogits(golden)) < 0.05);
  }
}

TEST_CASE("gradients of every family equal transformers'",
          "[model][families]") {
  for (const std::string& family : Families()) {
    const Golden golden = ReadGolden(family);
    const auto targets = golden.json["target_tokens"].get<int64_t>();
    for (bool checkpointing : {false, true}) {
      INFO(family << (checkpointing ? " recomputed" : ""));
      auto model = Load(golden.folder);
      model->SetActivationCheckpointing(checkpointing);
      std::vector<Parameter> parameters = model->Parameters();
      for (Parameter& p : parameters) p.tensor.requires_grad_(true);
      const LossOutput loss = model->SumLoss(fake::PaddedBatch(golden.rows));
      CHECK(loss.target_tokens == targets);
      const at::Tensor mean =
          loss.loss_sum.div(static_cast<double>(loss.target_tokens));
      CHECK(mean.item<double>() ==
            Approx(golden.json["loss"].get<double>()).epsilon(1e-5));
      mean.backward();
      CHECK(parameters.size() + 2 == golden.expected.size());
      double largest = 0;
      for (const auto& [name, tensor] : golden.expected) {
        if (!name.starts_with("grad.")) continue;
        largest = std::max(largest, tensor.norm().item<double>());
      }
      for (const Parameter& p : parameters) {
        INFO(p.name);
        REQUIRE(golden.expected.count("grad." + p.name) == 1);
        at::Tensor wanted = golden.expected.at("grad." + p.name);
        bool transposed = false;
        const auto& config = dynamic_cast<Decoder&>(*model).config();
        for (const ParameterShape& row : DecoderParameters(config)) {
          if (row.name == p.name) transposed = row.transposed;
        }
        if (transposed) wanted = wanted.t();
        REQUIRE(p.tensor.grad().sizes() == wanted.sizes());
        // Of a key's bias that is not rotated the softmax sees nothing: its
        // gradient is rounding, and is measured against the rest.
        const double distance =
            (p.tensor.grad() - wanted).norm().item<double>();
        CHECK(distance <
              1e-3 * std::max(wanted.norm().item<double>(), 1e-4 * largest));
      }
    }
  }
}

TEST_CASE("every family continues as transformers does", "[model][families]") {
  for (const std::string& family : Families()) {
    INFO(family);
    const Golden golden = ReadGolden(family);
    auto model = Load(golden.folder);
    std::vector<std::vector<int32_t>> prompts;
    for (const fake::Row& row : golden.rows) {
      prompts.emplace_back(row.ids.begin(), row.ids.end());
    }
    const auto answers = model->GenerateGreedy(prompts, 20, {});
    for (size_t i = 0; i < prompts.size(); ++i) {
      CHECK(answers[i] ==
            golden.json["answers"][i].get<std::vector<int32_t>>());
    }
  }
}

TEST_CASE("an exported model of every family loads with the same logits",
          "[model][families]") {
  for (const std::string& family : Families()) {
    INFO(family);
    const Golden golden = ReadGolden(family);
    const support::TempDir dir("families");
    const std::string folder = (dir.path() / family).string();
    auto model = Load(golden.folder);
    REQUIRE(WriteModelFolder(*model, folder).ok());
    auto again = Load(folder);
    CHECK(again->info().parameters == model->info().parameters);
    CHECK(again->ConfigJson() == model->ConfigJson());
    CHECK(at::equal(AllLogits(*again, golden.rows, false),
                    AllLogits(*model, golden.rows, false)));
  }
}

TEST_CASE("a checkpoint without its root and with old buffers is read",
          "[model][families]") {
  const Golden golden = ReadGolden("gpt2");
  const support::TempDir dir("families");
  const std::string folder = dir.path().string();
  fake::WriteBytes(folder + "/config.json",
                   fake::ReadBytes(golden.folder + "/config.json"));
  auto model = Load(golden.folder);
  std::vector<NamedTensor> tensors = model->DenseState();
  for (NamedTensor& t : tensors) t.name = t.name.substr(sizeof("transformer"));
  tensors.push_back({"h.0.attn.bias", at::ones({1, 1, 4, 4})});
  REQUIRE(formats::WriteSafetensors(folder + "/model.safetensors", tensors, {})
              .ok());
  CHECK(at::equal(AllLogits(*Load(folder), golden.rows, false),
                  AllLogits(*model, golden.rows, false)));
}

TEST_CASE("padding changes nothing that a family computes",
          "[model][families]") {
  for (const std::string& family : Families()) {
    INFO(family);
    const Golden golden = ReadGolden(family);
    auto model = Load(golden.folder, at::kDouble);
    c10::NoGradGuard off;
    const double padded =
        model->SumLoss(fake::PaddedBatch(golden.rows)).loss_sum.item<double>();
    const double packed =
        model->SumLoss(fake::PackedBatch(golden.rows)).loss_sum.item<double>();
    CHECK(padded == Approx(packed).epsilon(1e-11));
  }
}

TEST_CASE("a family's config.json is refused by file and value",
          "[model][families]") {
  struct Case {
    const char* family;
    const char* key;
    nlohmann::json value;
    const char* part;
  };
  for (const Case& c : std::vector<Case>{
           {"mistral", "sliding_window", 0, "sliding window 0"},
           {"mistral", "sliding_window", "x", "sliding_window"},
           {"qwen2", "layer_types", {"full_attention"}, "layer_types"},
           {"qwen2", "layer_types", {"a", "b"}, "layer_types"},
           {"qwen3", "hidden_act", "gelu", "hidden_act"},
           {"qwen3", "head_dim", 7, "odd"},
           {"gemma2", "attn_logit_softcapping", -1.0, "soft cap"},
           {"gemma2", "hidden_activation", "gelu", "hidden_activation"},
           {"gemma3", "query_pre_attn_scalar", "x", "query_pre_attn_scalar"},
           {"gemma3",
            "rope_parameters",
            {{"full_attention", {{"rope_type", "mrope"}, {"factor", 8}}}},
            "mrope"},
           {"gpt2", "activation_function", "mish", "activation_function"},
           {"gemma", "hidden_activation", "gelu", "hidden_activation"},
           {"phi3",
            "rope_parameters",
            {{"partial_rotary_factor", 0.4}},
            "even"},
           {"phi3", "rope_parameters", {{"partial_rotary_factor", 1.5}}, "1.5"},
           {"phi3", "original_max_position_embeddings", 0, "above 0"},
           {"phi3_longrope",
            "rope_parameters",
            {{"rope_type", "longrope"}, {"short_factor", {1, 1, 1}}},
            "long_factor"},
           {"phi3_longrope",
            "rope_parameters",
            {{"rope_type", "longrope"},
             {"short_factor", {1, 1, 1}},
             {"long_factor", {1, 2, 0}}},
            "above 0"},
           {"phi3_longrope",
            "rope_parameters",
            {{"rope_type", "longrope"},
             {"partial_rotary_factor", 0.75},
             {"short_factor", {1, 1}},
             {"long_factor", {1, 2, 3}}},
            "2 factors, wanted 3"},
           {"smollm3", "no_rope_layers", {1}, "one a layer"},
           {"smollm3", "no_rope_layers", {1, 2}, "0 and 1"},
           {"granite", "logits_scaling", 0, "logits_scaling"},
           {"granite", "residual_multiplier", "x", "residual_multiplier"},
           {"olmo2", "partial_rotary_factor", 0.5, "partial_rotary_factor"},
           {"gpt_neox", "use_parallel_residual", 1, "use_parallel_residual"},
           {"gpt_neox", "rotary_pct", 0, "rotary_pct"},
           {"opt", "word_embed_proj_dim", 16, "word_embed_proj_dim"},
           {"opt", "do_layer_norm_before", false, "do_layer_norm_before"},
           {"opt", "layer_norm_elementwise_affine", false, "affine"},
           {"gpt2", "n_embd", nullptr, "n_embd"},
           {"gpt2", "n_head", 5, "head width 0"},
       }) {
    INFO(c.family << " " << c.key);
    nlohmann::json json = nlohmann::json::parse(
        fake::ReadBytes(ReadGolden(c.family).folder + "/config.json"));
    json[c.key] = c.value;
    const auto read = ConfigFromJson("here/config.json", json.dump());
    RequireOneLine(read.status(), c.part);
    RequireOneLine(read.status(), "here/config.json");
  }
}

TEST_CASE("a model of another kind is refused by its name, with the reason",
          "[model][families]") {
  struct Case {
    nlohmann::json json;
    const char* name;
    const char* what;
  };
  const auto of = [](const char* type, const char* architecture) {
    return nlohmann::json{{"model_type", type},
                          {"architectures", {architecture}}};
  };
  nlohmann::json unknown = of("new_moe", "NewMoeForCausalLM");
  unknown["num_experts"] = 8;
  nlohmann::json recurrent = of("new_ssm", "NewForCausalLM");
  recurrent["ssm_state_size"] = 16;
  for (const Case& c : std::vector<Case>{
           {of("mixtral", "MixtralForCausalLM"), "mixtral", "experts"},
           {of("qwen2_moe", "Qwen2MoeForCausalLM"), "qwen2_moe", "experts"},
           {of("qwen3_moe", "Qwen3MoeForCausalLM"), "qwen3_moe", "experts"},
           {of("mamba", "MambaForCausalLM"), "mamba", "state-space"},
           {of("jamba", "JambaForCausalLM"), "jamba", "state-space"},
           {of("t5", "T5ForConditionalGeneration"), "t5", "encoder-decoder"},
           {unknown, "new_moe", "experts"},
           {recurrent, "new_ssm", "state-space"}}) {
    INFO(c.name);
    const auto read = ConfigFromJson("here/config.json", c.json.dump());
    RequireOneLine(read.status(), c.name);
    RequireOneLine(read.status(), c.what);
  }
  // One expert is none.
  unknown["num_experts"] = 1;
  RequireOneLine(ConfigFromJson("c", unknown.dump()).status(),
                 "is not supported, only");
}

TEST_CASE("a plain feed-forward has the activation that its config names",
          "[model][families]") {
  nlohmann::json json = nlohmann::json::parse(
      fake::ReadBytes(ReadGolden("opt").folder + "/config.json"));
  for (const auto& [name, wanted] : {std::pair("relu", Activation::kRelu),
                                     {"gelu", Activation::kGelu},
                                     {"gelu_new", Activation::kGeluTanh},
                                     {"silu", Activation::kSilu}}) {
    INFO(name);
    json["activation_function"] = name;
    const auto read = ConfigFromJson("c", json.dump());
    REQUIRE(read.ok());
    CHECK(read->activation == wanted);
    const auto again = ConfigFromJson("c", ConfigToJson(*read, "float32"));
    REQUIRE(again.ok());
    CHECK(again->activation == wanted);
  }
}

TEST_CASE("longrope goes by its old names", "[model][families]") {
  nlohmann::json json = nlohmann::json::parse(
      fake::ReadBytes(ReadGolden("phi3_longrope").folder + "/config.json"));
  const auto now = ConfigFromJson("c", json.dump());
  REQUIRE(now.ok());
  nlohmann::json rope = json["rope_parameters"];
  json.erase("rope_parameters");
  json["rope_theta"] = rope["rope_theta"];
  json["partial_rotary_factor"] = rope["partial_rotary_factor"];
  for (const char* name : {"su", "yarn", "longrope"}) {
    INFO(name);
    json["rope_scaling"] = {{"type", name},
                            {"short_factor", rope["short_factor"]},
                            {"long_factor", rope["long_factor"]}};
    const auto old = ConfigFromJson("c", json.dump());
    INFO(old.status().ToString());
    REQUIRE(old.ok());
    CHECK(old->rope_scaling == now->rope_scaling);
    CHECK(old->rotary_share == now->rotary_share);
  }
}

TEST_CASE("a head is read under either name of its layout",
          "[model][families]") {
  const Golden golden = ReadGolden("gpt_neox");
  auto model = Load(golden.folder);
  const support::TempDir dir("families");
  const std::string folder = dir.path().string();
  fake::WriteBytes(folder + "/config.json",
                   fake::ReadBytes(golden.folder + "/config.json"));
  std::vector<NamedTensor> tensors = model->DenseState();
  REQUIRE(tensors.back().name == "embed_out.weight");
  tensors.back().name = "lm_head.weight";
  REQUIRE(formats::WriteSafetensors(folder + "/model.safetensors", tensors, {})
              .ok());
  CHECK(at::equal(AllLogits(*Load(folder), golden.rows, false),
                  AllLogits(*model, golden.rows, false)));
}

TEST_CASE("GELU by tanh goes by both of its names", "[model][families]") {
  for (const auto& [family, key] : {std::pair("gpt2", "activation_function"),
                                    std::pair("gemma2", "hidden_activation")}) {
    nlohmann::json json = nlohmann::json::parse(
        fake::ReadBytes(ReadGolden(family).folder + "/config.json"));
    for (const char* name : {"gelu_new", "gelu_pytorch_tanh"}) {
      INFO(family << " " << name);
      json[key] = name;
      const auto read = ConfigFromJson("c", json.dump());
      REQUIRE(read.ok());
      CHECK(read->activation == Activation::kGeluTanh);
    }
  }
}

}  // namespace sft::model::families_test
