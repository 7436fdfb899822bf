// Forgetting and transfer over a sequence of tasks, as pure functions.
// T tasks, counted from 1; R[i][j] = score on task j after round i; b[j] = the
// base model's score. A task's own round is the first that trains on it: the
// j-th, unless rounds replay earlier tasks or mix several. Scores are better
// when higher: those of losses enter negated, task by task.
#ifndef HARNESS_METRICS_FORGETTING_H_
#define HARNESS_METRICS_FORGETTING_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/records.h"

namespace sft::metrics {

struct ScoreMatrix {
  std::vector<std::vector<double>> R;  // [rounds][T tasks]
  std::vector<double> base;            // [T], or empty
  std::vector<size_t> own_round;       // [T] from 0; empty: task j's is j
};

// Of one task that is measured by a loss.
void NegateTask(size_t task, ScoreMatrix& scores);
// Rounds and tasks there are; R is square where tasks name no round of theirs.
absl::Status CheckScores(const ScoreMatrix& scores);

// OP = mean_j R[last][j].
double OverallPerformance(const ScoreMatrix& scores);
// mean_j R[own_j][j].
double LearningAccuracy(const ScoreMatrix& scores);
// BWT = mean over tasks with own_j < last of R[last][j] - R[own_j][j]: T-1 of
// them in a plain sequence, Lopez-Paz & Ranzato 2017, eq. 3. nullopt if there
// are none, as below.
std::optional<double> BackwardTransfer(const ScoreMatrix& scores);
// The same sum over T, as GEM's own code computes it.
double BackwardTransferGemCode(const ScoreMatrix& scores);
// FWT = mean over tasks with a round before theirs of R[own_j - 1][j] - b[j];
// nullopt also without a base.
std::optional<double> ForwardTransfer(const ScoreMatrix& scores);
// F = mean over tasks with own_j < last of max_{own_j<=l<last} R[l][j] -
// R[last][j], after Chaudhry et al. 2018.
std::optional<double> ChaudhryForgetting(const ScoreMatrix& scores);

// "sequence/<measure>" of all that stages of `train` trained on, by the primary
// metrics of the test splits of `evals`, each task in its own direction: above
// 0 is an improvement. A mean is over tasks of one unit; where these differ it
// is over changes against the base model as shares of its score, and its name
// says so ("_normalised"). Beside the means each task's own backward transfer.
// Empty with fewer than two rounds, or where a task is not scored.
absl::StatusOr<std::map<std::string, double>> SequenceForgetting(
    const std::vector<EvalRecord>& evals,
    const std::vector<std::string>& train);
// joint[j] - R[own_j][j], of each task; `joint` = scores of one model trained
// on all tasks together.
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

}  // namespace sft::metrics

#endif  // HARNESS_METRICS_FORGETTING_H_
