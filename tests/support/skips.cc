#include "tests/support/skips.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <ostream>
#include <set>
#include <sstream>

namespace sft::support {
namespace {

struct State {
  std::string running;
  std::vector<SkippedCase> skipped;
};
State& TheState() {
  static auto& state = *new State();
  return state;
}

std::vector<std::string> Required() {
  const char* set = std::getenv("SFT_TESTS_REQUIRE");
  std::vector<std::string> names;
  std::istringstream words(set != nullptr ? set : "");
  for (std::string name; std::getline(words, name, ',');) {
    if (!name.empty()) names.push_back(name);
  }
  return names;
}

// The need's row; the case is noted as skipped, or failed if it may not be.
void Note(Need need, std::string_view why, bool whole) {
  const NeedRow& row = *std::find_if(
      AllNeeds().begin(), AllNeeds().end(),
      [need](const NeedRow& candidate) { return candidate.need == need; });
  std::ostringstream text;
  text << row.what << " (" << why << ")";
  const std::vector<std::string> required = Required();
  if (std::find(required.begin(), required.end(), row.name) != required.end()) {
    FAIL_CHECK(text.str() << ", which SFT_TESTS_REQUIRE asks for");
    return;
  }
  State& state = TheState();
  for (SkippedCase& skipped : state.skipped) {
    if (skipped.name == state.running && skipped.why == text.str()) {
      skipped.whole |= whole;
      return;
    }
  }
  state.skipped.push_back({state.running, text.str(), whole});
}

}  // namespace

const std::vector<NeedRow>& AllNeeds() {
  static const auto& rows = *new std::vector<NeedRow>{
      {Need::kAssets, "assets", "no assets"},
      {Need::kData, "data", "no data"},
      {Need::kMoreData, "more_data", "no data that few have"},
      {Need::kGpu, "gpu", "no GPU"},
      {Need::kSets, "sets", "no such instructions"},
      {Need::kTools, "tools", "no such program"},
      {Need::kMachine, "machine", "not on this machine"}};
  return rows;
}

void Skip(Need need, std::string_view why) {
  Note(need, why, /*whole=*/true);
  // What REQUIRE throws behind its report: without one, the case just ends.
  throw Catch::TestFailureException();
}

void SkipPart(Need need, std::string_view why) {
  Note(need, why, /*whole=*/false);
}

void SetRunningCase(std::string name) { TheState().running = std::move(name); }

const std::vector<SkippedCase>& SkippedCases() { return TheState().skipped; }

size_t LeftCases() {
  std::set<std::string> names;
  for (const SkippedCase& skipped : SkippedCases()) {
    if (skipped.whole) names.insert(skipped.name);
  }
  return names.size();
}

void PrintSkips(std::ostream& out) {
  for (const SkippedCase& skipped : SkippedCases()) {
    out << (skipped.whole ? "skipped: " : "skipped in part: ") << skipped.name
        << ": " << skipped.why << "\n";
  }
}

std::string UnknownRequirement() {
  for (const std::string& name : Required()) {
    const bool known =
        std::any_of(AllNeeds().begin(), AllNeeds().end(),
                    [&name](const NeedRow& row) { return name == row.name; });
    if (!known) return name;
  }
  return "";
}

}  // namespace sft::support
