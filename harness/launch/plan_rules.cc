// The rules of plan_checks.h. To add one, write a function and its row at the
// end, and an input that it refuses in tests/experiments/broken_inputs_test.cc.
#include <algorithm>

#include "harness/core/status.h"
#include "harness/data/render_head.h"
#include "harness/launch/plan_checks.h"

namespace sft {
namespace {

// Learned positions end; rotary ones go on, on what the model never saw.
std::optional<Finding> PositionsFit(const CellFacts& facts) {
  const int64_t positions = facts.model.max_positions();
  if (facts.config.max_length <= positions) return std::nullopt;
  if (facts.model.learned_positions()) {
    return Finding{
        "max_length",
        absl::StrCat("above the ", positions, " positions that ",
                     facts.config.model,
                     " has learned; set max_length to at most ", positions)};
  }
  return Finding{"max_length",
                 absl::StrCat("above the ", positions, " positions that ",
                              facts.config.model,
                              " was trained on; results beyond them are "
                              "those of a model out of its range"),
                 /*is_warning=*/true};
}

}  // namespace

const std::vector<CellRule>& AllCellRules() {
  static const auto& rules = *new std::vector<CellRule>{PositionsFit};
  return rules;
}

const std::vector<PlanRule>& AllPlanRules() {
  static const auto& rules = *new std::vector<PlanRule>{};
  return rules;
}

}  // namespace sft
