// What the processor's instruction set does not tell of its speed.
#ifndef HARNESS_KERNELS_SHARED_PROCESSOR_H_
#define HARNESS_KERNELS_SHARED_PROCESSOR_H_

namespace sft::kernels {

inline bool IsIntelProcessor() {
#if defined(__x86_64__)
  static const bool is = __builtin_cpu_is("intel") != 0;
  return is;
#else
  return false;
#endif
}

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_SHARED_PROCESSOR_H_
