#include "harness/analysis/rates.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "harness/analysis/statistics.h"

namespace sft::analysis {
namespace {

constexpr double kBusyShare = 0.8;
constexpr double kSerialShare = 0.15;

// "" where a record does not say.
std::string ProcessorOf(const record::RunRecord& record) {
  const auto cpu = record.provenance_run.find("cpu");
  std::string name =
      cpu == record.provenance_run.end() ? std::string() : cpu->second;
  if (record.config.device != "cpu") {
    name = record.config.device + " beside " + name;
  }
  return name;
}

// The runs of a cell that have a rate.
std::vector<const record::RunRecord*> RatedRuns(const Results& results,
                                                const ResultCell& cell) {
  std::vector<const record::RunRecord*> runs;
  for (const size_t index : cell.runs) {
    const CollectedRun& run = results.runs[index];
    if (run.ok() && TokensPerSecond(*run.record).has_value()) {
      runs.push_back(&*run.record);
    }
  }
  return runs;
}

// How many runs each kind of processor has a rate of.
std::map<std::string, size_t> Processors(const Results& results) {
  std::map<std::string, size_t> kinds;
  for (const ResultCell& cell : results.cells) {
    for (const record::RunRecord* run : RatedRuns(results, cell)) {
      ++kinds[ProcessorOf(*run)];
    }
  }
  return kinds;
}

std::string RangeOf(const std::vector<const record::RunRecord*>& runs) {
  std::vector<double> rates;
  for (const record::RunRecord* run : runs)
    rates.push_back(*TokensPerSecond(*run));
  const auto [low, high] = std::minmax_element(rates.begin(), rates.end());
  if (rates.size() == 1) return absl::StrFormat("%.0f", *low);
  return absl::StrFormat("%.0f to %.0f", *low, *high);
}

}  // namespace

std::optional<double> TokensPerSecond(const record::RunRecord& record) {
  const std::optional<double> tokens = Lookup(record.facts, "real_tokens");
  const std::optional<double> seconds =
      Lookup(record.measured, "train_wall_seconds");
  if (tokens.has_value() && seconds.has_value() && *tokens > 0 &&
      *seconds > 0) {
    return *tokens / *seconds;
  }
  const std::optional<double> rate =
      Lookup(record.measured, "real_tokens_per_second");
  return rate.has_value() && *rate > 0 ? rate : std::nullopt;
}

bool WaitedForProcessor(const record::RunRecord& record) {
  const std::optional<double> wall =
      Lookup(record.measured, "train_wall_seconds");
  const std::optional<double> cpu =
      Lookup(record.measured, "train_cpu_seconds");
  if (record.config.device != "cpu" || !wall.has_value() || !cpu.has_value()) {
    return false;
  }
  const double threads =
      static_cast<double>(std::max<int64_t>(1, record.config.threads));
  const double wanted = kBusyShare / (1 + kSerialShare * (threads - 1));
  return *cpu < wanted * *wall * threads;
}

bool HasUnlikeProcessors(const Results& results) {
  return Processors(results).size() > 1;
}

TableCell RateCell(const Results& results, size_t cell, bool names_processors) {
  const std::vector<const record::RunRecord*> runs =
      RatedRuns(results, results.cells[cell]);
  if (runs.empty()) return {};
  std::vector<const record::RunRecord*> undisturbed;
  std::map<std::string, size_t> kinds;
  for (const record::RunRecord* run : runs) {
    if (WaitedForProcessor(*run)) continue;
    undisturbed.push_back(run);
    ++kinds[ProcessorOf(*run)];
  }
  if (undisturbed.empty()) return {.text = "waited: " + RangeOf(runs)};
  if (kinds.size() > 1) {
    return {.text = "unlike processors: " + RangeOf(undisturbed)};
  }
  std::vector<double> rates;
  for (const record::RunRecord* run : undisturbed) {
    rates.push_back(*TokensPerSecond(*run));
  }
  TableCell made = {.value = Mean(rates)};
  if (undisturbed.size() < runs.size()) {
    made.note = absl::StrCat(runs.size() - undisturbed.size(), " waited");
  }
  if (names_processors) {
    absl::StrAppend(&made.note, made.note.empty() ? "" : "; ",
                    kinds.begin()->first);
  }
  return made;
}

std::vector<std::string> NotesOnRates(const Results& results) {
  std::vector<std::string> notes;
  size_t waited = 0, rated = 0;
  for (const ResultCell& cell : results.cells) {
    for (const record::RunRecord* run : RatedRuns(results, cell)) {
      ++rated;
      waited += WaitedForProcessor(*run);
    }
  }
  if (waited > 0) {
    notes.push_back(absl::StrCat(
        waited, " of ", rated,
        " trained runs had to wait for the processor: their CPU time is far "
        "below wall time times threads. Their tokens/s are no speed of the "
        "method and are in no mean."));
  }
  const std::map<std::string, size_t> kinds = Processors(results);
  if (kinds.size() > 1) {
    std::string note =
        "Tokens/s come from unlike processors; compare them within one kind "
        "alone:";
    for (const auto& [kind, n] : kinds) {
      absl::StrAppend(&note, " ", kind.empty() ? "unknown" : kind, " (", n,
                      ")");
    }
    notes.push_back(note);
  }
  return notes;
}

}  // namespace sft::analysis
