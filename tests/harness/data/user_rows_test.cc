// What the rows of a user's file mean, and which of them are one.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/harness/data/user_files.h"

namespace sft::data::user_rows_test {
namespace {

// What one row of JSON lines becomes, or the error.
std::string ErrorOfRow(const std::string& row, const std::string& task) {
  const UserFiles files;
  return ErrorOf(DataOf(files.Write("r.jsonl", row + "\n"), task));
}
Row RowOf(const std::string& row, const std::string& task) {
  const UserFiles files;
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
  const UserFiles files;
  spec::UserData csv = DataOf(files.Write("c.csv",
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
  CHECK(Has(error(R"("answers":[],"is_impossible":false)"),
            "is_impossible is false, but there is no answer"));
  CHECK(Has(error(R"("answers":{"text":[]},"is_impossible":false)"),
            "is_impossible is false"));
  CHECK(row(R"("answers":["b"],"is_impossible":false)").references.size() == 1);
  CHECK(Has(error(R"("answers":{"text":["b"],"answer_start":[8]})"),
            "character 8"));
  CHECK(Has(error(R"("answers":{"text":["b","12"],"answer_start":[9]})"),
            "2 answers with 1 answer_start"));
}

TEST_CASE("texts are kept in their Unicode form unless cleaning is asked for",
          "[data][user]") {
  const UserFiles files;
  spec::UserData data =
      DataOf(files.Write("n.jsonl",
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
  const UserFiles files;
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
    spec::UserData data = DataOf(files.Write("r.jsonl", text), kind.task);
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
  spec::UserData data = DataOf(files.Write("m.jsonl", chats), "instruction");
  data.prepare["clean"] = "true";
  CHECK(Load(data).train.size() == 10);
}

TEST_CASE("answers that stand elsewhere in the context are two",
          "[data][user]") {
  const UserFiles files;
  const std::string head =
      R"({"question":"Which?","context":"The cat saw the cat",)"
      R"("answers":"cat","answer_start":)";
  spec::UserData data = DataOf(
      files.Write("s.jsonl", head + "4}\n" + head + "16}\n" + head + "4}\n"),
      "question_answering");
  data.prepare["clean"] = "true";
  const Splits splits = Load(data);
  CHECK(splits.train.size() == 2);
  CHECK(splits.facts.at("prepare.exact_duplicate") == 1);
}

TEST_CASE("answers of choices are compared as the choices they mean",
          "[data][user]") {
  const UserFiles files;
  const auto facts = [&files](const std::vector<std::string>& rest) {
    std::string text;
    for (const std::string& row : rest) {
      text += R"({"question":"Which one is it then?",)" + row + "}\n";
    }
    spec::UserData data =
        DataOf(files.Write("m.jsonl", text), "multiple_choice");
    data.prepare["clean"] = "true";
    return Load(data).facts;
  };
  const std::string two = R"("choices":["apple","pear"],"answer":)";
  auto same = facts({two + "1", two + "\"B\"", two + "\"pear\"", two + "1.0"});
  CHECK(same.at("prepare.exact_duplicate") == 3);
  CHECK(same.at("prepare.dropped_rows") == 3);
  same = facts({two + "1", two + "\"A\"", two + "\"pear\""});
  CHECK(same.at("prepare.label_conflict") == 3);
  // The choices in another order, which are nearly the same prompt.
  const std::string a =
      R"("the first thing that comes to mind when you look at the blue sky")";
  const std::string b =
      R"("the second thing that comes to mind when you see a green meadow")";
  const auto ordered = [](const std::string& x, const std::string& y,
                          const std::string& answer) {
    return R"("choices":[)" + x + "," + y + R"(],"answer":)" + answer;
  };
  CHECK(facts({ordered(a, b, "0"), ordered(b, a, "0")})
            .at("prepare.dropped_rows") == 0);
  CHECK(facts({ordered(a, b, "0"), ordered(b, a, "1")})
            .at("prepare.near_duplicate") == 1);
}

TEST_CASE("rows of one prompt fall on one side, whatever their answers",
          "[data][user]") {
  const UserFiles files;
  std::string text;
  for (int i = 0; i < 60; ++i) {
    text += R"({"instruction":"do )" + std::to_string(i / 2) +
            R"(","output":"o)" + std::to_string(i) + "\"}\n";
  }
  spec::UserData data = DataOf(files.Write("i.jsonl", text), "instruction");
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
  const UserFiles files;
  const std::string path =
      files.Write("a.csv", "text,label\nfine day,x\ndull day,y\n");
  spec::UserData data = DataOf(path, "classification");
  data.spec = "s.yaml";
  data.lines = {{"", 2}, {"template", 5}, {"metrics", 6}, {"columns", 7}};
  const auto with = [&data](auto change) {
    spec::UserData one = data;
    change(one);
    return ErrorOf(one);
  };
  const auto form = [&](const std::string& text) {
    return with([&text](spec::UserData& d) { d.prompt_template = text; });
  };
  CHECK(Has(form("Review: {{text}}\nLabel:"), "s.yaml:5: data mine"));
  CHECK(Has(form("Review: {{ text }}\nLabel:"), "single braces: {text}"));
  CHECK(Has(form("Review:"), "fills in no column"));
  CHECK(Has(form("{text} is {label}"), "answer's column"));
  CHECK(Has(form("{txt}"), "did you mean {text}?"));
  CHECK(Has(form("{text"), "never closed"));
  CHECK(Has(with([](spec::UserData& d) { d.metrics = {"squad_f1"}; }),
            "s.yaml:6: data mine: metrics: 'squad_f1' is none of"));
  CHECK(Has(with([](spec::UserData& d) {
              d.columns = {{"txt", "text"}};
            }),
            "s.yaml:7: data mine: columns: a task of classification has no "
            "'txt'; did you mean 'text'?"));
  for (const auto& columns : std::vector<std::map<std::string, std::string>>{
           {{"text", "text"}, {"label", "text"}},
           {{"text", "label"}},
           {{"text_pair", "label"}}}) {
    const std::string error =
        with([&columns](spec::UserData& d) { d.columns = columns; });
    CHECK(Has(error, "s.yaml:7: data mine: columns: text"));
    CHECK(Has(error, "the answer would stand in the prompt"));
  }
  CHECK(Has(with([](spec::UserData& d) { d.task = "generation"; }),
            "no column 'source'"));
  CHECK(Has(with([](spec::UserData& d) { d.path = "nowhere.csv"; }),
            "nowhere.csv is not there; looked for it in the working"));
  CHECK(Has(with([](spec::UserData& d) { d.prepare["split"] = "0.8,0.2"; }),
            "write 0.8,0,0.2 for train and test"));
  const auto file = [&](const std::string& name, const std::string& text,
                        const std::string& task) {
    spec::UserData one = DataOf(files.Write(name, text), task);
    return ErrorOf(one);
  };
  // Read by its own delimiter, were its rows whole.
  CHECK(Has(file("b.csv", "text;label\na;b;c\n", "classification"),
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
  spec::UserData semicolons = DataOf(
      files.Write("d.csv", "text;label\na,1;x\nb;y\n"), "classification");
  semicolons.prepare["delimiter"] = ";";
  CHECK(Load(semicolons).train.size() == 2);
  spec::UserData cases = DataOf(
      files.Write("e.csv", "text,label\na,Yes\nb,yes\n"), "classification");
  const Splits splits = Load(cases);
  REQUIRE(splits.notices.size() == 1);
  CHECK(Has(splits.notices[0], "'Yes', 'yes' are different classes"));
}

// The error, or else the notices, of a file with these two classes and another.
std::string OfClasses(const std::string& one, const std::string& other) {
  const UserFiles files;
  const spec::UserData data =
      DataOf(files.Write("c.jsonl", R"({"text":"a","label":")" + one +
                                        R"("})"
                                        "\n"
                                        R"({"text":"b","label":")" +
                                        other +
                                        R"("})"
                                        "\n"
                                        R"({"text":"c","label":"zz"})"
                                        "\n"),
             "classification");
  if (!MakeUserDataset(data).ok()) return ErrorOf(data);
  const Splits splits = Load(data);
  return splits.notices.empty() ? "" : splits.notices[0];
}

TEST_CASE("classes that look alike are refused, or named", "[data][user]") {
  // No-break and ideographic space, zero width, soft hyphen, marks of
  // direction and of byte order, a variation selector, NFD.
  for (const char* unseen : {"p q ", "p\\u00a0q", "p\\u3000q", "\\u2003p q",
                             "p\\u200b q", "p q\\u00ad", "\\u200ep q",
                             "p q\\ufeff", "p q\\ufe0f", "p q\\udb40\\udd00"}) {
    INFO(unseen);
    CHECK(Has(OfClasses("p q", unseen), "differ in white space, unseen"));
  }
  CHECK(Has(OfClasses("caf\\u00e9", "cafe\\u0301"), "Unicode form alone"));
  // What cannot be seen is written out.
  CHECK(Has(OfClasses("p q", "p q\\u200b"), "'p q', 'p q\\u200b'"));
  CHECK(Has(OfClasses("p q", "p q\\r"), "'p q\\u000d'"));
  CHECK(Has(OfClasses("p", "\\uff50"), "are different classes"));  // full width
  CHECK(Has(OfClasses("1", "1.0"), "'1', '1.0' are different classes"));
  CHECK(Has(OfClasses("1", "01"), "are different classes"));
  CHECK(Has(OfClasses("1000", "1e3"), "are different classes"));
  CHECK(OfClasses("1", "10").empty());
  CHECK(OfClasses("9007199254740992", "9007199254740993").empty());
  CHECK(OfClasses("p", "q").empty());
}

TEST_CASE("whole numbers beyond 64 bits are refused, not rounded",
          "[data][user]") {
  const auto error = [](const std::string& label) {
    return ErrorOfRow(R"({"text":"a","label":)" + label + "}",
                      "classification");
  };
  for (const char* number :
       {"12345678901234567890123", "18446744073709551616",
        "-9223372036854775809", "[1,{\"a\":12345678901234567890123}]"}) {
    INFO(number);
    CHECK(Has(error(number), "r.jsonl:1: the number "));
    CHECK(Has(error(number), "write it as a text, in quotes"));
  }
  CHECK(Has(error("12345678901234567890123"), " of 23 digits cannot be kept"));
  for (const char* kept :
       {"18446744073709551615", "-9223372036854775808", "1234567890123456789.5",
        "12345678901234567890e3", R"("12345678901234567890123")",
        R"("\"12345678901234567890123")"}) {
    INFO(kept);
    CHECK(Has(error(kept), "two classes or more"));
  }
}

}  // namespace
}  // namespace sft::data::user_rows_test
