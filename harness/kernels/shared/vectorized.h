// One function compiled for several instruction sets: Vectorized<kKernel>(...)
// calls kKernel as compiled for the set in use. kKernel, and all that it calls,
// must be SFT_INLINE. In a file without contraction every set gives the same
// bits. A kernel that computes with vectors of the compiler's wants
// for_instruction_sets.inc.
#ifndef HARNESS_KERNELS_SHARED_VECTORIZED_H_
#define HARNESS_KERNELS_SHARED_VECTORIZED_H_

#include "harness/kernels/shared/instruction_set.h"
#include "harness/kernels/shared/vector_math.h"

namespace sft::kernels {

template <auto kKernel>
struct OfSets;
template <class R, class... Args, R (*kKernel)(Args...)>
struct OfSets<kKernel> {
  using Function = R (*)(Args...);
  static R Plain(Args... args) { return kKernel(args...); }
#ifdef SFT_INSTRUCTION_SETS
  __attribute__((target("arch=x86-64-v3"))) static R V3(Args... args) {
    return kKernel(args...);
  }
  __attribute__((target("arch=x86-64-v4"))) static R V4(Args... args) {
    return kKernel(args...);
  }
#endif
};

// kKernel as compiled for the set in use.
template <auto kKernel>
typename OfSets<kKernel>::Function InUse() {
#ifdef SFT_INSTRUCTION_SETS
  switch (SetInUse()) {
    case InstructionSet::kV4:
      return OfSets<kKernel>::V4;
    case InstructionSet::kV3:
      return OfSets<kKernel>::V3;
    case InstructionSet::kPlain:
      break;
  }
#endif
  return OfSets<kKernel>::Plain;
}
template <auto kKernel, class... Args>
auto Vectorized(const Args&... args) {
  return InUse<kKernel>()(args...);
}

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_SHARED_VECTORIZED_H_
