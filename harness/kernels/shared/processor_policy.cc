#include "harness/kernels/shared/processor_policy.h"

namespace sft::kernels {
namespace {

// Without bf16 instructions oneDNN's bf16 product is nine times slower than f32
// (512 x 576 x 1536, one AVX2 core: 93 ms against 10 ms). Intel's vectors make
// half as many products a cycle in bf16 as in f32 (80 against 145 GFLOP/s); its
// matrix unit is another matter.
bool MultipliesBf16(const ProcessorFacts& facts) {
  if (!facts.x86_64) return true;
  return facts.avx512bf16 && (facts.maker != Maker::kIntel || facts.amx_bf16);
}

// In training b is laid out for one product, which must not weigh against it:
// of few rows, or as many columns as a vocabulary has, BLAS makes as much.
constexpr int64_t kLeast = 128;
constexpr int64_t kMostColumns = 8192;
// MKL uses the wide vectors of its maker's processors, and is the faster one
// there (155 against 140 to 155 GFLOP/s).
bool TilesOutrunBlas(const ProcessorFacts& facts, InstructionSet kernels,
                     const WantedProduct& wanted) {
  return kernels == InstructionSet::kV4 && facts.maker != Maker::kIntel &&
         wanted.rows >= kLeast && wanted.columns >= kLeast &&
         wanted.depth >= kLeast && wanted.columns <= kMostColumns;
}

// Rows from which on oneDNN, or a weight that is laid out, is the faster one.
constexpr int64_t kLeastRead = 128;

ProductBy Bf16Product(const ProcessorFacts& facts,
                      const WantedProduct& wanted) {
  if (!MultipliesBf16(facts)) return ProductBy::kWidened;
  return wanted.use == ProductUse::kKept && wanted.rows >= kLeastRead
             ? ProductBy::kOneDnn
             : ProductBy::kLibTorch;
}

ProductBy F32Product(const ProcessorFacts& facts, InstructionSet kernels,
                     const WantedProduct& wanted) {
  if (wanted.use == ProductUse::kTraining) {
    return TilesOutrunBlas(facts, kernels, wanted) ? ProductBy::kTiles
                                                   : ProductBy::kLibTorch;
  }
  if (wanted.rows < kLeastRead) return ProductBy::kLibTorch;
  // Laid out once, a matrix outruns BLAS wherever the tiles are wide.
  if (wanted.use == ProductUse::kKept && kernels == InstructionSet::kV4) {
    return ProductBy::kTiles;
  }
  // Intel's MKL is faster still than oneDNN (155 against 140 GFLOP/s).
  return facts.maker == Maker::kIntel ? ProductBy::kLibTorch
                                      : ProductBy::kOneDnn;
}

}  // namespace

ProductPlan PlanProduct(const ProcessorFacts& facts, InstructionSet kernels,
                        const WantedProduct& wanted) {
  const bool intel = facts.maker == Maker::kIntel;
  return {
      .by = wanted.bf16 ? Bf16Product(facts, wanted)
                        : F32Product(facts, kernels, wanted),
      // So many stay in the first cache of Intel's processors, whose kernels
      // starve where a panel comes from the second one (160 against 150
      // GFLOP/s). AMD's first cache is smaller, and its kernels do not.
      .panel_terms = intel ? 144 : 0,
      // Intel's cores read four rows at once a quarter faster than one after
      // the other (13 to 15 against 11 GB/s, of up to 7 rows of x); AMD's are
      // faster with one.
      .follows_streams = intel,
  };
}

ProductPlan PlanHere(const WantedProduct& wanted) {
  return PlanProduct(ThisProcessor(), SetInUse(), wanted);
}

}  // namespace sft::kernels
