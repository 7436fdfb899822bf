#include "harness/formats/gguf.h"

#include <filesystem>
#include <random>

#include "harness/core/status.h"
#include "harness/formats/dequant.h"
#include "harness/formats/gguf_writer.h"
#include "tests/harness/model/fake_files.h"
#include "tests/support/skips.h"

namespace sft::formats::gguf_test {
namespace {

using model::fake::GgufWriter;
using model::fake::Raw;
using model::fake::RequireOneLine;

absl::Status OpenBytes(const std::string& bytes) {
  static const support::TempDir dir;  // one for thousands of files
  const std::string path = (dir.path() / "m.gguf").string();
  model::fake::WriteBytes(path, bytes);
  return GgufFile::Open(path).status();
}

GgufWriter SmallFile() {
  GgufWriter out;
  out.String("general.architecture", "llama");
  out.Int("llama.block_count", 2);
  out.Real("epsilon", 1e-5f);
  out.Key("names", 9,
          Raw<uint32_t>(8) + Raw<uint64_t>(2) + GgufWriter::Text("a") +
              GgufWriter::Text("bc"));
  out.Key(
      "numbers", 9,
      Raw<uint32_t>(5) + Raw<uint64_t>(2) + Raw<int32_t>(-3) + Raw<int32_t>(4));
  out.Tensor("w", {3, 2}, 0, std::string(24, '\0'));
  out.Tensor("b", {2}, 1, std::string(4, '\0'));
  return out;
}

TEST_CASE("keys and tensors of a GGUF file read back", "[model][gguf]") {
  support::TempDir dir;
  const std::string path = (dir.path() / "m.gguf").string();
  model::fake::WriteBytes(path, SmallFile().Bytes());
  auto file = GgufFile::Open(path);
  REQUIRE(file.ok());
  CHECK(*file->Get<std::string>("general.architecture") == "llama");
  CHECK(*file->Get<int64_t>("llama.block_count") == 2);
  CHECK(*file->Get<double>("epsilon") == 1e-5);  // not the f32 next to it
  CHECK(*file->Get<std::vector<std::string>>("names") ==
        std::vector<std::string>{"a", "bc"});
  CHECK(*file->Get<std::vector<int64_t>>("numbers") ==
        std::vector<int64_t>{-3, 4});
  RequireOneLine(file->Get<int64_t>("absent").status(), "absent is missing");
  RequireOneLine(file->Get<int64_t>("epsilon").status(), "another type");
  REQUIRE(file->tensors().size() == 2);
  CHECK(file->tensors()[0].shape == std::vector<int64_t>{2, 3});
  CHECK(file->tensors()[1].type->name == "f16");
}

// Bit for bit; returns how many types the file holds.
size_t CheckStorageTypes(const std::string& file) {
  const nlohmann::json golden = model::fake::Golden(file);
  for (const auto& [name, row] : golden["types"].items()) {
    INFO(name);
    const StorageType* type = FindGgmlType(row["id"].get<uint64_t>());
    REQUIRE(type != nullptr);
    CHECK(type->name == name);
    const std::string hex = row["bytes"];
    std::vector<uint8_t> bytes;
    for (size_t i = 0; i < hex.size(); i += 2) {
      bytes.push_back(
          static_cast<uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    }
    const auto wanted = row["values"].get<std::vector<uint32_t>>();
    const auto count = static_cast<int64_t>(wanted.size());
    std::vector<float> values(wanted.size());
    REQUIRE(static_cast<int64_t>(bytes.size()) ==
            count / type->block_elements * type->block_bytes);
    type->to_float(bytes.data(), count / type->block_elements, values.data());
    std::vector<uint32_t> bits(wanted.size());
    std::memcpy(bits.data(), values.data(), bits.size() * 4);
    CHECK(bits == wanted);
  }
  return golden["types"].size();
}

TEST_CASE("every storage type gives the values of the Python package gguf",
          "[model][dequant]") {
  CHECK(CheckStorageTypes("model_dequant.json") == 6);
}

TEST_CASE("super-blocks give the values of an independent de-quantizer",
          "[model][dequant]") {
  CHECK(CheckStorageTypes("model_kquants.json") == 7);
}

TEST_CASE("what is written has the bytes of the Python package gguf",
          "[model][dequant]") {
  const nlohmann::json golden = model::fake::Golden("gguf/quantized.json");
  const auto bits = golden["values"].get<std::vector<uint32_t>>();
  std::vector<float> values(bits.size());
  std::memcpy(values.data(), bits.data(), bits.size() * 4);
  CHECK(WritableTypes().size() == golden["bytes"].size());
  for (const std::string& name : WritableTypes()) {
    INFO(name);
    const StorageType& type = *FindWritableType(name);
    const auto blocks =
        static_cast<int64_t>(values.size()) / type.block_elements;
    std::vector<uint8_t> bytes(static_cast<size_t>(blocks * type.block_bytes));
    type.from_float(values.data(), blocks, bytes.data());
    std::string hex;
    for (uint8_t byte : bytes) {
      for (int digit : {byte >> 4, byte & 15}) hex += "0123456789abcdef"[digit];
    }
    CHECK(hex == golden["bytes"][name].get<std::string>());
  }
  CHECK(FindWritableType("q4_k") == nullptr);
}

TEST_CASE("a written GGUF file reads as it was", "[model][gguf]") {
  const support::TempDir dir;
  const std::string path = (dir.path() / "m.gguf").string();
  GgufKeys keys;
  keys.Text("general.architecture", "x");
  keys.Whole("whole", 4000000000);
  keys.Real("real", 1e-5);
  keys.Flag("flag", true);
  keys.Wholes("wholes", {-3, 4});
  keys.Reals("reals", {0.5F});
  keys.Flags("flags", {true, false});
  keys.Texts("texts", {"a", "", "bc"});
  const auto rows = [](float step) {
    return [step]() -> RowReader {
      return [step](int64_t row, float* out) {
        for (int i = 0; i < 32; ++i) out[i] = step * static_cast<float>(row);
      };
    };
  };
  const std::vector<GgufOutTensor> tensors = {
      {"half", {3, 32}, FindWritableType("f16"), rows(2)},
      {"block", {1, 2, 32}, FindWritableType("q8_0"), rows(127)},
      {"vector", {32}, FindWritableType("f32"), rows(1)}};
  REQUIRE(WriteGguf(path, keys, tensors).ok());
  auto file = GgufFile::Open(path);
  INFO(file.status().ToString());
  REQUIRE(file.ok());
  CHECK(*file->Get<int64_t>("whole") == 4000000000);
  CHECK(*file->Get<double>("real") == 1e-5);
  CHECK(*file->Get<bool>("flag"));
  CHECK(*file->Get<std::vector<int64_t>>("wholes") ==
        std::vector<int64_t>{-3, 4});
  CHECK(*file->Get<std::vector<double>>("reals") == std::vector<double>{0.5});
  CHECK(*file->Get<std::vector<bool>>("flags") ==
        std::vector<bool>{true, false});
  CHECK(*file->Get<std::vector<std::string>>("texts") ==
        std::vector<std::string>{"a", "", "bc"});
  for (const auto& [key, bytes] : keys.rows()) {
    CHECK(file->RawValue(key) == bytes);
  }
  REQUIRE(file->tensors().size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    const GgufTensor& tensor = file->tensors()[i];
    CHECK(tensor.shape == tensors[i].shape);
    CHECK(tensor.type == tensors[i].type);
  }
  std::vector<float> values(64);
  const GgufTensor& block = file->tensors()[1];
  block.type->to_float(block.data, 2, values.data());
  CHECK(values[0] == 0);
  CHECK(values[63] == 127);
  // What does not fit leaves nothing behind, and the file that was there.
  RequireOneLine(
      WriteGguf(path, keys,
                {{"wide", {3, 32}, FindWritableType("f16"), rows(60000)}}),
      "tensor wide holds weights too large for f16");
  CHECK(GgufFile::Open(path)->tensors().size() == 3);
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path()),
                      std::filesystem::directory_iterator()) == 1);
}

