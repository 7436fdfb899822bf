#include "harness/metrics/forgetting.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness/core/status.h"
#include "harness/spec/mixture.h"

namespace sft::metrics {
namespace {

size_t Tasks(const ScoreMatrix& scores) { return scores.R[0].size(); }

size_t OwnRound(const ScoreMatrix& scores, size_t task) {
  return scores.own_round.empty() ? task : scores.own_round[task];
}

// Tasks whose own round is not the last.
std::vector<size_t> EarlierTasks(const ScoreMatrix& scores) {
  std::vector<size_t> tasks;
  for (size_t j = 0; j < Tasks(scores); ++j) {
    if (OwnRound(scores, j) + 1 < scores.R.size()) tasks.push_back(j);
  }
  return tasks;
}

// Tasks whose own round is not the first.
std::vector<size_t> LaterTasks(const ScoreMatrix& scores) {
  std::vector<size_t> tasks;
  for (size_t j = 0; j < Tasks(scores); ++j) {
    if (OwnRound(scores, j) > 0) tasks.push_back(j);
  }
  return tasks;
}

std::vector<size_t> AllTasks(const ScoreMatrix& scores) {
  std::vector<size_t> tasks(Tasks(scores));
  std::iota(tasks.begin(), tasks.end(), size_t{0});
  return tasks;
}

double BackwardSum(const ScoreMatrix& scores) {
  double sum = 0;
  for (const size_t j : EarlierTasks(scores)) {
    sum += scores.R.back()[j] - scores.R[OwnRound(scores, j)][j];
  }
  return sum;
}

// The tasks of `kept` alone.
ScoreMatrix Only(const std::vector<size_t>& kept, const ScoreMatrix& scores) {
  ScoreMatrix out;
  const auto pick = [&](const std::vector<double>& row) {
    std::vector<double> picked;
    for (const size_t j : kept) picked.push_back(row[j]);
    return picked;
  };
  for (const std::vector<double>& row : scores.R) out.R.push_back(pick(row));
  if (!scores.base.empty()) out.base = pick(scores.base);
  for (const size_t j : kept) out.own_round.push_back(OwnRound(scores, j));
  return out;
}

// Changes against the base as shares of its score; nullopt where one is 0.
std::optional<ScoreMatrix> Normalised(const ScoreMatrix& scores) {
  if (scores.base.empty()) return std::nullopt;
  ScoreMatrix out = scores;
  for (size_t j = 0; j < Tasks(scores); ++j) {
    const double base = scores.base[j];
    if (base == 0) return std::nullopt;
    for (std::vector<double>& row : out.R) {
      row[j] = (row[j] - base) / std::abs(base);
    }
    out.base[j] = 0;
  }
  return out;
}

const MetricRecord* PrimaryOf(const std::vector<EvalRecord>& evals,
                              const std::string& task, int64_t round) {
  for (const EvalRecord& eval : evals) {
    if (eval.task == task && eval.split == "test" && eval.round == round) {
      return eval.metrics.empty() ? nullptr : &eval.metrics[0];
    }
  }
  return nullptr;
}

}  // namespace

void NegateTask(size_t task, ScoreMatrix& scores) {
  for (std::vector<double>& row : scores.R) row[task] = -row[task];
  if (!scores.base.empty()) scores.base[task] = -scores.base[task];
}

absl::Status CheckScores(const ScoreMatrix& scores) {
  const size_t rounds = scores.R.size();
  if (rounds == 0 || scores.R[0].empty()) {
    return absl::InvalidArgumentError("no score");
  }
  const size_t tasks = Tasks(scores);
  const size_t wanted = scores.own_round.empty() ? rounds : tasks;
  for (const std::vector<double>& row : scores.R) {
    if (row.size() != wanted) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a row of ", row.size(), " scores for ", wanted,
          scores.own_round.empty() ? " rounds: wanted a square matrix"
                                   : " tasks"));
    }
  }
  if (!scores.base.empty() && scores.base.size() != tasks) {
    return absl::InvalidArgumentError(
        absl::StrCat(scores.base.size(), " base scores for ", tasks, " tasks"));
  }
  if (!scores.own_round.empty() && scores.own_round.size() != tasks) {
    return absl::InvalidArgumentError(absl::StrCat(
        scores.own_round.size(), " rounds of their own for ", tasks, " tasks"));
  }
  for (const size_t round : scores.own_round) {
    if (round >= rounds) {
      return absl::InvalidArgumentError(
          absl::StrCat("round ", round, " of ", rounds));
    }
  }
  return absl::OkStatus();
}

double OverallPerformance(const ScoreMatrix& scores) {
  double sum = 0;
  for (double value : scores.R.back()) sum += value;
  return sum / static_cast<double>(Tasks(scores));
}

double LearningAccuracy(const ScoreMatrix& scores) {
  double sum = 0;
  for (size_t j = 0; j < Tasks(scores); ++j) {
    sum += scores.R[OwnRound(scores, j)][j];
  }
  return sum / static_cast<double>(Tasks(scores));
}

std::optional<double> BackwardTransfer(const ScoreMatrix& scores) {
  const size_t n = EarlierTasks(scores).size();
  if (n == 0) return std::nullopt;
  return BackwardSum(scores) / static_cast<double>(n);
}

