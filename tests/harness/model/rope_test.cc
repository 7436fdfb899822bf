// Scaled rotary positions: angles against transformers
// (tests/golden/make_golden_decoders.py), GGUF's way of saying them, and what a
// sequence's length changes.
#include "harness/model/ops/rope.h"

#include <ATen/ATen.h>

#include "harness/model/families/gguf_config.h"
#include "tests/harness/model/fake_files.h"

namespace sft::model::rope_test {
namespace {

using fake::RelativeError;
using fake::RequireOneLine;
using fake::TinyConfig;

TEST_CASE("angles of every scaling equal transformers'", "[model][rope]") {
  const nlohmann::json golden = fake::Golden("rope.json");
  REQUIRE(golden["cases"].size() == 15);
  for (const nlohmann::json& row : golden["cases"]) {
    nlohmann::json json =
        nlohmann::json::parse(ConfigToJson(TinyConfig(), "float32"));
    json.erase("rope_parameters");
    json.update(row["config"]);
    json["head_dim"] = row["head_dim"];
    INFO(row["config"].dump());
    const auto config = ConfigFromJson("c", json.dump());
    INFO(config.status().ToString());
    REQUIRE(config.ok());
    const auto check = [&](const DecoderConfig& c) {
      const at::Tensor wanted =
          at::tensor(row["frequencies"].get<std::vector<double>>());
      CHECK(RelativeError(
                RopeFrequencies(c.rope_scaling, c.head_width, c.rope_theta,
                                at::TensorOptions(at::kFloat)),
                wanted) < 1e-6);
      CHECK(c.rope_scaling.attention_factor ==
            Approx(row["factor"].get<double>()).epsilon(1e-12));
    };
    check(*config);
    // What is exported means the same.
    const auto again = ConfigFromJson("c", ConfigToJson(*config, "float32"));
    REQUIRE(again.ok());
    check(*again);
  }
}

TEST_CASE("rope_scaling beside rope_parameters must say the same",
          "[model][rope]") {
  nlohmann::json json =
      nlohmann::json::parse(ConfigToJson(TinyConfig(), "float32"));
  json["rope_parameters"] = {
      {"rope_type", "yarn"}, {"factor", 2.0}, {"rope_theta", 500.0}};
  CHECK(ConfigFromJson("c", json.dump())->rope_scaling.type == RopeType::kYarn);
  const auto both = [&](const nlohmann::json& scaling) {
    json["rope_scaling"] = scaling;
    return ConfigFromJson("c", json.dump());
  };
  CHECK(both(nullptr)->rope_scaling.type == RopeType::kYarn);
  CHECK(both(nlohmann::json::object())->rope_scaling.type == RopeType::kYarn);
  // Another kind, factor or theta: transformers takes rope_scaling whole.
  const nlohmann::json same = {
      {"type", "yarn"}, {"factor", 2.0}, {"rope_theta", 500.0}};
  CHECK(both(same)->rope_theta == 500);
  for (const auto& [key, value] : std::map<std::string, nlohmann::json>{
           {"type", "linear"}, {"factor", 3.0}, {"rope_theta", nullptr}}) {
    INFO(key);
    nlohmann::json other = same;
    other[key] = value;
    RequireOneLine(both(other).status(),
                   R"(keys "rope_parameters" and "rope_scaling" differ)");
  }
  json["rope_theta"] = 500.0;
  CHECK(both({{"type", "yarn"}, {"factor", 2.0}}).ok());
}

TEST_CASE("scaled angles reach further than max_position_embeddings",
          "[model][rope]") {
  DecoderConfig c = TinyConfig();  // 64 positions
  CHECK(c.Reach() == 64);
  c.rope_scaling = {.type = RopeType::kLinear, .factor = 2};
  CHECK(c.Reach() == 128);
  c.rope_scaling = {
      .type = RopeType::kYarn, .factor = 4, .original_positions = 64};
  CHECK(c.Reach() == 256);
  c.rope_scaling.original_positions = 8;
  CHECK(c.Reach() == 64);
  c.rope_scaling = {
      .type = RopeType::kLlama3, .factor = 8, .original_positions = 16};
  CHECK(c.Reach() == 64);
}

TEST_CASE("a sequence's angles depend on its own length, not on its batch",
          "[model][rope]") {
  for (const RopeScaling& scaling :
       {RopeScaling{
            .type = RopeType::kDynamic, .factor = 4, .original_positions = 8},
        RopeScaling{.type = RopeType::kLongRope,
        .original_positions = 8,
        .short_factors = {1, 1},
        .long_factors = {2, 5}}}) {
    INFO(static_cast<int>(scaling.type));
    DecoderConfig c = TinyConfig();
    c.max_positions = 8;
    c.rope_scaling = scaling;
    auto model = fake::TinyModel(at::kDouble, c);
    c10::NoGradGuard off;
    const auto rows = fake::RandomRows(32, {5, 20, 11});
    const auto sum = [&](const Batch& batch) {
      return model->SumLoss(batch).loss_sum.item<double>();
    };
    double alone = 0;
    for (const fake::Row& row : rows) alone += sum(fake::PackedBatch({row}));
    CHECK(sum(fake::PackedBatch(rows)) == Approx(alone).epsilon(1e-12));
    CHECK(sum(fake::PaddedBatch(rows)) == Approx(alone).epsilon(1e-12));
    c.rope_scaling = {};
    auto plain = fake::TinyModel(at::kDouble, c);
    const auto short_row = fake::PackedBatch({rows[0]});
    CHECK(sum(short_row) ==
          Approx(plain->SumLoss(short_row).loss_sum.item<double>())
              .epsilon(1e-12));
    CHECK(plain->SumLoss(fake::PackedBatch(rows)).loss_sum.item<double>() !=
          Approx(alone).epsilon(1e-6));
  }
}

TEST_CASE("what shares a prompt is as long as the longest of it",
          "[model][rope]") {
  Batch batch;
  batch.input_ids_BT = at::zeros({1, 9}, at::kLong);
  batch.cu_seqlens = at::tensor(std::vector<int32_t>{0, 4, 5, 7, 9}, at::kInt);
  batch.lengths = {4, 1, 2, 2};
  batch.prefixes = {-1, 0, 0, -1};
  CHECK(at::equal(SequenceLengths(batch)[0],
                  at::tensor(std::vector<int64_t>{6, 6, 6, 6, 6, 6, 6, 2, 2})));
}

// The weights of TinyConfig() as a GGUF file, with more keys and tensors.
class GgufModel {
 public:
  GgufModel() : config_(TinyConfig()), dir_("rope") {
    config_.rope_theta = 100;
    config_.tied_head = true;
    writer.String("general.architecture", "llama");
    writer.Int("llama.block_count", config_.layers);
    writer.Int("llama.embedding_length", config_.width);
    writer.Int("llama.feed_forward_length", config_.ffn_width);
    writer.Int("llama.attention.head_count", config_.heads);
    writer.Int("llama.attention.head_count_kv", config_.kv_heads);
    writer.Int("llama.context_length", config_.max_positions);
    writer.Real("llama.attention.layer_norm_rms_epsilon", 1e-5F);
    writer.Real("llama.rope.freq_base", 100);
  }
  void Divisors(const std::vector<float>& values) {
    std::string bytes;
    for (float v : values) bytes += fake::Raw(v);
    writer.Tensor("rope_freqs.weight", {values.size()}, 0, bytes);
  }
  absl::StatusOr<DecoderConfig> Config() {
    writer.Tensor("token_embd.weight", {16, 32}, 0,
                  std::string(16 * 32 * 4, '\0'));
    const std::string path = (dir_.path() / "m.gguf").string();
    fake::WriteBytes(path, writer.Bytes());
    auto file = formats::GgufFile::Open(path);
    REQUIRE(file.ok());
    return ConfigFromGguf(*file);
  }
  fake::GgufWriter writer;

