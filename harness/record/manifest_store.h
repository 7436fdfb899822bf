// The plans of a sweep's folder: DIR/manifests/<first 12 digits of the
// digest>.jsonl, one of each launcher and each array. None is ever changed or
// replaced, so that two specs in one folder leave each other alone.
#ifndef HARNESS_RECORD_MANIFEST_STORE_H_
#define HARNESS_RECORD_MANIFEST_STORE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/files.h"
#include "harness/record/run_paths.h"
#include "harness/spec/manifest.h"

namespace sft::record {

// Publishes the plan, first wins; the same plan is the same file, which then
// counts as the newest. Returns its path.
absl::StatusOr<std::string> WriteManifest(const RunPaths& paths,
                                          const spec::RunPlan& plan);

// Where WriteManifest would put it.
absl::StatusOr<std::string> ManifestPath(const RunPaths& paths,
                                         const spec::RunPlan& plan);

// A manifest of which only what is asked for is read.
class ManifestFile {
 public:
  // `later`: as a ManifestReader has it; so below.
  static absl::StatusOr<ManifestFile> Open(const std::string& path,
                                           spec::LaterOptions later);
  const spec::ManifestReader& operator*() const { return reader_; }
  const spec::ManifestReader* operator->() const { return &reader_; }

 private:
  ManifestFile(MappedFile file, spec::ManifestReader reader)
      : file_(std::move(file)), reader_(std::move(reader)) {}
  MappedFile file_;
  spec::ManifestReader reader_;
};

// The plans of DIR, the oldest first: the plan.json of older versions, then the
// manifests by the time of their last launch.
std::vector<std::string> ListPlanFiles(const std::string& dir);
struct PlanText {
  std::string file;  // that holds it
  std::string text;  // a manifest, or an older plan.json
};
// Of ListPlanFiles, in its order.
absl::StatusOr<std::vector<PlanText>> ReadFolderPlanTexts(
    const std::string& dir);
// In order; an error names the file of the text that is no plan.
absl::StatusOr<std::vector<spec::RunPlan>> PlansOfTexts(
    const std::vector<PlanText>& texts, const spec::LaterOptions& later);
// The plans of a folder, the oldest first; NotFound where there is none.
absl::StatusOr<std::vector<spec::RunPlan>> ReadFolderPlans(
    const std::string& dir, const spec::LaterOptions& later);
// All of a folder as one (spec::UnitePlans); NotFound where there is none.
absl::StatusOr<spec::RunPlan> ReadFolderPlan(const std::string& dir,
                                             const spec::LaterOptions& later);

}  // namespace sft::record

#endif  // HARNESS_RECORD_MANIFEST_STORE_H_
