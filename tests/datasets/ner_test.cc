// Named-entity sets out of a few rows in their official layouts.
#include "harness/data/entity_answer.h"
#include "tests/datasets/data_folder.h"

namespace sft::datasets::ner_test {
namespace {

using Strings = std::vector<std::string>;

TEST_CASE("a sentence is words with tags, and a prompt with its entities",
          "[datasets][ner]") {
  DataFolder folder;
  folder.Write("conll2003/train.bio.gz",
               "Ada B-PER\nLovelace I-PER\nmet O\n"
               "IBM B-ORG\n\nnothing O\n");
  folder.Write("conll2003/testa.bio", "valid O\n");
  folder.Write("conll2003/testb.bio", "test O\n");
  const data::Splits splits = folder.Load("conll2003");
  CHECK(splits.refused.empty());
  CHECK(splits.validation.size() == 1);
  CHECK(splits.test.size() == 1);
  REQUIRE(splits.train.size() == 2);
  const bool first = splits.train[0].id == 1;
  const data::Row& named = splits.train[first ? 0 : 1];
  CHECK(named.words == Strings{"Ada", "Lovelace", "met", "IBM"});
  CHECK(named.tags == Strings{"B-PER", "I-PER", "O", "B-ORG"});
  REQUIRE(named.turns.size() == 2);
  CHECK(named.turns[0].content == "Text: Ada Lovelace met IBM\nEntities:");
  CHECK(named.turns[1].content == "PER: Ada Lovelace; ORG: IBM");
  CHECK(splits.train[first ? 1 : 0].turns[1].content == "none");
}

TEST_CASE("sentences of later splits, duplicates and unknown types are refused",
          "[datasets][ner]") {
  DataFolder folder;
  folder.Write("wnut17/train.conll",
               "a\tO\n\nt\tO\n\nv\tO\n\na\tO\n\nx\tB-city\n\nb\tI-group\n\n"
               "a\tB-group\n");
  folder.Write("wnut17/dev.conll", "v\tO\n\nt\tB-person\n");
  folder.Write("wnut17/test.conll", "t\tO\n\nt\tO\n");
  const data::Splits splits = folder.Load("wnut17");
  // Twice in the test set is twice: it stays as its makers left it.
  CHECK(splits.test.size() == 2);
  CHECK(splits.validation.size() == 1);
  CHECK(splits.train.size() == 2);  // "a" under two labels
  const std::string train = "wnut17/train.conll";
  CHECK(splits.refused.size() == 6);
  CHECK(ReasonAt(splits, folder.At(train, 3)) == "its text is in the test set");
  CHECK(ReasonAt(splits, folder.At(train, 5)) ==
        "its text is in the validation set");
  CHECK(ReasonAt(splits, folder.At(train, 7)) ==
        "duplicate of " + folder.At(train, 1));
  CHECK(ReasonAt(splits, folder.At(train, 9)) ==
        "entity type 'city', known are corporation, creative-work, group, "
        "location, person, product");
  CHECK(ReasonAt(splits, folder.At(train, 11)).find("BIO error") == 0);
  CHECK(ReasonAt(splits, folder.At("wnut17/dev.conll", 3)) ==
        "its text is in the test set");
}

TEST_CASE("WNUT-16's sentences end at a line of one tab", "[datasets][ner]") {
  std::string text;
  for (int i = 0; i < 720; ++i) {
    text += "@user" + std::to_string(i) + "\tO\nEmpire\tB-facility\nState\t" +
            "I-facility\n\t\n";
  }
  DataFolder folder;
  folder.Write("data/wnut16/ner.txt", text +
                                          "@user7\tO\nEmpire\tB-facility\n"
                                          "State\tI-facility\n\t\n");
  const data::Splits splits = folder.Load("wnut16");
  CHECK(splits.train.size() == 20);
  CHECK(splits.validation.size() == 200);
  CHECK(splits.test.size() == 500);
  REQUIRE(splits.refused.size() == 1);
  CHECK(splits.refused[0].reason ==
        "duplicate of " + folder.At("data/wnut16/ner.txt", 29));
  for (const data::Row& row : splits.test) {
    CHECK(row.words.size() == 3);
    CHECK(row.turns[1].content == "facility: Empire State");
  }
}

}  // namespace
}  // namespace sft::datasets::ner_test
