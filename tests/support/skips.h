// Cases that cannot run here. Catch2 2 has no such outcome, so a case that is
// left is counted here, and the program (catch_main.cc) ends with their names.
// SFT_TESTS_REQUIRE=assets,data (names of AllNeeds()) makes them failures.
#ifndef TESTS_SUPPORT_SKIPS_H_
#define TESTS_SUPPORT_SKIPS_H_

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace sft::support {

// What a case may find missing.
enum class Need {
  kAssets,    // what ./setup.sh fetches
  kData,      // the files of SFTBENCH_DATA whose digests are known
  kMoreData,  // data that no one need have: official files, users' own
  kGpu,
  kSets,     // instructions of the processor
  kTools,    // programs and packages
  kMachine,  // what system and build do or do not let a process do
};
struct NeedRow {
  Need need;
  const char* name;  // in SFT_TESTS_REQUIRE
  const char* what;  // "no data"
};
const std::vector<NeedRow>& AllNeeds();

// Leaves the running case, from any depth of calls. A failure if required.
[[noreturn]] void Skip(Need need, std::string_view why);
// Notes that a part of the running case is left out; the rest goes on.
void SkipPart(Need need, std::string_view why);

struct SkippedCase {
  std::string name;
  std::string why;     // "no data (SFTBENCH_DATA is not set)"
  bool whole = false;  // left, and not only in part
};

// For catch_main.cc: the case that runs, and what was skipped so far. A case
// that is left more than once for one reason counts once.
void SetRunningCase(std::string name);
const std::vector<SkippedCase>& SkippedCases();
// The number of cases that were left.
size_t LeftCases();
// "skipped: NAME: no data (...)" a line.
void PrintSkips(std::ostream& out);
// The first name in SFT_TESTS_REQUIRE that is none of AllNeeds(), or "".
std::string UnknownRequirement();

}  // namespace sft::support

#endif  // TESTS_SUPPORT_SKIPS_H_
