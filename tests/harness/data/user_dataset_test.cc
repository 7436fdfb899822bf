#include "harness/data/user/user_dataset.h"

#include <filesystem>
#include <map>
#include <set>

#include "tests/harness/data/user_files.h"

namespace sft::data::user_dataset_test {
namespace {

TEST_CASE("a CSV is a classification task by its columns and template",
          "[data][user]") {
  const UserFiles files;
  spec::UserData data = DataOf(
      files.Write("r.csv", "stars,review\ngood,\"nice, really\"\nbad,dull\n"),
      "classification");
  data.columns = {{"text", "review"}, {"label", "stars"}};
  data.prompt_template = "Review: {review} {{!}}\nIt is";
  const absl::StatusOr<DatasetRow> row = MakeUserDataset(data);
  REQUIRE(row.ok());
  CHECK(row->task.labels == std::vector<std::string>{"bad", "good"});
  CHECK(row->task.metrics[0] == "accuracy");
  CHECK(row->files == std::vector<std::string>{"path:" + data.path});
  const Splits splits = Load(data);
  REQUIRE(splits.train.size() == 2);
  for (const Row& one : splits.train) {
    if (one.label == 0) continue;
    CHECK(one.text == "nice, really");
    CHECK(one.turns[0].content == "Review: nice, really {!}\nIt is");
    CHECK(one.turns[1].content == "good");
  }
}

TEST_CASE("labels and rows come of one reading of the file", "[data][user]") {
  const UserFiles files;
  const spec::UserData data =
      DataOf(files.Write("r.csv", "text,label\nfine,good\ndull,bad\n"),
             "classification");
  const absl::StatusOr<DatasetRow> row = MakeUserDataset(data);
  REQUIRE(row.ok());
  REQUIRE(std::filesystem::remove(data.path));
  for (int time = 0; time < 2; ++time) {
    const absl::StatusOr<Splits> splits = row->load({});
    REQUIRE(splits.ok());
    CHECK(splits->train.size() == 2);
  }
}

TEST_CASE("every task is read from JSON lines", "[data][user]") {
  const UserFiles files;
  SECTION("question answering counts characters, and finds answers") {
    const std::string path = files.Write(
        "q.jsonl",
        R"({"question":"Who?","context":"É Ada ran.","answers":{"text":["Ada"],)"
        R"("answer_start":[2]}})"
        "\n"
        R"({"question":"What?","context":"Ada ran.","answers":"ran"})"
        "\n");
    const Splits splits = Load(DataOf(path, "question_answering"));
    REQUIRE(splits.train.size() == 2);
    for (const Row& row : splits.train) {
      CHECK(row.text_pair.substr(row.answer_begins[0],
                                 row.references[0].size()) ==
            row.references[0]);
      CHECK(row.turns[1].content == row.references[0]);
    }
  }
  SECTION("token labels as lists or as text") {
    const std::string path =
        files.Write("t.jsonl", R"({"words":["Ada","ran"],"tags":["B-per","O"]})"
                               "\n"
                               R"({"words":"in Rome","tags":"O B-loc"})"
                               "\n");
    const spec::UserData data = DataOf(path, "token_labels");
    CHECK(MakeUserDataset(data)->task.labels ==
          std::vector<std::string>{"loc", "per"});
    const Splits splits = Load(data);
    REQUIRE(splits.train.size() == 2);
    for (const Row& row : splits.train) CHECK(row.words.size() == 2);
  }
  SECTION("generation with several references") {
    const std::string path = files.Write(
        "g.jsonl", R"({"source":"ein Haus","target":["a house","one house"]})"
                   "\n");
    const Splits splits = Load(DataOf(path, "generation"));
    REQUIRE(splits.train.size() == 1);
    CHECK(splits.train[0].references.size() == 2);
  }
  SECTION("chat as messages") {
    const std::string path =
        files.Write("m.jsonl", R"({"chat":[{"role":"user","content":"Hi"},)"
                               R"({"role":"assistant","content":"Hello"}]})"
                               "\n");
    spec::UserData data = DataOf(path, "instruction");
    data.columns = {{"messages", "chat"}};
    const Splits splits = Load(data);
    REQUIRE(splits.train.size() == 1);
    CHECK(splits.train[0].turns[1].content == "Hello");
  }
  SECTION("chat in a column of the standard name") {
    const std::string path =
        files.Write("m.jsonl", R"({"messages":[{"role":"user","content":"Hi"},)"
                               R"({"role":"assistant","content":"Hello"}]})"
                               "\n");
    const Splits splits = Load(DataOf(path, "instruction"));
    REQUIRE(splits.train.size() == 1);
    CHECK(splits.train[0].turns[1].content == "Hello");
  }
  SECTION("multiple choice by index or by text") {
    const std::string path = files.Write(
        "c.jsonl",
        R"({"question":"2+2","choices":["3","4!"],"answer":1})"
        "\n"
        R"({"question":"1+1","choices":["two","one"],"answer":"two"})"
        "\n");
    const Splits splits = Load(DataOf(path, "multiple_choice"));
    REQUIRE(splits.train.size() == 2);
    for (const Row& row : splits.train) {
      CHECK(row.choices[row.label] == row.turns[1].content);
    }
  }
  SECTION("text to be held out") {
    const std::string path =
        files.Write("d.jsonl", "{\"text\":\"one\"}\n{\"text\":\"two\"}\n");
    CHECK(Load(DataOf(path, "language_modeling")).documents ==
          std::vector<std::string>{"one", "two"});
  }
}

TEST_CASE("CoNLL and parallel files are data sets", "[data][user]") {
  const UserFiles files;
  spec::UserData ner =
      DataOf(files.Write("n.conll", "Ada B-per\nran O\n\nRome B-loc\n"),
             "token_labels");
  CHECK(Load(ner).train.size() == 2);
  spec::UserData pairs =
      DataOf(files.Write("a.de", "ein Haus\nzwei Tage\n"), "generation");
  pairs.format = "parallel";
  pairs.target = files.Write("a.en", "a house\ntwo days\n");
  const Splits splits = Load(pairs);
  REQUIRE(splits.train.size() == 2);
  CHECK_FALSE(splits.train[0].references.empty());
}

TEST_CASE("a test file of its own is kept out of the train rows",
          "[data][user]") {
  const UserFiles files;
  spec::UserData data = DataOf(
      files.Write("a.csv", "text,label\nblue sky today,x\nred,y\ngreen,x\n"),
      "classification");
  data.prepare = {{"clean", "true"}, {"split", "0.5,0.5,0"}};
  data.test = files.Write("b.csv", "text,label\nblue sky today,x\n");
  const Splits splits = Load(data);
  CHECK(splits.test.size() == 1);
  CHECK(splits.train.size() + splits.validation.size() == 2);
  CHECK(splits.facts.at("prepare.dropped_rows") == 1);
  REQUIRE(splits.refused.size() == 1);
  CHECK(Has(splits.refused[0].where, "a.csv:2"));
}

TEST_CASE("of dropped rows it is said which columns were not compared",
          "[data][user]") {
  const UserFiles files;
  const std::string head = "text,aspect,label\n";
  spec::UserData data =
      DataOf(files.Write("a.csv", head + "good food bad service,food,x\n"
                                         "good food bad service,service,y\n"
                                         "blue sky today,sky,x\n"
                                         "something else,sky,y\n"),
             "classification");
  data.prepare = {{"clean", "true"}, {"split", "1,0,0"}};
  data.test = files.Write("b.csv", head + "blue sky today,day,x\n");
  Splits splits = Load(data);
  CHECK(splits.facts.at("prepare.label_conflict") == 2);
  CHECK(splits.facts.at("prepare.leak") == 1);
  REQUIRE_FALSE(splits.notices.empty());
  CHECK(Has(splits.notices[0], "not compared: aspect (3 rows): a template:"));
  data.prompt_template = "{text} {aspect}:";
  splits = Load(data);
  CHECK(splits.facts.at("prepare.label_conflict") == 0);
  for (const std::string& notice : splits.notices) {
    CHECK_FALSE(Has(notice, "not compared"));
  }
}

TEST_CASE("malformed rows are named by file and line, or skipped and counted",
          "[data][user]") {
  const UserFiles files;
  struct Fault {
    std::string name, text, task, at, why;
  };
  const std::string good = "{\"text\":\"t\",\"label\":\"x\"}\n";
  const std::string other = "{\"text\":\"v\",\"label\":\"y\"}\n";
  const std::vector<Fault> faults = {
      {"utf8.csv", "text,label\na,x\nb\xff,x\nc,y\n", "classification", ":3",
       "UTF-8"},
      {"ragged.csv", "text,label\na,x\nb,x,y\nc,y\n", "classification", ":3",
       "3 fields"},
      {"json.jsonl", good + "{\"text\": \"u\", \"label\": [\"x\"}\n" + other,
       "classification", ":2", ""},
      {"label.jsonl", good + "{\"text\": \"u\"}\n" + other, "classification",
       ":2", "label"},
      {"bio.conll", "a B-x\nb O\n\nc B-x\nd I-y\n", "token_labels", ":4",
       "word 2: I-y follows B-x"},
      {"bio.jsonl",
       "{\"words\":[\"a\"],\"tags\":[\"B-x\"]}\n"
       "{\"words\":[\"a\"],\"tags\":[\"I-x\"]}\n",
       "token_labels", ":2", "I-x follows O"},
      {"span.jsonl",
       "{\"question\":\"q\",\"context\":\"abc\",\"answers\":\"b\"}\n"
       "{\"question\":\"q\",\"context\":\"abc\",\"answers\":\"c\","
       "\"answer_start\":9}\n",
       "question_answering", ":2", "character 9"},
      {"long.jsonl",
       good + "{\"text\":\"" + std::string(100 << 20, 'a') + "\"}\n" + other,
       "classification", ":2", "16777216 bytes"}};
  for (const Fault& fault : faults) {
    INFO(fault.name);
    spec::UserData data =
        DataOf(files.Write(fault.name, fault.text), fault.task);
    const std::string error = ErrorOf(data);
    INFO(error);
    CHECK(Has(error, fault.name + fault.at));
    CHECK(Has(error, fault.why));
    CHECK(error.size() < 600);
    data.prepare["on_bad_row"] = "skip";
    const Splits splits = Load(data);
    CHECK(splits.train.size() == (fault.task == "classification" ? 2 : 1));
    REQUIRE(splits.refused.size() == 1);
    CHECK(Has(splits.refused[0].where, fault.name + fault.at));
    REQUIRE(splits.notices.size() == 1);
    CHECK(Has(splits.notices[0], "data mine: 1 row"));
    CHECK(Has(splits.notices[0], fault.name + fault.at));
  }
}

TEST_CASE("wrong names are answered with the nearest", "[data][user]") {
  const UserFiles files;
  const std::string path = files.Write("a.csv", "text,label\na,x\n");
  spec::UserData data = DataOf(path, "clasification");
  CHECK(Has(ErrorOf(data), "did you mean 'classification'?"));
  data = DataOf(path, "classification");
  data.columns = {{"label", "lable"}};
  CHECK(Has(ErrorOf(data), "no column 'lable'; did you mean 'label'?"));
  data = DataOf(path, "classification");
  data.prompt_template = "{texte}";
  CHECK(Has(ErrorOf(data), "no column 'texte'"));
  data = DataOf(path, "classification");
  data.prepare["cleen"] = "true";
  CHECK(Has(ErrorOf(data), "did you mean 'clean'?"));
}

TEST_CASE("chats of other layouts are answered with the remedy",
          "[data][user]") {
  const UserFiles files;
  spec::UserData data = DataOf(
      files.Write("p.jsonl", "{\"prompt\":\"a\",\"completion\":\"b\"}\n"),
      "instruction");
  CHECK(
      Has(ErrorOf(data), "columns: {instruction: prompt, output: completion}"));
  data.columns = {{"instruction", "prompt"}, {"output", "completion"}};
  CHECK(Load(data).train.size() == 1);
}

}  // namespace
}  // namespace sft::data::user_dataset_test
