// Question answering sets out of a few questions in their official layouts.
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/datasets/data_folder.h"
#include "tests/support/require.h"

namespace sft::datasets::question_answering_test {
namespace {

using Json = nlohmann::json;
using Array = std::vector<Json>;  // braces of one Json would copy it

Json Question(const std::string& text, const Array& answers) {
  return {{"id", text}, {"question", text}, {"answers", answers}};
}
Json Answer(const std::string& text, const Json& start) {
  return {{"text", text}, {"answer_start", start}};
}
Json Paragraph(const std::string& context, const Array& questions) {
  return {{"context", context}, {"qas", questions}};
}
Json Article(const std::string& title, const std::string& context,
             const Array& questions) {
  return {{"title", title},
          {"paragraphs", Array{Paragraph(context, questions)}}};
}
std::string Squad(const Array& articles) {
  return Json{{"version", "1.1"}, {"data", articles}}.dump();
}
// `count` questions about a context of its own.
Json LargeArticle(const std::string& title, int count) {
  Array questions;
  for (int i = 0; i < count; ++i) {
    questions.push_back(
        Question("Question " + std::to_string(i) + "?", {Answer(title, 3)}));
  }
  return Article(title, "On " + title + ".", questions);
}

constexpr char kTrain[] = "squad/train-v1.1.json";
constexpr char kDev[] = "squad/dev-v1.1.json";

TEST_CASE("answers are placed by bytes where the file counts characters",
          "[datasets][question_answering]") {
  DataFolder folder;
  folder.Write(kTrain, Squad({LargeArticle("A", 700), LargeArticle("B", 700),
                              LargeArticle("C", 700)}));
  const std::string context =
      "\xc3\x84hm, 6\xc2\xbd \xe2\x82\xac in K\xc3\xb6ln";
  folder.Write(kDev,
               Squad({Article("K", context,
                              {Question("  How much\nis it? ",
                                        {Answer("6\xc2\xbd \xe2\x82\xac", 5),
                                         Answer("K\xc3\xb6ln", 13)})})}));
  const data::Splits splits = folder.Load("squad");
  REQUIRE(splits.test.size() == 1);
  const data::Row& row = splits.test[0];
  CHECK(row.text == "How much is it?");
  CHECK(row.text_pair == context);
  CHECK(row.references ==
        std::vector<std::string>{"6\xc2\xbd \xe2\x82\xac", "K\xc3\xb6ln"});
  CHECK(row.answer_begins == std::vector<int64_t>{6, 17});
  REQUIRE(row.turns.size() == 2);
  CHECK(row.turns[0].content ==
        "Context: " + context + "\nQuestion: How much is it?\nAnswer:");
  CHECK(row.turns[1].content == "6\xc2\xbd \xe2\x82\xac");
  CHECK(splits.refused.empty());
  // Whole articles fall on one side.
  CHECK(splits.validation.size() == 1400);
  CHECK(splits.train.size() == 700);
  std::map<std::string, std::set<int>> sides;
  for (const data::Row& r : splits.train) sides[r.text_pair].insert(0);
  for (const data::Row& r : splits.validation) sides[r.text_pair].insert(1);
  CHECK(sides.size() == 3);
  for (const auto& [text, where] : sides) CHECK(where.size() == 1);
}

TEST_CASE("each planted fault of a SQuAD file is told with its place",
          "[datasets][question_answering]") {
  DataFolder folder;
  const std::string context = "One two three four.";
  const Json no_start = Question("no start?", {Json{{"text", "One"}}});
  const Json no_answers = {{"question", "no answers?"}};
  const Json no_paragraphs = {{"title", "no paragraphs"}};
  const Json no_context = {{"paragraphs", Array{Json{{"qas", Array{}}}, 5}}};
  folder.Write(
      kDev,
      Squad({Article(
                 "faults", context,
                 {Question("good?", {Answer("two", 4)}),
                  Question("moved?", {Answer("two", 4), Answer("four", 13)}),
                  Question("behind the end?", {Answer("four.", 15)}),
                  Question("far away?", {Answer("four", 4000000)}),
                  Question("negative?", {Answer("One", -1)}),
                  Question("text?", {Answer("One", "0")}),
                  Question("huge?", {Answer("One", 18446744073709551615u)}),
                  Question("half?", {Answer("One", 0.5)}),
                  Question("none?", {}), Question("empty?", {Answer(" ", 3)}),
                  Question(" ", {Answer("One", 0)}), no_start, 7, no_answers}),
             no_paragraphs, no_context}));
  folder.Write(kTrain,
               Squad({LargeArticle("A", 1001), LargeArticle("B", 1001),
                      Article("same", context,
                              {Question("good?", {Answer("three", 8)}),
                               Question("other?", {Answer("One", 0)})}),
                      Article("again", context,
                              {Question("other?", {Answer("One", 0)})})}));
  const data::Splits splits = folder.Load("squad");
  REQUIRE(splits.test.size() == 1);
  CHECK(splits.test[0].id == 1);
  const std::string dev = folder.At(kDev, 0);  // ends in ":0"
  auto reason = [&](const std::string& place) {
    return ReasonAt(splits, dev.substr(0, dev.size() - 1) + " " + place);
  };
  const std::string paragraph = "article 1, paragraph 1";
  CHECK(reason(paragraph + ", question 2") ==
        "answer 'four' does not stand at character 13, where the context "
        "reads ' four.'");
  CHECK(reason(paragraph + ", question 3") ==
        "answer 'four.' at character 15 leaves the context of 19 bytes");
  CHECK(reason(paragraph + ", question 4") ==
        "answer 'four' at character 4000000 leaves the context of 19 bytes");
  CHECK(reason(paragraph + ", question 5") ==
        "'answer_start' is no place in a text but -1");
  CHECK(reason(paragraph + ", question 6") ==
        "'answer_start' is no place in a text but \"0\"");
  CHECK(reason(paragraph + ", question 7") ==
        "'answer_start' is no place in a text but 18446744073709551615");
  CHECK(reason(paragraph + ", question 8") ==
        "'answer_start' is no place in a text but 0.5");
  CHECK(reason(paragraph + ", question 9") ==
        "unanswerable: no answer is given");
  CHECK(reason(paragraph + ", question 10") == "an empty answer");
  CHECK(reason(paragraph + ", question 11") == "empty question or context");
  CHECK(reason(paragraph + ", question 12") ==
        "an answer without 'answer_start'");
  CHECK(reason(paragraph + ", question 13") == "no array 'answers'");
  CHECK(reason(paragraph + ", question 14") == "no array 'answers'");
  CHECK(reason("article 2") == "no array 'paragraphs'");
  CHECK(reason("article 3, paragraph 1") == "no 'context'");
  CHECK(reason("article 3, paragraph 2") == "no array 'qas'");
  const std::string train = folder.At(kTrain, 0);
  auto train_reason = [&](const std::string& place) {
    return ReasonAt(splits, train.substr(0, train.size() - 1) + " " + place);
  };
  CHECK(train_reason("article 3, paragraph 1, question 1") ==
        "its text is in the test set");
  CHECK(train_reason("article 4, paragraph 1, question 1")
            .find("duplicate of ") == 0);
  CHECK(splits.refused.size() == 18);
}

TEST_CASE("a file that is no SQuAD file is an error",
          "[datasets][question_answering]") {
  DataFolder folder;
  auto error = [&folder](const std::string& text) {
    folder.Write("xquad/xquad.en.json", text);
    return std::string(folder.TryLoad("xquad").status().message());
  };
  CHECK(error("{\"data\": [").find("xquad.en.json: no JSON: parse error") !=
        std::string::npos);
  CHECK(error("[]").find("xquad.en.json: no array 'data', as SQuAD's files "
                         "have") != std::string::npos);
  CHECK(error("{\"data\": []}").find("xquad.en.json: no questions") !=
        std::string::npos);
  CHECK(error("{\"data\": [1]}")
            .find("xquad.en.json: article 1: no array 'paragraphs'") !=
        std::string::npos);
  CHECK(error("{\"data\": \"\xff\"}").find("is no UTF-8") != std::string::npos);
  // One article cannot be split.
  CHECK(error(Squad({LargeArticle("A", 500)})).find("leave none to train on") !=
        std::string::npos);
}

TEST_CASE("XQuAD's splits have no article in common",
          "[datasets][question_answering][real]") {
  const auto data = support::RequireData();
  const auto splits = DatasetByName("xquad")->load({"", data.string()});
  REQUIRE(splits.ok());
  std::map<std::string, std::set<int>> sides;
  const std::vector<data::Row>* const all[] = {
      &splits->train, &splits->validation, &splits->test};
  for (int side = 0; side < 3; ++side) {
    for (const data::Row& row : *all[side]) sides[row.text_pair].insert(side);
  }
  CHECK(sides.size() == 240);  // paragraphs
  for (const auto& [text, where] : sides) CHECK(where.size() == 1);
  CHECK(splits->test.size() >= 300);
}

TEST_CASE("SubjQA's reviews are read with several answers or none",
          "[datasets][question_answering]") {
  DataFolder folder;
  auto line = [](const std::string& question, const std::string& context,
                 const Array& texts, const Array& starts) {
    return Json{{"id", "x"},
                {"item", "i"},
                {"question", question},
                {"context", context},
                {"answers", {{"text", texts}, {"answer_start", starts}}}}
               .dump() +
           "\n";
  };
  const Array none;
  folder.Write("subjqa/restaurants_train.jsonl.gz",
               line("How?", "Caf\xc3\xa9 \xe2\x80\x93 good",
                    {"good", "Caf\xc3\xa9"}, {7, 0}) +
                   line("What?", "Nothing said", none, none) +
                   line("Uneven?", "Some", {"Some"}, none) +
                   line("Number?", "Some", {1}, {0}) +
                   "{\"question\": \"Q\"}\n" +
                   line("Tested?", "A test", {"A"}, {0}) + "broken\n");
  folder.Write("subjqa/restaurants_dev.jsonl",
               line("Valid?", "Is valid", {"valid"}, {3}));
  folder.Write("subjqa/restaurants_test.jsonl",
               line("Tested?", "A test", {"test"}, {2}));
  const data::Splits splits = folder.Load("subjqa_restaurants");
  REQUIRE(splits.train.size() == 1);
  CHECK(splits.train[0].answer_begins == std::vector<int64_t>{10, 0});
  CHECK(splits.validation.size() == 1);
  CHECK(splits.test.size() == 1);
  const std::string train = "subjqa/restaurants_train.jsonl.gz";
  CHECK(ReasonAt(splits, folder.At(train, 2)) ==
        "unanswerable: no answer is given");
  CHECK(ReasonAt(splits, folder.At(train, 3)) == "1 answers, but 0 places");
  CHECK(ReasonAt(splits, folder.At(train, 4)) == "an answer that is no string");
  CHECK(ReasonAt(splits, folder.At(train, 5)) == "no 'context'");
  CHECK(ReasonAt(splits, folder.At(train, 6)) == "its text is in the test set");
  CHECK(ReasonAt(splits, folder.At(train, 7)).find("no JSON") == 0);
  CHECK(splits.refused.size() == 6);
}

}  // namespace
}  // namespace sft::datasets::question_answering_test
