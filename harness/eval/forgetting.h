// Forgetting and transfer over a sequence of tasks, as pure functions.
// T tasks, counted from 1; R[i][j] = score on task j after round i; b[j] = the
// base model's score. Scores are better when higher: losses enter negated
// (NegateScores).
#ifndef HARNESS_EVAL_FORGETTING_H_
#define HARNESS_EVAL_FORGETTING_H_

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/records.h"

namespace sft {

struct ScoreMatrix {
  std::vector<std::vector<double>> R;  // [T rounds][T tasks]
  std::vector<double> base;            // [T], or empty
};

// For measures that are losses.
ScoreMatrix NegateScores(ScoreMatrix scores);
// R is square and not empty, base is empty or as wide.
absl::Status CheckScores(const ScoreMatrix& scores);

// OP = mean_j R[T][j].
double OverallPerformance(const ScoreMatrix& scores);
// mean_i R[i][i].
double LearningAccuracy(const ScoreMatrix& scores);
// BWT = sum_{i<T} (R[T][i] - R[i][i]) / (T-1), Lopez-Paz & Ranzato 2017, eq. 3.
// nullopt with one task, as below.
std::optional<double> BackwardTransfer(const ScoreMatrix& scores);
// The same sum over T, as GEM's own code computes it.
double BackwardTransferGemCode(const ScoreMatrix& scores);
// FWT = sum_{i>=2} (R[i-1][i] - b[i]) / (T-1); nullopt also without a base.
std::optional<double> ForwardTransfer(const ScoreMatrix& scores);
// F = sum_{j<T} (max_{j<=l<T} R[l][j] - R[T][j]) / (T-1), after Chaudhry et
// al. 2018 with the maximum from the round that trained the task on.
std::optional<double> ChaudhryForgetting(const ScoreMatrix& scores);
// joint[i] - R[i][i], of each task; `joint` = scores of one model trained on
// all tasks together.
absl::StatusOr<std::vector<double>> Intransigence(
    const ScoreMatrix& scores, const std::vector<double>& joint);

// `after` minus `base` of one metric on the same items: "<name>_change", with
// the difference of each item. Above 0 is forgetting where lower is better.
// Error if name, signature or number of items differ.
absl::StatusOr<MetricRecord> ChangeAgainstBase(const MetricRecord& base,
                                               const MetricRecord& after);
// The same for the primary metrics of two records, whose task and row ids
// must agree too.
absl::StatusOr<MetricRecord> ChangeAgainstBase(const EvalRecord& base,
                                               const EvalRecord& after);

}  // namespace sft

#endif  // HARNESS_EVAL_FORGETTING_H_
