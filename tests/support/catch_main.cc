// The test programs' main function. Ends with the cases that were skipped, one
// a line, writes them to SFT_SKIPS_FILE if that is set, and exits with kSkipped
// where every case was.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "tests/support/skips.h"

namespace {

using sft::support::LeftCases;

// SKIP_RETURN_CODE of cmake/SftModule.cmake.
constexpr int kSkipped = 77;

size_t cases_run = 0;

class CaseListener : public Catch::TestEventListenerBase {
 public:
  using TestEventListenerBase::TestEventListenerBase;
  void testCaseStarting(const Catch::TestCaseInfo& info) override {
    sft::support::SetRunningCase(info.name);
    ++cases_run;
  }
};
CATCH_REGISTER_LISTENER(CaseListener)

}  // namespace

int main(int argc, char** argv) {
  const std::string unknown = sft::support::UnknownRequirement();
  if (!unknown.empty()) {
    std::cerr << "SFT_TESTS_REQUIRE: '" << unknown << "' is none of";
    for (const auto& row : sft::support::AllNeeds()) {
      std::cerr << " " << row.name;
    }
    std::cerr << "\n";
    return 2;
  }
  const int failed = Catch::Session().run(argc, argv);
  sft::support::PrintSkips(std::cerr);
  if (LeftCases() > 0) {
    std::cerr << "skipped: " << LeftCases() << " of " << cases_run
              << " cases\n";
  }
  if (const char* path = std::getenv("SFT_SKIPS_FILE")) {
    std::ofstream file(path);
    sft::support::PrintSkips(file);
    if (!file.flush()) {
      std::cerr << "cannot write SFT_SKIPS_FILE " << path << "\n";
      return 1;
    }
  }
  // A number of failures may be any.
  if (failed != 0) return failed == kSkipped ? 1 : failed;
  return cases_run > 0 && LeftCases() == cases_run ? kSkipped : 0;
}
