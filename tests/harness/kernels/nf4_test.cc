// NF4 against bitsandbytes, byte for byte.
#include "harness/kernels/nf4/nf4.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/core/digest.h"
#include "harness/core/rng.h"
#include "harness/kernels/nf4/nf4_glue.h"
#include "tests/methods/methods_support.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"

namespace sft::kernels::nf4_test {
namespace {

using nlohmann::json;

std::string BytesOf(const at::Tensor& t) {
  const at::Tensor c = t.contiguous();
  return {static_cast<const char*>(c.data_ptr()), c.nbytes()};
}
std::string HexOf(const at::Tensor& t) {
  static const char* digits = "0123456789abcdef";
  std::string hex;
  for (unsigned char byte : BytesOf(t)) {
    hex += digits[byte >> 4];
    hex += digits[byte & 15];
  }
  return hex;
}
std::string ShaOf(const at::Tensor& t) { return Sha256Hex(BytesOf(t)); }

at::Tensor FloatsFromHex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return at::from_blob(bytes.data(), {static_cast<int64_t>(bytes.size() / 4)},
                       at::kFloat)
      .clone();
}

// What a golden entry holds: bytes in hex, or their SHA-256.
bool Same(const at::Tensor& t, const json& golden) {
  const std::string text = golden.get<std::string>();
  return text == HexOf(t) || text == ShaOf(t);
}

void CheckFacts(const at::Tensor& w, const json& golden) {
  REQUIRE(w.numel() == golden["n"].get<int64_t>());
  REQUIRE(ShaOf(w) == golden["input_sha256"].get<std::string>());
  const Nf4Tensor q = QuantizeNf4(w, false);
  CHECK(Same(q.codes, golden["codes"]));
  CHECK(Same(q.absmax, golden["absmax"]));
  CHECK(Same(DequantizeNf4(q, at::kFloat), golden["dequant_sha256"]));
  CHECK(Same(DequantizeNf4(q, at::kBFloat16), golden["dequant_bf16_sha256"]));
  const Nf4Tensor twice = QuantizeNf4(w, true);
  const json& doubled = golden["double"];
  CHECK(Same(twice.codes, golden["codes"]));
  CHECK(Same(twice.offset, doubled["offset"]));
  CHECK(Same(twice.absmax2, doubled["absmax2"]));
  CHECK(Same(twice.absmax_codes, doubled["absmax_codes"]));
  CHECK(Same(Nf4Absmax(twice), doubled["absmax_restored_sha256"]));
  CHECK(Same(DequantizeNf4(twice, at::kFloat), doubled["dequant_sha256"]));
}

at::Tensor CountedInput(int64_t n) {
  at::Tensor x = at::empty({n}, at::kFloat);
  const auto u = [](uint64_t c) {
    return static_cast<double>(SplitMix64(c) >> 11) * 0x1p-53;
  };
  for (int64_t i = 0; i < n; ++i) {
    const uint64_t k = (uint64_t{1} << 40) + static_cast<uint64_t>(i);
    x.data_ptr<float>()[i] = static_cast<float>(
        ((u(3 * k) + u(3 * k + 1)) + u(3 * k + 2) - 1.5) * 0.05);
  }
  return x;
}

}  // namespace

TEST_CASE("The code books are bitsandbytes'", "[methods][nf4]") {
  const json golden = methods::ReadGoldenJson("nf4.json");
  for (int i = 0; i < kNf4Codes; ++i) {
    CHECK(kNf4Code[i] == golden["code16"][i].get<float>());
  }
  for (int i = 0; i < kDynamicCodes; ++i) {
    CHECK(kDynamicCode[i] == golden["dynamic_code256"][i].get<float>());
  }
}

TEST_CASE("NF4 codes and constants equal bitsandbytes' bytes, ties included",
          "[methods][nf4]") {
  const json golden = methods::ReadGoldenJson("nf4.json");
  const at::Tensor small = FloatsFromHex(golden["small"]["input"]);
  CheckFacts(small, golden["small"]);
  CheckFacts(small.slice(0, 95, 4095).contiguous(), golden["rest_4000"]);
}

TEST_CASE("NF4 of five blocks of absmax equals bitsandbytes' bytes",
          "[methods][nf4]") {
  CheckFacts(CountedInput(65728),
             methods::ReadGoldenJson("nf4.json")["large_65728"]);
}

TEST_CASE("8-bit dynamic quantization equals bitsandbytes' bytes",
          "[methods][nf4]") {
  const json golden = methods::ReadGoldenJson("nf4.json");
  const at::Tensor x = FloatsFromHex(golden["small"]["input"]);
  at::Tensor codes = at::empty({x.numel()}, at::kByte);
  at::Tensor absmax = at::empty({AbsmaxBlocks(x.numel())}, at::kFloat);
  DynamicQuantizeCpu(x.data_ptr<float>(), x.numel(), codes.data_ptr<uint8_t>(),
                     absmax.data_ptr<float>());
  CHECK(Same(codes, golden["blockwise8"]["codes"]));
  CHECK(Same(absmax, golden["blockwise8"]["absmax"]));
  at::Tensor back = at::empty_like(x);
  DynamicDequantizeCpu(codes.data_ptr<uint8_t>(), absmax.data_ptr<float>(),
                       x.numel(), 0.0f, back.data_ptr<float>());
  CHECK(Same(back, golden["blockwise8"]["dequant_sha256"]));
}

