// Where a sweep keeps its files, below the folder given by --out.
#ifndef HARNESS_RECORD_RUN_PATHS_H_
#define HARNESS_RECORD_RUN_PATHS_H_

#include <string>

#include "absl/strings/str_cat.h"

namespace sft::record {

struct RunPaths {
  std::string out;  // the sweep's folder

  // Of each launcher and each array its plan (manifest_store.h).
  std::string Manifests() const { return out + "/manifests"; }
  std::string Manifest(const std::string& digest) const {
    return absl::StrCat(out, "/manifests/", digest, ".jsonl");
  }
  // The one plan of folders that older versions made; read, never written.
  std::string OldPlan() const { return out + "/plan.json"; }
  std::string Runs() const { return out + "/runs"; }
  std::string Record(const std::string& run_id) const {
    return absl::StrCat(out, "/runs/", run_id, ".h5");
  }
  // Retryable failures; k counts from 1.
  std::string Attempt(const std::string& run_id, int k) const {
    return absl::StrCat(out, "/runs/", run_id, ".attempt", k, ".h5");
  }
  // What was measured at the end of a rung of a search (harness/search); k
  // counts from 1.
  std::string Rung(const std::string& run_id, int k) const {
    return absl::StrCat(out, "/runs/", run_id, ".rung", k, ".h5");
  }
  // Log, lock and checkpoints of a run that is not finished.
  std::string Work(const std::string& run_id) const {
    return absl::StrCat(out, "/work/", run_id);
  }
  // Of one execution of the run (launch/run_checkpoint.h): a run that is
  // executed twice at once has two.
  std::string Checkpoint(const std::string& run_id,
                         const std::string& execution) const {
    return absl::StrCat(Work(run_id), "/", execution, "/checkpoint");
  }
  // What was measured before there was a checkpoint to keep it.
  std::string Measured(const std::string& run_id) const {
    return Work(run_id) + "/measured";
  }
  std::string Log(const std::string& run_id) const {
    return Work(run_id) + "/log.txt";
  }
  // What a run under way last said of itself (run_progress.h).
  std::string Progress(const std::string& run_id) const {
    return Work(run_id) + "/progress";
  }
  // Held as long as a worker executes the run.
  std::string Lock(const std::string& run_id) const {
    return Work(run_id) + "/lock";
  }
  // trainable.safetensors of a finished run: what `export` reads.
  std::string Weights(const std::string& run_id) const {
    return absl::StrCat(out, "/weights/", run_id);
  }
};

}  // namespace sft::record

#endif  // HARNESS_RECORD_RUN_PATHS_H_
