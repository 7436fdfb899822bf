// Experiment specs, up to their plan.
#include "harness/spec/cells.h"
#include "harness/spec/manifest.h"
#include "harness/spec/plan_text.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/harness/spec/spec_tables.h"

namespace sft::fuzz {

void Fuzz(std::string_view bytes) {
  // A spec of a million cells is well and good, and takes its time.
  const auto spec = spec::ReadSpecText("spec.yaml", bytes, spec::TestTables());
  if (!spec.ok()) return;
  spec::Complaints complaints;
  constexpr size_t kMany = 10000;
  if (spec::ExpandCells(*spec, spec::TestTables(), complaints).size() > kMany) {
    return;
  }
  // What reading refused ends the plan too.
  if (!spec->complaints.empty()) {
    const auto none = spec::ExpandPlan(
        *spec, spec::TestTables(), [](const spec::RunConfig& config) {
          return std::vector<std::string>{config.model};
        });
    if (none.ok()) std::abort();
    return;
  }
  const auto plan = spec::PlanOf(std::string(bytes));
  if (plan.ok()) {
    const auto again =
        spec::PlanFromText("manifest", spec::ManifestText(*plan), {});
    if (!again.ok()) std::abort();
  }
}

}  // namespace sft::fuzz
