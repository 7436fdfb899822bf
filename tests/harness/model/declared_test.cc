// What folders declare beside their weights: applied, said, or refused.
#include <ATen/ATen.h>

#include <filesystem>

#include "harness/formats/safetensors.h"
#include "harness/model/load/weights.h"
#include "tests/harness/model/encoder_golden.h"
#include "tests/harness/model/fake_files.h"

namespace sft::model::declared_test {
namespace {

using fake::RequireOneLine;

// A tiny tied model in a folder.
struct Folder {
  Folder() : dir("declared"), path(dir.path().string()) {
    DecoderConfig config = fake::TinyConfig();
    config.tied_head = true;
    REQUIRE(WriteModelFolder(*fake::TinyModel(at::kFloat, config), path).ok());
  }
  absl::StatusOr<std::unique_ptr<Model>> Load() const {
    ModelLocation where;
    where.name = where.folder = path;
    return LoadModel(where, {});
  }
  nlohmann::json Config() const {
    return nlohmann::json::parse(fake::ReadBytes(path + "/config.json"));
  }
  void Set(const std::string& key, const nlohmann::json& value) const {
    nlohmann::json config = Config();
    config[key] = value;
    fake::WriteBytes(path + "/config.json", config.dump());
  }
  std::vector<NamedTensor> Tensors() const {
    auto tensors = formats::ReadSafetensors(path + "/model.safetensors");
    REQUIRE(tensors.ok());
    return *tensors;
  }
  void Write(const std::vector<NamedTensor>& tensors) const {
    REQUIRE(formats::WriteSafetensors(path + "/model.safetensors", tensors, {})
                .ok());
  }
  support::TempDir dir;
  std::string path;
};

at::Tensor FindIn(Model& model, const std::string& name) {
  for (const Parameter& p : model.Parameters()) {
    if (p.name == name) return p.tensor;
  }
  return {};
}

TEST_CASE("a head that differs from the embedding is used whatever is tied",
          "[model][declared]") {
  const Folder folder;
  std::vector<NamedTensor> tensors = folder.Tensors();
  const at::Tensor embedding = (*folder.Load())->DenseState()[0].tensor;
  tensors.push_back({"lm_head.weight", embedding.clone()});
  folder.Write(tensors);
  auto same = folder.Load();
  REQUIRE(same.ok());
  CHECK((*same)->info().tied_head);
  CHECK((*same)->info().notes.empty());

  const at::Tensor head = at::randn_like(embedding);
  tensors.back().tensor = head;
  folder.Write(tensors);
  auto other = folder.Load();
  REQUIRE(other.ok());
  CHECK_FALSE((*other)->info().tied_head);
  CHECK(at::equal(FindIn(**other, "lm_head.weight"), head));
  REQUIRE((*other)->info().notes.size() == 1);
  CHECK((*other)->info().notes[0].find("lm_head differs") != std::string::npos);
  const auto config = nlohmann::json::parse((*other)->ConfigJson());
  CHECK(config["tie_word_embeddings"] == false);

  tensors.pop_back();
  folder.Write(tensors);
  folder.Set("tie_word_embeddings", false);
  RequireOneLine(folder.Load().status(), "lm_head.weight is missing");
}

TEST_CASE("dropout that is not applied is said", "[model][declared]") {
  const Folder folder;
  CHECK((*folder.Load())->info().notes.empty());
  folder.Set("attention_dropout", 0.1);
  folder.Set("resid_pdrop", 0.25);
  folder.Set("hidden_dropout_prob", 0.0);
  const auto notes = (*folder.Load())->info().notes;
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].find("attention_dropout 0.1, resid_pdrop 0.25") !=
        std::string::npos);
  CHECK(notes[0].find("hidden") == std::string::npos);
}