TEST_CASE("a GGUF file cut anywhere is refused in one line", "[model][gguf]") {
  const std::string whole = SmallFile().Bytes();
  REQUIRE(OpenBytes(whole).ok());
  for (size_t size = 0; size < whole.size(); ++size) {
    RequireOneLine(OpenBytes(whole.substr(0, size)));
  }
}

TEST_CASE("a GGUF file with any byte changed never crashes", "[model][gguf]") {
  const std::string whole = SmallFile().Bytes();
  std::mt19937 random(3);
  for (int i = 0; i < 400; ++i) {
    std::string bytes = whole;
    for (int k = 0; k < 2; ++k) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const absl::Status status = OpenBytes(bytes);
    if (!status.ok()) RequireOneLine(status);
  }
}

TEST_CASE("false counts, lengths and offsets of a GGUF file are refused",
          "[model][gguf]") {
  const uint64_t huge = uint64_t{1} << 60;
  std::string bytes = SmallFile().Bytes();
  SECTION("tensor count") {
    bytes.replace(8, 8, Raw(huge));
    RequireOneLine(OpenBytes(bytes), "claims");
  }
  SECTION("key count") {
    bytes.replace(16, 8, Raw(huge));
    RequireOneLine(OpenBytes(bytes), "claims");
  }
  SECTION("length of a key") {
    bytes.replace(24, 8, Raw(huge));
    RequireOneLine(OpenBytes(bytes), "length 1152921504606846976");
  }
  SECTION("version") {
    bytes.replace(4, 4, Raw<uint32_t>(0x03000000));
    RequireOneLine(OpenBytes(bytes), "little-endian");
  }
  SECTION("no GGUF file") {
    RequireOneLine(OpenBytes("something else, longer than a header"),
                   "not a GGUF file");
    RequireOneLine(OpenBytes("PK\x03\x04 something else"), "pickle");
  }
  GgufWriter out;
  SECTION("array of 2^60 elements") {
    out.Key("a", 9, Raw<uint32_t>(0) + Raw(huge));
    RequireOneLine(OpenBytes(out.Bytes()), "more than the file can hold");
  }
  SECTION("array of arrays") {
    out.Key("a", 9, Raw<uint32_t>(9) + Raw<uint64_t>(1) + std::string(12, 0));
    RequireOneLine(OpenBytes(out.Bytes()), "not supported");
  }
  SECTION("dimensions whose product overflows") {
    out.Record("w", {uint64_t{1} << 40, uint64_t{1} << 40}, 0, 0);
    RequireOneLine(OpenBytes(out.Bytes()), "impossible dimension");
  }
  SECTION("bytes whose product overflows") {
    out.Record("w", {uint64_t{1} << 62}, 0, 0);
    RequireOneLine(OpenBytes(out.Bytes()), "impossible size");
  }
  SECTION("data beyond the end") {
    out.Record("w", {1 << 20}, 0, 0);
    RequireOneLine(OpenBytes(out.Bytes()), "wants bytes");
  }
  SECTION("an offset near 2^64") {
    out.Record("w", {4}, 0, ~uint64_t{31});
    RequireOneLine(OpenBytes(out.Bytes()), "wants bytes");
  }
  SECTION("overlapping tensors") {
    out.Tensor("v", {16}, 0, std::string(64, '\0'));
    out.Record("w", {4}, 0, 32);
    RequireOneLine(OpenBytes(out.Bytes()), "overlap");
  }
  SECTION("rows that break a block") {
    out.Tensor("v", {33}, 3, std::string(64, '\0'));
    RequireOneLine(OpenBytes(out.Bytes()), "no multiple of the block");
  }
  SECTION("a tensor given twice") {
    out.Tensor("v", {4}, 0, std::string(16, '\0'));
    out.Tensor("v", {4}, 0, std::string(16, '\0'));
    RequireOneLine(OpenBytes(out.Bytes()), "given twice");
  }
  SECTION("alignment") {
    out.Int("general.alignment", 24);
    RequireOneLine(OpenBytes(out.Bytes()), "power of two");
  }
}

