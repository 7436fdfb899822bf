// The forms that rows lie in, read as people write them.
#include <zstd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "harness/data/forms/separated.h"
#include "harness/data/forms/split_names.h"
#include "harness/data/forms/table_files.h"
#include "harness/data/forms/table_form.h"
#include "harness/data/prepare/read_table.h"
#include "harness/formats/json.h"
#include "tests/harness/data/user_files.h"

namespace sft::data::table_forms_test {
namespace {

using Json = nlohmann::json;

struct Told {
  std::vector<Json> rows;
  std::vector<std::string> where, notes;
  std::string error;
};

Told ReadAs(const std::string& path, PrepareOptions options = {}) {
  if (options.text.empty()) options.text = {"text"};
  const support::TempDir scratch;
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

TEST_CASE("the forms are a whole table", "[data][forms]") {
  std::set<std::string> names, endings;
  for (const TableForm& form : AllTableForms()) {
    INFO(form.name);
    CHECK(names.insert(form.name).second);
    CHECK_FALSE(form.summary.empty());
    CHECK(form.read != nullptr);
    for (const std::string& ending : form.endings) {
      CHECK(endings.insert(ending).second);
      for (const char* packing : {"", ".gz", ".zst"}) {
        const auto found = FormOfFile("a/b" + ending + packing, "auto");
        REQUIRE(found.ok());
        CHECK((*found)->name == form.name);
      }
    }
    CHECK((*FormOfFile("anything", form.name))->name == form.name);
  }
  spec::UserData data = DataOf("/dev/null", "generation");
  data.format = "xls";
  CHECK(Has(ErrorOf(data), "format = 'xls': wanted one of auto, csv"));
  CHECK_FALSE(FormOfFile("a.csv", "csw").ok());
  CHECK(Has(FormOfFile("a.csv", "csw").status().ToString(), "'csv'"));
}

TEST_CASE("what stands between and around fields is found, and said",
          "[data][forms]") {
  const UserFiles files;
  struct Case {
    std::string name, bytes, note;
    std::vector<std::string> texts;
  };
  for (const Case& c : std::vector<Case>{
           {"a.csv", "text,label\na,x\nb,y\n", "", {"a", "b"}},
           // One column holds what would separate others.
           {"b.csv", "text\na;b\nc;d\n", "", {"a;b", "c;d"}},
           {"c.csv",
            "text;label\n\"a, b\";x\nc;y\n",
            "c.csv: delimiter ';', quote '\"', header yes",
            {"a, b", "c"}},
           {"d.csv", "text\tlabel\na,b\tx\n", "delimiter tab", {"a,b"}},
           {"e.csv", "text|label\na,b|x\n", "delimiter '|'", {"a,b"}},
           {"f.csv",
            "text,label\n'Well, it is',x\n'no',y\n",
            "delimiter ',', quote '''",
            {"Well, it is", "no"}},
           {"g.csv",
            "\xef\xbb\xbftext;label\r\n\"two\r\nlines\";x\r\nc;y\r\n",
            "delimiter ';'",
            {"two\nlines", "c"}},
           {"a.tsv",
            "text\tlabel\n\"a\tx\nb\ty\n",
            "quote: '\"'",
            {"\"a", "b"}},
           {"b.tsv",
            "text\tlabel\n\"a \"\"c\"\"\nd\te\"\tx\ne\ty\n",
            "delimiter tab, quote '\"', header yes",
            {"a \"c\"\nd\te", "e"}},
       }) {
    INFO(c.name);
    const Told told = ReadAs(files.Write(c.name, c.bytes));
    CHECK(told.error.empty());
    REQUIRE(told.notes.size() == (c.note.empty() ? 0 : 1));
    if (!c.note.empty()) CHECK(Has(told.notes[0], c.note));
    REQUIRE(told.rows.size() == c.texts.size());
    for (size_t i = 0; i < c.texts.size(); ++i) {
      CHECK(told.rows[i]["text"] == c.texts[i]);
    }
  }
}

TEST_CASE("stated delimiters and quotes hold, whatever the file looks like",
          "[data][forms]") {
  const UserFiles files;
  PrepareOptions options;
  options.delimiter = ";";
  options.quote = "none";
  const Told told =
      ReadAs(files.Write("a.csv", "text;label\n\"a\";x,y\n"), options);
  REQUIRE(told.rows.size() == 1);
  CHECK(told.rows[0]["text"] == "\"a\"");
  CHECK(told.notes.empty());
  options.quote = "'";
  CHECK(ReadAs(files.Write("b.csv", "text;label\n'a;b';x\n"), options)
            .rows[0]["text"] == "a;b");
  options.header = false;
  options.text = {"1"};
  CHECK(ReadAs(files.Write("c.csv", "'a;b';x\n"), options).rows[0]["2"] == "x");
  for (const auto& [delimiter, quote] :
       {std::pair(";;", "auto"), std::pair("", "auto"), std::pair(";", "''"),
        std::pair(";", ";"), std::pair("\n", "auto")}) {
    options.delimiter = delimiter;
    options.quote = quote;
    CHECK_FALSE(CheckPrepareOptions(options).ok());
  }
}

TEST_CASE("a ragged row is told by its line, also behind fields of two lines",
          "[data][forms]") {
  const UserFiles files;
  const Told told =
      ReadAs(files.Write("a.csv", "text,label\n\"a\nb\",x\nc,y\nd,e,f\n"));
  CHECK(Has(told.error, "a.csv:5: 3 fields, wanted 2"));
  CHECK(Has(told.error, "on_bad_row: skip"));
  PrepareOptions skip;
  skip.on_bad_row = "skip";
  CHECK(ReadAs(files.Write("b.csv", "text;x,label\na,x\nb;c,y\n\"\n\",z\n"),
               skip)
            .error.size() > 0);  // no column 'text': the comma holds
}

TEST_CASE("JSON is rows in every way that tools write them", "[data][forms]") {
  const UserFiles files;
  struct Case {
    std::string name, bytes, note;
    size_t rows;
    std::string where;  // of the last row
  };
  for (const Case& c : std::vector<Case>{
           {"a.json", R"([{"text":"a"},{"text":"b"}])", "", 2, "a.json:1"},
           {"b.json", "[\n{\"text\":\"a\"},\n{\"text\":\"b\"}\n]\n", "", 2,
            "b.json:3"},
           {"c.json", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n",
            "c.json: JSON lines", 2, "c.json:2"},
           {"d.json", "{\n\"text\":\"a\"\n}\n{\n\"text\":\"b\"\n}\n",
            "JSON lines", 2, "d.json:4"},
           {"e.json", R"({"data":[{"text":"a"},{"text":"b"}]})",
            "rows under 'data'", 2, "e.json: row 2"},
           {"f.json",
            R"({"n":{"a":[1]},"text":"}]","rows":[{"text":"]}"}],"v":[1,"x"]})",
            "rows under 'rows'", 1, "f.json: row 1"},
           {"g.json", "{\"data\":[\n]  , \"rows\" : [ {\"text\":\"\\\"]\"} ] }",
            "rows under 'rows'", 1, "g.json: row 1"},
       }) {
    INFO(c.name);
    const Told told = ReadAs(files.Write(c.name, c.bytes));
    CHECK(told.error.empty());
    REQUIRE(told.rows.size() == c.rows);
    CHECK(Has(told.where.back(), c.where));
    REQUIRE(told.notes.size() == (c.note.empty() ? 0 : 1));
    if (!c.note.empty()) CHECK(Has(told.notes[0], c.note));
  }
  // One line of more than any buffer, with a key before it.
  std::string large = "{\"version\":\"1\",\"data\":[";
  for (int i = 0; i < 20000; ++i) {
    large += std::string(i == 0 ? "" : ",") + "{\"text\":\"row " +
             std::to_string(i) + "\",\"more\":[{\"a\":{}}]}";
  }
  const Told told = ReadAs(files.Write("h.json", large + "]}"));
  REQUIRE(told.rows.size() == 20000);
  CHECK(told.rows[19999]["text"] == "row 19999");
  PrepareOptions rows;
  rows.rows = "b";
  CHECK(ReadAs(
            files.Write("i.json", R"({"a":[{"text":"x"}],"b":[{"text":"y"}]})"),
            rows)
            .rows[0]["text"] == "y");
  rows.rows = "c";
  CHECK(Has(ReadAs(files.Write("j.json",
                               R"({"a":[{"text":"x"}],"b":[{"text":"y"}]})"),
                   rows)
                .error,
            "under 'c'; there are a, b"));
}

