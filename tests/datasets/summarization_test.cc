// Summarization sets out of a few rows in their official layouts.
#include <set>

#include "tests/datasets/data_folder.h"

namespace sft::datasets::summarization_test {
namespace {

using Strings = std::vector<std::string>;

TEST_CASE("a dialogue has one summary, in DialogSum's test set several",
          "[datasets][summarization]") {
  DataFolder folder;
  folder.Write("dialogsum/train.jsonl.gz",
               "{\"fname\": \"train_0\", \"dialogue\": \"#Person1#: Hi.\\r\\n"
               "#Person2#: Bye. \", \"summary\": \" They\\n meet. \"}\n"
               "{\"dialogue\": \"Leak\", \"summary\": \"s\"}\n"
               "{\"dialogue\": \"Valid\", \"summary\": \"s\"}\n"
               "{\"dialogue\": \" \\n\", \"summary\": \"s\"}\n"
               "{\"dialogue\": \"d\", \"summary\": \"\"}\n"
               "{\"dialogue\": \"d\"}\n"
               "{\"dialogue\": 3, \"summary\": \"s\"}\n"
               "{\"dialogue\": \"Twice\", \"summary\": \"s\"}\n"
               "{\"dialogue\": \"Twice\", \"summary\": \"s\"}\n"
               "{\"dialogue\": \"cut\n");
  folder.Write("dialogsum/dev.jsonl",
               "{\"dialogue\": \"Valid\", \"summary\": \"v\"}\n");
  folder.Write("dialogsum/test.jsonl",
               "{\"dialogue\": \"Leak\", \"summary1\": \"one\", \"topic1\": "
               "\"t\", \"summary2\": \"two\", \"summary3\": \"three\"}\n"
               "{\"dialogue\": \"Gap\", \"summary1\": \"one\", "
               "\"summary2\": \" \"}\n");
  const data::Splits splits = folder.Load("dialogsum");
  REQUIRE(splits.train.size() == 2);
  const data::Row& row = splits.train[splits.train[0].id == 1 ? 0 : 1];
  CHECK(row.id == 1);
  CHECK(row.turns[0].content ==
        "Summarize the dialogue.\n\n#Person1#: Hi.\n#Person2#: Bye.\n\n"
        "Summary:");
  // The answer is one line; the reference stays as it is.
  CHECK(row.turns[1].content == "They meet.");
  CHECK(row.references == Strings{"They\n meet."});
  CHECK(splits.validation.size() == 1);
  REQUIRE(splits.test.size() == 1);
  CHECK(splits.test[0].references == Strings{"one", "two", "three"});
  CHECK(splits.test[0].turns[1].content == "one");

  const std::string train = "dialogsum/train.jsonl.gz";
  const std::pair<int, std::string> wanted[] = {
      {2, "its text is in the test set"},
      {3, "its text is in the validation set"},
      {4, "empty 'dialogue'"},
      {5, "empty 'summary'"},
      {6, "no 'summary'"},
      {7, "'dialogue' is no string but number"},
      {9, "duplicate of " + folder.At(train, 8)}};
  for (const auto& [line, reason] : wanted) {
    CHECK(ReasonAt(splits, folder.At(train, line)) == reason);
  }
  CHECK(ReasonAt(splits, folder.At(train, 10)).find("no JSON") == 0);
  CHECK(ReasonAt(splits, folder.At("dialogsum/test.jsonl", 2)) ==
        "empty 'summary2'");
  CHECK(splits.refused.size() == 9);
}

TEST_CASE("SAMSum is one JSON array a split", "[datasets][summarization]") {
  DataFolder folder;
  auto file = [](const std::string& name) {
    return "[{\"id\": \"1\", \"dialogue\": \"A: " + name +
           "\\r\\nB: yes\", \"summary\": \"About " + name + ".\"}]";
  };
  folder.Write("samsum/train.json", file("train"));
  folder.Write("samsum/val.json", file("val"));
  folder.Write("samsum/test.json", file("test"));
  const data::Splits splits = folder.Load("samsum");
  REQUIRE(splits.train.size() == 1);
  CHECK(splits.train[0].turns[0].content ==
        "Summarize the dialogue.\n\nA: train\nB: yes\n\nSummary:");
  CHECK(splits.validation[0].turns[1].content == "About val.");
  CHECK(splits.test[0].references == Strings{"About test."});

  folder.Write("samsum/test.json", "[{\"dialogue\": \"\", \"summary\": \"\"}]");
  const std::string error(folder.TryLoad("samsum").status().message());
  CHECK(error.find("test.json: record 1: empty 'dialogue' (and none of the 1 "
                   "rows is usable)") != std::string::npos);
}

TEST_CASE("XSum is a document and a summary a line",
          "[datasets][summarization]") {
  DataFolder folder;
  for (const char* split : {"train", "validation", "test"}) {
    folder.Write("xsum/" + std::string(split) + ".jsonl",
                 "{\"document\": \"Long " + std::string(split) +
                     ".\\nMore.\", \"summary\": \"Short.\", \"id\": \"7\"}\n");
  }
  const data::Splits splits = folder.Load("xsum");
  REQUIRE(splits.test.size() == 1);
  CHECK(splits.test[0].turns[0].content ==
        "Summarize the article.\n\nLong test.\nMore.\n\nSummary:");
  CHECK(splits.train.size() == 1);
  CHECK(splits.validation.size() == 1);
}

TEST_CASE("CNN/DailyMail's highlights keep their lines in the reference",
          "[datasets][summarization]") {
  DataFolder folder;
  const std::string header = "id,article,highlights\n";
  folder.Write("cnn_dailymail/train.csv",
               header +
                   "1,\"(CNN) A man, \"\"he\"\",\nsaid.\",\"One .\nTwo .\"\n"
                   "2,,\"None .\"\n3,text\n");
  folder.Write("cnn_dailymail/validation.csv", header + "4,val,high\n");
  folder.Write("cnn_dailymail/test.csv", header + "5,test,high\n");
  const data::Splits splits = folder.Load("cnn_dailymail");
  REQUIRE(splits.train.size() == 1);
  CHECK(splits.train[0].id == 2);
  CHECK(splits.train[0].turns[0].content ==
        "Summarize the article.\n\n(CNN) A man, \"he\",\nsaid.\n\nSummary:");
  CHECK(splits.train[0].turns[1].content == "One . Two .");
  CHECK(splits.train[0].references == Strings{"One .\nTwo ."});
  REQUIRE(splits.refused.size() == 2);
  CHECK(ReasonAt(splits, folder.At("cnn_dailymail/train.csv", 5)) ==
        "empty 'article'");
  CHECK(ReasonAt(splits, folder.At("cnn_dailymail/train.csv", 6)) ==
        "2 fields, wanted 3");
  folder.Write("cnn_dailymail/test.csv", "article,highlights\na,b\n");
  CHECK(std::string(folder.TryLoad("cnn_dailymail").status().message())
            .find("wanted 'id,article,highlights'") != std::string::npos);
}

TEST_CASE("a paper of ACLSum is three rows, one an aspect",
          "[datasets][summarization]") {
  DataFolder folder;
  auto paper = [](const std::string& name) {
    return "{\"id\": \"" + name +
           "\", \"summary\": {\"challenge\": \"Hard.\", \"approach\": "
           "\"Clever.\", \"outcome\": \"Good.\"}, \"sentences\": "
           "{\"abstract\": [\"We are " +
           name +
           " .\", \"It is new .\"], \"introduction\": [], "
           "\"conclusion\": [\"It\\nworks .\"]}}\n";
  };
  folder.Write("data/aclsum/train.jsonl",
               paper("train") +
                   "{\"summary\": {}, \"sentences\": {\"abstract\": []}}\n"
                   "{\"summary\": {\"challenge\": \"c\", \"approach\": 1}, "
                   "\"sentences\": {\"abstract\": [\"a\"], \"introduction\": "
                   "[], \"conclusion\": []}}\n");
  folder.Write("data/aclsum/val.jsonl", paper("val"));
  folder.Write("data/aclsum/test.jsonl", paper("test"));
  const data::Splits splits = folder.Load("aclsum");
  REQUIRE(splits.test.size() == 3);
  std::set<std::string> prompts, answers;
  for (const data::Row& row : splits.test) {
    prompts.insert(row.turns[0].content);
    answers.insert(row.turns[1].content);
  }
  CHECK(answers == std::set<std::string>{"Hard.", "Clever.", "Good."});
  CHECK(prompts.count("Summarize the approach of the paper.\n\nWe are test . "
                      "It is new .\nIt works .\n\nSummary:") == 1);
  CHECK(splits.train.size() == 4);
  CHECK(splits.refused.size() == 5);
  const std::string train = "data/aclsum/train.jsonl";
  CHECK(ReasonAt(splits, folder.At(train, 2) + ", challenge") ==
        "no array 'sentences.introduction'");
  CHECK(ReasonAt(splits, folder.At(train, 3) + ", approach") ==
        "'approach' is no string but number");
  CHECK(ReasonAt(splits, folder.At(train, 3) + ", outcome") == "no 'outcome'");
}

}  // namespace
}  // namespace sft::datasets::summarization_test
