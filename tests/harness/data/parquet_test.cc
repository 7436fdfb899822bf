// Parquet files that pyarrow wrote, against its own rows; and broken ones.
#include <cstring>
#include <set>

#include "absl/algorithm/container.h"
#include "harness/core/files.h"
#include "harness/data/parquet/encodings.h"
#include "harness/data/parquet/rows.h"
#include "harness/data/parquet/thrift.h"
#include "harness/data/prepare/read_table.h"
#include "tests/harness/data/user_files.h"

namespace sft::data::parquet_test {
namespace {

using Json = nlohmann::json;

std::string Golden(const std::string& name) {
  return (support::SourceDir() / "tests/golden/parquet" / name).string();
}

struct Told {
  std::vector<Json> rows;
  std::vector<std::string> where, notes;
  std::string error;
};
Told ReadAs(const std::string& path, const std::string& on_bad_row = "fail") {
  const support::TempDir scratch;
  PrepareOptions options;
  options.also = {"text"};
  options.on_bad_row = on_bad_row;
  auto read = ReadTable(path, options, scratch.path().string());
  Told told;
  if (!read.ok()) {
    told.error = std::string(read.status().message());
    return told;
  }
  told.notes = read->notes;
  for (size_t i = 0; i < read->rows->size(); ++i) {
    const auto row = read->rows->Get(i);
    REQUIRE(row.ok());
    told.rows.push_back(Json::parse(row->json));
    told.where.push_back(read->rows->Where(row->line));
  }
  return told;
}

TEST_CASE("rows are those that pyarrow reads, however they are stored",
          "[data][parquet]") {
  const auto text = ReadFile(Golden("rows.json"));
  REQUIRE(text.ok());
  const Json golden = Json::parse(*text);
  const std::vector<std::string> names = {
      "plain",  "snappy", "gzip",  "zstd_v2", "delta",     "streams",
      "groups", "nested", "types", "classes", "categories"};
  REQUIRE(golden["rows"].size() == names.size());
  for (const std::string& name : names) {
    const Json& rows = golden["rows"][name];
    INFO(name);
    const Told told = ReadAs(Golden(name + ".parquet"));
    CHECK(told.error.empty());
    REQUIRE(told.rows.size() == rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      INFO("row " << i << ": " << told.rows[i].dump() << " wants "
                  << rows[i].dump());
      CHECK(told.rows[i] == rows[i]);
    }
    CHECK(told.where.back() ==
          Golden(name + ".parquet") + ": row " + std::to_string(rows.size()));
  }
}

TEST_CASE("what a file says of classes and of bytes is said",
          "[data][parquet]") {
  const Told classes = ReadAs(Golden("classes.parquet"));
  REQUIRE(classes.notes.size() == 1);
  CHECK(Has(classes.notes[0],
            "classes.parquet: label, ner_tags: numbers are "
            "read as the names of classes"));
  const Told types = ReadAs(Golden("types.parquet"));
  REQUIRE(types.notes.size() == 1);
  CHECK(Has(types.notes[0], "binary, fixed: bytes are no text"));
}

TEST_CASE("a user's Parquet is a task of any kind", "[data][user][parquet]") {
  spec::UserData data = DataOf(Golden("plain.parquet"), "classification");
  data.prepare["on_bad_row"] = "skip";  // some texts are null
  const Splits splits = Load(data);
  CHECK(splits.train.size() > 50);
  CHECK(splits.facts.at("unusable_rows") > 0);
  CHECK(Has(splits.refused.at(0).where, "plain.parquet: row "));
  spec::UserData tags = DataOf(Golden("classes.parquet"), "token_labels");
  tags.columns = {{"words", "text"}, {"tags", "ner_tags"}};
  tags.prepare["on_bad_row"] = "skip";
  CHECK(Load(tags).train.at(0).tags ==
        std::vector<std::string>{"B-PER", "I-PER"});
}

TEST_CASE("a cut or packed file is refused, and another codec by name",
          "[data][parquet]") {
  const UserFiles files;
  const std::string bytes = *ReadFile(Golden("snappy.parquet"));
  const auto error = [&files](const std::string& name,
                              const std::string& text) {
    return ReadAs(files.Write(name, text)).error;
  };
  CHECK(Has(error("a.parquet", bytes.substr(0, bytes.size() / 2)),
            "a.parquet: is a broken Parquet file: its end is missing"));
  CHECK(Has(error("b.parquet", "text,label\na,b\n"), "is no Parquet file"));
  CHECK(Has(error("c.parquet", "PAR1"), "is no Parquet file"));
  CHECK(Has(error("d.parquet.gz", bytes), "unpack it"));
  CHECK(Has(error("e.parquet",
                  "version https://git-lfs.github.com/spec/v1\n"
                  "oid sha256:0\n"),
            "Git LFS"));
}

// Each byte of the small files changed in three ways: an error or rows, and
// never more than a file of that size can hold.
TEST_CASE("no damaged byte leads out of the file", "[data][parquet]") {
  for (const char* name : {"nested", "zstd_v2", "delta", "types", "classes"}) {
    INFO(name);
    const std::string bytes = *ReadFile(Golden(std::string(name) + ".parquet"));
    int64_t refused = 0, read = 0;
    for (size_t at = 4; at < bytes.size(); at += 3) {
      std::string broken = bytes;
      broken[at] = static_cast<char>(broken[at] ^ (1 << (at % 8)));
      const auto footer = parquet::ReadFooter(broken);
      if (!footer.ok()) {
        ++refused;
        continue;
      }
      for (const parquet::RowGroup& group : footer->groups) {
        std::vector<parquet::Cells> cells;
        bool good = true;
        for (const parquet::Node* leaf : footer->leaves) {
          auto chunk =
              parquet::ReadChunk(broken, group.columns[leaf->column], *leaf);
          good &= chunk.ok();
          if (!chunk.ok()) break;
          cells.push_back(*std::move(chunk));
        }
        if (!good) {
          ++refused;
          continue;
        }
        parquet::RowAssembler rows(footer->columns, cells);
        for (int64_t i = 0; i < group.rows && rows.Next().ok(); ++i) ++read;
      }
    }
    CHECK(refused > 10);
    CHECK(read > 10);
  }
}

TEST_CASE("metadata that claims more than it holds is refused",
          "[data][parquet]") {
  for (const std::string& bytes :
       {std::string("\x19\xfc\xff\xff\xff\x0f", 6),  // a list of 2^32
        std::string("\x18\xff\xff\xff\xff\x0f", 6),  // a text of 4 GiB
        std::string(100, '\x1c'),                    // structs in structs
        std::string("\x1d", 1), std::string()}) {
    std::string_view left = bytes;
    CHECK_FALSE(parquet::ReadThrift(left).ok());
  }
  std::vector<uint32_t> out;
  std::string_view runs("\x02", 1);
  CHECK_FALSE(parquet::TakeHybrid(runs, 8, 1, out).ok());
  std::string_view wide("\x02\x01", 2);
  CHECK_FALSE(parquet::TakeHybrid(wide, 40, 1, out).ok());
}

}  // namespace
}  // namespace sft::data::parquet_test
