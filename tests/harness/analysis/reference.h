// The committed records, for tests.
#ifndef TESTS_HARNESS_ANALYSIS_REFERENCE_H_
#define TESTS_HARNESS_ANALYSIS_REFERENCE_H_

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "harness/analysis/report.h"

namespace sft::analysis {

inline std::string ReferenceFile(const std::string& name) {
  return std::string(SFT_SOURCE_DIR) + "/results/reference/" + name + ".h5";
}
// One of each kind: three seeds, several tasks, a metric made of sums.
inline std::vector<std::string> ReferenceNames() {
  return {"sst2", "alpaca", "multi30k", "wnut17"};
}

inline Report ReferenceReport(const std::string& name) {
  absl::StatusOr<Report> report = BuildReport(ReferenceFile(name));
  INFO(report.status());
  REQUIRE(report.ok());
  return *std::move(report);
}

}  // namespace sft::analysis

#endif  // TESTS_HARNESS_ANALYSIS_REFERENCE_H_
