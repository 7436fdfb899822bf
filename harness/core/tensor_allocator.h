// The memory of CPU tensors: kept for the next step instead of given back to
// the kernel, which would have to clear every page anew, and counted by what it
// is held for.
#ifndef HARNESS_CORE_TENSOR_ALLOCATOR_H_
#define HARNESS_CORE_TENSOR_ALLOCATOR_H_

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <string_view>

namespace sft {

enum class MemoryUse { kOther, kWeights, kOptimizer, kGradients, kActivations };
inline constexpr int kMemoryUses = 5;
std::string_view MemoryUseName(MemoryUse use);  // "weights", ...

// What this thread allocates while the scope lives is held for `use`.
class MemoryScope {
 public:
  explicit MemoryScope(MemoryUse use);
  ~MemoryScope();
  MemoryScope(const MemoryScope&) = delete;
  MemoryScope& operator=(const MemoryScope&) = delete;

 private:
  MemoryUse before_;
};

// Bytes handed out by use. Tensors below a page are not counted.
struct TensorMemory {
  std::array<int64_t, kMemoryUses> bytes{};
  int64_t total() const;
};

// From now on every CPU tensor's memory comes from one range of addresses,
// reserved for as many bytes as the machine has and backed as it is touched.
// Call before the first tensor; later calls change nothing. False, and all as
// it was, where the range is refused.
bool InstallTensorAllocator();

TensorMemory CurrentTensorMemory();
// As it was when the total was highest since the last reset.
TensorMemory PeakTensorMemory();
void ResetPeakTensorMemory();
// Says what a tensor's memory is held for from now on.
void HoldFor(const at::Tensor& tensor, MemoryUse use);
// Zeros in the shape and type of `like`. On the CPU their whole pages are the
// kernel's own zeros, which take memory when they are first written: a gigabyte
// of moments then costs nothing before the first step.
at::Tensor ZerosLike(const at::Tensor& like);
// Gives the pages of free memory back to the kernel.
void ReleaseFreeTensorMemory();

}  // namespace sft

#endif  // HARNESS_CORE_TENSOR_ALLOCATOR_H_
