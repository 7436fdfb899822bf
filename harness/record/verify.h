// Names what is damaged, and where two records first differ.
#ifndef HARNESS_RECORD_VERIFY_H_
#define HARNESS_RECORD_VERIFY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sft::record {

// Bytes, completeness, digests, schema, that HDF5 readers find what we read,
// and that the file's name is the run's.
absl::Status VerifyRecord(const std::string& path);

struct VerifiedFile {
  std::string path;
  absl::Status status;
};
// Every record of a sweep's folder, or the one file, on all cores; what the
// HDF5 library does is done by one at a time. An error if there is none.
absl::StatusOr<std::vector<VerifiedFile>> VerifyPath(const std::string& path);

// "" if everything deterministic is the same bit for bit, else the first
// difference: "/train/loss[17]: 0.5 and 0.25".
absl::StatusOr<std::string> CompareRecords(const std::string& a,
                                           const std::string& b);

}  // namespace sft::record

#endif  // HARNESS_RECORD_VERIFY_H_
