// The ledger as a table, and as JSON.
#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "harness/analysis/claims.h"
#include "harness/core/status.h"

namespace sft::analysis {
namespace {

std::string RangeText(const ClaimTest& test) {
  const auto number = [](double value) {
    return absl::StrFormat("%.6g", value);
  };
  if (std::isinf(test.below)) return "above " + number(test.above);
  if (std::isinf(test.above)) return "below " + number(test.below);
  return number(test.above) + " to " + number(test.below);
}

std::string BasisText(const ClaimTest& test, const TestedClaim& found) {
  if (!test.computed.empty()) return "computed";
  if (found.seeds == 0) return "";
  return absl::StrCat(found.seeds, found.seeds == 1 ? " seed" : " seeds",
                      found.items > 0
                          ? absl::StrCat(", ", found.items, " items")
                          : std::string());
}

// "0.0123 [0.001, 0.02]", in four digits that count.
std::string OursText(const TestedClaim& found) {
  if (std::isnan(found.value)) return "";
  std::string text = absl::StrFormat("%.4g", found.value);
  if (std::isnan(found.interval.low) ||
      found.interval.low == found.interval.high) {
    return text;
  }
  return absl::StrFormat("%s [%.4g, %.4g]", text, found.interval.low,
                         found.interval.high);
}

nlohmann::ordered_json JsonNumber(double value) {
  if (!std::isfinite(value)) return nullptr;
  return value;
}

}  // namespace

Table ClaimsTable(const std::vector<AnsweredClaim>& claims) {
  Table table;
  table.title = "Claims of the literature, and what is found here";
  table.columns = {
      {.key = "claim", .title = "claim", .is_text = true},
      {.key = "statement", .title = "statement", .is_text = true},
      {.key = "source", .title = "source", .is_text = true},
      {.key = "theirs", .title = "theirs", .is_text = true},
      {.key = "test", .title = "test", .is_text = true},
      {.key = "ours", .title = "ours [95 %]", .is_text = true},
      {.key = "unit", .title = "unit", .is_text = true},
      {.key = "basis", .title = "basis", .is_text = true},
      {.key = "holds", .title = "holds where", .is_text = true},
      {.key = "verdict", .title = "verdict", .is_text = true},
      {.key = "why", .title = "why, and what differs", .is_text = true}};
  const auto add = [&](const std::vector<std::string>& texts) {
    auto& row = table.rows.emplace_back();
    for (const std::string& text : texts) row.push_back({.text = text});
  };
  for (const AnsweredClaim& claim : claims) {
    const ClaimRow& row = claim.row;
    const std::string source = absl::StrCat(row.authors, " (", row.year, "), ",
                                            row.identifier, ", ", row.where);
    const std::string verdict = std::string(ClaimVerdictName(claim.verdict));
    const std::string why =
        absl::StrCat(claim.why, claim.why.empty() ? "" : "; ", row.differs);
    if (claim.tests.empty()) {
      add({row.name, row.statement, source, row.theirs, "", "", "", "", "",
           verdict, why});
    }
    for (size_t i = 0; i < claim.tests.size(); ++i) {
      const ClaimTest& test = row.tests[i];
      const TestedClaim& found = claim.tests[i];
      const bool is_first = i == 0;
      const std::string own =
          claim.tests.size() == 1
              ? verdict
              : absl::StrCat(is_first ? verdict + ": " : "",
                             ToAbsl(ClaimVerdictName(found.verdict)));
      add({row.name, is_first ? row.statement : "", is_first ? source : "",
           is_first ? row.theirs : "", test.what, OursText(found), test.unit,
           BasisText(test, found), RangeText(test), own,
           is_first ? why : found.why});
    }
  }
  return table;
}

std::string ClaimsAsJson(const std::vector<AnsweredClaim>& claims) {
  using nlohmann::ordered_json;
  ordered_json all = ordered_json::array();
  for (const AnsweredClaim& claim : claims) {
    const ClaimRow& row = claim.row;
    ordered_json tests = ordered_json::array();
    for (size_t i = 0; i < claim.tests.size(); ++i) {
      const ClaimTest& test = row.tests[i];
      const TestedClaim& found = claim.tests[i];
      tests.push_back({{"what", test.what},
                       {"unit", test.unit},
                       {"file", test.file},
                       {"value", JsonNumber(found.value)},
                       {"low", JsonNumber(found.interval.low)},
                       {"high", JsonNumber(found.interval.high)},
                       {"seeds", found.seeds},
                       {"items", found.items},
                       {"basis", BasisText(test, found)},
                       {"above", JsonNumber(test.above)},
                       {"below", JsonNumber(test.below)},
                       {"verdict", ClaimVerdictName(found.verdict)},
                       {"why", found.why}});
    }
    all.push_back({{"name", row.name},
                   {"statement", row.statement},
                   {"authors", row.authors},
                   {"year", row.year},
                   {"title", row.title},
                   {"id", row.identifier},
                   {"where", row.where},
                   {"protocol", row.protocol},
                   {"differs", row.differs},
                   {"theirs", row.theirs},
                   {"verdict", ClaimVerdictName(claim.verdict)},
                   {"why", claim.why},
                   {"tests", std::move(tests)}});
  }
  return all.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace sft::analysis
