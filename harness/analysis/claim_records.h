// What the records of a folder say of a claim's test.
#ifndef HARNESS_ANALYSIS_CLAIM_RECORDS_H_
#define HARNESS_ANALYSIS_CLAIM_RECORDS_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/analysis/claims.h"
#include "harness/analysis/record_query.h"
#include "harness/record/run_record.h"

namespace sft::analysis {

struct KnownRecord {
  record::RunRecord record;
  QueryRow row;
};
// Why a claim's test cannot be made on these records; "" where it can.
struct Untestable {
  std::string why;
};

class ClaimRecords {
 public:
  explicit ClaimRecords(std::string folder) : folder_(std::move(folder)) {}
  // Fills value, interval and numbers of seeds and items of `found`, or says
  // why it cannot. An error: a file that is damaged.
  absl::StatusOr<Untestable> Answer(const ClaimTest& test, TestedClaim& found);

 private:
  std::string folder_;
  std::map<std::string, std::vector<KnownRecord>> files_;  // read once
};

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_CLAIM_RECORDS_H_
