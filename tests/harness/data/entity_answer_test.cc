// Tags as text and back.
#include "harness/data/entity_answer.h"

#include <catch2/catch.hpp>

#include "harness/data/conll.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"

namespace sft::data::entity_answer_test {
namespace {

using Strings = std::vector<std::string>;

const Strings kTypes = {"location", "person"};
const Strings kWords = {"Ada", "Lovelace", "met", "Ada", "in",
                        "New", "York",     "&",   "co;"};

TEST_CASE("entities are written in order of appearance, with their type",
          "[data][entity_answer]") {
  CHECK(EntityAnswer(kWords, {"B-person", "I-person", "O", "B-person", "O",
                              "B-location", "I-location", "O", "O"}) ==
        "person: Ada Lovelace; person: Ada; location: New York");
  CHECK(EntityAnswer(kWords, Strings(9, "O")) == "none");
  // Two neighbours of one type stay two.
  CHECK(EntityAnswer({"Ada", "Bob"}, {"B-person", "B-person"}) ==
        "person: Ada; person: Bob");
  CHECK(EntityAnswer({}, {}) == "none");
}

TEST_CASE("an answer marks the words it names, from left to right",
          "[data][entity_answer]") {
  CHECK(TagsOfAnswer("person: Ada Lovelace; person: Ada; location: New York",
                     kWords, kTypes) == Strings{"B-person", "I-person", "O",
                                                "B-person", "O", "B-location",
                                                "I-location", "O", "O"});
  // Each entity is looked for behind the one before it.
  CHECK(TagsOfAnswer("location: New York; person: Ada", kWords, kTypes) ==
        Strings{"O", "O", "O", "O", "O", "B-location", "I-location", "O", "O"});
  CHECK(TagsOfAnswer("none", kWords, kTypes) == Strings(9, "O"));
  CHECK(TagsOfAnswer("", kWords, kTypes) == Strings(9, "O"));
  CHECK(TagsOfAnswer("person: Ada", {}, kTypes).empty());
}

TEST_CASE("words may hold the answer's own marks", "[data][entity_answer]") {
  const Strings words = {"Mike", "&amp;", ":", "Co;", ";", "person", "Ada"};
  const Strings tags = {"B-person", "I-person", "I-person", "I-person",
                        "O",        "O",        "B-person"};
  CHECK(TagsOfAnswer(EntityAnswer(words, tags), words, kTypes) == tags);
}

TEST_CASE("what names no known type or no words of the text is passed over",
          "[data][entity_answer]") {
  const Strings new_york = {"O",          "O",          "O", "O", "O",
                            "B-location", "I-location", "O", "O"};
  for (const char* answer :
       {"location: New York", "  location:New   York ;", "location: New York\n",
        "planet: Mars; location: New York", "location: New York; planet: Mars",
        "person: Eve; location: New York", "Ada; location: New York; ;;",
        "location: ; location: New York", "person:; location: New York;person:",
        "Persons: Ada; location: New York; Ada",
        "location: New York; a; b; c"}) {
    INFO(answer);
    CHECK(TagsOfAnswer(answer, kWords, kTypes) == new_york);
  }
  for (const char* answer : {"person Ada", "person: Ada Love", "PERSON: Ada",
                             "person", ":", ";", "; person", "none; none"}) {
    INFO(answer);
    CHECK(TagsOfAnswer(answer, kWords, kTypes) == Strings(9, "O"));
  }
}

TEST_CASE("answers give the tags back on all of WNUT-17, but for two rows",
          "[data][entity_answer][real]") {
  const auto data = support::RequireData();
  const Strings types = {"corporation", "creative-work", "group",
                         "location",    "person",        "product"};
  size_t rows = 0;
  std::vector<int64_t> lost;  // lines
  for (const char* file :
       {"wnut17/train.conll", "wnut17/dev.conll", "wnut17/test.conll"}) {
    const auto table = ReadConll((data / file).string(), {});
    REQUIRE(table.ok());
    for (const ConllSentence& sentence : table->sentences) {
      ++rows;
      const std::string answer = EntityAnswer(sentence.words, sentence.tags);
      if (TagsOfAnswer(answer, sentence.words, types) != sentence.tags) {
        lost.push_back(sentence.line);
      }
    }
  }
  CHECK(rows == 5690);
  // Both name words that stand without a tag earlier in the text.
  CHECK(lost.size() == 2);
}

}  // namespace
}  // namespace sft::data::entity_answer_test
