#include "harness/record/validation_score.h"

#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"

namespace sft::record {

std::string RungSplit(int rung) {
  return absl::StrCat("validation_rung_", rung);
}

std::optional<ValidationScore> ScoreOfValidation(const RunRecord& record,
                                                 const std::string& measure,
                                                 std::string_view split) {
  const size_t slash = measure.rfind('/');
  const std::string metric_name =
      slash == std::string::npos ? measure : measure.substr(slash + 1);
  std::map<std::string, const EvalRecord*> last;  // by task
  for (const EvalRecord& eval : record.evals) {
    if (eval.split != split) continue;
    if (slash != std::string::npos && eval.task != measure.substr(0, slash)) {
      continue;
    }
    const EvalRecord*& known = last[eval.task];
    if (known == nullptr || eval.round >= known->round) known = &eval;
  }
  ValidationScore score;
  double sum = 0;
  size_t n = 0;
  for (const auto& [task, eval] : last) {
    for (const MetricRecord& metric : eval->metrics) {
      if (metric.name != metric_name || std::isnan(metric.value)) continue;
      score.higher_is_better = metric.higher_is_better;
      sum += metric.value;
      ++n;
      break;
    }
  }
  if (n == 0) return std::nullopt;
  score.value = sum / static_cast<double>(n);
  return score;
}

}  // namespace sft::record
