#include "harness/analysis/sequence.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "harness/analysis/comparison.h"
#include "harness/spec/mixture.h"

namespace sft::analysis {
namespace {

const EvalRecord* EvalAfter(const record::RunRecord& record,
                            const std::string& task, int64_t round) {
  for (const char* split : {"test", "heldout"}) {
    for (const EvalRecord& eval : record.evals) {
      if (eval.task == task && eval.split == split && eval.round == round) {
        return &eval;
      }
    }
  }
  return nullptr;
}

// In the order of their first round.
std::vector<std::string> TrainedSets(const spec::RunConfig& config) {
  std::vector<std::string> sets;
  for (const std::string& stage : config.train) {
    const auto own = spec::SetsOf({stage});
    if (!own.ok()) continue;
    for (const std::string& set : *own) {
      if (std::find(sets.begin(), sets.end(), set) == sets.end()) {
        sets.push_back(set);
      }
    }
  }
  return sets;
}

std::optional<size_t> OwnRound(const spec::RunConfig& config,
                               const std::string& task) {
  for (size_t round = 0; round < config.train.size(); ++round) {
    const auto sets = spec::SetsOf({config.train[round]});
    if (sets.ok() && std::find(sets->begin(), sets->end(), task) != sets->end())
      return round + 1;
  }
  return std::nullopt;
}

std::vector<ScoreColumn> ColumnsOf(const record::RunRecord& record) {
  std::vector<std::string> tasks;
  const auto add = [&](const std::vector<std::string>& more) {
    for (const std::string& task : more) {
      if (std::find(tasks.begin(), tasks.end(), task) == tasks.end()) {
        tasks.push_back(task);
      }
    }
  };
  add(TrainedSets(record.config));
  add(record.config.evaluate);
  add(record.config.retain);
  std::vector<ScoreColumn> columns;
  for (const std::string& task : tasks) {
    const EvalRecord* eval = TestEval(record, task);
    if (eval == nullptr || eval->metrics.empty()) continue;
    const MetricRecord& primary = eval->metrics[0];
    columns.push_back({.task = task,
                       .metric = primary.name,
                       .unit = primary.unit,
                       .higher_is_better = primary.higher_is_better,
                       .own_round = OwnRound(record.config, task)});
  }
  return columns;
}

// A sum over tasks of what one row of the table below says of each.
// Its tasks: all, those whose own round is not the last, not the first.
enum class Which { kAll, kEarlier, kLater };
struct MeasureRow {
  const char* name;
  const char* title;
  const char* normalised;
  Reading reading;
  Which tasks;
  // R's rows that are added and taken off; -1 = none, -2 = the joint run's.
  int (*plus)(const ScoreRows& R, const ScoreColumn& column, size_t j);
  int (*minus)(const ScoreRows& R, const ScoreColumn& column, size_t j);
  bool divides_by_all = false;  // as GEM's code does
};
constexpr int kNoRow = -1, kJoint = -2;

int Last(const ScoreRows& R, const ScoreColumn&, size_t) {
  return static_cast<int>(R.size()) - 1;
}
int Own(const ScoreRows&, const ScoreColumn& column, size_t) {
  return static_cast<int>(*column.own_round);
}
int BeforeOwn(const ScoreRows&, const ScoreColumn& column, size_t) {
  return static_cast<int>(*column.own_round) - 1;
}
int Base(const ScoreRows&, const ScoreColumn&, size_t) { return 0; }
int NoRow(const ScoreRows&, const ScoreColumn&, size_t) { return kNoRow; }
int OfJoint(const ScoreRows&, const ScoreColumn&, size_t) { return kJoint; }
// The best from its own round on, the last round left out.
int Best(const ScoreRows& R, const ScoreColumn& column, size_t j) {
  size_t best = *column.own_round;
  for (size_t r = best; r + 1 < R.size(); ++r) {
    const double gain = R[r][j]->value - R[best][j]->value;
    if (column.higher_is_better ? gain > 0 : gain < 0) best = r;
  }
  return static_cast<int>(best);
}

const std::vector<MeasureRow>& Measures() {
  static const auto& rows = *new std::vector<MeasureRow>{
      {"overall_performance", "OP", "overall_change_normalised",
       Reading::kScore, Which::kAll, Last, NoRow},
      {"learning_accuracy", "learning accuracy", "learning_change_normalised",
       Reading::kScore, Which::kAll, Own, NoRow},
      {"backward_transfer", "BWT", "backward_transfer_normalised",
       Reading::kGain, Which::kEarlier, Last, Own},
      {"backward_transfer_gem_code", "BWT, divided by all tasks",
       "backward_transfer_gem_code_normalised", Reading::kGain, Which::kEarlier,
       Last, Own, true},
      {"forward_transfer", "FWT", "forward_transfer_normalised", Reading::kGain,
       Which::kLater, BeforeOwn, Base},
      {"chaudhry_forgetting", "Chaudhry F", "chaudhry_forgetting_normalised",
       Reading::kLoss, Which::kEarlier, Best, Last},
      {"intransigence", "intransigence", "intransigence_normalised",
       Reading::kLoss, Which::kAll, OfJoint, Own},
  };
  return rows;
}

std::vector<size_t> TrainedColumns(Which which, const SequenceScores& scores) {
  std::vector<size_t> tasks;
  const size_t last = scores.stages.size();
  for (size_t j = 0; j < scores.columns.size(); ++j) {
    const std::optional<size_t>& own = scores.columns[j].own_round;
    if (!own.has_value()) continue;
    if (which == Which::kEarlier && *own == last) continue;
    if (which == Which::kLater && *own == 1) continue;
    tasks.push_back(j);
  }
  return tasks;
}

// All scores of the trained tasks, and what the row takes of the joint run.
bool IsWhole(const ScoreRows& R, const std::vector<size_t>& tasks) {
  return std::all_of(R.begin(), R.end(), [&](const auto& row) {
    return std::all_of(tasks.begin(), tasks.end(),
                       [&](size_t j) { return row[j].has_value(); });
  });
}

class MeasureMaker {
 public:
  MeasureMaker(const SequenceScores& scores, const MeasureRow& row)
      : scores_(scores), row_(row) {}

