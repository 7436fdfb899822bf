// A sweep that is handed to the Slurm of fake_slurm.h.
#ifndef TESTS_HARNESS_LAUNCH_SLURM_SWEEP_TO_SUBMIT_H_
#define TESTS_HARNESS_LAUNCH_SLURM_SWEEP_TO_SUBMIT_H_

#include <filesystem>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "harness/launch/slurm/submissions.h"
#include "harness/launch/slurm/submit.h"
#include "harness/record/manifest_store.h"
#include "harness/record/run_record.h"
#include "harness/record/run_store.h"
#include "tests/harness/launch/slurm/fake_slurm.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"

namespace sft::launch {

// All runs of the plan are asked for.
struct SweepToSubmit {
  explicit SweepToSubmit(spec::RunPlan runs) : plan(std::move(runs)) {
    for (size_t i = 0; i < plan.runs.size(); ++i) request.places.push_back(i);
    request.paths.out = dir.path().string();
    request.task_words = {"/bin/sftbench", "task", WriteManifest()};
  }
  // That of the plan as it is now; returns its path.
  std::string WriteManifest() {
    const auto path = record::WriteManifest(request.paths, plan);
    REQUIRE(path.ok());
    request.digest = std::filesystem::path(*path).stem().string();
    request.manifest = absl::StrCat("manifests/", request.digest, ".jsonl");
    return *path;
  }
  SubmitSummary Submit() const {
    const auto summary = SubmitSweep(plan, request);
    INFO(summary.status().ToString());
    REQUIRE(summary.ok());
    return *summary;
  }
  record::RunStore Store() const {
    const record::RunStore store(request.paths);
    REQUIRE(store.Open().ok());
    return store;
  }
  SlurmFolder Folder() const { return SlurmFolder{request.paths.out}; }

  support::TempDir dir;
  spec::RunPlan plan;
  SubmitRequest request;
};

// An untuned run and five others.
inline spec::RunPlan SixRuns() {
  spec::RunPlan plan;
  for (const char* id : {"0a", "01", "02", "03", "04", "05"}) {
    spec::PlannedRun run;
    run.run_id = id;
    run.untuned_id = "0a";
    run.config.method = run.run_id == "0a" ? spec::kUntuned : "full";
    run.config.threads = 1;
    plan.runs.push_back(run);
  }
  return plan;
}

struct SixRunSweep : SweepToSubmit {
  SixRunSweep() : SweepToSubmit(SixRuns()) {}
  void Publish(const std::string& run_id, RunStatus status, int attempt) const {
    record::RunRecord record;
    record.run_id = run_id;
    record.status = status;
    REQUIRE(Store().Publish(record, attempt).ok());
  }
};

inline bool Says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace sft::launch

#endif  // TESTS_HARNESS_LAUNCH_SLURM_SWEEP_TO_SUBMIT_H_
