#include "harness/formats/safetensors.h"

#include <random>

#include "absl/strings/str_cat.h"
#include "tests/harness/model/fake_files.h"

namespace sft::formats::safetensors_test {
namespace {

using model::fake::Raw;
using model::fake::RequireOneLine;

absl::Status ReadBytesAsFile(const std::string& bytes) {
  static const support::TempDir dir;  // one for thousands of files
  const std::string path = (dir.path() / "m.safetensors").string();
  model::fake::WriteBytes(path, bytes);
  return ReadSafetensors(path).status();
}

std::string WithHeader(const std::string& header, size_t data_bytes) {
  return Raw<uint64_t>(header.size()) + header + std::string(data_bytes, '\1');
}

std::string OneTensor(const std::string& dtype, const std::string& shape,
                      const std::string& offsets) {
  return "{\"w\":{\"dtype\":" + dtype + ",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}}";
}

TEST_CASE("tensors of every dtype survive a safetensors file",
          "[model][safetensors]") {
  support::TempDir dir;
  const std::string path = (dir.path() / "m.safetensors").string();
  std::vector<NamedTensor> tensors;
  for (at::ScalarType dtype : {at::kByte, at::kInt, at::kLong, at::kHalf,
                               at::kBFloat16, at::kFloat, at::kDouble}) {
    tensors.push_back({absl::StrCat("t", static_cast<int>(dtype)),
                       at::arange(6).to(dtype).view({2, 3})});
  }
  tensors.push_back({"scalar", at::full({}, 2.5)});
  tensors.push_back({"empty", at::empty({0, 4})});
  tensors.push_back({"turned", at::arange(6).view({2, 3}).t()});
  REQUIRE(WriteSafetensors(path, tensors, {{"format", "pt"}}).ok());
  auto read = ReadSafetensors(path);
  INFO(read.status().ToString());
  REQUIRE(read.ok());
  REQUIRE(read->size() == tensors.size());
  for (const NamedTensor& wanted : tensors) {
    bool found = false;
    for (const NamedTensor& named : *read) {
      if (named.name != wanted.name) continue;
      found = true;
      CHECK(named.tensor.scalar_type() == wanted.tensor.scalar_type());
      CHECK(at::equal(named.tensor, wanted.tensor));
    }
    CHECK(found);
  }
  CHECK(SafetensorsFile::Open(path)->meta().at("format") == "pt");
}

TEST_CASE("a safetensors file cut anywhere is refused in one line",
          "[model][safetensors]") {
  const std::string whole = WithHeader(OneTensor("\"F32\"", "[2]", "[0,8]"), 8);
  REQUIRE(ReadBytesAsFile(whole).ok());
  for (size_t size = 0; size < whole.size(); ++size) {
    RequireOneLine(ReadBytesAsFile(whole.substr(0, size)));
  }
  std::mt19937 random(5);
  for (int i = 0; i < 500; ++i) {
    std::string bytes = whole;
    bytes[random() % bytes.size()] = static_cast<char>(random());
    const absl::Status status = ReadBytesAsFile(bytes);
    if (!status.ok()) RequireOneLine(status);
  }
}

TEST_CASE("a false safetensors header is refused", "[model][safetensors]") {
  struct Case {
    std::string bytes;
    std::string part;
  };
  const std::string two =
      "{\"v\":{\"dtype\":\"F32\",\"shape\":[2],"
      "\"data_offsets\":[0,8]},\"w\":{\"dtype\":\"F32\","
      "\"shape\":[2],\"data_offsets\":";
  for (const Case& c : std::vector<Case>{
           {Raw(uint64_t{1} << 60) + "{}", "header claims 1152921504606846976"},
           {Raw(~uint64_t{0}) + "{}", "header claims"},
           {WithHeader("{", 0), "not valid JSON"},
           {WithHeader("[1]", 0), "not a JSON object"},
           {WithHeader("{\"w\":1}", 0), "wanted dtype"},
           {WithHeader(std::string(1000, '['), 0), "nested deeper"},
           {WithHeader("{\"a\xff\":1}", 0), "not valid JSON"},
           {WithHeader(OneTensor("\"F4\"", "[2]", "[0,8]"), 8), "dtype F4"},
           {WithHeader(OneTensor("7", "[2]", "[0,8]"), 8), "dtype is no"},
           {WithHeader(OneTensor("\"F32\"", "[-2]", "[0,8]"), 8), "no size"},
           {WithHeader(OneTensor("\"F32\"", "2", "[0,8]"), 8), "no list"},
           {WithHeader(OneTensor("\"F32\"", "[4294967296,4294967296]", "[0,8]"),
                       8),
            "impossibly large"},
           {WithHeader(OneTensor("\"F32\"", "[3]", "[0,8]"), 8), "hold 8"},
           {WithHeader(OneTensor("\"F32\"", "[2]", "[8,0]"), 8), "8 to 0"},
           {WithHeader(OneTensor("\"F32\"", "[2]", "[0,80]"), 8), "0 to 80"},
           {WithHeader(OneTensor("\"F32\"", "[2]", "[0]"), 8), "no pair"},
           {WithHeader(OneTensor("\"F32\"", "[2]", "[0,8]"), 9), "has 9"},
           {WithHeader(two + "[4,12]}}", 12), "overlap"},
           {WithHeader(two + "[0,8]}}", 8), "overlap"},
           {WithHeader(two + "[12,20]}}", 20), "hole"},
           {WithHeader("{\"v\":1,\"v\":1}", 0), "given twice"},
       }) {
    RequireOneLine(ReadBytesAsFile(c.bytes), c.part);
  }
}

}  // namespace
}  // namespace sft::formats::safetensors_test
