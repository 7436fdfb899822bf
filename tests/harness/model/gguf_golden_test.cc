// GGUF files that the Python package gguf wrote (make_golden_gguf.py): logits
// of transformers, split files, and what is no decoder of ours.
#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>

#include "harness/formats/safetensors.h"
#include "harness/model/families/families.h"
#include "harness/model/families/gguf_config.h"
#include "harness/model/families/gguf_families.h"
#include "tests/harness/model/fake_files.h"

namespace sft::model::gguf_golden_test {
namespace {

namespace fs = std::filesystem;
using fake::RequireOneLine;

std::string Folder() {
  return (support::SourceDir() / "tests/golden/gguf").string();
}

// Architecture -> file.
const std::map<std::string, std::string>& Files() {
  static const auto& files = *new std::map<std::string, std::string>{
      {"llama", "llama-00001-of-00003.gguf"},
      {"qwen2", "qwen2.gguf"},
      {"qwen3", "qwen3.gguf"},
      {"smollm3", "smollm3.gguf"},
      {"granite", "granite.gguf"},
      {"olmo2", "olmo2.gguf"},
      {"phi3", "phi3.gguf"},
      {"gemma", "gemma.gguf"},
      {"gptneox", "gptneox.gguf"},
      {"gemma2", "gemma2.gguf"},
      {"gemma3", "gemma3.gguf"},
      {"gpt2", "gpt2.gguf"}};
  return files;
}

absl::StatusOr<std::unique_ptr<Model>> Open(const std::string& path) {
  ModelLocation where;
  where.name = where.gguf = path;
  return LoadModel(where, {});
}

TEST_CASE("logits of GGUF files of every architecture equal transformers'",
          "[model][gguf]") {
  auto read = formats::ReadSafetensors(Folder() + "/expected.safetensors");
  REQUIRE(read.ok());
  std::map<std::string, at::Tensor> expected;
  for (const NamedTensor& t : *read) expected[t.name] = t.tensor;
  const at::Tensor ids = expected.at("ids");
  fake::Row row;
  row.ids.assign(ids.data_ptr<int64_t>(),
                 ids.data_ptr<int64_t>() + ids.numel());
  row.labels = row.ids;
  c10::NoGradGuard off;
  for (const auto& [name, file] : Files()) {
    INFO(name);
    auto model = Open(Folder() + "/" + file);
    INFO(model.status().ToString());
    REQUIRE(model.ok());
    CHECK(FindGgufFamily((*model)->info().family)->architecture == name);
    const at::Tensor h_BTD = (*model)->HiddenStates(fake::PaddedBatch({row}));
    const at::Tensor difference =
        (*model)->Logits(h_BTD[0]).sub(expected.at(name + ".logits")).abs();
    CHECK(difference.max().item<double>() < 1e-4);
  }
}

TEST_CASE("every architecture of the table has a GGUF file of the package's",
          "[model][gguf]") {
  for (const GgufFamily& row : GgufFamilies()) {
    CAPTURE(row.family);
    CHECK(FindFamily(row.family) != nullptr);
    CHECK(Files().count(std::string(row.architecture)) == 1);
  }
}

// The three parts, which a test may change.
struct Parts {
  Parts() : dir("gguf_parts") {
    for (const char* name :
         {"llama-00001-of-00003.gguf", "llama-00002-of-00003.gguf",
          "llama-00003-of-00003.gguf"}) {
      paths.push_back((dir.path() / name).string());
      fake::WriteBytes(paths.back(), fake::ReadBytes(Folder() + "/" + name));
    }
  }
  support::TempDir dir;
  std::vector<std::string> paths;
};

TEST_CASE("a split GGUF file that is not whole is refused by its part",
          "[model][gguf]") {
  const Parts parts;
  REQUIRE(Open(parts.paths[0]).ok());
  RequireOneLine(Open(parts.paths[1]).status(),
                 "is not the first part of its model; name " + parts.paths[0]);
  const std::string second = fake::ReadBytes(parts.paths[1]);
  fake::WriteBytes(parts.paths[1], second.substr(0, second.size() - 40));
  RequireOneLine(Open(parts.paths[0]).status(), parts.paths[1]);
  RequireOneLine(Open(parts.paths[0]).status(), "wants bytes");
  fake::WriteBytes(parts.paths[1], fake::ReadBytes(parts.paths[2]));
  RequireOneLine(Open(parts.paths[0]).status(),
                 parts.paths[1] + ": key split.no: 2, wanted 1");
  fake::WriteBytes(parts.paths[1], fake::ReadBytes(Folder() + "/qwen2.gguf"));
  RequireOneLine(Open(parts.paths[0]).status(), "key split.count is missing");
  std::remove(parts.paths[1].c_str());
  RequireOneLine(Open(parts.paths[0]).status(),
                 parts.paths[1] + ": part 2 of the 3 of " + parts.paths[0]);
  const std::string renamed = (parts.dir.path() / "llama.gguf").string();
  fs::rename(parts.paths[0], renamed);
  RequireOneLine(Open(renamed).status(), "-00001-of-00003.gguf");
}

TEST_CASE("the digest of a split model is of all its parts", "[model][gguf]") {
  const Parts parts;
  ModelLocation where;
  where.gguf = parts.paths[0];
  const auto digests = [&where] {
    return std::pair(*ModelContentDigest(where), *ModelFilesDigest(where));
  };
  const auto before = digests();
  std::string last = fake::ReadBytes(parts.paths[2]);
  last.back() = static_cast<char>(last.back() ^ 1);
  fake::WriteBytes(parts.paths[2], last);
  CHECK(digests().first != before.first);
  CHECK(digests().second != before.second);
  std::remove(parts.paths[2].c_str());
  CHECK_FALSE(ModelContentDigest(where).ok());
}

TEST_CASE("an architecture of another kind is refused by its name and kind",
          "[model][gguf]") {
  struct Case {
    const char* architecture;
    const char* key;
    const char* part;
  };
  const support::TempDir dir("gguf_kinds");
  const std::string path = (dir.path() / "m.gguf").string();
  for (const Case& c :
       {Case{"qwen3moe", "qwen3moe.expert_count", "a mixture of experts"},
        Case{"llama", "llama.expert_used_count", "a mixture of experts"},
        Case{"mamba", "mamba.ssm.state_size", "a state-space model"},
        Case{"rwkv7", "rwkv7.wkv.head_size", "a recurrent model"},
        Case{"nonesuch", "nonesuch.block_count", "is not supported, only "}}) {
    INFO(c.key);
    fake::GgufWriter out;
    out.String("general.architecture", c.architecture);
    out.Int(c.key, 8);
    fake::WriteBytes(path, out.Bytes());
    auto file = formats::GgufFile::Open(path);
    REQUIRE(file.ok());
    const absl::Status status = ConfigFromGguf(*file).status();
    RequireOneLine(status, absl::StrCat("\"", c.architecture, "\""));
    RequireOneLine(status, c.part);
  }
}

}  // namespace
}  // namespace sft::model::gguf_golden_test