TEST_CASE("SQuAD's articles are a row a question", "[data][forms]") {
  const UserFiles files;
  spec::UserData data = DataOf(
      files.Write("squad.json", R"({"version":"v2.0","data":[{"title":"T",
"paragraphs":[{"context":"Ada ran to Rome.","qas":[
{"id":"1","question":"Who?","answers":[{"text":"Ada","answer_start":0}]},
{"id":"2","question":"Where?","answers":[{"text":"Rome","answer_start":11}],
 "is_impossible":false},
{"id":"3","question":"Why?","answers":[],"plausible_answers":[
 {"text":"ran","answer_start":4}],"is_impossible":true}]}]}]})"),
      "question_answering");
  const Splits splits = Load(data);
  REQUIRE(splits.train.size() == 3);
  std::set<int64_t> ids;
  for (const Row& row : splits.train) {
    ids.insert(row.id);
    CHECK(row.references.empty() == (row.text == "Why?"));
  }
  CHECK(ids == std::set<int64_t>{1, 2, 3});
  CHECK(Has(splits.notices.at(0), "SQuAD's articles, a row a question"));
}

TEST_CASE("splits that a file names are the set's own", "[data][forms]") {
  const UserFiles files;
  spec::UserData data =
      DataOf(files.Write("all.json",
                         R"({"train":[{"text":"a","label":"x"},
{"text":"b","label":"y"}],"dev":[{"text":"c","label":"x"}],
"test":[{"text":"d","label":"y"},{"text":"e","label":"x"}]})"),
             "classification");
  data.prepare.erase("split");
  const Splits splits = Load(data);
  CHECK(splits.train.size() == 2);
  CHECK(splits.validation.size() == 1);
  REQUIRE(splits.test.size() == 2);
  CHECK(splits.test[1].text == "e");
  CHECK(std::count_if(splits.notices.begin(), splits.notices.end(),
                      [](const std::string& note) {
                        return Has(note, "rows are those that");
                      }) == 2);
}

