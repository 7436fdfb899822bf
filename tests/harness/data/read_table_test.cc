// Broken tables and mistaken options, named by file and line.
#include "harness/data/prepare/read_table.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "harness/core/files.h"
#include "harness/data/prepare/prepare.h"
#include "tests/support/paths.h"

namespace sft::data::read_table_test {
namespace {

std::string Message(const absl::Status& status) {
  return std::string(status.message());
}

TEST_CASE("bad rows are named, and skipped where that is asked for",
          "[data][prepare]") {
  const support::TempDir folder;
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

TEST_CASE("a file that is no such table is named, with the remedy",
          "[data][prepare]") {
  const support::TempDir folder;
  struct Case {
    std::string name, bytes, why;
  };
  for (const Case& c : std::vector<Case>{
           {"a.jsonl", "[{\"text\":\"a\"}]", ": holds one JSON array"},
           {"b.jsonl", "[\n {\"text\":\n\"a\"}]", "say format: json,"},
           {"c.json", "{\"a\":[{\"x\":1}],\"b\":[{\"x\":1}]}",
            "under a, b: rows: says which, as in rows: a"},
           {"d.json", "{\"version\":\"v2.0\",\n\"data\":[{\"paragraphs\":[]}]}",
            "no row can be used"},
           {"m.json", "{\"text\":\"a\"},\n{\"text\":\"b\"}\n",
            ":1: a comma between objects"},
           {"n.json", "[{\"text\":\"a\"}] 1", ":1: text behind the array"},
           {"o.json", "[{\"text\":\"a\"},]", ":1: no value before a comma"},
           {"p.json", "{\"data\":[{\"text\":\"a\"}", "ends within the value"},
           {"q.json", "{\"data\":[{\"text\":\"a\"}}]", "unbalanced"},
           {"e.json", "{\"text\":{\"0\":\"a\"},\"label\":{\"0\":\"x\"}}",
            "object of columns, such as 'text'"},
           {"f.json", "{\"text\":[\"a\"]}", "orient=\"records\""},
           {"g.json", "{\"text\":\"a\"}", "is one object"},
           {"h.json", "\"a\"", "JSON, but no array"},
           {"a.csv", "\xff\xfet\0e\0", "iconv -f UTF-16 -t UTF-8"},
           {"b.csv", "\xfe\xff\x01t", "is in UTF-16, wanted UTF-8"},
           {"c.csv", "text\ncaf\xe9\n", ":2: byte 0xe9 at column 4 is no"},
           {"d.csv", "text\ncaf\xe9\n", "iconv -f LATIN1 -t UTF-8"},
           {"c.jsonl", "{\"text\":\"caf\xe9\"}\n", "iconv -f LATIN1"},
           {"d.jsonl", "{\"text\": NaN}\n", ":1: NaN is no JSON: write null"},
           {"e.jsonl", "{\"text\": -Infinity}\n", "Infinity is no JSON"},
           {"e.csv", "version https://git-lfs.github.com/spec/v1\noid s\n",
            "is a Git LFS pointer"},
           {"f.csv", "<!DOCTYPE html>\n", "is a web page"},
           {"g.csv", "PK\x03\x04,", "is an archive or a spreadsheet"},
           {"h.csv", "", "h.csv: is empty"},
           {"i.csv", "a,label\rb,c\r", "label\\u000db"},
           {"j.csv", "a,label\rb,c\r", "lines end in CR alone; tr '\\r'"},
           {"k.csv", std::string("t\0e\0x\0", 6), "iconv -f UTF-16LE"},
       }) {
    INFO(c.name);
    const std::string path = (folder.path() / c.name).string();
    REQUIRE(WriteFileAtomically(path, c.bytes).ok());
    const std::string message =
        Message(ReadTable(path, {}, folder.path().string()).status());
    INFO(message);
    CHECK(message.rfind(path + ":", 0) == 0);
    CHECK(message.find(c.why) != std::string::npos);
    CHECK(message.find_first_of("\n\r") == std::string::npos);
    CHECK(message.size() < 400);
  }
}

TEST_CASE("mistakes in what is asked for are one line", "[data][prepare]") {
  const support::TempDir folder;
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
}  // namespace sft::data::read_table_test
