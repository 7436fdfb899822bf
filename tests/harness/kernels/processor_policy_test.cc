// The plans of processors that are not here.
#include "harness/kernels/shared/processor_policy.h"

#include <vector>

#include "tests/support/catch_torch.h"

namespace sft::kernels::processor_policy_test {
namespace {

struct Processor {
  const char* name;
  ProcessorFacts facts;
  InstructionSet kernels;
};
const Processor kIntelAmx = {"Intel with AMX",
                             {.maker = Maker::kIntel,
                              .v3 = true,
                              .v4 = true,
                              .avx512bf16 = true,
                              .amx_bf16 = true},
                             InstructionSet::kV4};
const Processor kIntelHidden = {
    "Intel, AMX hidden",
    {.maker = Maker::kIntel, .v3 = true, .v4 = true, .avx512bf16 = true},
    InstructionSet::kV4};
const Processor kIntelV3 = {
    "Intel, AVX2", {.maker = Maker::kIntel, .v3 = true}, InstructionSet::kV3};
const Processor kAmdV4 = {
    "AMD, AVX-512",
    {.maker = Maker::kAmd, .v3 = true, .v4 = true, .avx512bf16 = true},
    InstructionSet::kV4};
const Processor kAmdV3 = {
    "AMD, AVX2", {.maker = Maker::kAmd, .v3 = true}, InstructionSet::kV3};
const Processor kNeither = {"neither", {}, InstructionSet::kPlain};
const Processor kNoX86 = {"no x86", {.x86_64 = false}, InstructionSet::kPlain};
const std::vector<Processor> kAll = {kIntelAmx, kIntelHidden, kIntelV3, kAmdV4,
                                     kAmdV3,    kNeither,     kNoX86};

ProductPlan PlanOf(const Processor& p, const WantedProduct& wanted = {}) {
  return PlanProduct(p.facts, p.kernels, wanted);
}

constexpr WantedProduct kTrained = {
    .use = ProductUse::kTraining, .rows = 512, .columns = 1536, .depth = 576};
constexpr WantedProduct kRead = {.use = ProductUse::kReading, .rows = 512};
constexpr WantedProduct kLaidOut = {.use = ProductUse::kKept, .rows = 512};
WantedProduct InBf16(WantedProduct wanted) {
  wanted.bf16 = true;
  return wanted;
}

TEST_CASE("in training f32 goes by tiles where they outrun BLAS",
          "[kernels][policy]") {
  for (const Processor& p : kAll) {
    INFO(p.name);
    const bool tiles =
        p.kernels == InstructionSet::kV4 && p.facts.maker != Maker::kIntel;
    CHECK(PlanOf(p, kTrained).by ==
          (tiles ? ProductBy::kTiles : ProductBy::kLibTorch));
  }
  const auto by = [](int64_t rows, int64_t columns, int64_t depth) {
    return PlanOf(kAmdV4, {.rows = rows, .columns = columns, .depth = depth})
        .by;
  };
  CHECK(by(128, 128, 128) == ProductBy::kTiles);
  CHECK(by(128, 8192, 128) == ProductBy::kTiles);
  CHECK(by(127, 128, 128) == ProductBy::kLibTorch);
  CHECK(by(128, 127, 128) == ProductBy::kLibTorch);
  CHECK(by(128, 128, 127) == ProductBy::kLibTorch);
  CHECK(by(128, 8193, 128) == ProductBy::kLibTorch);
}

TEST_CASE("a weight that many rows read goes by the fastest that is there",
          "[kernels][policy]") {
  struct Case {
    Processor processor;
    ProductBy read, kept;
  };
  for (const Case& c :
       {Case{kIntelAmx, ProductBy::kLibTorch, ProductBy::kTiles},
        {kIntelHidden, ProductBy::kLibTorch, ProductBy::kTiles},
        {kIntelV3, ProductBy::kLibTorch, ProductBy::kLibTorch},
        {kAmdV4, ProductBy::kOneDnn, ProductBy::kTiles},
        {kAmdV3, ProductBy::kOneDnn, ProductBy::kOneDnn},
        {kNeither, ProductBy::kOneDnn, ProductBy::kOneDnn},
        {kNoX86, ProductBy::kOneDnn, ProductBy::kOneDnn}}) {
    INFO(c.processor.name);
    CHECK(PlanOf(c.processor, kRead).by == c.read);
    CHECK(PlanOf(c.processor, kLaidOut).by == c.kept);
    // Of few rows nothing is gained.
    for (const ProductUse use : {ProductUse::kReading, ProductUse::kKept}) {
      CHECK(PlanOf(c.processor, {.use = use, .rows = 127}).by ==
            ProductBy::kLibTorch);
    }
  }
}

TEST_CASE("bf16 is widened where its instructions are absent or slow",
          "[kernels][policy]") {
  for (const Processor& p : {kIntelAmx, kAmdV4, kNoX86}) {
    INFO(p.name);
    CHECK(PlanOf(p, InBf16(kTrained)).by == ProductBy::kLibTorch);
    CHECK(PlanOf(p, InBf16(kRead)).by == ProductBy::kLibTorch);
    CHECK(PlanOf(p, InBf16(kLaidOut)).by == ProductBy::kOneDnn);
    CHECK(PlanOf(p, {.use = ProductUse::kKept, .bf16 = true, .rows = 127}).by ==
          ProductBy::kLibTorch);
  }
  for (const Processor& p : {kIntelHidden, kIntelV3, kAmdV3, kNeither}) {
    INFO(p.name);
    for (const WantedProduct& wanted : {kTrained, kRead, kLaidOut}) {
      CHECK(PlanOf(p, InBf16(wanted)).by == ProductBy::kWidened);
    }
  }
  ProcessorFacts no_bf16 = kAmdV4.facts;  // AVX-512 without its bf16 part
  no_bf16.avx512bf16 = false;
  CHECK(PlanProduct(no_bf16, InstructionSet::kV4, {.bf16 = true}).by ==
        ProductBy::kWidened);
}

TEST_CASE("the first cache and the streams are the maker's",
          "[kernels][policy]") {
  for (const Processor& p : kAll) {
    INFO(p.name);
    const bool intel = p.facts.maker == Maker::kIntel;
    CHECK(PlanOf(p).panel_terms == (intel ? 144 : 0));
    CHECK(PlanOf(p).follows_streams == intel);
  }
}

TEST_CASE("kernels forced to a lesser set take that set's plan",
          "[kernels][policy]") {
  for (const WantedProduct& wanted : {kTrained, kRead, kLaidOut}) {
    CHECK(PlanProduct(kAmdV4.facts, InstructionSet::kV3, wanted) ==
          PlanOf(kAmdV3, wanted));
    // LibTorch's bf16 products are its own.
    CHECK(PlanProduct(kAmdV4.facts, InstructionSet::kPlain, InBf16(wanted)) ==
          PlanOf(kAmdV4, InBf16(wanted)));
  }
}

TEST_CASE("this processor's plan is that of its facts and the set in use",
          "[kernels][policy]") {
  for (const InstructionSet set : SetsHere()) {
    const UseInstructionSet use(set);
    CHECK(PlanHere(kTrained) == PlanProduct(ThisProcessor(), set, kTrained));
  }
}

}  // namespace
}  // namespace sft::kernels::processor_policy_test
