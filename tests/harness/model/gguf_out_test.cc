// Models written as GGUF files read back as they were.
#include "harness/model/load/gguf_out.h"

#include <ATen/ATen.h>

#include <filesystem>

#include "harness/formats/gguf.h"
#include "harness/model/families/families.h"
#include "harness/model/families/gguf_config.h"
#include "tests/harness/model/fake_files.h"

namespace sft::model::gguf_out_test {
namespace {

namespace fs = std::filesystem;
using fake::RelativeError;
using fake::RequireOneLine;

// Checkpoints of transformers' (make_golden_decoders.py).
std::vector<std::string> Checkpoints() {
  std::vector<std::string> out;
  for (const auto& entry :
       fs::directory_iterator(support::SourceDir() / "tests/golden/decoders")) {
    out.push_back(entry.path().string());
  }
  REQUIRE(out.size() >= DecoderFamilies().size());
  return out;
}

std::unique_ptr<Decoder> LoadDecoder(const ModelLocation& where) {
  auto model = LoadModel(where, {});
  INFO(model.status().ToString());
  REQUIRE(model.ok());
  return std::unique_ptr<Decoder>(
      dynamic_cast<Decoder*>(std::move(*model).release()));
}
std::unique_ptr<Decoder> LoadFolder(const std::string& folder) {
  ModelLocation where;
  where.name = where.folder = folder;
  return LoadDecoder(where);
}

at::Tensor LogitsOf(Model& model) {
  c10::NoGradGuard off;
  const auto rows = fake::RandomRows(model.info().vocabulary, {23, 41});
  return model.Logits(model.HiddenStates(fake::PackedBatch(rows))[0]);
}

// Written with matrices of `type` and read again.
struct Written {
  Written(Model& model, const char* type)
      : dir("gguf_out"), path((dir.path() / "m.gguf").string()) {
    const auto done =
        WriteGgufModel(model, *formats::FindWritableType(type), {}, path);
    status = done.status();
    if (!done.ok()) return;
    notes = *done;
    ModelLocation where;
    where.name = where.gguf = path;
    again = LoadDecoder(where);
  }
  support::TempDir dir;
  std::string path;
  absl::Status status;
  std::vector<std::string> notes;
  std::unique_ptr<Decoder> again;
};

TEST_CASE("a decoder of every family reads back from its GGUF file",
          "[model][gguf]") {
  size_t written = 0;
  for (const std::string& folder : Checkpoints()) {
    INFO(folder);
    auto model = LoadFolder(folder);
    const DecoderConfig& c = model->config();
    const Written whole(*model, "f32");
    if (!whole.status.ok()) {
      RequireOneLine(whole.status, ": llama.cpp ");
      RequireOneLine(whole.status, "this model cannot be exported");
      continue;
    }
    ++written;
    // Numbers are f32, and a norm of 1 + w is 1 + w.
    CHECK(RelativeError(LogitsOf(*whole.again), LogitsOf(*model)) < 1e-5);
    CHECK(whole.again->info().parameters == model->info().parameters);
    CHECK(whole.again->config().windowed == c.windowed);
    CHECK(whole.again->info().family == c.family);
    const Written half(*model, "f16");
    REQUIRE(half.status.ok());
    CHECK(RelativeError(LogitsOf(*half.again), LogitsOf(*model)) < 0.01);
    const Written block(*model, "q8_0");
    REQUIRE(block.status.ok());
    CHECK(RelativeError(LogitsOf(*block.again), LogitsOf(*model)) < 0.1);
    auto file = formats::GgufFile::Open(block.path);
    REQUIRE(file.ok());
    for (const formats::GgufTensor& tensor : file->tensors()) {
      INFO(tensor.name);
      const bool is_vector =
          tensor.shape.size() == 1 || tensor.name == "position_embd.weight";
      CHECK(tensor.type->name == (is_vector                       ? "f32"
                                  : tensor.shape.back() % 32 == 0 ? "q8_0"
                                                                  : "f16"));
    }
  }
  CHECK(written >= 5);
}

TEST_CASE("a GGUF file of the package's is written with its own tensors",
          "[model][gguf]") {
  for (const auto& entry :
       fs::directory_iterator(support::SourceDir() / "tests/golden/gguf")) {
    const std::string path = entry.path().string();
    if (entry.path().extension() != ".gguf" ||
        formats::GgufParts(path)[0] != path) {
      continue;
    }
    INFO(path);
    ModelLocation where;
    where.name = where.gguf = path;
    auto model = LoadDecoder(where);
    const Written written(*model, "f32");
    INFO(written.status.ToString());
    REQUIRE(written.status.ok());
    CHECK(RelativeError(LogitsOf(*written.again), LogitsOf(*model)) < 1e-5);
    auto before = formats::GgufFile::Open(path);
    auto after = formats::GgufFile::Open(written.path);
    REQUIRE(before.ok());
    REQUIRE(after.ok());
    std::map<std::string, std::vector<int64_t>> shapes[2];
    for (const auto& tensor : before->tensors())
      shapes[0][tensor.name] = tensor.shape;
    for (const auto& tensor : after->tensors())
      shapes[1][tensor.name] = tensor.shape;
    CHECK(shapes[0] == shapes[1]);
    // The package's numbers of the configuration are ours.
    const auto architecture = *before->Get<std::string>("general.architecture");
    for (const auto& [key, value] : before->metadata()) {
      if (!key.starts_with(architecture + ".")) continue;
      INFO(key);
      // A window of 0 is none.
      if (value == formats::GgufValue(int64_t{0}) && !after->Has(key)) continue;
      REQUIRE(after->Has(key));
      CHECK(after->metadata().at(key) == value);
    }
  }
}

TEST_CASE("what llama.cpp computes otherwise is said or refused",
          "[model][gguf]") {
  const std::string golden =
      (support::SourceDir() / "tests/golden/decoders/").string();
  const auto status = [&](const std::string& name) {
    return Written(*LoadFolder(golden + name), "f16").status;
  };
  RequireOneLine(status("rope_dynamic"), "has no dynamic rope scaling");
  RequireOneLine(status("gemma3"), "divides scores by the root of 12");
  const Written windowed(*LoadFolder(golden + "mistral"), "f16");
  REQUIRE(windowed.notes.size() == 1);
  CHECK(windowed.notes[0].find("beyond 6 tokens") != std::string::npos);
  CHECK(Written(*LoadFolder(golden + "gpt2"), "f16").notes.empty());
  DecoderConfig config = fake::TinyConfig();
  config.family = "gemma2";
  config.activation = Activation::kGeluTanh;
  config.tied_head = false;
  RequireOneLine(GgufMetadataOf("m", config).status(), "divides scores by");
  config.query_scalar = config.head_width;
  RequireOneLine(GgufMetadataOf("m", config).status(), "caps attention");
  config.attention_softcap = 50;
  RequireOneLine(GgufMetadataOf("m", config).status(),
                 "takes the embedding for the head");
  config.family = "nonesuch";
  RequireOneLine(GgufMetadataOf("m", config).status(), "knows no nonesuch");
}

TEST_CASE("a head of its own and one that is the embedding read back",
          "[model][gguf]") {
  for (bool tied : {false, true}) {
    DecoderConfig config = fake::TinyConfig();
    config.tied_head = tied;
    config.attention_bias = config.mlp_bias = !tied;
    auto model = fake::TinyModel(at::kDouble, config);
    const Written written(*model, "f32");
    REQUIRE(written.status.ok());
    CHECK(written.again->info().tied_head == tied);
    CHECK(RelativeError(LogitsOf(*written.again), LogitsOf(*model)) < 1e-5);
  }
}

}  // namespace
}  // namespace sft::model::gguf_out_test
