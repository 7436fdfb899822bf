#include "harness/analysis/claims.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/analysis/claim_records.h"
#include "harness/analysis/comparison.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"

namespace sft::analysis {
namespace {

// Halves of intervals go with the root of the number of seeds.
std::string WhatWouldDecide(const ClaimTest& test, const TestedClaim& found) {
  if (std::isnan(found.interval.low)) {
    return found.seeds == 1 ? "one seed has no interval here"
                            : "two seeds have no interval; three have one";
  }
  double gap = HUGE_VAL;
  for (const double end : {test.above, test.below}) {
    if (std::isfinite(end)) gap = std::min(gap, std::abs(found.value - end));
  }
  const double half = (found.interval.high - found.interval.low) / 2;
  if (found.seeds < kSeedsToTest || !std::isfinite(half) || gap <= 0) {
    return "the interval reaches across the end of the range";
  }
  const double seeds =
      std::ceil(static_cast<double>(found.seeds) * (half / gap) * (half / gap));
  return seeds <= 1000 ? absl::StrCat(
                             "the interval reaches across the end of "
                             "the range; about ",
                             seeds, " seeds would decide it")
                       : "what is measured lies on the end of the range";
}

void Conclude(AnsweredClaim& claim) {
  const auto first = [&](ClaimVerdict verdict) {
    return std::find_if(
        claim.tests.begin(), claim.tests.end(),
        [verdict](const TestedClaim& one) { return one.verdict == verdict; });
  };
  // One part that does not hold is enough; all must, for the claim to.
  claim.verdict = ClaimVerdict::kReproduced;
  for (const ClaimVerdict verdict :
       {ClaimVerdict::kNotReproduced, ClaimVerdict::kNotTested,
        ClaimVerdict::kUndecided}) {
    const auto it = first(verdict);
    if (it == claim.tests.end()) continue;
    claim.verdict = verdict;
    claim.why = it->why;
    return;
  }
}

}  // namespace

std::string_view ClaimVerdictName(ClaimVerdict verdict) {
  switch (verdict) {
    case ClaimVerdict::kReproduced:
      return "reproduced";
    case ClaimVerdict::kNotReproduced:
      return "not reproduced";
    case ClaimVerdict::kUndecided:
      return "undecided";
    case ClaimVerdict::kNotTested:
      return "not tested here";
  }
  return "";
}

ClaimVerdict VerdictOf(const ClaimTest& test, const Interval& interval) {
  if (std::isnan(interval.low)) return ClaimVerdict::kUndecided;
  if (test.above <= interval.low && interval.high <= test.below) {
    return ClaimVerdict::kReproduced;
  }
  if (interval.high < test.above || test.below < interval.low) {
    return ClaimVerdict::kNotReproduced;
  }
  return ClaimVerdict::kUndecided;
}

absl::StatusOr<std::vector<AnsweredClaim>> AnswerClaims(
    const std::vector<ClaimRow>& rows, const std::string& folder,
    const Computed& computed) {
  ClaimRecords records(folder);
  std::vector<AnsweredClaim> claims;
  for (const ClaimRow& row : rows) {
    AnsweredClaim claim{.row = row, .tests = {}, .why = row.not_tested};
    for (const ClaimTest& test : row.tests) {
      TestedClaim& found = claim.tests.emplace_back();
      if (!test.computed.empty()) {
        const auto it = computed.find(test.computed);
        if (it == computed.end()) {
          std::vector<std::string> known;
          for (const auto& [name, how] : computed) known.push_back(name);
          return absl::InvalidArgumentError(absl::StrCat(
              "line ", test.line, ": nothing computes '", test.computed, "'",
              NearestOrKnown(test.computed, known)));
        }
        SFT_ASSIGN_OR_RETURN(found.value, it->second());
        found.interval = {found.value, found.value};
      } else {
        SFT_ASSIGN_OR_RETURN(const Untestable no, records.Answer(test, found));
        if (!no.why.empty()) {
          found.why = no.why;
          continue;
        }
      }
      found.verdict = VerdictOf(test, found.interval);
      if (found.verdict == ClaimVerdict::kUndecided && found.why.empty()) {
        found.why = WhatWouldDecide(test, found);
      }
    }
    if (!claim.tests.empty()) Conclude(claim);
    claims.push_back(std::move(claim));
  }
  return claims;
}

}  // namespace sft::analysis
