// Counts, shares and files of the update methods.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "harness/core/files.h"
#include "harness/formats/safetensors.h"
#include "methods/adapter_io.h"
#include "methods/hft.h"
#include "tests/methods/methods_support.h"

namespace sft::methods::methods_test {
namespace {

// SmolLM2-135M's parameters without their values.
std::vector<model::Parameter> SmolParameters() {
  constexpr int64_t kLayers = 30, kWidth = 576, kKv = 192, kFfn = 1536;
  std::vector<model::Parameter> out;
  const auto add = [&out](std::string name, int64_t layer, model::Role role,
                          std::vector<int64_t> shape) {
    out.push_back({std::move(name), layer, role,
                   at::empty(shape, at::TensorOptions(at::kMeta))});
  };
  add("model.embed_tokens.weight", -1, model::Role::kEmbedding,
      {49152, kWidth});
  for (int64_t l = 0; l < kLayers; ++l) {
    add("q", l, model::Role::kQuery, {kWidth, kWidth});
    add("k", l, model::Role::kKey, {kKv, kWidth});
    add("v", l, model::Role::kValue, {kKv, kWidth});
    add("o", l, model::Role::kOutput, {kWidth, kWidth});
    add("gate", l, model::Role::kGate, {kFfn, kWidth});
    add("up", l, model::Role::kUp, {kFfn, kWidth});
    add("down", l, model::Role::kDown, {kWidth, kFfn});
    add("input_layernorm", l, model::Role::kNorm, {kWidth});
    add("post_attention_layernorm", l, model::Role::kNorm, {kWidth});
  }
  add("model.norm.weight", -1, model::Role::kNorm, {kWidth});
  return out;
}

struct Frozen {
  std::map<int64_t, int> attention, ffn, norms, query_output;
  double share = 0;  // trained weights over all
  bool outside_trained = true;
};
Frozen CountFrozen(const std::vector<model::Parameter>& parameters,
                   const std::vector<uint8_t>& mask) {
  Frozen out;
  double trained = 0, all = 0;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const model::Parameter& p = parameters[i];
    const double numel = static_cast<double>(p.tensor.numel());
    all += numel;
    trained += mask[i] != 0 ? numel : 0;
    if (mask[i] != 0) continue;
    if (p.layer < 0) out.outside_trained = false;
    switch (p.role) {
      case model::Role::kQuery:
      case model::Role::kOutput:
        ++out.query_output[p.layer];
        [[fallthrough]];
      case model::Role::kKey:
      case model::Role::kValue:
        ++out.attention[p.layer];
        break;
      case model::Role::kNorm:
        ++out.norms[p.layer];
        break;
      default:
        ++out.ffn[p.layer];
    }
  }
  out.share = trained / all;
  return out;
}

Rng MaskRng(uint64_t seed) { return Rng(seed, Stream::kMethod, "test"); }

}  // namespace

TEST_CASE("Options that came with records there are marked in their tables",
          "[methods]") {
  spec::LaterOptions later;
  for (const train::UpdateMethodRow& row : AllMethods().update) {
    later.merge(spec::LaterOptionsOf(row.options));
  }
  for (const train::BatchingMethodRow& row : AllMethods().batching) {
    later.merge(spec::LaterOptionsOf(row.options));
  }
  // Marking another one changes the ids of its records, and so does a default.
  CHECK(later == spec::LaterOptions{{"hft.optimizer_state", "drop"},
                                    {"lora.between_rounds", "go_on"}});
}

TEST_CASE("HFT freezes half of every category of every layer",
          "[methods][hft]") {
  const auto parameters = SmolParameters();
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng = MaskRng(seed);
    const Frozen frozen =
        CountFrozen(parameters, DrawHftMask(parameters, {}, rng));
    CHECK(frozen.outside_trained);
    int two = 0;
    for (int64_t l = 0; l < 30; ++l) {
      CHECK(frozen.attention.at(l) == 2);
      CHECK(frozen.norms.at(l) == 1);
      const int ffn = frozen.ffn.at(l);
      CHECK((ffn == 1 || ffn == 2));
      two += ffn == 2;
    }
    CHECK(two == 15);
    CHECK(frozen.share == Approx(0.6).margin(0.03));
  }
}

