// Every decoder family against transformers: logits, gradients, generation and
// export of tiny random checkpoints (tests/golden/make_golden_decoders.py).
#include "harness/model/families/families.h"

#include <ATen/ATen.h>

#include <filesystem>
#include <set>

#include "harness/formats/safetensors.h"
#include "harness/model/load/weights.h"
#include "tests/harness/model/fake_files.h"

namespace sft::model::families_test {
namespace {

using fake::RelativeError;
using fake::RequireOneLine;

const std::vector<std::string>& Families() {
  static const auto& names = *new std::vector<std::string>{
      "mistral", "qwen2",       "qwen3",        "gemma2",    "gemma3",
      "gpt2",    "rope_linear", "rope_dynamic", "rope_yarn", "rope_llama3"};
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
        CHECK(RelativeError(p.tensor.grad(), wanted) < 1e-3);
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
            {{"full_attention", {{"rope_type", "longrope"}, {"factor", 8}}}},
            "longrope"},
           {"gpt2", "activation_function", "relu", "activation_function"},
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