class Folder {
 public:
  std::string Write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  std::string path() const { return folder_.path().string(); }
  void Link(const std::string& to, const std::string& name) const {
    std::filesystem::create_symlink(to, folder_.path() / name);
  }

 private:
  support::TempDir folder_;
};

TEST_CASE("a folder of shards is one table, its splits by their names",
          "[data][forms]") {
  const auto row = [](const std::string& text, const std::string& label) {
    return "{\"text\":\"" + text + "\",\"label\":\"" + label + "\"}\n";
  };
  Folder folder;
  folder.Write("data/train-00000-of-00002.jsonl",
               row("a", "x") + row("b", "y"));
  folder.Write("data/train-00001-of-00002.jsonl", row("c", "x"));
  folder.Write("data/test-00000-of-00001.jsonl", row("d", "y"));
  folder.Write("dataset_info.json", "{}");
  folder.Write("README.md", "rows");
  folder.Write(".cache/train.jsonl", row("hidden", "x"));
  spec::UserData data = DataOf(folder.path(), "classification");
  data.name = "shards";
  data.prepare["split"] = "1,0,0";
  const auto made = MakeUserDataset(data);
  INFO(made.status().ToString());
  REQUIRE(made.ok());
  CHECK(made->files.size() == 3);  // what ids are made of
  const Splits splits = Load(data);
  REQUIRE(splits.train.size() == 3);
  std::set<int64_t> ids;
  for (const Row& one : splits.train) ids.insert(one.id);
  CHECK(ids == std::set<int64_t>{1, 2, 3});
  REQUIRE(splits.test.size() == 1);
  CHECK(splits.test[0].text == "d");

  SECTION("a bad row is told by its shard") {
    folder.Write("data/train-00001-of-00002.jsonl", row("c", "x") + "{\n");
    CHECK(Has(ErrorOf(data), "data/train-00001-of-00002.jsonl:2: "));
  }
  SECTION("a shard that is missing") {
    std::filesystem::remove(folder.path() + "/data/train-00000-of-00002.jsonl");
    CHECK(Has(ErrorOf(data),
              "has 1 of 2 shards; the first that is missing is "
              "number 0"));
  }
  SECTION("several forms") {
    folder.Write("data/train-2.csv", "text,label\na,x\n");
    CHECK(Has(ErrorOf(data), "files of several forms"));
  }
  SECTION("a link that leads out") {
    const Folder other;
    folder.Link(other.Write("secret.jsonl", row("s", "x")),
                "data/train-x.jsonl");
    CHECK(Has(ErrorOf(data), "leads out of the folder"));
  }
  SECTION("held-out text names its files") {
    data.task = "language_modeling";
    CHECK(Has(ErrorOf(data), "name the files of one of them"));
  }
}