// Under grouped-query attention halves of matrices are no halves of weights: of
// 30 layers' draws of {q,k,v,o} the share has a deviation of 0.66 %.
TEST_CASE("HFT by category trains 46.9 to 52.9 % of the linears' weights",
          "[methods][hft]") {
  const auto parameters = SmolParameters();
  double least = 1, most = 0;
  for (uint64_t draw = 0; draw < 100; ++draw) {
    Rng rng = MaskRng(draw);
    const std::vector<uint8_t> mask = DrawHftMask(parameters, {}, rng);
    double trained = 0, all = 0;
    for (size_t i = 0; i < parameters.size(); ++i) {
      const model::Parameter& p = parameters[i];
      if (p.layer < 0 || p.role == model::Role::kNorm) continue;
      const auto numel = static_cast<double>(p.tensor.numel());
      all += numel;
      trained += mask[i] != 0 ? numel : 0;
    }
    CHECK(all == 30 * 3538944.0);
    least = std::min(least, trained / all);
    most = std::max(most, trained / all);
  }
  CHECK(least >= 0.469);
  CHECK(most <= 0.529);
  CHECK(most - least > 0.02);
}

TEST_CASE("Balanced HFT freezes the same weights in every draw",
          "[methods][hft]") {
  const auto parameters = SmolParameters();
  HftOptions options;
  options.balanced = true;

  for (uint64_t seed = 0; seed < 5; ++seed) {
    Rng rng = MaskRng(seed);
    const Frozen frozen =
        CountFrozen(parameters, DrawHftMask(parameters, options, rng));
    for (int64_t l = 0; l < 30; ++l) {
      CHECK(frozen.attention.at(l) == 2);
      CHECK(frozen.query_output.at(l) == 1);
    }
    CHECK(frozen.share * 134515008 == Approx(81413568).epsilon(1e-9));
  }
}

TEST_CASE("HFT keeps the asked share at every granularity", "[methods][hft]") {
  const auto parameters = SmolParameters();
  const double block = 1 - 49152.0 * 576 / 134515008;
  for (const std::string granularity : {"category", "layer", "model"}) {
    for (double ratio : {0.0, 0.25, 0.5, 0.75, 1.0}) {
      HftOptions options;
      options.granularity = granularity;
      options.trainable_ratio = ratio;
      Rng rng = MaskRng(1);
      const Frozen frozen =
          CountFrozen(parameters, DrawHftMask(parameters, options, rng));
      INFO(granularity << " " << ratio);
      CHECK(frozen.share == Approx(1 - block + block * ratio).margin(0.04));
    }
  }
}

TEST_CASE("Another round and another seed draw another mask",
          "[methods][hft]") {
  std::set<std::string> digests;
  for (int64_t seed : {0, 1}) {
    auto model = LoadTestModel();
    auto method = MakeMethod("hft", {}, seed);
    REQUIRE(method->Attach(*model).ok());
    for (int64_t round : {0, 1, 2}) {
      REQUIRE(method->BeginRound(round).ok());
      digests.insert(method->Report().texts["hft.mask_sha256"]);
    }
  }
  CHECK(digests.size() == 6);
}

TEST_CASE("LoRA trains r (in + out) parameters a map", "[methods][lora]") {
  auto model = LoadTestModel();
  auto method = MakeMethod("lora", {{"lora.rank", "8"}});
  REQUIRE(method->Attach(*model).ok());
  double expected = 0;
  for (const model::LinearSlot& slot : model->linear_slots()) {
    expected += 8.0 * static_cast<double>(slot.in_features + slot.out_features);
  }
  CHECK(method->Report().numbers["trainable_parameters"] == expected);
  // SmolLM2-135M, all linear maps, rank 16.
  CHECK(30 * 16 * (4 * 576 + 2 * (576 + 192) + 3 * (576 + 1536)) == 4884480);
}

