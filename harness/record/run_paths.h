// Where a sweep keeps its files, below the folder given by --out.
#ifndef HARNESS_RECORD_RUN_PATHS_H_
#define HARNESS_RECORD_RUN_PATHS_H_

#include <string>

#include "absl/strings/str_cat.h"

namespace sft::record {

struct RunPaths {
  std::string out;  // the sweep's folder

  std::string Plan() const { return out + "/plan.json"; }
  std::string Runs() const { return out + "/runs"; }
  std::string Record(const std::string& run_id) const {
    return absl::StrCat(out, "/runs/", run_id, ".h5");
  }
  // Retryable failures; k counts from 1.
  std::string Attempt(const std::string& run_id, int k) const {
    return absl::StrCat(out, "/runs/", run_id, ".attempt", k, ".h5");
  }
  // Log, progress and checkpoint of a run that is not finished.
  std::string Work(const std::string& run_id) const {
    return absl::StrCat(out, "/work/", run_id);
  }
  std::string Checkpoint(const std::string& run_id) const {
    return Work(run_id) + "/checkpoint";
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
