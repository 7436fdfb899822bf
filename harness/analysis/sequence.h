// A sequence of tasks: R[r][j], the score on task j after round r, r = 0 the
// base model, of all tasks and all that is retained; and what follows from it,
// with errors over seeds and items. Definitions: harness/metrics/forgetting.h.
// In a mean over rounds that were chosen by their scores (Chaudhry's best),
// the choice counts as given, and so does the base that changes are shares of.
#ifndef HARNESS_ANALYSIS_SEQUENCE_H_
#define HARNESS_ANALYSIS_SEQUENCE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/analysis/aggregate.h"
#include "harness/analysis/contrast.h"

namespace sft::analysis {

struct ScoreColumn {
  std::string task;
  std::string metric;  // the primary one
  std::string unit;
  bool higher_is_better = true;
  std::optional<size_t> own_round;  // the first that trains on it, from 1
};

// Of one run: [rounds + 1][columns].
using ScoreRows = std::vector<std::vector<std::optional<ModelScore>>>;

// Of one cell.
struct SequenceScores {
  std::vector<std::string> stages;   // of training, in order
  std::vector<ScoreColumn> columns;  // trained, in order; then the others
  std::map<int64_t, ScoreRows> seeds;
  // Of the run on all of these tasks at once that is otherwise most alike.
  std::map<int64_t, std::vector<std::optional<ModelScore>>> joint;
};

// nullopt for a cell without a run that is ok, or that trains nothing.
std::optional<SequenceScores> ScoresOfCell(const Results& results,
                                           const ResultCell& cell);

// R[round][column]. The base model is one, whatever the seeds.
std::optional<Estimate> ScoreAfter(const SequenceScores& scores, size_t round,
                                   size_t column, const std::string& salt);

// What a sequence's number says: a score, or where above 0 is a gain or a loss.
enum class Reading { kScore, kGain, kLoss };

// A number of a sequence: a mean over its tasks, or of one of them.
struct SequenceMeasure {
  std::string name;   // "backward_transfer", "..._normalised"
  std::string title;  // "BWT"
  std::string task;   // "" = mean over tasks of one scale and direction
  std::string unit;
  Reading reading = Reading::kScore;
  bool higher_is_better = true;     // of a score, which is as measured
  std::vector<std::string> groups;  // the task of each of a seed's groups
  std::map<int64_t, SeedContrast> seeds;
};
// Of at least two rounds. Where the tasks of a mean differ in unit or
// direction it is over changes as shares of the base's score, its name ends in
// "_normalised", and each task's own number stands beside it.
std::vector<SequenceMeasure> MeasuresOf(const SequenceScores& scores);

std::optional<Estimate> EstimateOf(const SequenceMeasure& measure,
                                   const std::string& salt);
// By the seeds that both have, task by task, in whatever order each trains
// them; nullopt where there are none, or the means are over other tasks.
std::optional<Estimate> DifferenceOf(const SequenceMeasure& one,
                                     const SequenceMeasure& other,
                                     const std::string& salt);

// The run of the same method and seed on the mixture of all data sets that
// `run` trains on one after another: the one of these with the fewest other
// fields that differ. nullptr where there is none, or several are as like.
const CollectedRun* JointRunOf(const Results& results, const CollectedRun& run);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_SEQUENCE_H_