TEST_CASE(
    "LoRA on SmolLM2-135M trains 4,884,480 parameters; NF4 takes 4.127 "
    "bits a weight",
    "[methods][lora][qlora][slow]") {
  for (const std::string name : {"lora", "qlora"}) {
    auto model = LoadTestModel(at::kFloat, "smollm2-135m-instruct");
    auto method = MakeMethod(name);
    REQUIRE(method->Attach(*model).ok());
    auto numbers = method->Report().numbers;
    CHECK(numbers["trainable_parameters"] == 4884480);
    CHECK(numbers["total_parameters"] == 134515008);
    if (name == "qlora") {
      CHECK(numbers["qlora.bits_per_weight"] == Approx(4.127).margin(5e-4));
    }
  }
}

TEST_CASE("QLoRA reports bits and both errors of merging", "[methods][qlora]") {
  for (const auto& [twice, bits] :
       std::map<std::string, double>{{"true", 4.13}, {"false", 4.5}}) {
    auto model = LoadTestModel();
    auto method = MakeMethod("qlora", {{"qlora.double_quant", twice}});
    REQUIRE(method->Attach(*model).ok());
    CHECK(method->Report().numbers["qlora.bits_per_weight"] ==
          Approx(bits).margin(0.01));
    REQUIRE(method->Merge().ok());
    auto numbers = method->Report().numbers;
    CHECK(numbers["qlora.merge_error_w16"] ==
          Approx(numbers["qlora.quantization_error"]).epsilon(0.02));
    CHECK(numbers["qlora.merge_error_w16"] > 0.05);
    CHECK(numbers["qlora.merge_error_dequant"] < 0.003);
  }
}

TEST_CASE("LoRA+ scales the learning rate of B alone", "[methods][lora]") {
  auto model = LoadTestModel();
  auto method = MakeMethod("lora", {{"lora.lora_plus_ratio", "16"}});
  REQUIRE(method->Attach(*model).ok());
  for (const train::TrainableParameter& p : method->TrainableParameters()) {
    const bool is_b = p.name.find("lora_B") != std::string::npos;
    CHECK(p.learning_rate_scale == (is_b ? 16 : 1));
  }
}

TEST_CASE("A is uniform within 1/sqrt(in) and follows from the seed",
          "[methods][lora]") {
  std::vector<at::Tensor> drawn;
  for (int64_t seed : {3, 3, 4}) {
    auto model = LoadTestModel();
    auto method = MakeMethod("lora", {}, seed);
    REQUIRE(method->Attach(*model).ok());
    drawn.push_back(method->TrainableParameters()[0].tensor.detach());
  }
  const double bound = 1 / std::sqrt(static_cast<double>(drawn[0].size(1)));
  CHECK(drawn[0].abs().max().item<double>() <= bound);
  CHECK(drawn[0].abs().mean().item<double>() ==
        Approx(bound / 2).epsilon(0.05));
  CHECK(at::equal(drawn[0], drawn[1]));
  CHECK(!at::equal(drawn[0], drawn[2]));
}

TEST_CASE("An adapter folder written here reads back to the same loss",
          "[methods][adapter]") {
  const Batch batch = RandomBatch();
  const std::vector<std::map<std::string, std::string>> cases = {
      {{"lora.rank", "4"}},
      {{"lora.rslora", "true"}, {"lora.targets", "q_proj,up_proj"}},
      {{"lora.dora", "true"}},
      {{"lora.init", "pissa"}},
      {{"lora.init", "pissa"}, {"lora.dora", "true"}, {"lora.rslora", "true"}}};
  for (const auto& options : cases) {
    const support::TempDir folder("adapter");
    auto model = LoadTestModel();
    auto method = MakeMethod("lora", options);
    REQUIRE(method->Attach(*model).ok());
    {
      const at::NoGradGuard no_grad;
      Rng rng(1, Stream::kInit);
      for (train::TrainableParameter& p : method->TrainableParameters()) {
        p.tensor.mul_(1 + 0.1 * rng.Uniform()).add_(0.01 * rng.Uniform());
      }
    }
    const double trained = LossOf(*model, batch);
    const std::string path = (folder.path() / "a").string();
    const absl::Status written = method->WriteAdapter(path);
    INFO(written.ToString());
    REQUIRE(written.ok());
    auto fresh = LoadTestModel();
    const double untouched = LossOf(*fresh, batch);
    const absl::Status attached = AttachAdapter(*fresh, path);
    INFO(attached.ToString());
    REQUIRE(attached.ok());
    CHECK(LossOf(*fresh, batch) == Approx(trained).epsilon(1e-5));
    CHECK(std::abs(trained - untouched) > 1e-3 * untouched);
  }
}

