#include "harness/kernels/shared/processor.h"

namespace sft::kernels {
namespace {

ProcessorFacts Read() {
#if defined(__x86_64__)
  ProcessorFacts facts;
  if (__builtin_cpu_is("intel")) facts.maker = Maker::kIntel;
  if (__builtin_cpu_is("amd")) facts.maker = Maker::kAmd;
#ifndef __clang__
  // Clang 14 has no name for these; its builds have the plain kernels alone
  // (instruction_set.h).
  facts.v3 = __builtin_cpu_supports("x86-64-v3") != 0;
  facts.v4 = __builtin_cpu_supports("x86-64-v4") != 0;
  facts.amx_bf16 = __builtin_cpu_supports("amx-bf16") != 0;
#endif
  facts.avx512bf16 = __builtin_cpu_supports("avx512bf16") != 0;
  return facts;
#else
  return {.x86_64 = false};
#endif
}

}  // namespace

const ProcessorFacts& ThisProcessor() {
  static const ProcessorFacts facts = Read();
  return facts;
}

}  // namespace sft::kernels