  // The mean over `tasks`; of changes against the base, as shares of it, if
  // `normalised`.
  SequenceMeasure Of(const std::vector<size_t>& tasks, bool normalised) const {
    const ScoreColumn& first = scores_.columns[tasks[0]];
    SequenceMeasure measure;
    measure.name = normalised ? row_.normalised : row_.name;
    measure.title = row_.title;
    if (normalised) measure.title += " (change as a share of the base)";
    measure.unit = normalised ? "1" : first.unit;
    measure.reading = row_.reading;
    const bool is_absolute = row_.minus == NoRow;
    measure.higher_is_better =
        is_absolute && !normalised ? first.higher_is_better : true;
    const size_t all = TrainedColumns(Which::kAll, scores_).size();
    const double n =
        static_cast<double>(row_.divides_by_all ? all : tasks.size());
    for (const size_t j : tasks) {
      measure.groups.push_back(scores_.columns[j].task);
    }
    for (const auto& one : scores_.seeds) {
      const int64_t seed = one.first;
      const auto& R = one.second;
      if (!IsWhole(R, tasks)) continue;
      SeedContrast contrast;
      bool is_whole = true;
      for (const size_t j : tasks) {
        const ScoreColumn& column = scores_.columns[j];
        const bool turned =
            !column.higher_is_better && (normalised || !is_absolute);
        double weight = (turned ? -1 : 1) / n;
        if (normalised) {
          const double base = std::abs(R[0][j]->value);
          if (base == 0) is_whole = false;
          weight /= base;
        }
        ItemGroup group;
        const auto add = [&](int place, double coefficient) {
          if (place == kNoRow) return;
          const std::optional<ModelScore> score =
              place == kJoint ? JointScore(seed, j)
                              : R[static_cast<size_t>(place)][j];
          if (!score.has_value()) is_whole = false;
          if (score.has_value()) group.push_back({*score, coefficient});
        };
        add(row_.plus(R, column, j), weight);
        const int minus = row_.minus(R, column, j);
        add(minus == kNoRow && normalised ? 0 : minus, -weight);
        contrast.push_back(std::move(group));
      }
      if (is_whole) measure.seeds.emplace(seed, std::move(contrast));
    }
    return measure;
  }

