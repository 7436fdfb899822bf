// What is measured of a row does not depend on the rows beside it.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"
#include "harness/core/status.h"
#include "harness/eval/scoring.h"
#include "harness/selfcheck/checks.h"
#include "harness/selfcheck/few_steps.h"

namespace sft::selfcheck {
namespace {

absl::StatusOr<Finding> CheckEvaluation(const Setting& setting) {
  SFT_ASSIGN_OR_RETURN(const std::vector<Example> rows, ExamplesOf(setting));
  SFT_ASSIGN_OR_RETURN(const std::unique_ptr<model::Model> model,
                       setting.open(setting.config));
  SFT_RETURN_IF_ERROR(model->ReadMaps());
  const double allowed = TolerancesOf(setting.config.dtype).answers;
  double off = 0;
  std::string of;
  if (setting.is_encoder()) {
    std::vector<at::Tensor> alone;
    for (const Example& row : rows) alone.push_back(AnswersOf(*model, {row}));
    off = Distance(AnswersOf(*model, rows), at::cat(alone));
    of = "the head's scores";
  } else {
    const eval::EvalScope scope(*model);
    const std::vector<eval::Wanted> targets = eval::TargetsOf(rows);
    const std::vector<double> alone =
        eval::LogProbabilities(*model, rows, targets, 1, nullptr);
    const std::vector<double> together =
        eval::LogProbabilities(*model, rows, targets, 1 << 12, nullptr);
    for (size_t i = 0; i < alone.size(); ++i) {
      const double distance =
          std::abs(together[i] - alone[i]) / std::max(1.0, -alone[i]);
      off = std::isfinite(distance) ? std::max(off, distance) : distance;
      if (!std::isfinite(off)) break;
    }
    of = absl::StrCat("log-probabilities of ", alone.size(), " tokens");
  }
  const std::string what =
      absl::StrFormat("one row a batch or %d: %s off by %.2g (allowed %.0g)",
                      rows.size(), of, off, allowed);
  return off <= allowed ? Finding::Pass(what) : Finding::Fail(what);
}

}  // namespace

Check EvaluationIgnoresBatches() {
  return {"evaluation", "a row's scores do not depend on its batch",
          CheckEvaluation};
}

}  // namespace sft::selfcheck
