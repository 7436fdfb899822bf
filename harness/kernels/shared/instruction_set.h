// The instruction sets that the CPU's kernels are compiled for, and the one in
// use: the best that the processor has, or what SFT_KERNELS=plain|v3|v4 asks
// for. It is that of our own kernels alone: LibTorch's are chosen by LibTorch
// (ATEN_CPU_CAPABILITY).
#ifndef HARNESS_KERNELS_SHARED_INSTRUCTION_SET_H_
#define HARNESS_KERNELS_SHARED_INSTRUCTION_SET_H_

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/kernels/shared/processor.h"

// Defined where the compiler makes a function for another set than the file's.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define SFT_INSTRUCTION_SETS
#endif

namespace sft::kernels {

// From the least on: every x86-64 processor's, x86-64-v3, x86-64-v4.
enum class InstructionSet { kPlain, kV3, kV4 };
inline constexpr InstructionSet kInstructionSets[] = {
    InstructionSet::kPlain, InstructionSet::kV3, InstructionSet::kV4};

// "plain", "v3", "v4".
std::string_view InstructionSetName(InstructionSet set);

// Those that a processor has and kernels are compiled for, the least first.
std::vector<InstructionSet> SetsOf(const ProcessorFacts& facts);
std::vector<InstructionSet> SetsHere();

// The set named `forced`, or where that is empty the best; InvalidArgument
// where it names none, or one that the processor lacks.
absl::StatusOr<InstructionSet> ChooseSet(const ProcessorFacts& facts,
                                         std::string_view forced);

// Whether SFT_KERNELS is unset or names a set of this processor. A program asks
// before it uses a kernel.
absl::Status CheckForcedKernels();

// The set whose kernels are called now. Throws where CheckForcedKernels()
// fails.
InstructionSet SetInUse();

// For tests: another set is in use, on all threads, while this lives.
class UseInstructionSet {
 public:
  explicit UseInstructionSet(InstructionSet set);
  ~UseInstructionSet();
  UseInstructionSet(const UseInstructionSet&) = delete;
  UseInstructionSet& operator=(const UseInstructionSet&) = delete;

 private:
  const InstructionSet before_;
};

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_SHARED_INSTRUCTION_SET_H_
