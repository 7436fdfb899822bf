#include "harness/model/load/load.h"

#include <limits>

#include "harness/core/status.h"
#include "harness/formats/safetensors.h"
#include "harness/model/families/gguf_places.h"
#include "harness/model/load/weights.h"
#include "tests/harness/model/fake_files.h"

namespace sft::model::load_test {
namespace {

using fake::RequireOneLine;

// A tiny model's folder whose tensors a test may change before it is written.
struct TinyFolder {
  support::TempDir dir;
  std::string path = (dir.path() / "tiny").string();
  std::vector<NamedTensor> tensors;

  TinyFolder() {
    auto model = fake::TinyModel(at::kFloat);
    REQUIRE(WriteModelFolder(*model, path).ok());
    tensors = model->DenseState();
  }
  at::Tensor& Find(const std::string& name) {
    for (NamedTensor& named : tensors) {
      if (named.name == name) return named.tensor;
    }
    throw std::runtime_error("no " + name);
  }
  void Write() {
    REQUIRE(formats::WriteSafetensors(path + "/model.safetensors", tensors, {})
                .ok());
  }
  // The tensors in two files and an index.
  void WriteShards(const std::string& second_name) {
    const auto middle = tensors.begin() + 7;
    std::remove((path + "/model.safetensors").c_str());
    REQUIRE(formats::WriteSafetensors(path + "/a.safetensors",
                                      {tensors.begin(), middle}, {})
                .ok());
    REQUIRE(formats::WriteSafetensors(path + "/b.safetensors",
                                      {middle, tensors.end()}, {})
                .ok());
    nlohmann::json map;
    for (auto it = tensors.begin(); it != tensors.end(); ++it) {
      map[it->name] = it < middle ? "a.safetensors" : second_name;
    }
    fake::WriteBytes(path + "/model.safetensors.index.json",
                     nlohmann::json{{"weight_map", map}}.dump());
  }
};

absl::StatusOr<std::unique_ptr<Model>> Load(
    const std::string& path, at::ScalarType compute = at::kFloat) {
  SFT_ASSIGN_OR_RETURN(ModelLocation where, LocateModel(path, ""));
  ModelOptions options;
  options.compute_dtype = compute;
  return LoadModel(where, options);
}

void RequireSameBits(Model& a, Model& b) {
  const auto left = a.DenseState(), right = b.DenseState();
  REQUIRE(left.size() == right.size());
  for (size_t i = 0; i < left.size(); ++i) {
    INFO(left[i].name);
    REQUIRE(left[i].name == right[i].name);
    REQUIRE(left[i].tensor.scalar_type() == right[i].tensor.scalar_type());
    REQUIRE(at::equal(left[i].tensor, right[i].tensor));
  }
  REQUIRE(a.ConfigJson() == b.ConfigJson());
}

// The model as llama.cpp's converter writes it, rows of q and k interleaved.
std::string AsGguf(Model& model) {
  const ModelInfo& info = model.info();
  fake::GgufWriter out;
  out.String("general.architecture", "llama");
  out.Int("llama.block_count", info.layers);
  out.Int("llama.embedding_length", info.width);
  out.Int("llama.feed_forward_length", info.ffn_width);
  out.Int("llama.attention.head_count", info.heads);
  out.Int("llama.attention.head_count_kv", info.kv_heads);
  out.Int("llama.context_length", info.max_positions);
  out.Real("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  const auto places = GgufPlaces(dynamic_cast<Decoder&>(model).config());
  for (const NamedTensor& named : model.DenseState()) {
    at::Tensor w = named.tensor;
    for (const char* part : {"q_proj", "k_proj"}) {
      if (named.name.find(part) == std::string::npos) continue;
      const int64_t head = info.head_width;
      w = w.reshape({-1, 2, head / 2, w.dim() == 2 ? w.size(1) : 1})
              .transpose(1, 2)
              .reshape(w.sizes())
              .contiguous();
    }
    std::vector<uint64_t> dims(w.sizes().rbegin(), w.sizes().rend());
    out.Tensor(places.at(named.name).name, dims, 0,
               {static_cast<const char*>(w.data_ptr()), w.nbytes()});
  }
  return out.Bytes();
}

TEST_CASE("a written folder loads as the same model", "[model][load]") {
  for (at::ScalarType compute : {at::kFloat, at::kDouble, at::kBFloat16}) {
    for (bool tied : {false, true}) {
      DecoderConfig config = fake::TinyConfig();
      config.tied_head = tied;
      config.attention_bias = !tied;
      config.mlp_bias = !tied;
      auto model = fake::TinyModel(compute, config);
      support::TempDir dir;
      const std::string path = (dir.path() / "m").string();
      REQUIRE(WriteModelFolder(*model, path).ok());
      auto again = Load(path, compute);
      INFO(again.status().ToString());
      REQUIRE(again.ok());
      RequireSameBits(*model, **again);
      CHECK((*again)->info().parameters == model->info().parameters);
      CHECK((*again)->info().source_digest.size() == 64);
    }
  }
}

TEST_CASE("a GGUF file and a folder give the same model", "[model][load]") {
  DecoderConfig config = fake::TinyConfig();
  config.attention_bias = true;
  auto model = fake::TinyModel(at::kFloat, config);
  support::TempDir dir;
  const std::string path = (dir.path() / "m.gguf").string();
  fake::WriteBytes(path, AsGguf(*model));
  auto again = Load(path);
  INFO(again.status().ToString());
  REQUIRE(again.ok());
  RequireSameBits(*model, **again);
}

TEST_CASE("the default model's GGUF file and its folder are the same model",
          "[model][load][slow]") {
  auto model = fake::ListedModel("smollm2-135m-instruct");
  CHECK(model->info().parameters == 134515008);
  support::TempDir dir;
  const std::string path = (dir.path() / "m").string();
  REQUIRE(WriteModelFolder(*model, path).ok());
  auto again = Load(path);
  REQUIRE(again.ok());
  RequireSameBits(*model, **again);
}

TEST_CASE("a sharded folder is the same model", "[model][load]") {
  TinyFolder tiny;
  auto whole = Load(tiny.path);
  REQUIRE(whole.ok());
  tiny.WriteShards("b.safetensors");
  auto sharded = Load(tiny.path);
  INFO(sharded.status().ToString());
  REQUIRE(sharded.ok());
  RequireSameBits(**whole, **sharded);
}

TEST_CASE("an index leads nowhere but into its folder", "[model][load]") {
  for (const char* name :
       {"../b.safetensors", "/etc/passwd", "b/../b.safetensors", "..", "",
        "b.bin", "\\b.safetensors"}) {
    TinyFolder tiny;
    tiny.WriteShards(name);
    RequireOneLine(Load(tiny.path).status(), "weight_map");
  }
  TinyFolder tiny;
  tiny.WriteShards("c.safetensors");
  RequireOneLine(Load(tiny.path).status(), "shard is missing");
  fake::WriteBytes(tiny.path + "/model.safetensors.index.json", "{\"a\": ");
  RequireOneLine(Load(tiny.path).status(), "not valid JSON");
  fake::WriteBytes(tiny.path + "/model.safetensors.index.json", "{}");
  RequireOneLine(Load(tiny.path).status(), "weight_map");
}

TEST_CASE("broken weights are refused by name", "[model][load]") {
  TinyFolder tiny;
  const std::string name = "model.layers.1.mlp.up_proj.weight";
  SECTION("missing") {
    std::erase_if(tiny.tensors,
                  [&](const NamedTensor& t) { return t.name == name; });
    tiny.Write();
    RequireOneLine(Load(tiny.path).status(), name + " is missing");
  }
  SECTION("surplus") {
    tiny.tensors.push_back({"model.layers.0.extra", at::zeros({2})});
    tiny.Write();
    RequireOneLine(Load(tiny.path).status(), "model.layers.0.extra");
  }
  SECTION("of another shape") {
    tiny.Find(name) = tiny.Find(name).t().contiguous();
    tiny.Write();
    RequireOneLine(Load(tiny.path).status(), "[16, 24], wanted [24, 16]");
  }
  SECTION("NaN") {
    tiny.Find(name)[3][5] = std::numeric_limits<double>::quiet_NaN();
    tiny.Write();
    RequireOneLine(Load(tiny.path).status(), name + " holds NaN");
    RequireOneLine(Load(tiny.path, at::kDouble).status(), name + " holds NaN");
  }
  SECTION("infinite") {
    tiny.Find(name)[23][15] = -std::numeric_limits<double>::infinity();
    tiny.Write();
    RequireOneLine(Load(tiny.path).status(), "infinite");
  }
  SECTION("of a dtype without weights") {
    tiny.Find(name) = tiny.Find(name).to(at::kLong);
    tiny.Write();
    RequireOneLine(Load(tiny.path).status(), "is stored as I64");
  }
  SECTION("no weights at all") {
    std::remove((tiny.path + "/model.safetensors").c_str());
    RequireOneLine(Load(tiny.path).status(), "neither model.safetensors");
  }
  SECTION("a config.json of another model") {
    DecoderConfig config = fake::TinyConfig();
    config.layers = 4000;
    fake::WriteBytes(tiny.path + "/config.json", ConfigToJson(config, "f32"));
    RequireOneLine(Load(tiny.path).status(), "layers.2.");
  }
  SECTION("half precision is fine") {
    tiny.Find(name) = tiny.Find(name).to(at::kBFloat16);
    tiny.Write();
    CHECK(Load(tiny.path).ok());
  }
}

TEST_CASE("a GGUF file that lacks or garbles weights is refused",
          "[model][load]") {
  auto model = fake::TinyModel(at::kFloat);
  const std::string whole = AsGguf(*model);
  support::TempDir dir;
  const std::string path = (dir.path() / "m.gguf").string();
  fake::WriteBytes(path, whole.substr(0, whole.size() - 100));
  RequireOneLine(Load(path).status(), "wants bytes");
  std::string nan = whole;
  nan.replace(nan.size() - 4, 4, std::string("\x00\x00\xc0\x7f", 4));
  fake::WriteBytes(path, nan);
  RequireOneLine(Load(path).status(), "NaN");
  std::string renamed = whole;
  renamed.replace(renamed.find("output_norm"), 11, "output_nurm");
  fake::WriteBytes(path, renamed);
  RequireOneLine(Load(path).status(), "model.norm.weight is missing");
  std::string other = whole;
  other.replace(other.find("architecture") + 12 + 4 + 8, 5, "other");
  fake::WriteBytes(path, other);
  RequireOneLine(Load(path).status(), "architecture \"other\"");
}

TEST_CASE("a model is found by listed name, folder or file", "[model][load]") {
  const absl::Status none = LocateModel("smollm2-135m-instrukt", "").status();
  CHECK(none.code() == absl::StatusCode::kNotFound);
  CHECK(none.message().find("'smollm2-135m-instruct'?") != std::string::npos);
  const absl::Status absent = LocateModel("glassllm", "/nowhere").status();
  CHECK(absent.code() == absl::StatusCode::kNotFound);
  CHECK(absent.message().find("setup.sh") != std::string::npos);
  TinyFolder tiny;
  CHECK(LocateModel(tiny.path, "")->folder == tiny.path);
  std::remove((tiny.path + "/config.json").c_str());
  const absl::Status bare = LocateModel(tiny.path, "").status();
  CHECK(bare.code() == absl::StatusCode::kInvalidArgument);
  CHECK(bare.message().find("config.json") != std::string::npos);
}

TEST_CASE("the digest of a model follows its files", "[model][load]") {
  TinyFolder tiny;
  const ModelLocation where = *LocateModel(tiny.path, "");
  const std::string before = *ModelFilesDigest(where);
  CHECK(*ModelFilesDigest(where) == before);
  // Ids that config.json names as well decide nothing anew; others do.
  const std::string generation = tiny.path + "/generation_config.json";
  nlohmann::json config =
      nlohmann::json::parse(fake::ReadBytes(tiny.path + "/config.json"));
  config["eos_token_id"] = {2, 5};
  fake::WriteBytes(tiny.path + "/config.json", config.dump());
  const std::string listed = *ModelFilesDigest(where);
  fake::WriteBytes(generation, R"({"eos_token_id": [2], "temperature": 0.6})");
  CHECK(*ModelFilesDigest(where) == listed);
  fake::WriteBytes(generation, R"({"eos_token_id": [5, 7]})");
  CHECK(*ModelFilesDigest(where) != listed);
  fake::WriteBytes(generation, "[]");
  CHECK_FALSE(ModelFilesDigest(where).ok());
  std::remove(generation.c_str());
  CHECK(*ModelFilesDigest(where) == listed);
  fake::WriteBytes(tiny.path + "/tokenizer.json", "{}");
  CHECK(*ModelFilesDigest(where) != listed);
}

TEST_CASE("how a GGUF file is called is no part of what it holds",
          "[model][load]") {
  const support::TempDir folder;
  const auto digests = [&](const std::string& name, const std::string& bytes) {
    ModelLocation where;
    where.gguf = (folder.path() / name).string();
    fake::WriteBytes(where.gguf, bytes);
    return std::pair(*ModelContentDigest(where), *ModelFilesDigest(where));
  };
  const auto a = digests("a.gguf", "GGUF 1"), b = digests("b.gguf", "GGUF 1");
  CHECK(a.first == b.first);
  CHECK(a.second != b.second);  // as ids of listed models have it
  CHECK(digests("c.gguf", "GGUF 2").first != a.first);
  CHECK(IsListedModel("glassllm"));
  CHECK_FALSE(IsListedModel("./glassllm"));
}

TEST_CASE("the digest follows the end that a tokenizer without one takes",
          "[model][load]") {
  TinyFolder tiny;
  const ModelLocation where = *LocateModel(tiny.path, "");
  const auto digest = [&](const std::string& ids) {
    fake::WriteBytes(tiny.path + "/generation_config.json",
                     R"({"eos_token_id": )" + ids + "}");
    return *ModelFilesDigest(where);
  };
  nlohmann::json config =
      nlohmann::json::parse(fake::ReadBytes(tiny.path + "/config.json"));
  config["eos_token_id"] = {2, 5};
  fake::WriteBytes(tiny.path + "/config.json", config.dump());
  const std::string bare = *ModelFilesDigest(where);
  CHECK(digest("[2, 5]") == bare);
  CHECK(digest("[5, 2]") != bare);
  CHECK(digest("[-1]") != digest("[7]"));
  CHECK(digest("[2, 7]") != digest("[7, 2]"));
  // The order decides nothing where the tokenizer names its own.
  for (const char* token : {R"("</s>")", R"({"content": "</s>"})"}) {
    fake::WriteBytes(tiny.path + "/tokenizer_config.json",
                     std::string(R"({"eos_token": )") + token + "}");
    CHECK(digest("[2, 7]") == digest("[7, 2]"));
  }
  fake::WriteBytes(tiny.path + "/tokenizer_config.json",
                   R"({"eos_token": null})");
  CHECK(digest("[2, 7]") != digest("[7, 2]"));
}

}  // namespace
}  // namespace sft::model::load_test
