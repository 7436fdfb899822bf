// A test case on every instruction set that this processor has.
#ifndef TESTS_SUPPORT_EVERY_SET_H_
#define TESTS_SUPPORT_EVERY_SET_H_

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "harness/kernels/shared/instruction_set.h"
#include "tests/support/catch_torch.h"
#include "tests/support/skips.h"

namespace sft::support {

// Those of this processor, the least first; the others are skipped.
inline std::vector<kernels::InstructionSet> EverySet() {
  const std::vector<kernels::InstructionSet> sets = kernels::SetsHere();
  for (const kernels::InstructionSet set : kernels::kInstructionSets) {
    if (std::find(sets.begin(), sets.end(), set) != sets.end()) continue;
    SkipPart(Need::kSets,
             absl::StrCat("this processor lacks ",
                          std::string(kernels::InstructionSetName(set))));
  }
  return sets;
}

}  // namespace sft::support

// Runs the rest of the test case once on each of them.
#define SFT_ON_EVERY_SET()                                \
  const sft::kernels::InstructionSet sft_set =            \
      GENERATE(from_range(sft::support::EverySet()));     \
  const sft::kernels::UseInstructionSet sft_use(sft_set); \
  INFO("instruction set " << std::string(                 \
           sft::kernels::InstructionSetName(sft_set)))

#endif  // TESTS_SUPPORT_EVERY_SET_H_
