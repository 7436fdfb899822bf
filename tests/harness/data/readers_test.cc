// Files as they should be, and as they are.
#include <catch2/catch.hpp>
#include <string>

#include "harness/core/files.h"
#include "harness/data/clean_text.h"
#include "harness/data/csv.h"
#include "harness/data/jsonl.h"
#include "harness/data/tsv.h"
#include "harness/formats/json.h"
#include "tests/support/paths.h"

namespace sft::data::readers_test {
namespace {

// A file that lives as long as the object.
class File {
 public:
  File(const std::string& name, std::string_view bytes)
      : path_((folder_.path() / name).string()) {
    REQUIRE(WriteFileAtomically(path_, bytes).ok());
  }
  const std::string& path() const { return path_; }
  std::string At(int line) const { return path_ + ":" + std::to_string(line); }

 private:
  support::TempDir folder_;
  std::string path_;
};

template <class T>
std::string Message(const absl::StatusOr<T>& result) {
  return std::string(result.status().message());
}
bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
using Fields = std::vector<std::string>;

TEST_CASE("quoted CSV fields hold commas, quotes and line breaks",
          "[data][csv]") {
  const File file("a.csv",
                  "text,label\r\n\"a, \"\"b\"\"\r\nc\",1\r\n\r\nplain,0\r\n"
                  "\"\",\r\n");
  const auto table = ReadCsv(file.path(), {});
  REQUIRE(table.ok());
  CHECK(table->refused.empty());
  REQUIRE(table->records.size() == 3);
  CHECK(table->records[0].fields == Fields{"a, \"b\"\nc", "1"});
  CHECK(table->records[0].line == 2);
  CHECK(table->records[1].fields == Fields{"plain", "0"});
  CHECK(table->records[1].line == 5);
  CHECK(table->records[2].fields == Fields{"", ""});
}

TEST_CASE("bad CSV records are refused with file and line, the rest is kept",
          "[data][csv]") {
  const File file("a.csv",
                  "text,label\nok,1\nonly one\na,b,c\n\"x\"y,1\nq\"q,1\n"
                  "caf\xe9,0\nfine,0\n");
  const auto table = ReadCsv(file.path(), {});
  REQUIRE(table.ok());
  CHECK(table->records.size() == 2);
  REQUIRE(table->refused.size() == 5);
  CHECK(table->refused[0].where == file.At(3));
  CHECK(table->refused[0].reason == "1 fields, wanted 2");
  CHECK(table->refused[1].reason == "3 fields, wanted 2");
  CHECK(table->refused[2].reason == "text behind a closing quote");
  CHECK(table->refused[3].reason == "a quote within an unquoted field");
  CHECK(table->refused[4].where == file.At(7));
  CHECK(table->refused[4].reason == "byte 0xe9 at column 4 is no UTF-8 text");
}

TEST_CASE("a CSV quote that is never closed is an error with its line",
          "[data][csv]") {
  const File file("a.csv", "text,label\nok,1\n\"open,1\nmore,0\n");
  CHECK(Has(Message(ReadCsv(file.path(), {})), file.At(3) + ": a quote"));
}

TEST_CASE("a CSV with another header, or without a record, is an error",
          "[data][csv]") {
  const File file("a.csv", "text,label\n");
  CHECK(Has(Message(ReadCsv(file.path(), {})), "no usable record"));
  CsvOptions options;
  options.header_names = {"text", "class"};
  CHECK(Has(Message(ReadCsv(file.path(), options)), "wanted 'text,class'"));
  const File empty("b.csv", "");
  CHECK_FALSE(ReadCsv(empty.path(), {}).ok());
  CHECK_FALSE(ReadCsv(empty.path() + ".none", {}).ok());
}

TEST_CASE("a CSV record above the limit is refused and its bytes not kept",
          "[data][csv]") {
  const File file("a.csv", "t,l\n\"" + std::string(5000, 'x') + "\n" +
                               std::string(5000, 'y') + "\",1\nok,1\n");
  CsvOptions options;
  options.max_record_bytes = 1000;
  const auto table = ReadCsv(file.path(), options);
  REQUIRE(table.ok());
  CHECK(table->records.size() == 1);
  REQUIRE(table->refused.size() == 1);
  CHECK(table->refused[0].reason == "a record above 1000 bytes");
}

TEST_CASE("a byte order mark is not part of the first field", "[data][csv]") {
  const File file("a.csv", "\xef\xbb\xbftext,label\nok,1\n");
  CsvOptions options;
  options.header_names = {"text", "label"};
  CHECK(ReadCsv(file.path(), options).ok());
}

TEST_CASE("TSV rows are split at tabs only", "[data][tsv]") {
  const File file("a.tsv", "a \"quoted, thing\t1\nragged\n\nb\t0\nx\xff\t1\n");
  const auto table = ReadTsv(file.path(), {});
  REQUIRE(table.ok());
  REQUIRE(table->records.size() == 2);
  CHECK(table->records[0].fields == Fields{"a \"quoted, thing", "1"});
  CHECK(table->records[1].line == 4);
  REQUIRE(table->refused.size() == 2);
  CHECK(table->refused[0].where == file.At(2));
  CHECK(table->refused[1].where == file.At(5));
}

TEST_CASE("bad JSON lines are refused with file and line", "[data][jsonl]") {
  const File file("a.jsonl",
                  "{\"text\": \"a\"}\n{\"text\": \"b\"\n\n[1, 2]\n"
                  "{\"text\": \"\xc3(\"}\n{\"text\": 3}\n");
  const auto table = ReadJsonl(file.path());
  REQUIRE(table.ok());
  REQUIRE(table->records.size() == 2);
  CHECK(table->records[0].where == file.At(1));
  REQUIRE(table->refused.size() == 3);
  CHECK(table->refused[0].where == file.At(2));
  CHECK(Has(table->refused[0].reason, "no JSON: parse error"));
  CHECK(table->refused[1].reason == "JSON, but no object");
  CHECK(Has(table->refused[2].reason, "no UTF-8"));
  CHECK(Has(Message(JsonText(table->records[1].value, "text")),
            "'text' is no string but number"));
  CHECK(Has(Message(JsonText(table->records[1].value, "x")), "no 'x'"));
  CHECK(JsonText(table->records[1].value, "x", true).value() == "");
}

TEST_CASE("deep JSON is refused before it is built", "[data][jsonl]") {
  const std::string deep(100000, '[');
  CHECK(Has(Message(formats::ParseJson(deep)), "nested 100000 deep"));
  CHECK(formats::ParseJson("{\"a\": \"[[[[\"}", 2).ok());
  CHECK_FALSE(formats::ParseJson("{\"a\": [[[]]]}", 2).ok());
}

TEST_CASE("a JSON file without a usable record is an error", "[data][jsonl]") {
  const File file("a.jsonl", "nothing\n");
  CHECK(Has(Message(ReadJsonl(file.path())), file.At(1)));
  const File empty("b.jsonl", "");
  CHECK(Has(Message(ReadJsonl(empty.path())), "no records"));
  const File unbalanced("c.json", "[{\"a\": 1}");
  CHECK_FALSE(ReadJsonArray(unbalanced.path()).ok());
  const File object("d.json", "{\"a\": 1}");
  CHECK(Has(Message(ReadJsonArray(object.path())), "no array"));
  const File none("e.json", "[]");
  CHECK_FALSE(ReadJsonArray(none.path()).ok());
}

TEST_CASE("a JSON array's records are counted from 1", "[data][jsonl]") {
  const File file("a.json", "[{\"a\": 1}, 2, {\"a\": 3}]");
  const auto table = ReadJsonArray(file.path());
  REQUIRE(table.ok());
  CHECK(table->records[1].number == 3);
  REQUIRE(table->refused.size() == 1);
  CHECK(table->refused[0].where == file.path() + ": record 2");
}

TEST_CASE("text is cut behind a word, and never within a character",
          "[data][text]") {
  CHECK(CollapseSpace(" a\t\n b  ") == "a b");
  CHECK(FirstWords("one two three", 9) == "one two");
  CHECK(FirstWords("one", 9) == "one");
  CHECK(FirstWords("\xc3\xa9\xc3\xa9\xc3\xa9", 3) == "\xc3\xa9");
}

}  // namespace
}  // namespace sft::data::readers_test
