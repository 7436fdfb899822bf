// Broken tables and mistaken options, named by file and line.
#include "harness/data/prepare/read_table.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "harness/core/files.h"
#include "harness/data/prepare/prepare.h"
#include "tests/support/paths.h"

namespace sft {
namespace {

std::string Message(const absl::Status& status) {
  return std::string(status.message());
}

TEST_CASE("bad rows are named, and skipped where that is asked for",
          "[data][prepare]") {
  const TempDir folder;
  const std::string scratch = folder.path().string();
  struct Case {
    std::string name, bytes;
    int line;  // of the first bad row
    size_t bad, good;
  };
  const std::string big(size_t{100} << 20, 'x');
  for (const Case& c : std::vector<Case>{
           {"a.csv", "text,label\nok,1\nx\ncaf\xe9,1\n\"q\nr\",1\na\"b,1\n", 3,
            3, 2},
           {"a.tsv", "text\tlabel\nok\t1\nx\nf\xff\t1\nfine\t0\n", 3, 2, 2},
           {"a.jsonl", "{\"text\":\"a\"}\n{\"text\":\n[1]\n{\"text\":\"b\"}\n",
            2, 2, 2},
           {"a.json", "[{\"text\":\"a\"},\n{\"text\": tru},\n{\"text\":\"b\"}]",
            2, 1, 2},
           {"b.jsonl", "{\"text\":\"a\"}\n" + big + "\n{\"text\":\"b\"}\n", 2,
            1, 2},
           {"b.csv", "text\nok\n" + big + "\nfine\n", 3, 1, 2},
       }) {
    INFO(c.name);
    const std::string path = (folder.path() / c.name).string();
    REQUIRE(WriteFileAtomically(path, c.bytes).ok());
    PrepareOptions options;
    const auto failed = ReadTable(path, options, scratch);
    CHECK(failed.status().code() == absl::StatusCode::kInvalidArgument);
    CHECK(Message(failed.status())
              .rfind(path + ":" + std::to_string(c.line) + ": ", 0) == 0);
    CHECK(Message(failed.status()).size() < 500);
    options.on_bad_row = "skip";
    const auto skipped = ReadTable(path, options, scratch);
    REQUIRE(skipped.ok());
    CHECK(skipped->bad.size() == c.bad);
    CHECK(skipped->rows->size() == c.good);
    CHECK(skipped->bad[0].where == path + ":" + std::to_string(c.line));
  }
}

TEST_CASE("mistakes in what is asked for are one line", "[data][prepare]") {
  const TempDir folder;
  const std::string scratch = folder.path().string();
  const std::string path = (folder.path() / "a.csv").string();
  REQUIRE(WriteFileAtomically(path, "review,stars\ngood,5\n").ok());
  PrepareOptions options;
  options.text = {"reviw"};
  CHECK(Message(ReadTable(path, options, scratch).status())
            .find("no column 'reviw'; did you mean 'review'?") !=
        std::string::npos);
  for (const char* split : {"0.8,0.1", "0.8,0.1,0.2", "1,x,0", "0,0.5,0.5",
                            "nan,0.5,0.5", "2,-1,0"}) {
    CHECK_FALSE(ParseShares(split).ok());
  }
  const std::string open = (folder.path() / "b.json").string();
  REQUIRE(WriteFileAtomically(open, "[{\"text\":\"a\"},\n{\"text\":[1}").ok());
  options.on_bad_row = "skip";
  options.text = {};
  CHECK(Message(ReadTable(open, options, scratch).status())
            .rfind(open + ":2: ", 0) == 0);
}

}  // namespace
}  // namespace sft
