#include "harness/eval/forgetting.h"

#include <algorithm>

#include "harness/core/status.h"

namespace sft {
namespace {

// sum_{i<T} (R[T][i] - R[i][i]); the term i = T is 0.
double BackwardSum(const ScoreMatrix& scores) {
  double sum = 0;
  const std::vector<double>& last = scores.R.back();
  for (size_t i = 0; i + 1 < scores.R.size(); ++i) {
    sum += last[i] - scores.R[i][i];
  }
  return sum;
}

}  // namespace

ScoreMatrix NegateScores(ScoreMatrix scores) {
  for (std::vector<double>& row : scores.R) {
    for (double& value : row) value = -value;
  }
  for (double& value : scores.base) value = -value;
  return scores;
}

absl::Status CheckScores(const ScoreMatrix& scores) {
  const size_t tasks = scores.R.size();
  if (tasks == 0) return absl::InvalidArgumentError("no score");
  for (const std::vector<double>& row : scores.R) {
    if (row.size() != tasks) {
      return absl::InvalidArgumentError(
          absl::StrCat("a row of ", row.size(), " scores for ", tasks,
                       " rounds: wanted a square matrix"));
    }
  }
  if (!scores.base.empty() && scores.base.size() != tasks) {
    return absl::InvalidArgumentError(
        absl::StrCat(scores.base.size(), " base scores for ", tasks, " tasks"));
  }
  return absl::OkStatus();
}

double OverallPerformance(const ScoreMatrix& scores) {
  double sum = 0;
  for (double value : scores.R.back()) sum += value;
  return sum / static_cast<double>(scores.R.size());
}

double LearningAccuracy(const ScoreMatrix& scores) {
  double sum = 0;
  for (size_t i = 0; i < scores.R.size(); ++i) sum += scores.R[i][i];
  return sum / static_cast<double>(scores.R.size());
}

std::optional<double> BackwardTransfer(const ScoreMatrix& scores) {
  if (scores.R.size() < 2) return std::nullopt;
  return BackwardSum(scores) / static_cast<double>(scores.R.size() - 1);
}

double BackwardTransferGemCode(const ScoreMatrix& scores) {
  return BackwardSum(scores) / static_cast<double>(scores.R.size());
}

std::optional<double> ForwardTransfer(const ScoreMatrix& scores) {
  const size_t tasks = scores.R.size();
  if (tasks < 2 || scores.base.empty()) return std::nullopt;
  double sum = 0;
  for (size_t i = 1; i < tasks; ++i) {
    sum += scores.R[i - 1][i] - scores.base[i];
  }
  return sum / static_cast<double>(tasks - 1);
}

std::optional<double> ChaudhryForgetting(const ScoreMatrix& scores) {
  const size_t tasks = scores.R.size();
  if (tasks < 2) return std::nullopt;
  double sum = 0;
  for (size_t j = 0; j + 1 < tasks; ++j) {
    double best = scores.R[j][j];
    for (size_t l = j + 1; l + 1 < tasks; ++l) {
      best = std::max(best, scores.R[l][j]);
    }
    sum += best - scores.R.back()[j];
  }
  return sum / static_cast<double>(tasks - 1);
}

absl::StatusOr<std::vector<double>> Intransigence(
    const ScoreMatrix& scores, const std::vector<double>& joint) {
  if (joint.size() != scores.R.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(joint.size(), " scores of joint training for ",
                     scores.R.size(), " tasks"));
  }
  std::vector<double> out;
  for (size_t i = 0; i < joint.size(); ++i) {
    out.push_back(joint[i] - scores.R[i][i]);
  }
  return out;
}

absl::StatusOr<MetricRecord> ChangeAgainstBase(const MetricRecord& base,
                                               const MetricRecord& after) {
  if (base.name != after.name || base.signature != after.signature ||
      base.items.size() != after.items.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", after.name, "' (", after.signature, ", ", after.items.size(),
        " items) cannot be compared with the base model's '", base.name, "' (",
        base.signature, ", ", base.items.size(), " items)"));
  }
  MetricRecord change;
  change.name = after.name + "_change";
  change.unit = after.unit;
  change.signature = "after-minus-base|" + after.signature;
  change.higher_is_better = after.higher_is_better;
  change.value = after.value - base.value;
  for (size_t i = 0; i < after.items.size(); ++i) {
    change.items.push_back(after.items[i] - base.items[i]);
  }
  return change;
}

absl::StatusOr<MetricRecord> ChangeAgainstBase(const EvalRecord& base,
                                               const EvalRecord& after) {
  if (base.metrics.empty() || after.metrics.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(after.task, ": a record without a metric"));
  }
  if (base.task != after.task || base.row_ids != after.row_ids) {
    return absl::InvalidArgumentError(
        absl::StrCat(after.task,
                     ": measured on other items than the base "
                     "model's ",
                     base.task));
  }
  return ChangeAgainstBase(base.metrics[0], after.metrics[0]);
}

}  // namespace sft
