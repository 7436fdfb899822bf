// Experiment specs, up to their plan.
#include "harness/spec/manifest.h"
#include "harness/spec/plan_text.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/harness/spec/spec_tables.h"

namespace sft::fuzz {

void Fuzz(std::string_view bytes) {
  const auto plan = spec::PlanOf(std::string(bytes));
  if (plan.ok()) {
    const auto again =
        spec::PlanFromText("manifest", spec::ManifestText(*plan));
    if (!again.ok()) std::abort();
  }
}

}  // namespace sft::fuzz
