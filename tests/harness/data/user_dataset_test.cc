#include "harness/data/user_dataset.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>

#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"

namespace sft {
namespace {

class Files {
 public:
  std::string Write(const std::string& name, const std::string& text) const {
    const std::string path = folder_.path().string() + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

 private:
  TempDir folder_;
};

UserData DataOf(const std::string& path, const std::string& task) {
  UserData data;
  data.name = "mine";
  data.path = path;
  data.task = task;
  data.prepare["split"] = "1,0,0";
  return data;
}

Splits Load(const UserData& data) {
  absl::StatusOr<DatasetRow> row = MakeUserDataset(data);
  INFO(row.status().ToString());
  REQUIRE(row.ok());
  absl::StatusOr<Splits> splits = row->load({});
  INFO(splits.status().ToString());
  REQUIRE(splits.ok());
  return *std::move(splits);
}

// The message of making or loading it.
std::string ErrorOf(const UserData& data) {
  absl::StatusOr<DatasetRow> row = MakeUserDataset(data);
  if (!row.ok()) return row.status().ToString();
  return row->load({}).status().ToString();
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("a CSV is a classification task by its columns and template",
          "[data][user]") {
  const Files files;
  UserData data = DataOf(
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
  const Files files;
  const UserData data =
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
  const Files files;
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
    const UserData data = DataOf(path, "token_labels");
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
    UserData data = DataOf(path, "instruction");
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
  const Files files;
  UserData ner =
      DataOf(files.Write("n.conll", "Ada B-per\nran O\n\nRome B-loc\n"),
             "token_labels");
  CHECK(Load(ner).train.size() == 2);
  UserData pairs =
      DataOf(files.Write("a.de", "ein Haus\nzwei Tage\n"), "generation");
  pairs.format = "parallel";
  pairs.target = files.Write("a.en", "a house\ntwo days\n");
  const Splits splits = Load(pairs);
  REQUIRE(splits.train.size() == 2);
  CHECK_FALSE(splits.train[0].references.empty());
}

TEST_CASE("a test file of its own is kept out of the train rows",
          "[data][user]") {
  const Files files;
  UserData data = DataOf(
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

TEST_CASE("malformed rows are named by file and line, or skipped and counted",
          "[data][user]") {
  const Files files;
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
      {"bio.conll", "a B-x\nb O\n\nc B-x\nd I-y\n", "token_labels", ":5",
       "I-y"},
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
    UserData data = DataOf(files.Write(fault.name, fault.text), fault.task);
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
  const Files files;
  const std::string path = files.Write("a.csv", "text,label\na,x\n");
  UserData data = DataOf(path, "clasification");
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

// What one row of JSON lines becomes, or the error.
std::string ErrorOfRow(const std::string& row, const std::string& task) {
  const Files files;
  return ErrorOf(DataOf(files.Write("r.jsonl", row + "\n"), task));
}
Row RowOf(const std::string& row, const std::string& task) {
  const Files files;
  Splits splits = Load(DataOf(files.Write("r.jsonl", row + "\n"), task));
  REQUIRE(splits.train.size() == 1);
  return splits.train[0];
}
int64_t ChoiceOf(const std::string& choices, const std::string& answer) {
  return RowOf(R"({"question":"q","choices":)" + choices + R"(,"answer":)" +
                   answer + "}",
               "multiple_choice")
      .label;
}

TEST_CASE("the JSON type of an answer says what it is", "[data][user]") {
  const std::string numbers = R"(["1","2","3","4"])";
  const std::string letters = R"(["cat","dog","cow"])";
  const std::string arc = R"({"text":["w","x","y"],"label":["1","2","3"]})";
  CHECK(ChoiceOf(numbers, "1") == 1);      // an index
  CHECK(ChoiceOf(numbers, "\"1\"") == 0);  // a text
  CHECK(ChoiceOf(R"(["2","0","8","1"])", "2") == 2);
  CHECK(ChoiceOf(letters, "\"B\"") == 1);  // a letter
  CHECK(ChoiceOf(letters, "\"cow\"") == 2);
  CHECK(ChoiceOf(letters, "1.0") == 1);
  CHECK(ChoiceOf(arc, "\"2\"") == 1);  // a label
  CHECK(ChoiceOf(arc, "\"y\"") == 2);
  CHECK(RowOf(R"({"question":"q","choices":{"text":["w","x"],)"
              R"("label":["A","B"]},"answerKey":"B"})",
              "multiple_choice")
            .label == 1);
  const auto error = [](const std::string& choices, const std::string& answer) {
    return ErrorOfRow(R"({"question":"q","choices":)" + choices +
                          R"(,"answer":)" + answer + "}",
                      "multiple_choice");
  };
  CHECK(Has(error(letters, "3"), "index from 0 to 2"));
  CHECK(Has(error(letters, "-1"), "index from 0 to 2"));
  CHECK(Has(error(letters, "\"1\""), "is none of 3 choices"));
  CHECK(Has(error(letters, "\"D\""), "A to C"));
  CHECK(Has(error(R"(["B","A","C"])", "\"B\""), "two ways"));
  CHECK(Has(error(arc, "1"), "two ways"));
  CHECK(Has(error(R"(["a","a"])", "1"), "stands twice"));
  CHECK(Has(error(R"(["a"])", "0"), "two or more"));
  CHECK(Has(error(letters, "[1]"), "wanted an index"));
  CHECK(Has(error(letters, "\"1\""), "r.jsonl:1"));
  // In CSV a number is a text: of a choice, or an index where no text is so.
  const Files files;
  UserData csv = DataOf(files.Write("c.csv",
                                    "question,choices,answer\n"
                                    "q,\"[\"\"x\"\",\"\"y\"\"]\",1\n"),
                        "multiple_choice");
  CHECK(Load(csv).train[0].label == 1);
  csv.path = files.Write("d.csv",
                         "question,choices,answer\n"
                         "q,\"[\"\"1\"\",\"\"2\"\"]\",1\n");
  CHECK(Has(ErrorOf(csv), "d.csv:2: answer '1' can be read in two ways"));
}

TEST_CASE("answers of questions keep their type and their characters",
          "[data][user]") {
  const std::string head = R"({"question":"q","context":"a [1] e\u0301 b 12",)";
  const auto row = [&head](const std::string& rest) {
    return RowOf(head + rest + "}", "question_answering");
  };
  CHECK(row(R"("answers":"[1]")").references ==
        std::vector<std::string>{"[1]"});
  CHECK(row(R"("answers":12)").references == std::vector<std::string>{"12"});
  // NFD: answer_start counts the code points of the file.
  CHECK(row(R"("answers":{"text":["b"],"answer_start":[9]})").answer_begins ==
        std::vector<int64_t>{10});
  const Row list = row(R"("answers":[{"text":"b","answer_start":9},)"
                       R"({"text":"12","answer_start":11}])");
  CHECK(list.references == std::vector<std::string>{"b", "12"});
  CHECK(list.answer_begins == std::vector<int64_t>{10, 12});
  for (const char* none :
       {R"("answers":[])", R"("answers":{"text":[],"answer_start":[]})",
        R"("is_impossible":true)", R"("is_impossible":true,"answers":null)",
        R"("is_impossible":true,"answers":"")"}) {
    const Row empty = row(none);
    CHECK(empty.references.empty());
    CHECK(empty.answer_begins.empty());
    CHECK(empty.turns[1].content == "unanswerable");
  }
  const auto error = [&head](const std::string& rest) {
    return ErrorOfRow(head + rest + "}", "question_answering");
  };
  CHECK(Has(error(R"("answers":"")"), "is_impossible"));
  CHECK(Has(error(R"("answers":"b","is_impossible":true)"), "there is an"));
  CHECK(Has(error(R"("answers":{"text":["b"],"answer_start":[8]})"),
            "character 8"));
  CHECK(Has(error(R"("answers":{"text":["b","12"],"answer_start":[9]})"),
            "2 answers with 1 answer_start"));
}

TEST_CASE("texts are kept in their Unicode form unless cleaning is asked for",
          "[data][user]") {
  const Files files;
  UserData data = DataOf(files.Write("n.jsonl",
                                     "{\"text\":\"caf\x65\xcc\x81 one\","
                                     "\"label\":\"a\"}\n"
                                     "{\"text\":\"two\",\"label\":\"b\"}\n"),
                         "classification");
  const auto has = [&data](const std::string& text) {
    for (const Row& row : Load(data).train) {
      if (row.text == text) return true;
    }
    return false;
  };
  CHECK(has("caf\x65\xcc\x81 one"));
  data.prepare["clean"] = "true";
  CHECK(has("caf\xc3\xa9 one"));
}

TEST_CASE("rows that differ in any column of prompt or answer are kept",
          "[data][user]") {
  const Files files;
  struct Kind {
    std::string task, a, b;  // the constant column and the one that differs
  };
  const std::string more = R"("rest":"r")";
  for (const Kind& kind : std::vector<Kind>{
           {"instruction",
            R"("instruction":"Translate all of it to German.",)"
            R"("output":"x","input":)",
            ""},
           {"instruction",
            R"("instruction":"Say it in one word please.","output":)", ""},
           {"classification",
            R"("text":"A man plays a guitar on a stage.","label":"x",)"
            R"("text_pair":)",
            ""},
           {"multiple_choice",
            R"("question":"Which one is it of all these?","answer":0,)"
            R"("choices":["a",)",
            "]"},
           {"generation", R"("source":"the same line each time","target":)",
            ""},
           {"question_answering",
            R"("context":"a b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 c","question":"q",)"
            R"("answers":)",
            ""}}) {
    std::string text;
    for (int i = 0; i < 10; ++i) {
      const std::string row = "{" + more + "," + kind.a + "\"b" +
                              std::to_string(i) + "\"" + kind.b + "}\n";
      text += row;
      // An exact copy, but for white space.
      if (i == 3) text += row;
    }
    if (kind.task == "classification") {
      text += R"({"text":"t","label":"y"})"
              "\n";
    }
    UserData data = DataOf(files.Write("r.jsonl", text), kind.task);
    data.prepare["clean"] = "true";
    INFO(kind.a);
    const Splits splits = Load(data);
    CHECK(splits.facts.at("prepare.dropped_rows") == 1);
    CHECK(splits.facts.at("prepare.exact_duplicate") == 1);
  }
  std::string chats;
  for (int i = 0; i < 10; ++i) {
    chats +=
        R"({"messages":[{"role":"user","content":"Hello to you"},)"
        R"({"role":"assistant","content":"Hi"},{"role":"user","content":")" +
        std::to_string(i) +
        R"("},{"role":"assistant","content":"ok"}]})"
        "\n";
  }
  UserData data = DataOf(files.Write("m.jsonl", chats), "instruction");
  data.prepare["clean"] = "true";
  CHECK(Load(data).train.size() == 10);
}

TEST_CASE("rows of one prompt fall on one side, whatever their answers",
          "[data][user]") {
  const Files files;
  std::string text;
  for (int i = 0; i < 60; ++i) {
    text += R"({"instruction":"do )" + std::to_string(i / 2) +
            R"(","output":"o)" + std::to_string(i) + "\"}\n";
  }
  UserData data = DataOf(files.Write("i.jsonl", text), "instruction");
  data.prepare["split"] = "0.5,0.25,0.25";
  const Splits splits = Load(data);
  std::map<std::string, std::set<int>> sides;
  const std::vector<Row>* all[] = {&splits.train, &splits.validation,
                                   &splits.test};
  for (int side = 0; side < 3; ++side) {
    CHECK(all[side]->size() >= 14);
    for (const Row& row : *all[side]) {
      sides[row.turns[0].content].insert(side);
    }
  }
  CHECK(sides.size() == 30);
  for (const auto& [prompt, on] : sides) CHECK(on.size() == 1);
}

TEST_CASE("what cannot work is refused before anything runs", "[data][user]") {
  const Files files;
  const std::string path =
      files.Write("a.csv", "text,label\nfine day,x\ndull day,y\n");
  UserData data = DataOf(path, "classification");
  data.spec = "s.yaml";
  data.lines = {{"", 2}, {"template", 5}, {"metrics", 6}, {"columns", 7}};
  const auto with = [&data](auto change) {
    UserData one = data;
    change(one);
    return ErrorOf(one);
  };
  const auto form = [&](const std::string& text) {
    return with([&text](UserData& d) { d.prompt_template = text; });
  };
  CHECK(Has(form("Review: {{text}}\nLabel:"), "s.yaml:5: data mine"));
  CHECK(Has(form("Review: {{ text }}\nLabel:"), "single braces: {text}"));
  CHECK(Has(form("Review:"), "fills in no column"));
  CHECK(Has(form("{text} is {label}"), "answer's column"));
  CHECK(Has(form("{txt}"), "did you mean {text}?"));
  CHECK(Has(form("{text"), "never closed"));
  CHECK(Has(with([](UserData& d) { d.metrics = {"squad_f1"}; }),
            "s.yaml:6: data mine: metrics: 'squad_f1' is none of"));
  CHECK(Has(with([](UserData& d) {
              d.columns = {{"txt", "text"}};
            }),
            "s.yaml:7: data mine: columns: a task of classification has no "
            "'txt'; did you mean 'text'?"));
  CHECK(Has(with([](UserData& d) { d.task = "generation"; }),
            "no column 'source'"));
  CHECK(Has(with([](UserData& d) { d.path = "nowhere.csv"; }),
            "nowhere.csv is not there; looked for it in the working"));
  CHECK(Has(with([](UserData& d) { d.prepare["split"] = "0.8,0.2"; }),
            "write 0.8,0,0.2 for train and test"));
  const auto file = [&](const std::string& name, const std::string& text,
                        const std::string& task) {
    UserData one = DataOf(files.Write(name, text), task);
    return ErrorOf(one);
  };
  CHECK(Has(file("b.csv", "text;label\na;b\n", "classification"),
            "separated by ';'; say delimiter: \";\""));
  CHECK(Has(file("b.pkl", "x", "classification"), "a pickle"));
  CHECK(Has(file("b.xlsx", "x", "classification"), "save it as CSV"));
  CHECK(Has(file("c.csv", "text,label\na,x\nb,x\n", "classification"),
            "two classes or more"));
  CHECK(
      Has(file("s.csv", "text,label\na,pos\nb,pos \nc,neg\n", "classification"),
          "differ in white space"));
  CHECK(Has(file("t.jsonl",
                 R"({"words":["a"],"tags":["B-work of art"]})"
                 "\n",
                 "token_labels"),
            "entity type 'work of art' holds a space"));
  CHECK(Has(file("u.jsonl",
                 R"({"words":["a"],"tags":["B-x;y"]})"
                 "\n",
                 "token_labels"),
            "holds a ';'"));
  CHECK(Has(file("v.jsonl",
                 R"({"words":["a"],"tags":[1]})"
                 "\n",
                 "token_labels"),
            "wanted names"));
  UserData semicolons = DataOf(files.Write("d.csv", "text;label\na,1;x\nb;y\n"),
                               "classification");
  semicolons.prepare["delimiter"] = ";";
  CHECK(Load(semicolons).train.size() == 2);
  UserData cases = DataOf(files.Write("e.csv", "text,label\na,Yes\nb,yes\n"),
                          "classification");
  const Splits splits = Load(cases);
  REQUIRE(splits.notices.size() == 1);
  CHECK(Has(splits.notices[0], "'Yes', 'yes' are different classes"));
}

}  // namespace
}  // namespace sft