TEST_CASE("An odd number of weights keeps its last one", "[methods][nf4]") {
  const at::Tensor x = CountedInput(131);
  const Nf4Tensor q = QuantizeNf4(x, true);
  CHECK(q.codes.numel() == 66);
  const at::Tensor back = DequantizeNf4(q, at::kFloat);
  CHECK(back.sub(x).abs().max().item<float>() < 0.02f);
  CHECK(q.codes[65].item<int>() % 16 == 7);  // the code of zero
}

TEST_CASE("NF4 takes 4.127 bits a weight double quantized, else 4.5",
          "[methods][nf4]") {
  const at::Tensor w = CountedInput(576 * 576).view({576, 576});
  CHECK(QuantizeNf4(w, true).bits_per_weight() == Approx(4.127).margin(0.0005));
  CHECK(QuantizeNf4(w, false).bits_per_weight() == 4.5);
}

namespace {

// Sums of 192 and 1,088 products in f32, against f64; bf16 rounds the result.
void CheckRowProduct(at::Device device) {
  for (const auto& [O, I] : {std::pair<int64_t, int64_t>{37, 192},
                             std::pair<int64_t, int64_t>{5, 1088}}) {
    const at::Tensor w = CountedInput(O * I).view({O, I});
    for (bool twice : {false, true}) {
      const Nf4Tensor q = QuantizeNf4(w.to(device), twice);
      for (at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
        at::manual_seed(7);
        const at::Tensor x = at::randn({1, 1, I}).to(device, dtype);
        REQUIRE(HasNf4RowProduct(x, q));
        const at::Tensor y = Nf4RowProduct(x, q);
        CHECK(y.scalar_type() == dtype);
        REQUIRE(y.sizes() == at::IntArrayRef({1, 1, O}));
        const at::Tensor wanted = at::matmul(
            x.to(at::kDouble), DequantizeNf4(q, dtype).to(at::kDouble).t());
        CHECK(y.to(at::kDouble).sub(wanted).abs().max().item<double>() <
              (dtype == at::kFloat ? 2e-6 : 4e-3) *
                  wanted.abs().max().item<double>());
        CHECK(at::equal(y, Nf4RowProduct(x, q)));
      }
    }
  }
}

}  // namespace

TEST_CASE("a row times NF4 is what it is times the dense copy",
          "[methods][nf4]") {
  CheckRowProduct(at::kCPU);
}

TEST_CASE("only a row of whole blocks is multiplied without a dense copy",
          "[methods][nf4]") {
  const Nf4Tensor q = QuantizeNf4(CountedInput(64 * 3).view({3, 64}), true);
  CHECK(HasNf4RowProduct(at::zeros({64}), q));
  CHECK_FALSE(HasNf4RowProduct(at::zeros({2, 64}), q));
  CHECK_FALSE(HasNf4RowProduct(at::zeros({64, 1}), q));
  CHECK_FALSE(HasNf4RowProduct(at::zeros({64}, at::kDouble), q));
  const Nf4Tensor odd = QuantizeNf4(CountedInput(96 * 3).view({3, 96}), true);
  CHECK_FALSE(HasNf4RowProduct(at::zeros({1, 96}), odd));
  CHECK_THROWS(Nf4RowProduct(at::zeros({1, 96}), odd));
}

TEST_CASE("a row times NF4 on CUDA is what it is times the dense copy",
          "[methods][nf4][gpu]") {
  support::RequireGpu();
  CheckRowProduct(at::kCUDA);
}

TEST_CASE("NF4 on CUDA gives the bytes of the CPU", "[methods][nf4][gpu]") {
  support::RequireGpu();
  const at::Tensor small = CountedInput(65728).slice(0, 0, 65701);
  for (bool twice : {false, true}) {
    const Nf4Tensor cpu = QuantizeNf4(small, twice);
    const Nf4Tensor gpu = QuantizeNf4(small.to(at::kCUDA), twice);
    CHECK(at::equal(cpu.codes, gpu.codes.cpu()));
    if (!twice) {
      CHECK(at::equal(cpu.absmax, gpu.absmax.cpu()));
      for (at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
        CHECK(at::equal(DequantizeNf4(cpu, dtype),
                        DequantizeNf4(gpu, dtype).cpu()));
      }
      continue;
    }
    // The mean may be summed in another order on the device, so the second
    // quantization is compared from the device's own absmax and mean.
    Nf4Tensor moved = gpu;
    for (at::Tensor* t :
         {&moved.codes, &moved.absmax_codes, &moved.absmax2, &moved.offset}) {
      *t = t->cpu();
    }
    CHECK(at::equal(DequantizeNf4(moved, at::kFloat),
                    DequantizeNf4(gpu, at::kFloat).cpu()));
  }
}

}  // namespace sft::kernels::nf4_test
