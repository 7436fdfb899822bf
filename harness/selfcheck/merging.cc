// Folding what was learnt into dense weights changes no answer.
#include <ATen/ATen.h>

#include <algorithm>

#include "absl/strings/str_format.h"
#include "harness/core/status.h"
#include "harness/model/ops/dense_linear.h"
#include "harness/selfcheck/checks.h"
#include "harness/selfcheck/few_steps.h"

namespace sft::selfcheck {
namespace {

bool IsDense(model::Model& model) {
  const auto& slots = model.linear_slots();
  return std::all_of(
      slots.begin(), slots.end(), [](const model::LinearSlot& slot) {
        return dynamic_cast<model::DenseLinear*>(slot.map.get()) != nullptr;
      });
}

absl::StatusOr<Finding> CheckMerging(const Setting& setting) {
  SFT_ASSIGN_OR_RETURN(const auto run, FewSteps::Make(setting));
  if (IsDense(run->model())) {
    return Finding::NotAsked("the method's maps are dense as they are");
  }
  SFT_RETURN_IF_ERROR(run->Run());
  const at::Tensor before = AnswersOf(run->model(), run->examples());
  SFT_RETURN_IF_ERROR(run->method().Merge());
  if (!IsDense(run->model())) {
    return Finding::Fail("a map is not dense after merging");
  }
  const double off = Distance(AnswersOf(run->model(), run->examples()), before);
  const double allowed = TolerancesOf(setting.config.dtype).answers;
  const std::string what = absl::StrFormat(
      "merged, %d rows of logits are off by %.2g (allowed %.0g)",
      before.size(0), off, allowed);
  return off <= allowed ? Finding::Pass(what) : Finding::Fail(what);
}

}  // namespace

Check MergingChangesNothing() {
  return {"merge", "merged into dense weights, the model answers the same",
          CheckMerging};
}

}  // namespace sft::selfcheck