TEST_CASE("what a generation_config asks of greedy answers is said",
          "[model][declared]") {
  const Folder folder;
  const auto notes = [&](const std::string& text) {
    fake::WriteBytes(folder.path + "/generation_config.json", text);
    return (*folder.Load())->info().notes;
  };
  CHECK(notes(R"({"do_sample": true, "temperature": 0.6, "top_p": 0.9,
                  "repetition_penalty": 1.0, "no_repeat_ngram_size": 0,
                  "num_beams": 1, "suppress_tokens": [], "stop_strings": null,
                  "forced_eos_token_id": null, "eos_token_id": [2, 3]})")
            .empty());
  const auto said = notes(R"({"repetition_penalty": 1.5,
                              "suppress_tokens": [7], "stop_strings": "\n",
                              "forced_eos_token_id": 0})");
  REQUIRE(said.size() == 1);
  CHECK(said[0].find("repetition_penalty 1.5, suppress_tokens, "
                     "forced_eos_token_id 0, stop_strings") !=
        std::string::npos);
}

TEST_CASE("buffers that nobody needs are left out, whatever their type",
          "[model][declared]") {
  const Folder folder;
  std::vector<NamedTensor> tensors = folder.Tensors();
  tensors.push_back({"model.embeddings.position_ids", at::arange(4)});
  tensors.push_back({"model.layers.0.self_attn.rotary_emb.inv_freq",
                     at::ones({2}, at::kHalf)});
  tensors.push_back({"model.rotary_emb.inv_freq", at::ones({2})});
  folder.Write(tensors);
  // And one of booleans, which no tensor here can be written as.
  const std::string path = folder.path + "/model.safetensors";
  std::string bytes = fake::ReadBytes(path);
  uint64_t size = 0;
  std::memcpy(&size, bytes.data(), sizeof(size));
  nlohmann::json header = nlohmann::json::parse(bytes.substr(8, size));
  const uint64_t data = bytes.size() - 8 - size;
  header["model.layers.0.self_attn.mask"] = {
      {"dtype", "BOOL"}, {"shape", {3}}, {"data_offsets", {data, data + 3}}};
  const std::string text = header.dump();
  fake::WriteBytes(path, fake::Raw<uint64_t>(text.size()) + text +
                             bytes.substr(8 + size) + std::string(3, '\1'));
  auto loaded = folder.Load();
  INFO(loaded.status().ToString());
  CHECK(loaded.ok());
  RequireOneLine(formats::ReadSafetensors(path).status(), "BOOL");
  // A matrix that is no part of the model is still an error.
  tensors.push_back({"model.layers.0.extra.weight", at::ones({2, 2})});
  folder.Write(tensors);
  RequireOneLine(folder.Load().status(), "no part of this model");
}

TEST_CASE("what lies there instead of a file is said by name",
          "[model][declared]") {
  const std::string lfs =
      "version https://git-lfs.github.com/spec/v1\noid sha256:0000\n";
  for (const auto& [name, bytes, part] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"model.safetensors", lfs, "Git LFS pointer"},
           {"config.json", lfs, "Git LFS pointer"},
           {"model.safetensors", "<!DOCTYPE html><html></html>", "web page"},
           {"config.json", "<html>404</html>", "web page"},
           {"model.safetensors", std::string("PK\3\4") + "0000000", "pickle"},
       }) {
    INFO(name << " " << part);
    const Folder folder;
    fake::WriteBytes(folder.path + "/" + name, bytes);
    RequireOneLine(folder.Load().status(), part);
  }
  // A header of 640 bytes begins as some pickles do, and is none.
  const Folder folder;
  const std::string path = folder.path + "/model.safetensors";
  std::string bytes = fake::ReadBytes(path);
  uint64_t size = 0;
  std::memcpy(&size, bytes.data(), sizeof(size));
  const uint64_t padded = (size / 65536 + 1) * 65536 + 640;
  fake::WriteBytes(path, fake::Raw(padded) + bytes.substr(8, size) +
                             std::string(padded - size, ' ') +
                             bytes.substr(8 + size));
  CHECK(folder.Load().ok());

  const support::TempDir dir("declared");
  const std::string gguf = (dir.path() / "m.gguf").string();
  fake::WriteBytes(gguf, lfs);
  RequireOneLine(formats::GgufFile::Open(gguf).status(), "Git LFS pointer");
}

