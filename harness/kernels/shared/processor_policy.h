// What is fastest on which processor: the one place where a maker counts. A
// pure function, so that every processor's plan can be tested on any; the
// figures that it rests on stand beside its lines. No plan changes what a
// product means, only the order of its sums.
// M rows, N columns, K terms of a sum.
#ifndef HARNESS_KERNELS_SHARED_PROCESSOR_POLICY_H_
#define HARNESS_KERNELS_SHARED_PROCESSOR_POLICY_H_

#include <cstdint>

#include "harness/kernels/shared/instruction_set.h"
#include "harness/kernels/shared/processor.h"

namespace sft::kernels {

enum class ProductUse {
  kTraining,  // of operands that change from one to the next
  kReading,   // without a gradient, the weight as it lies
  kKept,      // without a gradient, a weight laid out once for many products
};

// A product on the CPU of matrices [M, K] and [K, N], dense and of one type.
struct WantedProduct {
  ProductUse use = ProductUse::kTraining;
  bool bf16 = false;               // else f32
  int64_t rows = 0;                // M
  int64_t columns = 0, depth = 0;  // N and K: asked in training only
};

enum class ProductBy {
  kLibTorch,  // f32 by MKL, bf16 by oneDNN
  kTiles,     // tile_product.h
  kOneDnn,    // its operators that LibTorch keeps for its compiler
  kWidened,   // bf16 operands multiplied as f32
};

struct ProductPlan {
  ProductBy by = ProductBy::kLibTorch;
  // Of our own kernels, whatever makes this product.
  // The most terms of a tile product's panel that all rows of a pass read
  // before they read the next ones; 0 = all that are laid out at once.
  int64_t panel_terms = 0;
  // Rows of a weight are read several at once (gemv.h).
  bool follows_streams = false;

  bool operator==(const ProductPlan&) const = default;
};

// On a processor whose kernels in use are those of `kernels`.
ProductPlan PlanProduct(const ProcessorFacts& facts, InstructionSet kernels,
                        const WantedProduct& wanted);

// On this processor, with the kernels in use.
ProductPlan PlanHere(const WantedProduct& wanted = {});

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_SHARED_PROCESSOR_POLICY_H_
