#include "harness/analysis/report_notes.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "harness/analysis/comparison_families.h"
#include "harness/analysis/crossed_error.h"
#include "harness/core/fields.h"

namespace sft::analysis {
namespace {

constexpr double kFarAbove = 1.25;     // times the untuned model's loss
constexpr double kFarAboveNats = 0.1;  // and this much more
constexpr size_t kItemsToJudge = 10;
constexpr size_t kNamedRuns = 3;  // of which a line says the same

const MetricRecord* LossOf(const record::RunRecord& record,
                           const std::string& task) {
  const MetricRecord* loss =
      FindSelectionMetric(LastEval(record, task, "validation"));
  if (loss != nullptr) return loss;
  return FindSelectionMetric(LastEval(record, task, "test"));
}

std::string SuspiciousLoss(const Results& results, const CollectedRun& run,
                           const std::string& task) {
  const MetricRecord* mine = LossOf(*run.record, task);
  if (mine == nullptr) return "";
  if (!std::isfinite(mine->value)) {
    return absl::StrCat("its loss on ", task, " is no number");
  }
  const CollectedRun* untuned = results.Find(run.planned.untuned_id);
  if (untuned == nullptr || !untuned->ok()) return "";
  const MetricRecord* theirs = LossOf(*untuned->record, task);
  if (theirs == nullptr || mine->value <= theirs->value * kFarAbove ||
      mine->value <= theirs->value + kFarAboveNats) {
    return "";
  }
  return absl::StrFormat(
      "its loss on %s is %.4f, far above the untuned model's %.4f", task,
      mine->value, theirs->value);
}

std::string OneAnswer(const record::RunRecord& record,
                      const std::string& task) {
  const EvalRecord* eval = TestEval(record, task);
  if (eval == nullptr || eval->predictions.size() < kItemsToJudge ||
      eval->predictions.size() != eval->references.size()) {
    return "";
  }
  const auto is_constant = [](const std::vector<int64_t>& labels) {
    return std::all_of(labels.begin(), labels.end(),
                       [&](int64_t label) { return label == labels[0]; });
  };
  if (!is_constant(eval->predictions) || is_constant(eval->references)) {
    return "";
  }
  return absl::StrCat("it gives one answer (class ", eval->predictions[0],
                      ") to all ", eval->predictions.size(), " rows of ", task);
}

// "truncated" and "rows" of "data.sst2.train.truncated_rows".
bool CountsALoss(const std::string& fact) {
  if (!absl::StartsWith(fact, "data.")) return false;
  const std::string last = fact.substr(fact.rfind('.') + 1);
  for (const absl::string_view word : absl::StrSplit(last, '_')) {
    for (const char* begin :
         {"refus", "drop", "leak", "truncat", "skip", "duplicat", "conflict",
          "outside", "lost", "reject", "unreadable", "flagged"}) {
      if (absl::StartsWith(word, begin)) return true;
    }
    if (word == "cut") return true;
  }
  return false;
}

std::string Spaced(std::string text) {
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

}  // namespace

std::string Suspicion(const Results& results, const CollectedRun& run) {
  if (!run.ok()) return "";
  std::vector<std::string> found;
  const spec::RunConfig& config = run.planned.config;
  for (const std::string& task : config.evaluate) {
    if (config.method != spec::kUntuned) {
      found.push_back(SuspiciousLoss(results, run, task));
    }
    found.push_back(OneAnswer(*run.record, task));
  }
  std::string all;
  for (const std::string& one : found) {
    if (!one.empty()) absl::StrAppend(&all, all.empty() ? "" : "; ", one);
  }
  return all;
}

std::vector<std::string> NotesOnSuspectRuns(const Results& results) {
  std::vector<std::pair<std::string, std::vector<std::string>>> runs_by_why;
  for (const CollectedRun& run : results.runs) {
    const std::string why = Suspicion(results, run);
    if (why.empty()) continue;
    auto it = std::find_if(runs_by_why.begin(), runs_by_why.end(),
                           [&](const auto& one) { return one.first == why; });
    if (it == runs_by_why.end()) {
      it = runs_by_why.insert(it, {why, {}});
    }
    it->second.push_back(absl::StrCat(run.planned.run_id, " (",
                                      run.planned.config.method, ", seed ",
                                      run.planned.config.seed, ")"));
  }
  std::vector<std::string> notes;
  for (auto& [why, runs] : runs_by_why) {
    const size_t more = runs.size() - std::min(runs.size(), kNamedRuns);
    const char* head = runs.size() == 1 ? "Run " : "Runs ";
    runs.resize(runs.size() - more);
    notes.push_back(absl::StrCat(
        head, absl::StrJoin(runs, ", "),
        more > 0 ? absl::StrCat(" and ", more, " more") : std::string(),
        " ended ok, but ", why, "."));
  }
  return notes;
}

std::vector<std::string> NotesOnData(const Results& results) {
  struct Counted {
    double low = 0, high = 0;
    size_t runs = 0;
  };
  std::map<std::string, Counted> counts;
  size_t with_record = 0;
  for (const CollectedRun& run : results.runs) {
    if (!run.record.has_value()) continue;
    ++with_record;
    for (const auto& [fact, value] : run.record->facts) {
      if (value == 0 || !CountsALoss(fact)) continue;
      Counted& counted = counts[fact];
      const bool is_first = counted.runs++ == 0;
      counted.low = is_first ? value : std::min(counted.low, value);
      counted.high = is_first ? value : std::max(counted.high, value);
    }
  }
  // A line a set and split, where as many runs have it.
  std::vector<std::pair<std::pair<std::string, size_t>, std::string>> lines;
  for (const auto& [fact, counted] : counts) {
    const size_t begin = std::string("data.").size();
    const size_t end = fact.rfind('.');
    const std::string set =
        end > begin ? fact.substr(begin, end - begin) : std::string();
    std::string count = absl::StrCat(Spaced(fact.substr(end + 1)), " ",
                                     CanonicalText(counted.low));
    if (counted.high > counted.low) {
      absl::StrAppend(&count, " to ", CanonicalText(counted.high));
    }
    const std::pair<std::string, size_t> key = {set, counted.runs};
    if (!lines.empty() && lines.back().first == key) {
      absl::StrAppend(&lines.back().second, ", ", count);
    } else {
      lines.emplace_back(key, std::move(count));
    }
  }
  std::vector<std::string> notes;
  for (const auto& [key, text] : lines) {
    notes.push_back(absl::StrCat(
        "Data ", key.first, ": ", text,
        key.second < with_record
            ? absl::StrCat(" (", key.second, " of ", with_record, " runs)")
            : std::string(),
        "."));
  }
  return notes;
}

std::vector<std::string> NotesOnTests(
    const Results& results, const std::vector<Comparison>& comparisons) {
  std::vector<std::string> notes;
  if (comparisons.empty()) return notes;
  std::set<int64_t> method_seeds;
  bool has_models = false, has_too_few = false;
  size_t primary = 0, retained = 0, unasked = 0;
  for (const Comparison& one : comparisons) {
    if (one.claim == Claim::kMethod) method_seeds.insert(one.n_seeds);
    has_models = has_models || one.claim == Claim::kTheseModels;
    has_too_few = has_too_few || one.claim == Claim::kTooFewSeeds;
    if (!one.is_asked_for) {
      ++unasked;
    } else if (!std::isnan(one.p)) {
      ++(one.is_retained ? retained : primary);
    }
  }
  notes.push_back(
      "A gain is an improvement: where lower is better, as of a loss, its sign "
      "is turned.");
  if (!method_seeds.empty()) {
    std::string note =
        "Over seeds, interval, p and detectable effect come from one standard "
        "error of seeds and items, crossed: what holds of the method on such "
        "items. Beside them the exact sign-flip test, which cannot fall below";
    for (const int64_t n : method_seeds) {
      absl::StrAppend(
          &note, n == *method_seeds.begin() ? " " : ", ",
          absl::StrFormat("%.4g", SignFlipFloor(static_cast<size_t>(n))),
          " with ", n, " seeds");
    }
    notes.push_back(note + ".");
  }
  if (has_models) {
    notes.push_back(absl::StrCat(
        "Rows with one seed speak of these models on these items, not of "
        "methods: another seed may turn them round. Their intervals are a "
        "bootstrap over items (",
        ResamplingOptions().resamples,
        " draws, percentiles), their p McNemar's exact test where items are "
        "right or wrong, else a permutation of items."));
  }
  if (has_too_few) {
    notes.push_back(
        "Two seeds are too few to test: one degree of freedom between them "
        "says nothing of a method.");
  }
  notes.push_back(
      absl::StrCat("Holm's p corrects two families, each at ",
                   CanonicalText(kFamilyLevel), ": the primary metrics of the ",
                   results.select_by.empty() ? "tuned" : "selected", " rows (",
                   primary, " tests) and what they retain (", retained,
                   " tests). A difference is there where it is at most ",
                   CanonicalText(kFamilyLevel), "."));
  if (unasked > 0) {
    notes.push_back("Rows that were not selected have intervals, and no test.");
  }
  return notes;
}

}  // namespace sft::analysis
