#include "harness/kernels/shared/instruction_set.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "harness/core/status.h"

namespace sft::kernels {
namespace {

constexpr char kVariable[] = "SFT_KERNELS";

std::string_view ForcedName() {
  const char* name = std::getenv(kVariable);
  return name != nullptr ? name : "";
}

std::string Names(const std::vector<InstructionSet>& sets) {
  return absl::StrJoin(sets, ", ", [](std::string* out, InstructionSet set) {
    out->append(InstructionSetName(set));
  });
}

bool Holds(const std::vector<InstructionSet>& sets, InstructionSet set) {
  return std::find(sets.begin(), sets.end(), set) != sets.end();
}

std::atomic<InstructionSet>& Current() {
  static std::atomic<InstructionSet> set([] {
    const absl::StatusOr<InstructionSet> chosen =
        ChooseSet(ThisProcessor(), ForcedName());
    TORCH_CHECK(chosen.ok(), std::string(chosen.status().message()));
    return *chosen;
  }());
  return set;
}

}  // namespace

std::string_view InstructionSetName(InstructionSet set) {
  switch (set) {
    case InstructionSet::kPlain:
      return "plain";
    case InstructionSet::kV3:
      return "v3";
    case InstructionSet::kV4:
      return "v4";
  }
  return "";
}

std::vector<InstructionSet> SetsOf(const ProcessorFacts& facts) {
  std::vector<InstructionSet> sets = {InstructionSet::kPlain};
#ifdef SFT_INSTRUCTION_SETS
  if (facts.v3) sets.push_back(InstructionSet::kV3);
  if (facts.v4) sets.push_back(InstructionSet::kV4);
#else
  static_cast<void>(facts);
#endif
  return sets;
}

std::vector<InstructionSet> SetsHere() { return SetsOf(ThisProcessor()); }

absl::StatusOr<InstructionSet> ChooseSet(const ProcessorFacts& facts,
                                         std::string_view forced) {
  const std::vector<InstructionSet> sets = SetsOf(facts);
  if (forced.empty()) return sets.back();
  for (const InstructionSet set : kInstructionSets) {
    if (InstructionSetName(set) != forced) continue;
    if (Holds(sets, set)) return set;
    return InputError(
        kVariable,
        absl::StrCat("this processor lacks the instructions of ",
                     ToAbsl(forced), ", it has those of ", Names(sets)));
  }
  return InputError(kVariable, absl::StrCat("unknown set '", ToAbsl(forced),
                                            "', wanted plain, v3 or v4"));
}

absl::Status CheckForcedKernels() {
  return ChooseSet(ThisProcessor(), ForcedName()).status();
}

InstructionSet SetInUse() { return Current().load(std::memory_order_relaxed); }

UseInstructionSet::UseInstructionSet(InstructionSet set) : before_(SetInUse()) {
  TORCH_CHECK(Holds(SetsHere(), set), "no ",
              std::string(InstructionSetName(set)), " instructions here");
  Current().store(set, std::memory_order_relaxed);
}
UseInstructionSet::~UseInstructionSet() {
  Current().store(before_, std::memory_order_relaxed);
}

}  // namespace sft::kernels