 private:
  DecoderConfig config_;
  support::TempDir dir_;
};

TEST_CASE("a GGUF file's scaling is applied or refused", "[model][rope]") {
  {
    GgufModel model;
    model.writer.String("llama.rope.scaling.type", "linear");
    model.writer.Real("llama.rope.scaling.factor", 4);
    const auto config = model.Config();
    REQUIRE(config.ok());
    CHECK(config->rope_scaling.type == RopeType::kLinear);
    CHECK(config->rope_scaling.factor == 4);
  }
  {
    // The old key, and llama.cpp's default of the type.
    GgufModel model;
    model.writer.Real("llama.rope.scale_linear", 2);
    CHECK(model.Config()->rope_scaling.type == RopeType::kLinear);
  }
  {
    GgufModel model;
    model.writer.String("llama.rope.scaling.type", "none");
    model.writer.Real("llama.rope.scaling.factor", 4);
    CHECK(model.Config()->rope_scaling.type == RopeType::kDefault);
  }
  {
    GgufModel model;
    model.writer.String("llama.rope.scaling.type", "yarn");
    model.writer.Real("llama.rope.scaling.factor", 4);
    model.writer.Int("llama.rope.scaling.original_context_length", 16);
    const auto config = model.Config();
    REQUIRE(config.ok());
    CHECK(config->rope_scaling.type == RopeType::kYarn);
    CHECK(config->rope_scaling.original_positions == 16);
    CHECK(config->rope_scaling.attention_factor ==
          Approx(1 + 0.1 * std::log(4.0)).epsilon(1e-12));
  }
  struct Refused {
    const char* key;
    const char* type;
    float value;
    const char* part;
  };
  for (const Refused& r :
       {Refused{"llama.rope.scaling.factor", "longrope", 4, "longrope"},
        Refused{"llama.rope.scaling.factor", "linear", -4, "-4"},
        Refused{"llama.rope.scaling.factor", "linear", 0.5, "0.5"},
        Refused{"llama.rope.scaling.attn_factor", "none", 1.5, "attn_factor"},
        Refused{"llama.rope.scaling.attn_factor", "linear", 1.5, "1.5"}}) {
    INFO(r.key << " " << r.type);
    GgufModel model;
    model.writer.String("llama.rope.scaling.type", r.type);
    model.writer.Real(r.key, r.value);
    RequireOneLine(model.Config().status(), r.part);
  }
}

TEST_CASE("a GGUF file's divisors are those of llama3, or refused",
          "[model][rope]") {
  // theta 100, heads of 4: angles of 1 and 0.1 a position.
  for (const std::vector<float>& divisors :
       std::vector<std::vector<float>>{{1, 8}, {1, 2.5}}) {
    GgufModel model;
    model.Divisors(divisors);
    const auto config = model.Config();
    REQUIRE(config.ok());
    CHECK(config->rope_scaling.type == RopeType::kLlama3);
    const at::Tensor f = RopeFrequencies(config->rope_scaling, 4, 100,
                                         at::TensorOptions(at::kDouble));
    CHECK(RelativeError(f, at::tensor(std::vector<double>{
                               1, 0.1 / divisors[1]})) < 1e-12);
  }
  {
    GgufModel model;
    model.Divisors({1, 1});
    CHECK(model.Config()->rope_scaling.type == RopeType::kDefault);
  }
  {
    GgufModel model;
    model.Divisors({3, 8});
    RequireOneLine(model.Config().status(), "llama3");
  }
  {
    GgufModel model;
    model.Divisors({1, 1, 8});
    RequireOneLine(model.Config().status(), "wanted 2 numbers");
  }
}

}  // namespace
}  // namespace sft::model::rope_test