 private:
  std::optional<ModelScore> JointScore(int64_t seed, size_t j) const {
    const auto joint = scores_.joint.find(seed);
    return joint == scores_.joint.end() ? std::nullopt : joint->second[j];
  }

  const SequenceScores& scores_;
  const MeasureRow& row_;
};

std::vector<SeedContrast> ContrastsOf(const SequenceMeasure& measure) {
  std::vector<SeedContrast> contrasts;
  for (const auto& [seed, contrast] : measure.seeds) {
    contrasts.push_back(contrast);
  }
  return contrasts;
}

// Where the groups of `wanted` stand in `other`; nullopt for other tasks.
std::optional<std::vector<size_t>> PlacesIn(const SequenceMeasure& other,
                                            const SequenceMeasure& wanted) {
  if (other.groups.size() != wanted.groups.size()) return std::nullopt;
  std::vector<size_t> places;
  for (const std::string& task : wanted.groups) {
    const auto it = std::find(other.groups.begin(), other.groups.end(), task);
    if (it == other.groups.end()) return std::nullopt;
    places.push_back(static_cast<size_t>(it - other.groups.begin()));
  }
  return places;
}

// How many fields of two configs differ, those that only one has among them,
// those of the training set and of the budget, which must, left out.
size_t Differing(const spec::RunConfig& a, const spec::RunConfig& b) {
  const std::map<std::string, std::string> one = spec::ConfigFields(a);
  const std::map<std::string, std::string> other = spec::ConfigFields(b);
  const auto counts = [](const std::string& name) {
    return name != "train" && name.rfind("budget.", 0) != 0;
  };
  size_t count = 0;
  for (const auto& [name, value] : one) {
    const auto it = other.find(name);
    count += counts(name) && (it == other.end() || it->second != value);
  }
  for (const auto& [name, value] : other) {
    count += counts(name) && !one.contains(name);
  }
  return count;
}

}  // namespace

const CollectedRun* JointRunOf(const Results& results,
                               const CollectedRun& run) {
  const spec::RunConfig& config = run.planned.config;
  std::vector<std::string> sets = TrainedSets(config);
  std::sort(sets.begin(), sets.end());
  const CollectedRun* found = nullptr;
  size_t fewest = 0;
  bool several = false;
  for (const CollectedRun& other : results.runs) {
    const spec::RunConfig& theirs = other.planned.config;
    if (!other.ok() || theirs.train.size() != 1 ||
        theirs.method != config.method || theirs.model != config.model ||
        theirs.seed != config.seed) {
      continue;
    }
    std::vector<std::string> their_sets = TrainedSets(theirs);
    std::sort(their_sets.begin(), their_sets.end());
    if (their_sets != sets) continue;
    const size_t differing = Differing(config, theirs);
    if (found != nullptr && differing == fewest) several = true;
    if (found == nullptr || differing < fewest) {
      found = &other;
      fewest = differing;
      several = false;
    }
  }
  return several ? nullptr : found;
}

std::optional<SequenceScores> ScoresOfCell(const Results& results,
                                           const ResultCell& cell) {
  SequenceScores scores;
  for (const size_t index : cell.runs) {
    const CollectedRun& run = results.runs[index];
    if (!run.ok() || run.planned.config.train.empty()) continue;
    const record::RunRecord& record = *run.record;
    if (scores.seeds.empty()) {
      scores.stages = record.config.train;
      scores.columns = ColumnsOf(record);
    }
    ScoreRows& R = scores.seeds[record.config.seed];
    for (size_t round = 0; round <= scores.stages.size(); ++round) {
      auto& row = R.emplace_back();
      for (const ScoreColumn& column : scores.columns) {
        row.push_back(
            ScoreOf(EvalAfter(record, column.task, static_cast<int64_t>(round)),
                    column.metric));
      }
    }
    const CollectedRun* joint =
        scores.stages.size() < 2 ? nullptr : JointRunOf(results, run);
    if (joint == nullptr) continue;
    auto& row = scores.joint[record.config.seed];
    for (const ScoreColumn& column : scores.columns) {
      row.push_back(
          ScoreOf(TestEval(*joint->record, column.task), column.metric));
    }
  }
  if (scores.columns.empty()) return std::nullopt;
  return scores;
}

std::optional<Estimate> ScoreAfter(const SequenceScores& scores, size_t round,
                                   size_t column, const std::string& salt) {
  std::vector<SeedContrast> seeds;
  for (const auto& [seed, R] : scores.seeds) {
    const std::optional<ModelScore>& score = R[round][column];
    if (!score.has_value()) return std::nullopt;
    seeds.push_back({{{*score, 1}}});
    if (round == 0) break;
  }
  return EstimateOf(seeds, absl::StrCat(salt, "\n", round, "\n",
                                        scores.columns[column].task));
}

std::vector<SequenceMeasure> MeasuresOf(const SequenceScores& scores) {
  std::vector<SequenceMeasure> measures;
  if (scores.stages.size() < 2) return measures;
  const auto sets = spec::SetsOf(scores.stages);
  if (!sets.ok()) return measures;
  // A mean without a task that is not scored would be another measure.
  if (TrainedColumns(Which::kAll, scores).size() !=
      std::set<std::string>(sets->begin(), sets->end()).size()) {
    return measures;
  }
  const auto add = [&](SequenceMeasure measure) {
    if (!measure.seeds.empty()) measures.push_back(std::move(measure));
  };
  for (const MeasureRow& row : Measures()) {
    const std::vector<size_t> tasks = TrainedColumns(row.tasks, scores);
    if (tasks.empty()) continue;
    const ScoreColumn& first = scores.columns[tasks[0]];
    const bool alike = std::all_of(tasks.begin(), tasks.end(), [&](size_t j) {
      const ScoreColumn& column = scores.columns[j];
      return column.unit == first.unit &&
             column.higher_is_better == first.higher_is_better;
    });
    const MeasureMaker maker(scores, row);
    add(maker.Of(tasks, /*normalised=*/!alike));
    if (alike || row.divides_by_all) continue;
    for (const size_t j : tasks) {
      SequenceMeasure own = maker.Of({j}, /*normalised=*/false);
      own.task = scores.columns[j].task;
      add(std::move(own));
    }
  }
  return measures;
}

std::optional<Estimate> EstimateOf(const SequenceMeasure& measure,
                                   const std::string& salt) {
  return EstimateOf(ContrastsOf(measure),
                    absl::StrCat(salt, "\n", measure.name, "\n", measure.task));
}

std::optional<Estimate> DifferenceOf(const SequenceMeasure& one,
                                     const SequenceMeasure& other,
                                     const std::string& salt) {
  if (one.name != other.name || one.task != other.task) return std::nullopt;
  const std::optional<std::vector<size_t>> places = PlacesIn(other, one);
  if (!places.has_value()) return std::nullopt;
  std::vector<SeedContrast> seeds;
  for (const auto& [seed, contrast] : one.seeds) {
    const auto it = other.seeds.find(seed);
    if (it == other.seeds.end()) continue;
    SeedContrast theirs;
    for (const size_t place : *places) theirs.push_back(it->second[place]);
    seeds.push_back(Minus(contrast, theirs));
  }
  return EstimateOf(seeds, absl::StrCat(salt, "\n", one.name, "\n", one.task,
                                        "\ndifference"));
}

}  // namespace sft::analysis
