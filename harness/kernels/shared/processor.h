// What is known of a processor: all that the kernels' policy asks
// (processor_policy.h).
#ifndef HARNESS_KERNELS_SHARED_PROCESSOR_H_
#define HARNESS_KERNELS_SHARED_PROCESSOR_H_

namespace sft::kernels {

enum class Maker { kIntel, kAmd, kOther };

// The default is the least that an x86-64 processor has.
struct ProcessorFacts {
  bool x86_64 = true;
  Maker maker = Maker::kOther;
  bool v3 = false, v4 = false;  // the levels x86-64-v3 (AVX2) and -v4 (AVX-512)
  bool avx512bf16 = false, amx_bf16 = false;
};

// Of the processor that this runs on; read once.
const ProcessorFacts& ThisProcessor();

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_SHARED_PROCESSOR_H_
