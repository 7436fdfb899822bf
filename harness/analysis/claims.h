// Claims of the literature beside what records say of them. A claim is a row of
// a YAML file; its verdict is computed: each of its tests is a number with an
// interval, and a range in which the claim holds.
//
//   value: NAME                  as `query` names it, of a record; also
//          NAME / NAME, NAME - NAME
//   file, of: CONDITIONS         which records; minus: or over: others, by seed
//   best: FIELD, by: NAME        of these the value of FIELD whose mean NAME is
//                                lowest (the tuned one)
//   computed: NAME               of the program's own models, without records
//   holds: {above: X, below: Y}  or {within: [X, Y]}
#ifndef HARNESS_ANALYSIS_CLAIMS_H_
#define HARNESS_ANALYSIS_CLAIMS_H_

#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/analysis/record_query.h"
#include "harness/analysis/statistics.h"
#include "harness/analysis/tables.h"

namespace sft::analysis {

struct ClaimTest {
  int line = 0;
  std::string what;  // "held-out cross-entropy, HFT minus full"
  std::string unit;
  std::string file;
  std::vector<QueryCondition> of, minus, over;
  bool has_minus = false, has_over = false;
  std::string value, divisor, less;  // of "NAME / NAME", "NAME - NAME"
  std::string best, by;
  std::string computed;
  double above = -std::numeric_limits<double>::infinity();
  double below = std::numeric_limits<double>::infinity();
};

struct ClaimRow {
  int line = 0;
  std::string name, statement;
  std::string authors, year, title, identifier, where;
  std::string protocol, differs, theirs;
  std::vector<ClaimTest> tests;
  std::string not_tested;  // why there are none
};

// Errors name line, value and the fix.
absl::StatusOr<std::vector<ClaimRow>> ReadClaims(const std::string& path);
absl::StatusOr<std::vector<ClaimRow>> ParseClaims(const std::string& path,
                                                  const std::string& text);

// A quantity that needs no record: exact.
using Computed = std::map<std::string, std::function<absl::StatusOr<double>()>>;

enum class ClaimVerdict { kReproduced, kNotReproduced, kUndecided, kNotTested };
std::string_view ClaimVerdictName(ClaimVerdict verdict);

struct TestedClaim {
  double value = kNaN;
  Interval interval = {kNaN, kNaN};  // both ends the value where it is exact
  int64_t seeds = 0;                 // 0: computed
  int64_t items = 0;                 // 0: over seeds alone
  ClaimVerdict verdict = ClaimVerdict::kNotTested;
  std::string why;  // of what is not tested, or not decided
};
// Holds where the interval lies within the test's range, fails where it lies
// outside.
ClaimVerdict VerdictOf(const ClaimTest& test, const Interval& interval);

struct AnsweredClaim {
  ClaimRow row;
  std::vector<TestedClaim> tests;  // as row.tests
  ClaimVerdict verdict = ClaimVerdict::kNotTested;
  std::string why;
};
// `folder`: where the files of records lie; one that is not there leaves its
// tests untested. A name that no record has is an error.
absl::StatusOr<std::vector<AnsweredClaim>> AnswerClaims(
    const std::vector<ClaimRow>& rows, const std::string& folder,
    const Computed& computed);

// A row a test: claim, source, their number, ours, verdict and why.
Table ClaimsTable(const std::vector<AnsweredClaim>& claims);
std::string ClaimsAsJson(const std::vector<AnsweredClaim>& claims);

}  // namespace sft::analysis

#endif  // HARNESS_ANALYSIS_CLAIMS_H_
