// Which instruction set is chosen, and that the choice changes no bit where
// headers say so.
#include "harness/kernels/shared/instruction_set.h"

#include <ATen/ATen.h>

#include <functional>
#include <string>
#include <vector>

#include "harness/kernels/adam8/adam8.h"
#include "harness/kernels/attention/cached_attention.h"
#include "harness/kernels/block/block_ops.h"
#include "harness/kernels/nf4/nf4.h"
#include "harness/kernels/nf4/nf4_row.h"
#include "harness/kernels/product/gemv.h"
#include "harness/kernels/shared/raw_tensor.h"
#include "tests/support/catch_torch.h"
#include "tests/support/every_set.h"

namespace sft::kernels::instruction_set_test {
namespace {

using Tensors = std::vector<at::Tensor>;

constexpr ProcessorFacts kOld = {.v3 = false};
constexpr ProcessorFacts kMiddle = {.v3 = true};
constexpr ProcessorFacts kNew = {.v3 = true, .v4 = true};

TEST_CASE("the best set of the processor is chosen, or the one that is named",
          "[kernels][instruction_set]") {
#ifdef SFT_INSTRUCTION_SETS
  CHECK(ChooseSet(kNew, "").value() == InstructionSet::kV4);
  CHECK(ChooseSet(kMiddle, "").value() == InstructionSet::kV3);
  CHECK(ChooseSet(kNew, "v3").value() == InstructionSet::kV3);
  CHECK(ChooseSet(kNew, "v4").value() == InstructionSet::kV4);
#endif
  CHECK(ChooseSet(kOld, "").value() == InstructionSet::kPlain);
  CHECK(ChooseSet(kNew, "plain").value() == InstructionSet::kPlain);
}

TEST_CASE("a set that the processor lacks is refused, and so is another word",
          "[kernels][instruction_set]") {
  const auto lacking = ChooseSet(kOld, "v4").status();
  CHECK(lacking.message() ==
        "SFT_KERNELS: this processor lacks the instructions of v4, it has "
        "those of plain");
  for (const char* word : {"v5", "V3", "avx2", " "}) {
    const auto unknown = ChooseSet(kNew, word).status();
    CHECK(std::string(unknown.message()) ==
          std::string("SFT_KERNELS: unknown set '") + word +
              "', wanted plain, v3 or v4");
  }
}

TEST_CASE("a test's set is in use while it lasts",
          "[kernels][instruction_set]") {
  const InstructionSet before = SetInUse();
  for (const InstructionSet set : SetsHere()) {
    const UseInstructionSet use(set);
    CHECK(SetInUse() == set);
  }
  CHECK(SetInUse() == before);
}

// make() gives the same bits on each of the sets.
void CheckSameBits(const std::vector<InstructionSet>& sets,
                   const std::function<Tensors()>& make) {
  Tensors first;
  for (const InstructionSet set : sets) {
    INFO(std::string(InstructionSetName(set)));
    const UseInstructionSet use(set);
    const Tensors made = make();
    if (first.empty()) first = made;
    REQUIRE(made.size() == first.size());
    for (size_t i = 0; i < made.size(); ++i) {
      INFO("result " << i);
      CHECK(at::equal(made[i], first[i]));
    }
  }
}

template <class T>
Tensors BlockResults(const Tensors& drawn, at::ScalarType dtype) {
  const int64_t rows = drawn[0].size(0), width = drawn[0].size(1);
  const int64_t n = rows * width;
  const at::Tensor x = drawn[0], w = drawn[1][0].contiguous(),
                   gate = drawn[2].to(dtype), up = drawn[3].to(dtype);
  const at::Tensor rstd = at::empty({rows}), y = at::empty_like(gate),
                   of_x = at::empty_like(x), of_w = at::empty({width});
  const float* of = Raw<float>(x);
  RmsNormForward<T>(of, Raw<float>(w), rows, width, 1e-5f, RawMutable<T>(y),
                    RawMutable<float>(rstd));
  RmsNormBackward<T>(Raw<T>(gate), of, Raw<float>(w), Raw<float>(rstd), rows,
                     width, RawMutable<float>(of_x), RawMutable<float>(of_w));
  const at::Tensor product = at::empty_like(gate),
                   of_gate = at::empty_like(gate), of_up = at::empty_like(gate);
  SwiGluForward<T>(Raw<T>(gate), Raw<T>(up), n, RawMutable<T>(product));
  SwiGluBackward<T>(Raw<T>(y), Raw<T>(gate), Raw<T>(up), n,
                    RawMutable<T>(of_gate), RawMutable<T>(of_up));
  const at::Tensor cos = x.cos(), sin = x.sin(), turned = at::empty_like(gate);
  RotateRows<T>(Raw<T>(gate), Raw<float>(cos), Raw<float>(sin), rows,
                /*heads=*/1, width, /*inverse=*/false, RawMutable<T>(turned));
  const at::Tensor logits = up.clone();
  const std::vector<int64_t> labels(static_cast<size_t>(rows), width / 3);
  const double loss = CrossEntropyRows<T>(RawMutable<T>(logits), labels.data(),
                                          rows, width, /*gradient=*/true);
  return {rstd,    y,     of_x,   of_w,   product,
          of_gate, of_up, turned, logits, at::scalar_tensor(loss, at::kDouble)};
}

TEST_CASE("a block's operations have the same bits on every set",
          "[kernels][instruction_set]") {
  at::manual_seed(12);
  Tensors drawn;
  for (int i = 0; i < 4; ++i) drawn.push_back(at::randn({37, 2 * 293}) * 3);
  CheckSameBits(support::EverySet(),
                [&] { return BlockResults<float>(drawn, at::kFloat); });
  CheckSameBits(support::EverySet(),
                [&] { return BlockResults<Bf16>(drawn, at::kBFloat16); });
}

template <class T>
Tensors CachedResults(const Tensors& drawn, at::ScalarType dtype) {
  const at::Tensor &q = drawn[0], &k = drawn[1], &v = drawn[2];
  const at::Tensor keys = drawn[3].to(dtype, false, /*copy=*/true),
                   values = drawn[4].to(dtype, false, /*copy=*/true),
                   out = at::empty_like(q);
  const std::vector<int64_t> rows = {0, 1, 1}, slots = {3, 40, 41};
  CachedShape shape;
  shape.tokens = 3, shape.heads = q.size(1), shape.kv_heads = k.size(1);
  shape.head_width = q.size(2), shape.slots = keys.size(2);
  shape.rows_M = rows.data(), shape.slots_M = slots.data();
  shape.scale = 0.3f, shape.softcap = 2.5f;
  CachedAttentionRows<T>(shape, Raw<float>(q), Raw<float>(k), Raw<float>(v),
                         RawMutable<T>(keys), RawMutable<T>(values),
                         RawMutable<float>(out));
  return {out, keys, values};
}

TEST_CASE("attention over a cache has the same bits on every set",
          "[kernels][instruction_set]") {
  at::manual_seed(13);
  constexpr int64_t N = 6, K = 2, S = 50, H = 40;
  const Tensors drawn = {at::randn({3, N, H}), at::randn({3, K, H}),
                         at::randn({3, K, H}), at::randn({2, K, S, H}),
                         at::randn({2, K, S, H})};
  CheckSameBits(support::EverySet(),
                [&] { return CachedResults<float>(drawn, at::kFloat); });
  CheckSameBits(support::EverySet(),
                [&] { return CachedResults<Bf16>(drawn, at::kBFloat16); });
}

TEST_CASE("8-bit AdamW has the same bits on every set",
          "[kernels][instruction_set]") {
  at::manual_seed(14);
  const int64_t n = 5 * 256 + 77;
  const Tensors grads = {at::randn({n}), at::randn({n})};
  const at::Tensor before = at::randn({n});
  CheckSameBits(support::EverySet(), [&]() -> Tensors {
    const at::Tensor weight = before.clone();
    const at::Tensor codes = at::zeros({2, n}, at::kByte),
                     absmax = at::zeros({2, Adam8Blocks(n)});
    uint8_t* code = RawMutable<uint8_t>(codes);
    float* most = RawMutable<float>(absmax);
    for (int t = 1; t <= 2; ++t) {
      Adam8StepCpu(Raw<float>(grads[t - 1]), n,
                   MakeAdam8Step(1e-2, 0.1, 0.9, 0.999, 1e-8, t),
                   RawMutable<float>(weight),
                   {code, code + n, most, most + Adam8Blocks(n)});
    }
    return {weight, codes, absmax};
  });
}

TEST_CASE("a row times NF4 and rounding have the same bits on every set",
          "[kernels][instruction_set]") {
  at::manual_seed(15);
  constexpr int64_t I = 320, O = 50;
  const at::Tensor w = at::randn({O, I}), x = at::randn({I});
  const at::Tensor codes = at::empty({Nf4Bytes(O * I)}, at::kByte),
                   absmax = at::empty({Nf4Blocks(O * I)});
  Nf4QuantizeCpu(Raw<float>(w), O * I, RawMutable<uint8_t>(codes),
                 RawMutable<float>(absmax));
  Nf4Scales scales;
  scales.absmax = Raw<float>(absmax);
  CheckSameBits(support::EverySet(), [&]() -> Tensors {
    const at::Tensor y = at::empty({O}), narrow = at::empty({O}, at::kBFloat16);
    const at::Tensor x16 = x.to(at::kBFloat16), rounded = w.clone();
    Nf4RowProduct<float>(Raw<float>(x), Raw<uint8_t>(codes), scales, I, O,
                         RawMutable<float>(y));
    Nf4RowProduct<Bf16>(Raw<Bf16>(x16), Raw<uint8_t>(codes), scales, I, O,
                        RawMutable<Bf16>(narrow));
    RoundToBf16(RawMutable<float>(rounded), rounded.numel());
    return {y, narrow, rounded};
  });
}

TEST_CASE(
    "a step's products have the same bits where a sum is joined with its "
    "product",
    "[kernels][instruction_set][generate]") {
  at::manual_seed(16);
  constexpr int64_t M = 11, I = 576 + 5, O = 70, whole = 576;
  const at::Tensor w = at::randn({O, I}), x = at::randn({M, I}),
                   w16 = w.to(at::kBFloat16), bias = at::randn({O});
  const at::Tensor codes = at::randint(256, {O * whole / 2}, at::kByte),
                   absmax = at::rand({O * whole / 64});
  std::vector<InstructionSet> joined = support::EverySet();
  joined.erase(joined.begin());  // plain
  CheckSameBits(joined, [&]() -> Tensors {
    const at::Tensor y = at::zeros({3, M, O});
    float* to = RawMutable<float>(y);
    MultiplyRows<float>(Raw<float>(w), Raw<float>(x), M, I, O,
                        {.bias_O = Raw<float>(bias)}, to);
    MultiplyRows<Bf16>(Raw<Bf16>(w16), Raw<float>(x), M, I, O,
                       {.to_bf16 = true}, to + M * O);
    MultiplyRowsNf4(
        {.codes = Raw<uint8_t>(codes), .absmax = Raw<float>(absmax)},
        Raw<float>(x), M, whole, O, {.add_scale = 0.5f}, to + 2 * M * O);
    return {y};
  });
}

}  // namespace
}  // namespace sft::kernels::instruction_set_test