TEST_CASE("folders name splits as files do, and packed rows are rows",
          "[data][forms]") {
  const auto packed = [](const std::string& text) {
    std::string out(ZSTD_compressBound(text.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(),
                             /*compressionLevel=*/3));
    return out;
  };
  Folder folder;
  folder.Write("train/0.csv.zst", packed("text,label\na,x\nb,y\n"));
  folder.Write("train/1.csv", "text,label\nc,x\n");
  folder.Write("validation/0.csv", "text,label\nd,y\n");
  const Splits splits = Load(DataOf(folder.path(), "classification"));
  CHECK(splits.train.size() == 3);
  REQUIRE(splits.validation.size() == 1);
  CHECK(splits.validation[0].text == "d");
  for (const auto& [name, text] :
       {std::pair("a.json.zst", "{\"data\":[{\"text\":\"a\"}]}"),
        std::pair("a.jsonl.zst", "{\"text\":\"a\"}\n"),
        std::pair("a.tsv.zst", "text\tx\na\tb\n")}) {
    const Told told = ReadAs(folder.Write(name, packed(text)));
    REQUIRE(told.rows.size() == 1);
    CHECK(told.rows[0]["text"] == "a");
  }
}

TEST_CASE("a folder without names of splits is one list", "[data][forms]") {
  Folder folder;
  folder.Write("0.csv", "text,label\na,x\n");
  folder.Write("1.csv", "text,label\nb,y\n");
  CHECK(Load(DataOf(folder.path(), "classification")).train.size() == 2);
  const Folder none;
  none.Write("notes.txt", "x");
  CHECK(Has(ErrorOf(DataOf(none.path(), "classification")),
            "holds no file of rows"));
}

TEST_CASE("words of a name tell a split", "[data][forms]") {
  CHECK(SplitOfName("train-00000-of-00002") == "train");
  CHECK(SplitOfName("my_Dev.v2") == "validation");
  CHECK(SplitOfName("eval") == "test");
  CHECK(SplitOfName("latest").empty());
  CHECK(SplitOfName("strain").empty());
  CHECK(SplitOfName("").empty());
}

}  // namespace
}  // namespace sft::data::table_forms_test