TEST_CASE("an exported model keeps the dtype of its checkpoint",
          "[model][declared]") {
  for (at::ScalarType dtype : {at::kFloat, at::kBFloat16, at::kHalf}) {
    const Folder folder;
    REQUIRE(WriteModelFolder(**folder.Load(), folder.path, dtype).ok());
    auto model = folder.Load();
    REQUIRE(model.ok());
    CHECK((*model)->info().stored_dtype == dtype);
    const support::TempDir dir("declared");
    const std::string to = dir.path().string();
    REQUIRE(WriteModelFolder(**model, to).ok());
    auto tensors = formats::ReadSafetensors(to + "/model.safetensors");
    REQUIRE(tensors.ok());
    for (const NamedTensor& t : *tensors) CHECK(t.tensor.dtype() == dtype);
    const auto config =
        nlohmann::json::parse(fake::ReadBytes(to + "/config.json"));
    CHECK(config["dtype"] == (dtype == at::kFloat      ? "float32"
                              : dtype == at::kBFloat16 ? "bfloat16"
                                                       : "float16"));
  }
  const Folder folder;
  std::vector<NamedTensor> tensors = folder.Tensors();
  tensors[0].tensor.mul_(1e9);
  folder.Write(tensors);
  RequireOneLine(WriteModelFolder(**folder.Load(), folder.path, at::kHalf),
                 "too large for float16");
}

TEST_CASE("a checkpoint's head follows the task by the names of its classes",
          "[model][declared][encoders]") {
  using namespace encoder_golden;
  const std::string family = "bert";
  const support::TempDir dir("declared");
  const std::string path = dir.path().string();
  WriteFolderWithHead(path, family, Heads()[0]);
  nlohmann::json config =
      nlohmann::json::parse(fake::ReadBytes(path + "/config.json"));
  REQUIRE(config["id2label"].size() == 3);
  config["id2label"] = {{"0", "NEGATIVE"}, {"1", "neutral"}, {"2", "Positive"}};
  fake::WriteBytes(path + "/config.json", config.dump());
  const json golden = ReadJson(FolderOf(family) + "/golden.json");
  const Batch batch = BatchOf(Examples(golden, HeadKind::kSequence), true);
  const auto with = [&](const std::vector<std::string>& names, bool keep) {
    auto model = Load(path);
    REQUIRE(model->SetHead(HeadKind::kSequence, 3, 1).ok());
    if (keep) model->KeepHead();
    model->SetLabelNames(names, 1);
    return model;
  };
  auto as_is = with({"NEGATIVE", "neutral", "Positive"}, false);
  CHECK(as_is->info().notes.size() == Load(path)->info().notes.size());
  const at::Tensor own = Scores(*as_is, batch);

  auto turned = with({"positive", "negative", "neutral"}, false);
  CHECK(turned->info().head_reordered);
  CHECK(turned->info().notes.back().find("task's order") != std::string::npos);
  const at::Tensor order = at::tensor(std::vector<int64_t>{2, 0, 1});
  CHECK(at::equal(Scores(*turned, batch), own.index_select(1, order)));
  CHECK(nlohmann::json::parse(turned->ConfigJson())["id2label"]["0"] ==
        "positive");

  auto others = with({"sports", "world", "business"}, false);
  CHECK(others->info().notes.back().find("drawn anew") != std::string::npos);
  CHECK_FALSE(at::equal(Scores(*others, batch), own));
  // An adapter's head is never drawn over.
  CHECK(at::equal(Scores(*with({"sports", "world", "business"}, true), batch),
                  own));

  config["id2label"] = {{"0", "LABEL_0"}, {"1", "LABEL_1"}, {"2", "LABEL_2"}};
  fake::WriteBytes(path + "/config.json", config.dump());
  auto unnamed = with({"a", "b", "c"}, false);
  CHECK(unnamed->info().notes.back().find("by number") != std::string::npos);
  CHECK(at::equal(Scores(*unnamed, batch), own));
}

}  // namespace
}  // namespace sft::model::declared_test
