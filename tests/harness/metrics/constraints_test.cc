// Verifiable constraints, each on answers that keep to it and that do not.
#include "harness/metrics/constraints.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>

namespace sft::metrics::constraints_test {
namespace {

using nlohmann::json;

bool Met(const std::string& id, const json& kwargs,
         const std::string& response) {
  const json list = json::array({{{"id", id}, {"kwargs", kwargs}}});
  const auto share = CheckConstraints(list.dump(), response);
  INFO(share.status().ToString());
  REQUIRE(share.ok());
  REQUIRE(share->checked == 1);
  return share->met == 1;
}

struct Case {
  const char* id;
  json kwargs;
  std::vector<const char*> kept;
  std::vector<const char*> broken;
};

const std::vector<Case>& Cases() {
  static const auto& cases = *new std::vector<Case>{
      {"keywords:existence",
       {{"keywords", {"sea", "salt+"}}},
       {"The SEA has salt+.", "seas of Salt+"},
       {"The sea has salt.", "salt+"}},
      {"keywords:forbidden_words",
       {{"forbidden_words", {"bad", "not good"}}},
       {"badly done", "good"},
       {"A Bad day.", "It is not good."}},
      {"keywords:frequency",
       {{"keyword", " cat "}, {"frequency", 2}, {"relation", "at least"}},
       {"Cat and cat", "catcat"},
       {"a cat"}},
      {"keywords:frequency",
       {{"keyword", "cat"}, {"frequency", 2}, {"relation", "less than"}},
       {"a cat", "a dog"},
       {"cat, CAT"}},
      {"keywords:letter_frequency",
       {{"letter", "Q"}, {"let_frequency", 2}, {"let_relation", "at least"}},
       {"Quick quiz"},
       {"quick"}},
      {"keywords:letter_frequency",
       {{"letter", "!"}, {"let_frequency", 1}, {"let_relation", "less than"}},
       {"calm"},
       {"loud!"}},
      {"length_constraints:number_words",
       {{"num_words", 3}, {"relation", "at least"}},
       {"one two three", "it's so", "a-b c"},
       {"one, two", "?! - one"}},
      {"length_constraints:number_words",
       {{"num_words", 3.0}, {"relation", "less than"}},
       {"one two"},
       {"one two three"}},
      {"length_constraints:number_sentences",
       {{"num_sentences", 2}, {"relation", "at least"}},
       {"One. Two.", "Why? Because", "\"No.\" She left."},
       {"Mr. Smith left.", "One", "3.14 is it."}},
      {"length_constraints:number_paragraphs",
       {{"num_paragraphs", 2}},
       {"a\n***\nb", "***\na *** b\n***"},
       {"a\n\nb", "a\n***\n***\nb", "a *** b *** c"}},
      {"length_constraints:nth_paragraph_first_word",
       {{"num_paragraphs", 2}, {"nth_paragraph", 2}, {"first_word", "Then"}},
       {"a\n\nthen b", "a\n\n\"Then, b\"", "a\n\nTHEN\n\n"},
       {"a\n\nb", "then\n\na", "a\n\nthen b\n\nc", "a then"}},
      {"detectable_content:number_placeholders",
       {{"num_placeholders", 2}},
       {"[name] at [place]", "[a][b][c]"},
       {"[name] at [pla\nce]", "(name)"}},
      {"detectable_content:postscript",
       {{"postscript_marker", "P.S."}},
       {"Bye.\nP.S. More", "p. s. x"},
       {"Bye.\nPS More"}},
      {"detectable_content:postscript",
       {{"postscript_marker", "P.P.S"}},
       {"Bye\nP.P.S more", "p. p. s"},
       {"P.S. more"}},
      {"detectable_content:postscript",
       {{"postscript_marker", "Note:"}},
       {"note: so"},
       {"note so"}},
      {"detectable_format:number_bullet_lists",
       {{"num_bullets", 2}},
       {"* a\n* b", "- a\n  * b\nend"},
       {"* a", "* a\n- b\n* c", "**bold** a\n* b"}},
      {"detectable_format:constrained_response",
       json::object(),
       {"My answer is yes.", "Well. My answer is maybe."},
       {"my answer is yes.", "Yes."}},
      {"detectable_format:number_highlighted_sections",
       {{"num_highlights", 2}},
       {"*a* and *b*", "**a** and *b*"},
       {"*a*", "** **, * *", "*a\nb* c"}},
      {"detectable_format:multiple_sections",
       {{"section_spliter", "Section"}, {"num_sections", 2}},
       {"Section 1\na\nSection 2\nb", "Section1 Section 22"},
       {"Section 1\na", "section 1 section 2"}},
      {"detectable_format:json_format",
       json::object(),
       {"{\"a\": [1]}", "```json\n[1]\n```", "```\n3\n```"},
       {"{a: 1}", "Here: {\"a\": 1}", "```json\n```"}},
      {"detectable_format:title",
       json::object(),
       {"<<A title>>\nText", "x <<y>> z"},
       {"<title>", "<< >>", "<<a\nb>>"}},
      {"combination:two_responses",
       json::object(),
       {"one\n******\ntwo", "******one******two"},
       {"one\n******\none", "one", "a******b******c", "a************b"}},
      {"combination:repeat_prompt",
       {{"prompt_to_repeat", "Say it. "}},
       {" say it. It."},
       {"It: say it."}},
      {"startend:end_checker",
       {{"end_phrase", "The end."}},
       {"So it is. the end.\n", "\"... The End.\""},
       {"The end. No."}},
      {"startend:quotation",
       json::object(),
       {" \"all of it\" "},
       {"\"some\" of it", "\""}},
      {"change_case:capital_word_frequency",
       {{"capital_frequency", 2}, {"capital_relation", "at least"}},
       {"THIS IS it", "A-B U.S."},
       {"THIS is It", "3 4 5"}},
      {"change_case:capital_word_frequency",
       {{"capital_frequency", 1}, {"capital_relation", "less than"}},
       {"none Here"},
       {"ONE here"}},
      {"change_case:english_capital",
       json::object(),
       {"ALL OF IT, 3 TIMES."},
       {"ALL OF it", "1 2 3"}},
      {"change_case:english_lowercase",
       json::object(),
       {"all of it, 3 times."},
       {"All of it", "123"}},
      {"punctuation:no_comma", json::object(), {"so it is"}, {"so, it is"}},
  };
  return cases;
}

TEST_CASE("every constraint tells what keeps to it from what does not",
          "[metrics][constraints]") {
  std::set<std::string> tested;
  for (const Case& c : Cases()) {
    tested.insert(c.id);
    for (const char* text : c.kept) {
      INFO(c.id << " kept by " << text);
      CHECK(Met(c.id, c.kwargs, text));
    }
    for (const char* text : c.broken) {
      INFO(c.id << " broken by " << text);
      CHECK_FALSE(Met(c.id, c.kwargs, text));
    }
    CHECK_FALSE(Met(c.id, c.kwargs, " \n"));
  }
  const std::vector<std::string> known = KnownConstraints();
  CHECK(std::vector<std::string>(tested.begin(), tested.end()) == known);
}

TEST_CASE("sentences are counted by their ends", "[metrics][constraints]") {
  const std::vector<std::pair<const char*, int64_t>> cases = {
      {"", 0},
      {"...", 0},
      {"One", 1},
      {"One.", 1},
      {"One. Two. Three", 3},
      {"Is it so?! Yes! It is...", 3},
      {"Dr. Jones met J. R. Smith, e.g. today.", 1},
      {"It costs 3.50. It is cheap.", 2},
      {"She said \"Go.\" He went.", 2},
      {"Wait... what is it?", 1},
      {"1. First\n2. Second", 1},
      {"So do I. It is late.", 2},
      {"See a.b.c and www.example.com now.", 1},
      {"(It is.) Yes.", 2},
      {"今日は。明日は？", 2},
  };
  for (const auto& [text, count] : cases) {
    INFO(text);
    CHECK(CountSentences(text) == count);
  }
}

TEST_CASE("unknown constraints are told, unreadable ones refused",
          "[metrics][constraints]") {
  const auto share = CheckConstraints(
      R"([{"id": "language:response_language", "kwargs": {"language": "de"}},
          {"id": "punctuation:no_comma"}])",
      "no comma");
  REQUIRE(share.ok());
  CHECK(share->unknown ==
        std::vector<std::string>{"language:response_language"});
  CHECK(share->checked == 1);
  CHECK(share->met == 1);
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"", "no JSON array"},
      {"{}", "no JSON array"},
      {"[1]", "a constraint is no"},
      {R"([{"kwargs": {}}])", "a constraint is no"},
      {R"([{"id": "x", "kwargs": 3}])", "a constraint is no"},
      {R"([{"id": "startend:end_checker"}])", "wants 'end_phrase', a text"},
      {R"([{"id": "keywords:existence", "kwargs": {"keywords": [""]}}])",
       "wants 'keywords', a list of texts"},
      {R"([{"id": "length_constraints:number_words",
            "kwargs": {"num_words": -1, "relation": "at least"}}])",
       "wants 'num_words', a count"},
      {R"([{"id": "length_constraints:number_words",
            "kwargs": {"num_words": 3, "relation": "about"}}])",
       "wants 'relation', 'less than' or 'at least'"},
      {std::string(1000, '['), "nest too deep"},
  };
  for (const auto& [text, part] : bad) {
    INFO(text);
    const auto refused = CheckConstraints(text, "a");
    REQUIRE_FALSE(refused.ok());
    CHECK(std::string(refused.status().message()).find(part) !=
          std::string::npos);
  }
}

}  // namespace
}  // namespace sft::metrics::constraints_test
