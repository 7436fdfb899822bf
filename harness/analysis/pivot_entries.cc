#include "harness/analysis/pivot_entries.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "harness/analysis/cost_tables.h"
#include "harness/analysis/rates.h"

namespace sft::analysis {
namespace {

constexpr char kPeakCell[] = "peak_memory_mib";
constexpr char kRateCell[] = "tokens_per_second";

}  // namespace

QueryValue PivotValue(const std::string& text) {
  double number = 0;
  return {text, absl::SimpleAtod(text, &number) && std::isfinite(number)};
}

PivotEntries::PivotEntries(const Results& results,
                           const std::vector<Comparison>& comparisons,
                           const PivotRequest& request)
    : results_(results), request_(request), has_rounds_(HasAxis(kRoundAxis)) {
  for (size_t cell = 0; cell < results.cells.size(); ++cell) {
    for (const size_t run : results.cells[cell].runs) AddRun(run, cell);
  }
  if (HasAxis(kSeedAxis)) return;  // a gain is of all seeds
  for (const Comparison& one : comparisons) {
    if (one.against == "untuned") AddGain(one);
  }
}

bool PivotEntries::HasAxis(const std::string& name) const {
  const auto is_in = [&](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return is_in(request_.rows) || is_in(request_.cols);
}

// What trains nothing has no value of most axes, what is of a run no task:
// neither is excluded by these.
bool PivotEntries::IsAskedFor(const PivotEntry& entry) const {
  QueryRow row;
  for (const auto& [name, text] : entry.axes) row[name] = PivotValue(text);
  std::vector<QueryCondition> where = request_.where;
  std::erase_if(where, [&](const QueryCondition& one) {
    const bool is_of_task = one.name == kTaskAxis || one.name == kRoundAxis;
    return (entry.is_untuned || is_of_task) && !row.contains(one.name);
  });
  return Fulfils(row, where);
}

void PivotEntries::AddRun(size_t run, size_t cell) {
  const CollectedRun& of = results_.runs[run];
  if (!of.ok()) return;
  PivotEntry begin;
  begin.run = run;
  begin.cell = cell;
  begin.is_untuned = results_.cells[cell].is_untuned;
  begin.axes = AxesOfRun(of);
  const std::vector<Observation> all = ObservationsOf(of);
  for (const Observation& one : all) {
    if (one.kind == "metric") {
      if (IsLast(all, one)) AddMetric(begin, one);
    } else {
      AddNumber(begin, one.name, one.task, one.value);
    }
  }
  const record::RunRecord& record = *of.record;
  const auto peak = PeakMebibytes(record);
  if (peak.has_value()) AddNumber(begin, kPeakCell, "", *peak);
  const auto rate =
      WaitedForProcessor(record) ? std::nullopt : TokensPerSecond(record);
  if (rate.has_value()) AddNumber(begin, kRateCell, "", *rate);
}

// Of several rounds the last; of a task with test rows these, else the
// validation rows, if they have the metric.
bool PivotEntries::IsLast(const std::vector<Observation>& all,
                          const Observation& one) const {
  const auto rank = [](const Observation& of) {
    if (of.split == "test" || of.split == "heldout") return 2;
    return of.split == "validation" ? 1 : 0;
  };
  if (rank(one) == 0) return false;
  return std::none_of(all.begin(), all.end(), [&](const Observation& other) {
    if (other.kind != "metric" || other.task != one.task ||
        other.name != one.name) {
      return false;
    }
    if (rank(other) != rank(one)) return rank(other) > rank(one);
    return !has_rounds_ && other.round > one.round;
  });
}

void PivotEntries::AddMetric(const PivotEntry& begin, const Observation& one) {
  PivotEntry entry = begin;
  entry.axes[kTaskAxis] = one.task;
  if (has_rounds_) entry.axes[kRoundAxis] = absl::StrCat(one.round);
  entry.split = one.split;
  entry.unit = one.unit;
  entry.metric = one.name;
  entry.higher_is_better = one.higher_is_better;
  entry.value = one.value;
  Keep(one.name, entry);
  const bool is_test = one.split != "validation";
  if (one.is_primary && is_test) Keep(kScoreCell, entry);
}

void PivotEntries::AddNumber(const PivotEntry& begin, const std::string& name,
                             const std::string& task, double value) {
  PivotEntry entry = begin;
  if (!task.empty()) entry.axes[kTaskAxis] = task;
  entry.value = value;
  Keep(name, std::move(entry));
}

void PivotEntries::AddGain(const Comparison& one) {
  const ResultCell& cell = results_.cells[one.cell];
  PivotEntry entry;
  entry.run = cell.runs[0];
  entry.cell = one.cell;
  entry.axes = AxesOfRun(results_.runs[entry.run]);
  entry.axes.erase(kSeedAxis);  // of all seeds
  entry.axes[kTaskAxis] = one.task;
  entry.metric = one.metric;
  entry.unit = one.unit;
  entry.value = one.gain;
  entry.gain = &one;
  Keep(kGainCell, std::move(entry));
}

void PivotEntries::Keep(const std::string& name, PivotEntry entry) {
  if (!IsAskedFor(entry)) return;
  names.insert(name);
  if (entry.axes.contains(kTaskAxis) || name == kPeakCell ||
      name == kRateCell) {
    usual.insert(name);
  }
  if (std::find(request_.cells.begin(), request_.cells.end(), name) ==
      request_.cells.end()) {
    return;
  }
  entry.what = name;
  entries.push_back(std::move(entry));
}

}  // namespace sft::analysis
