// A skip is seen: it has a line, a number and an exit status, and none of it
// where it is required. This program is run on hidden cases of its own.
#include "tests/support/skips.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace sft::support::skips_test {
namespace {

TEST_CASE("probe: no data here", "[.][skip_probe_whole]") {
  Skip(Need::kData, "SFTBENCH_DATA is not set");
}
TEST_CASE("probe: one set is missing", "[.][skip_probe_part]") {
  SkipPart(Need::kMoreData, "no such set");
  SkipPart(Need::kMoreData, "no such set");
  SUCCEED();
}
TEST_CASE("probe: a skip among sections", "[.][skip_probe_sections]") {
  SECTION("one") { SUCCEED(); }
  SECTION("two") { Skip(Need::kGpu, "no CUDA device"); }
  SECTION("three") { SUCCEED(); }
}
TEST_CASE("probe: a failure before the skip", "[.][skip_probe_failed]") {
  CHECK(false);
  Skip(Need::kData, "SFTBENCH_DATA is not set");
}

struct Ended {
  int exit_status = -1;
  std::string text;   // both streams
  std::string skips;  // SFT_SKIPS_FILE
};

Ended RunProbes(const std::string& tags, const std::string& required = "") {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  const std::string file =
      (std::filesystem::temp_directory_path() / "sft_skips_probe.").string() +
      std::to_string(getpid());
  FILE* pipe = popen(("SFT_TESTS_REQUIRE='" + required + "' SFT_SKIPS_FILE='" +
                      file + "' '" + self + "' '" + tags + "' 2>&1")
                         .c_str(),
                     "r");
  REQUIRE(pipe != nullptr);
  Ended ended;
  std::array<char, 4096> part;
  while (const size_t n = fread(part.data(), 1, part.size(), pipe)) {
    ended.text.append(part.data(), n);
  }
  ended.exit_status = WEXITSTATUS(pclose(pipe));
  std::ostringstream bytes;
  bytes << std::ifstream(file).rdbuf();
  ended.skips = bytes.str();
  std::filesystem::remove(file);
  return ended;
}

constexpr char kWhole[] =
    "skipped: probe: no data here: no data (SFTBENCH_DATA is not set)\n";

TEST_CASE("a skip has a line, and a program that skips all says so",
          "[architecture][skips]") {
  const Ended ended = RunProbes("[skip_probe_whole]");
  CHECK(ended.exit_status == 77);
  CHECK_THAT(ended.text, Catch::Contains(kWhole));
  CHECK_THAT(ended.text, Catch::Contains("skipped: 1 of 1 cases"));
  CHECK(ended.skips == kWhole);
}

TEST_CASE("a skip beside a case that ran is told, and no more",
          "[architecture][skips]") {
  const Ended ended =
      RunProbes("[skip_probe_whole],[skip_probe_part],[skip_probe_sections]");
  CHECK(ended.exit_status == 0);
  CHECK_THAT(ended.text, Catch::Contains("skipped: 2 of 3 cases"));
  CHECK_THAT(ended.skips,
             Catch::Contains(kWhole) &&
                 Catch::Contains("skipped in part: probe: one set is missing: "
                                 "no data that few have (no such set)\n") &&
                 Catch::Contains("skipped: probe: a skip among sections: no "
                                 "GPU (no CUDA device)\n"));
  CHECK(std::count(ended.skips.begin(), ended.skips.end(), '\n') == 3);
}

TEST_CASE("a skip of what is required fails, as does one behind a failure",
          "[architecture][skips]") {
  CHECK(RunProbes("[skip_probe_whole]", "gpu").exit_status == 77);
  const Ended required = RunProbes("[skip_probe_whole]", "assets,data");
  CHECK(required.exit_status == 1);
  CHECK_THAT(required.text,
             Catch::Contains("which SFT_TESTS_REQUIRE asks for"));
  CHECK(required.skips.empty());
  // Noted twice, failed twice.
  CHECK(RunProbes("[skip_probe_part]", "more_data").exit_status == 2);
  CHECK(RunProbes("[skip_probe_failed]").exit_status == 1);
  const Ended unknown = RunProbes("[skip_probe_whole]", "assets,date");
  CHECK(unknown.exit_status == 2);
  CHECK_THAT(unknown.text, Catch::Contains("'date' is none of assets data"));
}

}  // namespace
}  // namespace sft::support::skips_test