TEST_CASE("An adapter folder made by PEFT gives PEFT's loss",
          "[methods][adapter]") {
  const nlohmann::json golden = ReadGoldenJson("peft_adapter/expected.json");
  std::vector<Example> rows;
  std::vector<data::Piece> pieces;
  for (const auto& ids : golden["rows"]) {
    Example row;
    row.input_ids = ids.get<std::vector<int32_t>>();
    row.labels = row.input_ids;
    row.labels[0] = kNoLoss;
    pieces.push_back({static_cast<int64_t>(rows.size()), 0,
                      static_cast<int64_t>(row.input_ids.size())});
    rows.push_back(std::move(row));
  }
  const Batch batch = data::FlatBatch(rows, pieces);
  auto model = LoadTestModel();
  CHECK(LossOf(*model, batch) ==
        Approx(golden["loss_sum_base"].get<double>()).epsilon(1e-5));
  const absl::Status attached = AttachAdapter(
      *model,
      (support::SourceDir() / "tests" / "golden" / "peft_adapter").string());
  INFO(attached.ToString());
  REQUIRE(attached.ok());
  CHECK(LossOf(*model, batch) ==
        Approx(golden["loss_sum"].get<double>()).epsilon(1e-5));
}

TEST_CASE("A broken or foreign adapter folder is refused in one line",
          "[methods][adapter]") {
  const support::TempDir folder("adapter");
  const std::string path = folder.path().string();
  auto model = LoadTestModel();
  const auto refused = [&](const std::string& part) {
    const absl::Status status = AttachAdapter(*model, path);
    INFO(status.ToString());
    CHECK(!status.ok());
    CHECK(std::string(status.message()).find(part) != std::string::npos);
  };
  refused("adapter_config.json");
  const auto config = [&](const std::string& text) {
    REQUIRE(WriteFileAtomically(path + "/adapter_config.json", text).ok());
  };
  config("[1, 2");
  refused("JSON");
  config(R"({"peft_type": "IA3"})");
  refused("peft_type");
  config(R"({"peft_type": "LORA", "bias": "some"})");
  refused("bias");
  config(R"({"peft_type": "LORA", "r": 0})");
  refused("r is no whole number");
  config(R"({"peft_type": "LORA"})");
  refused("adapter_model.safetensors");
  config(R"({"peft_type": "LORA", "r": 4, "lora_alpha": 8})");
  REQUIRE(WriteFileAtomically(path + "/adapter_model.bin", "x").ok());
  refused("pickle");
  const auto weights = [&](const std::string& slot, int64_t rank, int64_t in,
                           int64_t out) {
    const std::string name = "base_model.model." + slot;
    const at::TensorOptions f32(at::kFloat);
    REQUIRE(formats::WriteSafetensors(
                path + "/adapter_model.safetensors",
                {{name + ".lora_A.weight", at::ones({rank, in}, f32)},
                 {name + ".lora_B.weight", at::ones({out, rank}, f32)}},
                {})
                .ok());
  };
  weights("model.layers.0.self_attn.q_proj", 3, 128, 128);
  refused("rank");
  weights("model.layers.9.self_attn.q_proj", 4, 128, 128);
  refused("model.layers.9");
  weights("model.layers.0.self_attn.q_proj", 4, 576, 576);
  refused("576");
  weights("model.layers.0.self_attn.q_proj", 4, 128, 128);
  CHECK(AttachAdapter(*model, path).ok());
}

}  // namespace sft::methods::methods_test
