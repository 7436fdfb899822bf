// Histograms of lengths, good and broken.
#include "harness/data/length_histogram.h"

#include <fstream>

#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"

namespace sft::data::length_histogram_test {
namespace {

absl::StatusOr<std::vector<int64_t>> ReadText(const std::string& text) {
  const support::TempDir folder;
  const std::string path = (folder.path() / "h.csv").string();
  std::ofstream(path, std::ios::binary) << text;
  return ReadLengthHistogram(path);
}

void CheckBroken(const std::string& text, const std::string& part) {
  const auto counts = ReadText(text);
  INFO(text << " said " << counts.status().ToString());
  REQUIRE_FALSE(counts.ok());
  CHECK_THAT(std::string(counts.status().message()), Catch::Contains(part));
}

}  // namespace

TEST_CASE("a histogram is read in any order, lengths without rows are zero",
          "[data][histogram]") {
  const auto counts = ReadText("length,count\r\n3,7\n1,0\n2,5\n6,0\n");
  REQUIRE(counts.ok());
  CHECK(*counts == std::vector<int64_t>{0, 0, 5, 7, 0, 0, 0});
  CHECK(CountLengths({3, 1, 3}) == std::vector<int64_t>{0, 1, 0, 2});
  CHECK(CountLengths({}).empty());
}

TEST_CASE("a broken histogram is refused with its line", "[data][histogram]") {
  CheckBroken("", "h.csv");
  CheckBroken("1,2\n3,4\n", "h.csv:1: the header is '1,2', wanted");
  CheckBroken("count,length\n1,2\n", "wanted 'length,count'");
  CheckBroken("length,count\n", "no usable record");
  CheckBroken("length,count\n1,2\n2\n", "h.csv:3: 1 fields");
  CheckBroken("length,count\n1,2\n2,3,4\n", "h.csv:3: 3 fields");
  CheckBroken("length,count\n1,2\n2,x\n", "h.csv:3: count is 'x'");
  CheckBroken("length,count\n1,2\n1.5,1\n", "h.csv:3: length is '1.5'");
  CheckBroken("length,count\n0,2\n", "h.csv:2: length is '0'");
  CheckBroken("length,count\n-1,2\n", "h.csv:2: length is '-1'");
  CheckBroken("length,count\n1,-2\n", "h.csv:2: count is '-2'");
  CheckBroken("length,count\n1048577,2\n", "h.csv:2: length is '1048577'");
  CheckBroken("length,count\n5,99999999999999999999\n", "h.csv:2: count is");
  CheckBroken("length,count\n1,1099511627776\n2,1\n", "h.csv:3: more than");
  CheckBroken("length,count\n1,2\n1,3\n", "h.csv:3: length 1 stands in line 2");
  CheckBroken("length,count\n1,0\n2,0\n", "every count is 0");
  const auto missing = ReadLengthHistogram("/nowhere/h.csv");
  REQUIRE_FALSE(missing.ok());
  CHECK_THAT(std::string(missing.status().message()),
             Catch::Contains("/nowhere/h.csv"));
}

}  // namespace sft::data::length_histogram_test
