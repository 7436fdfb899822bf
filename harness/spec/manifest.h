// A plan as a file that never changes, one line a run, so that a task among a
// hundred thousand reads the header and its own line:
//
//   {"manifest_version":1, "question":, ..., "config": {of the last run}}
//   {"run_id":, ..., "config": {what differs; null = has no such field}}
//   ...
//   <the place of each run's line, 12 columns>
//   {"index":<place of the first of these>, "runs":N, "sha256":<of all above>}
//
// Every line is JSON. The same plan is the same text.
#ifndef HARNESS_SPEC_MANIFEST_H_
#define HARNESS_SPEC_MANIFEST_H_

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "harness/spec/run_plan.h"

namespace sft::spec {

std::string ManifestText(const RunPlan& plan);

// Reads a manifest out of its bytes, which outlive it. Nothing is read before
// it is asked for, and every place is checked against the size.
class ManifestReader {
 public:
  // Header and last line. `where` is for messages; `later`: options that lines
  // may name at their default and ids do not, for the text knows no tables.
  static absl::StatusOr<ManifestReader> Open(const std::string& where,
                                             std::string_view bytes,
                                             LaterOptions later);

  size_t runs() const { return runs_; }
  // The SHA-256 that the last line claims, 64 digits; the first twelve are the
  // file's name. Plan() checks it.
  const std::string& digest() const { return digest_; }
  // The plan without its runs.
  const RunPlan& header() const { return header_; }
  absl::StatusOr<PlannedRun> Run(size_t index) const;
  // Of the run of this id; NotFound where there is none. Reads ids alone.
  absl::StatusOr<size_t> IndexOf(std::string_view run_id) const;
  // All of it, once the digest holds.
  absl::StatusOr<RunPlan> Plan() const;

 private:
  ManifestReader() = default;
  absl::StatusOr<std::string_view> Line(size_t index) const;

  std::string where_;
  std::string_view bytes_;
  size_t index_ = 0;  // where the places begin
  size_t runs_ = 0;
  std::string digest_;
  RunPlan header_;
  std::map<std::string, std::string> config_;  // of the last run
  LaterOptions later_;
};

// Whether a text is a manifest at all, and not an older plan.json.
bool IsManifest(std::string_view text);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_MANIFEST_H_
