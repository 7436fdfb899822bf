// Aligned text, with faults on either side.
#include "harness/data/parallel.h"

#include <zlib.h>

#include <catch2/catch.hpp>

#include "harness/core/files.h"
#include "tests/support/paths.h"

namespace sft::data::parallel_test {
namespace {

class Files {
 public:
  Files(std::string_view source, std::string_view target) {
    REQUIRE(WriteFileAtomically(Source(), source).ok());
    REQUIRE(WriteFileAtomically(Target(), target).ok());
  }
  std::string Source() const { return (folder_.path() / "a.de").string(); }
  std::string Target() const { return (folder_.path() / "a.en").string(); }
  absl::StatusOr<ParallelTable> Read() const {
    return ReadParallel(Source(), Target(), 100);
  }
  std::string Error() const { return std::string(Read().status().message()); }

 private:
  support::TempDir folder_;
};

TEST_CASE("line i of one file is paired with line i of the other",
          "[data][parallel]") {
  const Files files(
      "\xef\xbb\xbf"
      "Ein  Hund .\r\n  Zwei \xc2\xa0 Hunde\n",
      "A  dog .\nTwo \xc2\xa0 dogs\t");
  const auto table = files.Read();
  REQUIRE(table.ok());
  CHECK(table->refused.empty());
  REQUIRE(table->pairs.size() == 2);
  CHECK(table->pairs[0].source == "Ein  Hund .");
  CHECK(table->pairs[0].target == "A  dog .");
  CHECK(table->pairs[1].line == 2);
  CHECK(table->pairs[1].source == "Zwei \xc2\xa0 Hunde");
  CHECK(table->pairs[1].target == "Two \xc2\xa0 dogs");
}

TEST_CASE("a pair with a bad line is refused under that line's name",
          "[data][parallel]") {
  const Files files(
      "eins\n\nf\xfcnf\nvier\n" + std::string(200, 'x') + "\nsechs",
      "one\ntwo\nfive\n \t\nfive\nsix");
  const auto table = files.Read();
  REQUIRE(table.ok());
  REQUIRE(table->pairs.size() == 2);
  CHECK(table->pairs[1].target == "six");
  REQUIRE(table->refused.size() == 4);
  CHECK(table->refused[0].where == files.Source() + ":2");
  CHECK(table->refused[0].reason == "an empty line");
  CHECK(table->refused[1].where == files.Source() + ":3");
  CHECK(table->refused[1].reason == "byte 0xfc at column 2 is no UTF-8 text");
  CHECK(table->refused[2].where == files.Target() + ":4");
  CHECK(table->refused[2].reason == "an empty line");
  CHECK(table->refused[3].where == files.Source() + ":5");
  CHECK(table->refused[3].reason == "a line above 100 bytes");
}

TEST_CASE("files of different length are an error that names both",
          "[data][parallel]") {
  for (const bool longer_source : {false, true}) {
    const Files files(longer_source ? "a\nb\nc\nd\n" : "a\nb\n",
                      longer_source ? "a\nb\n" : "a\nb\nc\nd\n");
    CHECK(files.Error() == files.Source() + ": has " +
                               (longer_source ? "4" : "2") + " lines, but " +
                               files.Target() + " has " +
                               (longer_source ? "2" : "4") +
                               "; each line wants its translation");
  }
}

TEST_CASE("no good pair, no line and no file are errors", "[data][parallel]") {
  const Files bad("\nb\n", "a\n\n");
  CHECK(bad.Error() ==
        bad.Source() + ":1: an empty line (and none of the 2 pairs is usable)");
  const Files empty("", "");
  CHECK(empty.Error() == empty.Source() + ": no lines");
  CHECK(ReadParallel(empty.Source(), empty.Target() + ".none")
            .status()
            .message()
            .find("no such file") != absl::string_view::npos);
}

TEST_CASE("one side may be gzip", "[data][parallel]") {
  const Files files("eins\nzwei\n", "one\ntwo\n");
  const std::string path = files.Source() + ".gz";
  const gzFile file = gzopen(path.c_str(), "wb");
  REQUIRE(gzwrite(file, "eins\nzwei\n", 10) == 10);
  gzclose(file);
  const auto table = ReadParallel(path, files.Target());
  REQUIRE(table.ok());
  CHECK(table->pairs[1].source == "zwei");
}

}  // namespace
}  // namespace sft::data::parallel_test
