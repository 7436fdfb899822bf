// Held-out text, last words and word problems.
#include "harness/data/tasks/task_kind.h"
#include "tests/datasets/data_folder.h"

namespace sft::datasets::language_test {
namespace {

TEST_CASE("WikiText is cut at titles, not at section headings",
          "[datasets][language]") {
  DataFolder folder("wikitext2");
  folder.Write("wiki.test.raw.gz",
               " \n = One = \n \n Text of one . \n = = Part = = \n More . \n"
               " = Two @-@ B = \n Bad \xff . \n Text of two . \n");
  const data::Splits splits = folder.Load("wikitext2");
  REQUIRE(splits.documents.size() == 2);
  CHECK(splits.documents[0] ==
        " = One = \n \n Text of one . \n = = Part = = \n More . ");
  CHECK(splits.documents[1] == " = Two @-@ B = \n Text of two . ");
  REQUIRE(splits.refused.size() == 1);
  CHECK(ReasonAt(splits, ":8") == "byte 0xff at column 6 is no UTF-8 text");
}

TEST_CASE("a play is one document, line breaks and all",
          "[datasets][language]") {
  DataFolder folder("tinyshakespeare");
  folder.Write("input.txt.gz", "ALL:\nSpeak.\n\n= A =\nHear.\n");
  const data::Splits splits = folder.Load("tinyshakespeare");
  REQUIRE(splits.documents.size() == 1);
  CHECK(splits.documents[0] == "ALL:\nSpeak.\n\n= A =\nHear.");
}

TEST_CASE("what follows a passage's last space is the answer",
          "[datasets][language]") {
  DataFolder folder("lambada");
  folder.Write("test.jsonl.gz", R"({"text": "She said: \"Yes, Shane"})"
                                "\n"
                                R"({"text": "A line.\n\nShane"})"
                                "\n"
                                R"({"text": "Shane"})"
                                "\n"
                                R"({"text": ""})");
  const data::Splits splits = folder.Load("lambada");
  REQUIRE(splits.test.size() == 2);
  const data::Row* row = Find(splits, "She said: \"Yes,");
  REQUIRE(row != nullptr);
  CHECK(row->turns[1].content == "Shane");
  row = Find(splits, "A");
  REQUIRE(row != nullptr);
  CHECK(row->turns[1].content == "line.\n\nShane");
  CHECK(ReasonAt(splits, ":3") == "a passage of one word");
  CHECK(ReasonAt(splits, ":4") == "empty 'text'");
  const auto dataset = DatasetByName("lambada");
  CHECK(dataset->task.kind == "last_word");
}

TEST_CASE("a worked answer is judged by its last number",
          "[datasets][language]") {
  DataFolder folder("gsm8k");
  std::string train;
  for (int i = 0; i < 301; ++i) {
    train += R"({"question": "Q)" + std::to_string(i) +
             R"(?", "answer": "One.\n#### 1"})"
             "\n";
  }
  folder.Write("train.jsonl.gz", train);
  folder.Write("test.jsonl",
               R"({"question": "How many?", "answer": "4 + 5 = <<4+5=9>>9, or)"
               R"( $<<9*200=1800>>1,800.\n#### 1,800"})"
               "\n"
               R"({"question": "How many?", "answer": "None."})"
               "\n"
               R"({"question": "How many?", "answer": "None.\n#### many"})");
  const data::Splits splits = folder.Load("gsm8k");
  REQUIRE(splits.test.size() == 1);
  const data::Row& row = splits.test[0];
  CHECK(row.turns[0].content == "Question: How many?\nAnswer:");
  CHECK(row.turns[1].content == "4 + 5 = 9, or $1,800.\n#### 1,800");
  CHECK(row.references == std::vector<std::string>{"1800"});
  CHECK(ReasonAt(splits, "test.jsonl:2") ==
        "the answer ends in no '#### NUMBER'");
  CHECK(splits.refused.size() == 2);
}

}  // namespace
}  // namespace sft::datasets::language_test
