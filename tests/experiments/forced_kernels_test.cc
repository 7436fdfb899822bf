// SFT_KERNELS as a user sets it.
#include <algorithm>
#include <string>
#include <vector>

#include "harness/kernels/shared/instruction_set.h"
#include "tests/support/catch_torch.h"
#include "tests/support/subprocess.h"

namespace sft::forced_kernels_test {
namespace {

support::Finished WithKernels(const std::string& set) {
  return support::RunProgram(
      {"/usr/bin/env", "SFT_KERNELS=" + set, SFTBENCH_BINARY, "--version"});
}

TEST_CASE("every instruction set of the processor can be forced, no other",
          "[experiments][instruction_set]") {
  const std::vector<kernels::InstructionSet> here = kernels::SetsHere();
  for (const kernels::InstructionSet set : kernels::kInstructionSets) {
    const std::string name(kernels::InstructionSetName(set));
    INFO(name);
    const bool has = std::find(here.begin(), here.end(), set) != here.end();
    const support::Finished done = WithKernels(name);
    CHECK(done.exit_status == (has ? 0 : 2));
    CHECK(done.error.empty() == has);
  }
  CHECK(WithKernels("").exit_status == 0);
  const support::Finished unknown = WithKernels("v5");
  CHECK(unknown.exit_status == 2);
  CHECK(unknown.out.empty());
  CHECK(unknown.error ==
        "error: SFT_KERNELS: unknown set 'v5', wanted plain, v3 or v4\n");
}

}  // namespace
}  // namespace sft::forced_kernels_test
