#include "experiments/handed_sweep.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "experiments/command_line.h"
#include "experiments/own_program.h"
#include "experiments/planned_sweep.h"
#include "harness/core/status.h"
#include "harness/record/manifest_store.h"
#include "harness/spec/plan_filter.h"

namespace sft::experiments {
namespace {

bool IsManifestFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string beginning(64, '\0');
  file.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
  return spec::IsManifest(beginning);
}

absl::StatusOr<std::vector<size_t>> PlacesOf(const spec::RunPlan& plan,
                                             const std::string& filter) {
  std::set<std::string> wanted;
  if (!filter.empty()) {
    SFT_ASSIGN_OR_RETURN(
        const spec::RunPlan some,
        spec::FilterPlan(plan, filter, TheWorkbench().Tables()));
    for (const spec::PlannedRun& run : some.runs) wanted.insert(run.run_id);
  }
  std::vector<size_t> places;
  for (size_t i = 0; i < plan.runs.size(); ++i) {
    if (filter.empty() || wanted.count(plan.runs[i].run_id) != 0) {
      places.push_back(i);
    }
  }
  return places;
}

}  // namespace

absl::StatusOr<HandedSweep> HandOver(const SweepFlags& flags,
                                     bool is_rehearsal) {
  HandedSweep sweep;
  if (IsManifestFile(flags.spec)) {
    // It was checked when it was written.
    SFT_ASSIGN_OR_RETURN(
        const record::ManifestFile manifest,
        record::ManifestFile::Open(flags.spec,
                                   TheWorkbench().LaterOptionsOfMethods()));
    SFT_ASSIGN_OR_RETURN(sweep.plan, manifest->Plan());
  } else {
    SFT_ASSIGN_OR_RETURN(launch::CheckedPlan checked, PlanOfSpec(flags.spec));
    SayPlan(checked);
    sweep.plan = std::move(checked.plan);
  }
  SFT_ASSIGN_OR_RETURN(sweep.places, PlacesOf(sweep.plan, flags.filter));
  launch::RecordingOptions recording = flags.recording;
  recording.paths.out = std::filesystem::absolute(recording.paths.out)
                            .lexically_normal()
                            .string();
  sweep.paths = recording.paths;
  SFT_ASSIGN_OR_RETURN(sweep.manifest,
                       is_rehearsal
                           ? record::ManifestPath(sweep.paths, sweep.plan)
                           : record::WriteManifest(sweep.paths, sweep.plan));
  SFT_ASSIGN_OR_RETURN(const std::string executable, OwnPath());
  sweep.task_words = {executable, "task", sweep.manifest};
  if (flags.max_attempts != launch::kDefaultAttempts) {
    sweep.task_words.push_back(
        absl::StrCat("--max-attempts=", flags.max_attempts));
  }
  for (std::string& word : launch::RecordingWords(recording)) {
    sweep.task_words.push_back(std::move(word));
  }
  return sweep;
}

}  // namespace sft::experiments