double BackwardTransferGemCode(const ScoreMatrix& scores) {
  return BackwardSum(scores) / static_cast<double>(Tasks(scores));
}

std::optional<double> ForwardTransfer(const ScoreMatrix& scores) {
  const std::vector<size_t> later = LaterTasks(scores);
  if (later.empty() || scores.base.empty()) return std::nullopt;
  double sum = 0;
  for (const size_t j : later) {
    sum += scores.R[OwnRound(scores, j) - 1][j] - scores.base[j];
  }
  return sum / static_cast<double>(later.size());
}

std::optional<double> ChaudhryForgetting(const ScoreMatrix& scores) {
  const std::vector<size_t> earlier = EarlierTasks(scores);
  if (earlier.empty()) return std::nullopt;
  double sum = 0;
  for (const size_t j : earlier) {
    double best = scores.R[OwnRound(scores, j)][j];
    for (size_t l = OwnRound(scores, j); l + 1 < scores.R.size(); ++l) {
      best = std::max(best, scores.R[l][j]);
    }
    sum += best - scores.R.back()[j];
  }
  return sum / static_cast<double>(earlier.size());
}

absl::StatusOr<std::map<std::string, double>> SequenceForgetting(
    const std::vector<EvalRecord>& evals,
    const std::vector<std::string>& train) {
  std::map<std::string, double> found;
  if (train.size() < 2) return found;
  std::vector<std::string> tasks;
  ScoreMatrix scores;
  for (size_t round = 0; round < train.size(); ++round) {
    SFT_ASSIGN_OR_RETURN(const std::vector<std::string> sets,
                         spec::SetsOf({train[round]}));
    for (const std::string& set : sets) {
      if (std::find(tasks.begin(), tasks.end(), set) != tasks.end()) continue;
      tasks.push_back(set);
      scores.own_round.push_back(round);
    }
  }
  std::vector<std::string> units;
  scores.R.resize(train.size());
  for (size_t j = 0; j < tasks.size(); ++j) {
    bool is_loss = false;
    for (size_t round = 0; round <= train.size(); ++round) {
      const MetricRecord* metric =
          PrimaryOf(evals, tasks[j], static_cast<int64_t>(round));
      if (metric == nullptr) return std::map<std::string, double>();
      is_loss = !metric->higher_is_better;
      if (round == 0) {
        scores.base.push_back(metric->value);
        units.push_back(metric->unit);
      } else {
        scores.R[round - 1].push_back(metric->value);
      }
    }
    if (is_loss) NegateTask(j, scores);
  }
  SFT_RETURN_IF_ERROR(CheckScores(scores));

  using Measure = std::optional<double> (*)(const ScoreMatrix&);
  const auto add = [&](const std::string& name, const std::string& normalised,
                       const std::vector<size_t>& over, Measure measure) {
    if (over.empty()) return;
    ScoreMatrix of = Only(over, scores);
    const bool one_unit = std::all_of(over.begin(), over.end(), [&](size_t j) {
      return units[j] == units[over[0]];
    });
    if (!one_unit) {
      const std::optional<ScoreMatrix> changes = Normalised(of);
      if (!changes.has_value()) return;
      of = *changes;
    }
    const std::optional<double> value = measure(of);
    if (value.has_value()) {
      found["sequence/" + (one_unit ? name : normalised)] = *value;
    }
  };
  const auto all = AllTasks(scores);
  add("overall_performance", "overall_change_normalised", all,
      [](const ScoreMatrix& s) {
        return std::optional<double>(OverallPerformance(s));
      });
  add("learning_accuracy", "learning_change_normalised", all,
      [](const ScoreMatrix& s) {
        return std::optional<double>(LearningAccuracy(s));
      });
  const std::vector<size_t> earlier = EarlierTasks(scores);
  add("backward_transfer", "backward_transfer_normalised", earlier,
      BackwardTransfer);
  add("chaudhry_forgetting", "chaudhry_forgetting_normalised", earlier,
      ChaudhryForgetting);
  add("forward_transfer", "forward_transfer_normalised", LaterTasks(scores),
      ForwardTransfer);
  for (const char* end : {"", "_normalised"}) {
    const auto it = found.find(absl::StrCat("sequence/backward_transfer", end));
    if (it == found.end()) continue;
    found[absl::StrCat("sequence/backward_transfer_gem_code", end)] =
        it->second * static_cast<double>(earlier.size()) /
        static_cast<double>(tasks.size());
  }
  for (const size_t j : earlier) {
    found["sequence/backward_transfer_of_" + tasks[j]] =
        *BackwardTransfer(Only({j}, scores));
  }
  return found;
}

absl::StatusOr<std::vector<double>> Intransigence(
    const ScoreMatrix& scores, const std::vector<double>& joint) {
  if (joint.size() != Tasks(scores)) {
    return absl::InvalidArgumentError(
        absl::StrCat(joint.size(), " scores of joint training for ",
                     Tasks(scores), " tasks"));
  }
  std::vector<double> out;
  for (size_t j = 0; j < joint.size(); ++j) {
    out.push_back(joint[j] - scores.R[OwnRound(scores, j)][j]);
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

}  // namespace sft::metrics
