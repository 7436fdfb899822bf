#include "harness/analysis/claim_records.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "harness/analysis/comparison.h"
#include "harness/analysis/contrast.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/record/merge.h"
#include "harness/record/run_store.h"

namespace sft::analysis {
namespace {

using RecordSet = std::vector<const KnownRecord*>;

// Final records that ended ok.
absl::StatusOr<std::vector<KnownRecord>> RecordsOf(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(std::vector<record::NamedRecord> named,
                       record::ReadRunRecords(path));
  std::vector<KnownRecord> known;
  for (record::NamedRecord& one : named) {
    const record::RecordName name = record::ParseRecordName(one.name);
    if (name.attempt != 0 || name.rung != 0 ||
        one.record.status != RunStatus::kOk) {
      continue;
    }
    QueryRow row = RowOfRecord(one);
    known.push_back({std::move(one.record), std::move(row)});
  }
  return known;
}

std::optional<double> NumberAt(const KnownRecord& known,
                               const std::string& name) {
  const auto it = known.row.find(name);
  double number = 0;
  if (it == known.row.end() || !it->second.is_number ||
      !absl::SimpleAtod(it->second.text, &number)) {
    return std::nullopt;
  }
  return number;
}

std::string ConditionsText(const std::vector<QueryCondition>& all) {
  return absl::StrJoin(
      all, ",", [](std::string* out, const QueryCondition& one) {
        absl::StrAppend(out, one.name, one.comparison, one.value);
      });
}

// The tuned runs of a set: those whose `field` has the value at which the mean
// of `by` is lowest, and what the grid of values tells of it.
struct BestRuns {
  RecordSet runs;
  double value = kNaN;
  // The best value may be this many times smaller, or larger: half a step of
  // the grid. Infinite at its ends.
  double below = 1, above = 1;
};
std::optional<BestRuns> BestOf(const RecordSet& set, const std::string& field,
                               const std::string& by) {
  std::map<double, std::vector<double>> scores;
  for (const KnownRecord* one : set) {
    const auto at = NumberAt(*one, field);
    const auto score = NumberAt(*one, by);
    if (at.has_value() && score.has_value()) scores[*at].push_back(*score);
  }
  if (scores.empty()) return std::nullopt;
  const auto best = std::min_element(scores.begin(), scores.end(),
                                     [](const auto& a, const auto& b) {
                                       return Mean(a.second) < Mean(b.second);
                                     });
  BestRuns found;
  found.value = best->first;
  found.below = best == scores.begin()
                    ? HUGE_VAL
                    : std::sqrt(best->first / std::prev(best)->first);
  found.above = std::next(best) == scores.end()
                    ? HUGE_VAL
                    : std::sqrt(std::next(best)->first / best->first);
  for (const KnownRecord* one : set) {
    if (NumberAt(*one, field) == best->first) found.runs.push_back(one);
  }
  return found;
}

// By seed; an untuned run, which has none of its own, is the partner of all.
std::optional<std::map<int64_t, const KnownRecord*>> BySeed(
    const RecordSet& set) {
  std::map<int64_t, const KnownRecord*> by_seed;
  for (const KnownRecord* one : set) {
    if (!by_seed.emplace(one->record.config.seed, one).second) {
      return std::nullopt;
    }
  }
  return by_seed;
}

struct SeedPair {
  const KnownRecord* one;
  const KnownRecord* other;  // null where the test compares with nothing
};

// TASK/SPLIT/METRIC, with @ROUND or @ROUND:POINT behind it.
std::optional<ModelScore> ScoreAt(const KnownRecord& known,
                                  const std::string& name) {
  const std::vector<std::string> parts =
      absl::StrSplit(name.substr(0, name.find('@')), '/');
  if (parts.size() != 3) return std::nullopt;
  if (name.find('@') == std::string::npos) {
    return ScoreOf(LastEval(known.record, parts[0], parts[1]), parts[2]);
  }
  for (const EvalRecord& eval : known.record.evals) {
    std::string at = absl::StrCat("@", eval.round);
    if (eval.point != 0) absl::StrAppend(&at, ":", eval.point);
    if (eval.task == parts[0] && eval.split == parts[1] &&
        absl::EndsWith(name, at)) {
      return ScoreOf(&eval, parts[2]);
    }
  }
  return std::nullopt;
}

// A record's part of a contrast: value, or value - less.
bool AddTerms(const ClaimTest& test, const KnownRecord& known, double sign,
              ItemGroup& group) {
  const auto score = ScoreAt(known, test.value);
  if (!score.has_value()) return false;
  group.push_back({*score, sign});
  if (test.less.empty()) return true;
  const auto less = ScoreAt(known, test.less);
  if (!less.has_value()) return false;
  group.push_back({*less, -sign});
  return true;
}

// From each seed's number: a paired t interval; where all agree the number is
// what it is.
void EstimateSeeds(const std::vector<double>& values_S, TestedClaim& found) {
  const double n = static_cast<double>(values_S.size());
  found.value = Mean(values_S);
  const double sd = SampleStdDev(values_S);
  if (values_S.size() > 1 && sd == 0) {
    found.interval = {found.value, found.value};
  } else if (found.seeds >= kSeedsToTest) {
    const boost::math::students_t t(n - 1);
    const double half = boost::math::quantile(t, 0.975) * sd / std::sqrt(n);
    found.interval = {found.value - half, found.value + half};
  }
}

// Of what a metric's items say: the report's own error of seeds and items. A
// share is of the other's mean, which counts as given.
bool EstimateScores(const ClaimTest& test, const std::vector<SeedPair>& pairs,
                    TestedClaim& found) {
  std::vector<SeedContrast> seeds;
  std::vector<double> others;
  for (const SeedPair& pair : pairs) {
    ItemGroup group;
    if (!AddTerms(test, *pair.one, 1, group)) return false;
    if (pair.other != nullptr) {
      if (!AddTerms(test, *pair.other, -1, group)) return false;
      others.push_back(ScoreAt(*pair.other, test.value)->value);
    }
    seeds.push_back({std::move(group)});
  }
  const auto estimate =
      EstimateOf(seeds, absl::StrCat(test.what, "\n", test.value, "\nclaim"));
  if (!estimate.has_value()) return false;
  found.items = estimate->n_items;
  if (found.items == 0) {
    EstimateSeeds(estimate->seeds_S, found);
  } else {
    found.value = estimate->value;
    found.interval = estimate->interval;
  }
  if (test.has_over) {
    const double whole = Mean(others);
    for (double* one :
         {&found.value, &found.interval.low, &found.interval.high}) {
      *one = 1 + *one / whole;
    }
    if (whole < 0) std::swap(found.interval.low, found.interval.high);
  }
  return true;
}

// Numbers without items: facts, measures, fields of the config.
bool EstimateNumbers(const ClaimTest& test, const std::vector<SeedPair>& pairs,
                     TestedClaim& found) {
  std::vector<double> values_S;
  for (const SeedPair& pair : pairs) {
    const auto number = [&](const KnownRecord& known) -> std::optional<double> {
      const auto value = NumberAt(known, test.value);
      const std::string& second =
          test.divisor.empty() ? test.less : test.divisor;
      if (!value.has_value() || second.empty()) return value;
      const auto with = NumberAt(known, second);
      if (!with.has_value()) return std::nullopt;
      return test.divisor.empty() ? *value - *with : *value / *with;
    };
    const auto one = number(*pair.one);
    if (!one.has_value()) return false;
    values_S.push_back(*one);
    if (pair.other == nullptr) continue;
    const auto other = number(*pair.other);
    if (!other.has_value()) return false;
    if (test.has_minus) {
      values_S.back() -= *other;
    } else {
      values_S.back() = std::log(values_S.back() / *other);
    }
  }
  EstimateSeeds(values_S, found);
  if (test.has_over) {
    for (double* one :
         {&found.value, &found.interval.low, &found.interval.high}) {
      *one = std::exp(*one);
    }
  }
  return true;
}

// Two tuned values of a grid: their ratio, known to half a step of either.
void CompareTuned(const BestRuns& one, const BestRuns& other,
                  TestedClaim& found) {
  found.value = one.value / other.value;
  found.interval = {found.value / (one.below * other.above),
                    found.value * one.above * other.below};
  if (std::isinf(one.below * other.above)) found.interval.low = 0;
  if (std::isinf(one.above) || std::isinf(other.below)) {
    found.why = "a best value stands at the end of its grid";
  }
}

RecordSet Matching(const std::vector<KnownRecord>& records,
                   const std::vector<QueryCondition>& conditions) {
  RecordSet set;
  for (const KnownRecord& one : records) {
    if (Fulfils(one.row, conditions)) set.push_back(&one);
  }
  return set;
}

Untestable AnswerFrom(const std::vector<KnownRecord>& records,
                      const ClaimTest& test, TestedClaim& found) {
  const bool has_other = test.has_minus || test.has_over;
  const std::vector<QueryCondition>& against =
      test.has_minus ? test.minus : test.over;
  RecordSet mine = Matching(records, test.of);
  RecordSet theirs = has_other ? Matching(records, against) : RecordSet();
  if (mine.empty() || (has_other && theirs.empty())) {
    return {absl::StrCat("no record of ", test.file, " that ended ok has ",
                         ConditionsText(mine.empty() ? test.of : against))};
  }
  if (!test.best.empty()) {
    const auto my_best = BestOf(mine, test.best, test.by);
    const auto their_best =
        has_other ? BestOf(theirs, test.best, test.by) : my_best;
    if (!my_best.has_value() || !their_best.has_value()) {
      return {absl::StrCat("no record has ", test.best, " and ", test.by)};
    }
    mine = my_best->runs;
    if (has_other) theirs = their_best->runs;
    if (test.value == test.best && test.has_over) {
      found.seeds = static_cast<int64_t>(mine.size());
      CompareTuned(*my_best, *their_best, found);
      return {};
    }
  }
  const auto my_seeds = BySeed(mine), their_seeds = BySeed(theirs);
  if (!my_seeds.has_value() || !their_seeds.has_value()) {
    return {
        absl::StrCat("several records of one seed have ",
                     ConditionsText(my_seeds.has_value() ? against : test.of),
                     ": name what tells them apart")};
  }
  std::vector<SeedPair> pairs;
  for (const auto& [seed, one] : *my_seeds) {
    const KnownRecord* other = nullptr;
    if (has_other) {
      const bool is_untuned = theirs[0]->record.config.method == spec::kUntuned;
      const auto at =
          is_untuned ? their_seeds->begin() : their_seeds->find(seed);
      if (at == their_seeds->end()) continue;
      other = at->second;
    }
    pairs.push_back({one, other});
  }
  if (pairs.empty()) return {"no seed is common to both"};
  found.seeds = static_cast<int64_t>(pairs.size());
  const bool is_score =
      test.divisor.empty() && ScoreAt(*pairs[0].one, test.value).has_value();
  if (is_score ? EstimateScores(test, pairs, found)
               : EstimateNumbers(test, pairs, found)) {
    return {};
  }
  return {
      absl::StrCat("some record of ", test.file, " has no ", test.value,
                   test.divisor.empty() && test.less.empty() ? "" : " or no ",
                   test.divisor, test.less)};
}

}  // namespace

absl::StatusOr<Untestable> ClaimRecords::Answer(const ClaimTest& test,
                                                TestedClaim& found) {
  const std::string path = folder_ + "/" + test.file;
  if (!FileExists(path)) {
    return Untestable{test.file + " is not there yet"};
  }
  auto it = files_.find(test.file);
  if (it == files_.end()) {
    SFT_ASSIGN_OR_RETURN(std::vector<KnownRecord> records, RecordsOf(path));
    it = files_.emplace(test.file, std::move(records)).first;
  }
  return AnswerFrom(it->second, test, found);
}

}  // namespace sft::analysis