TEST_CASE("a GGUF tokenizer with false ids is refused", "[model][gguf]") {
  support::TempDir dir;
  const std::string path = (dir.path() / "m.gguf").string();
  GgufWriter out;
  out.String("tokenizer.ggml.model", "gpt2");
  out.Key("tokenizer.ggml.tokens", 9,
          Raw<uint32_t>(8) + Raw<uint64_t>(1) + GgufWriter::Text("a"));
  out.Int("tokenizer.ggml.bos_token_id", 1);
  model::fake::WriteBytes(path, out.Bytes());
  RequireOneLine(model::ReadGgufTokenizer(path).status(), "is no token of 1");
}

TEST_CASE("the default model's tokenizer data is read", "[model][gguf]") {
  auto where = model::LocateModel("smollm2-135m-instruct",
                                  support::AssetsDir().string());
  if (!where.ok()) {
    support::Skip(support::Need::kAssets, ToStd(where.status().message()));
  }
  auto data = model::ReadGgufTokenizer(where->gguf);
  REQUIRE(data.ok());
  CHECK(data->model == "gpt2");
  CHECK(data->pre == "smollm");
  CHECK(data->tokens.size() == 49152);
  CHECK(data->token_types.size() == 49152);
  CHECK(data->merges.size() == 48900);
  CHECK(data->bos == 1);
  CHECK(data->eos == 2);
  CHECK(data->tokens[1] == "<|im_start|>");
  CHECK(!data->add_bos.value_or(true));
  CHECK(data->chat_template.has_value());
}

}  // namespace
}  // namespace sft::formats::gguf_test
