#include "harness/selfcheck/check.h"

#include <algorithm>
#include <optional>

#include "harness/core/catch_torch.h"
#include "harness/core/status.h"
#include "harness/core/stopwatch.h"
#include "harness/core/tensor_allocator.h"
#include "harness/selfcheck/checks.h"

namespace sft::selfcheck {

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPass:
      return "pass";
    case Outcome::kFail:
      return "FAIL";
    case Outcome::kNotAsked:
      break;
  }
  return "-";
}

const std::vector<Check>& AllChecks() {
  static const auto& checks = *new std::vector<Check>{
      TokensRoundTrip(),        BeginsOnce(),
      ChatEqualsTemplate(),     LabelsInPlace(),
      StopTokenBearsLoss(),     AccumulationIsOneBatch(),
      PackingChangesNothing(),  ResumedIsUninterrupted(),
      FrozenIsFrozen(),         MergingChangesNothing(),
      ExportsReadBack(),        EvaluationIgnoresBatches(),
      GenerationIsWholePasses()};
  return checks;
}

std::vector<CheckedRow> RunChecks(
    const Setting& setting,
    const std::function<void(const std::string&)>& say) {
  std::vector<CheckedRow> rows;
  for (const Check& check : AllChecks()) {
    if (say) say(check.name);
    const Stopwatch watch;
    std::optional<Finding> finding;
    const absl::Status status = CatchTorch([&]() -> absl::Status {
      SFT_ASSIGN_OR_RETURN(finding, check.run(setting));
      return absl::OkStatus();
    });
    if (!status.ok()) finding = Finding::Fail(ToStd(status.message()));
    rows.push_back(
        {check.name, check.claim, *std::move(finding), watch.WallSeconds()});
    ReleaseFreeTensorMemory();
  }
  return rows;
}

bool AllHold(const std::vector<CheckedRow>& rows) {
  return std::none_of(rows.begin(), rows.end(), [](const CheckedRow& row) {
    return row.finding.outcome == Outcome::kFail;
  });
}

}  // namespace sft::selfcheck
