// Translation sets out of a few rows in their official layouts.
#include "tests/datasets/data_folder.h"
#include "tests/harness/data/mo_bytes.h"

namespace sft::datasets::translation_test {
namespace {

void WriteMulti30k(DataFolder& folder) {
  // The reader takes plain text under a name that ends in .gz.
  folder.Write("multi30k/train.de.gz", "Ein Hund.\nEine Katze.\n\nEin Haus.\n");
  folder.Write("multi30k/train.en.gz", "A dog.\nA cat.\nNo line.\nA house.\n");
  folder.Write("multi30k/val.de", "Ein Haus.\n");
  folder.Write("multi30k/val.en", "The house.\n");
  folder.Write("multi30k/test_2016_flickr.de", "Ein Hund.\nEin Ball.\n");
  folder.Write("multi30k/test_2016_flickr.en", "One dog.\nA ball.\n");
}

TEST_CASE("aligned lines are a prompt that names both languages",
          "[datasets][translation]") {
  DataFolder folder;
  WriteMulti30k(folder);
  const data::Splits splits = folder.Load("multi30k_de_en");
  REQUIRE(splits.train.size() == 1);
  const data::Row& row = splits.train[0];
  CHECK(row.id == 2);
  CHECK(row.turns[0].content ==
        "Translate German to English.\nGerman: Eine Katze.\nEnglish:");
  CHECK(row.turns[1].content == "A cat.");
  CHECK(row.references == std::vector<std::string>{"A cat."});
  CHECK(splits.test.size() == 2);
  REQUIRE(splits.refused.size() == 3);
  CHECK(ReasonAt(splits, folder.At("multi30k/train.de.gz", 1)) ==
        "its text is in the test set");
  CHECK(ReasonAt(splits, folder.At("multi30k/train.de.gz", 3)) ==
        "an empty line");
  CHECK(ReasonAt(splits, folder.At("multi30k/train.de.gz", 4)) ==
        "its text is in the validation set");
}

TEST_CASE("the other direction reads the same files the other way round",
          "[datasets][translation]") {
  DataFolder folder;
  WriteMulti30k(folder);
  const data::Splits splits = folder.Load("multi30k_en_de");
  CHECK(splits.train.size() == 3);  // no English text is in two sets
  CHECK(splits.test[0].turns[0].content.find(
            "Translate English to German.\nEnglish: ") == 0);
}

TEST_CASE("FLORES is trained on dev and tested on devtest",
          "[datasets][translation]") {
  DataFolder folder;
  std::string dev[2], devtest[2];
  for (int i = 0; i < 110; ++i) {
    for (const int side : {0, 1}) {
      dev[side] += "dev " + std::to_string(i * 2 + side) + "\n";
      devtest[side] += "devtest " + std::to_string(i * 2 + side) + "\n";
    }
  }
  dev[0] += "devtest 0\ndev 0\n";
  dev[1] += "leak\ndev 1\n";
  folder.Write("flores200/eng_Latn.dev", dev[0]);
  folder.Write("flores200/fra_Latn.dev", dev[1]);
  folder.Write("flores200/eng_Latn.devtest", devtest[0]);
  folder.Write("flores200/fra_Latn.devtest", devtest[1]);
  const data::Splits splits = folder.Load("flores200_en_fr");
  CHECK(splits.train.size() == 10);
  CHECK(splits.validation.size() == 100);
  CHECK(splits.test.size() == 110);
  REQUIRE(splits.refused.size() == 2);
  CHECK(splits.refused[0].reason == "its text is in the test set");
  CHECK(splits.refused[1].where == folder.At("flores200/eng_Latn.dev", 112));

  folder.Write("flores200/fra_Latn.devtest", "one line\n");
  const std::string error(folder.TryLoad("flores200_en_fr").status().message());
  CHECK(error.find("eng_Latn.devtest: has 110 lines, but ") !=
        std::string::npos);
}

TEST_CASE("plain sentences of catalogues are taken, the rest is refused",
          "[datasets][translation]") {
  DataFolder folder;
  for (const char* domain :
       {"bash", "coreutils", "git", "glib20", "gnupg2", "libc"}) {
    std::vector<std::pair<std::string, std::string>> messages = {
        {"", "Content-Type: text/plain; charset=UTF-8\n"}};
    for (int i = 0; i < 70; ++i) {
      const std::string n = std::string(domain) + std::to_string(i);
      messages.push_back(
          {"The file\n  " + n + " is new.", "Die Datei " + n + "\nist neu."});
    }
    if (std::string(domain) == "git") {
      messages.insert(messages.end(),
                      {{"no capital letter here", "kein"},
                       {"Two words", "Zwei Worte"},
                       {"The file %s is new", "Die Datei %s ist neu"},
                       {"Give the option --all here", "Die Option geben"},
                       {"Untranslated as it is", "Untranslated as it is"},
                       {"A very long sentence stands here", "Kurz"},
                       {"The file bash0 is new.", "Die Datei bash0 ist neu."},
                       {"Well-known words - like these", "Gute Worte - so"}});
    }
    folder.Write("gettext/de/LC_MESSAGES/" + std::string(domain) + ".mo",
                 data::MoBytes(messages));
  }
  const data::Splits splits = folder.Load("gettext_en_de");
  CHECK(splits.test.size() == 300);
  CHECK(splits.validation.size() == 100);
  CHECK(splits.train.size() == 21);
  CHECK(splits.test[0].turns[0].content.find(
            "Translate English to German.\nEnglish: The file ") == 0);
  REQUIRE(splits.refused.size() == 7);
  const char* const wanted[] = {
      "no sentence: does not begin with a capital letter",
      "no sentence: 2 words, wanted 3 to 60",
      "no sentence: a format directive, tag or option",
      "no sentence: a format directive, tag or option",
      "not translated",
      "lengths of message and translation differ too much"};
  for (size_t i = 0; i < 6; ++i) {
    CHECK(splits.refused[i].reason == wanted[i]);
    CHECK(splits.refused[i].where.find("git.mo: message " +
                                       std::to_string(72 + i)) !=
          std::string::npos);
  }
  CHECK(splits.refused[6].reason.find("duplicate of ") == 0);
}

}  // namespace
}  // namespace sft::datasets::translation_test
