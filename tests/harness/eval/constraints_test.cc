// Verifiable constraints, each on answers that keep to it and that do not.
#include "harness/eval/constraints.h"

#include <nlohmann/json.hpp>
#include <set>

#include "harness/eval/evaluate_generation.h"
#include "tests/harness/eval/scripted_model.h"
#include "tests/support/catch_torch.h"

namespace sft::eval {
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
          "[eval][constraints]") {
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

TEST_CASE("sentences are counted by their ends", "[eval][constraints]") {
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
          "[eval][constraints]") {
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

data::Row Asked(int64_t id, const std::string& answer, const std::string& ids) {
  data::Row row;
  row.id = id;
  row.turns = {{"user", "say " + answer + "!"}, {"assistant", "a response"}};
  row.constraints = ids;
  return row;
}

TEST_CASE("instruction sets with constraints are generated for and checked",
          "[eval][constraints]") {
  const data::FakeTokenizer tokenizer;
  ScriptedModel model([](const std::string& prompt) {
    const size_t begin = prompt.find("say ") + 4;
    return prompt.substr(begin, prompt.find('!', begin) - begin);
  });
  data::Task task;
  task.name = "chat";
  task.kind = data::TaskKind::kInstruction;
  EvalInput input;
  input.name = "set";
  input.task = &task;
  const std::string both =
      R"([{"id": "punctuation:no_comma"}, {"id": "startend:quotation"},
          {"id": "language:response_language"}])";
  input.rows = {Asked(1, "\"yes\"", both), Asked(2, "a, b", ""),
                Asked(3, "a", both), Asked(4, "a", R"([{"id": "x:y"}])")};
  input.examples = data::RenderRows(input.rows, task, tokenizer, {})->examples;
  const auto record = EvaluateTask(model, tokenizer, input, {});
  REQUIRE(record.ok());
  REQUIRE(record->metrics.size() == 3);
  CHECK(record->metrics[0].name == "validation_loss");
  const MetricRecord& metric = record->metrics[2];
  CHECK(metric.name == "constraint_accuracy");
  CHECK(metric.items == std::vector<double>{1, 0.5});
  CHECK(metric.value == 0.75);
  CHECK(metric.signature.find("|rows:2|unknown_constraints:3|generate:greedy|"
                              "max_new_tokens:64|") != std::string::npos);
  CHECK(model.batches.size() == 1);

  // Half of max_length is left for the answer.
  input.render.max_length = 40;
  input.examples = data::RenderRows(input.rows, task, tokenizer, {})->examples;
  const auto shorter = EvaluateTask(model, tokenizer, input, {});
  REQUIRE(shorter.ok());
  CHECK(shorter->metrics[2].signature.find("max_new_tokens:20|") !=
        std::string::npos);

  input.rows[2].constraints = "[";
  const auto bad = EvaluateTask(model, tokenizer, input, {});
  CHECK(std::string(bad.status().message()).find("set: row 3: constraints") ==
        0);
  for (data::Row& row : input.rows) row.constraints.clear();
  CHECK(EvaluateTask(model, tokenizer, input, {})->metrics.size() == 2);
}

TEST_CASE("at most a hundred rows are generated for", "[eval][constraints]") {
  const data::FakeTokenizer tokenizer;
  ScriptedModel model([](const std::string&) { return "yes"; });
  data::Task task;
  task.kind = data::TaskKind::kInstruction;
  EvalInput input;
  input.task = &task;
  for (int64_t i = 0; i < 130; ++i) {
    input.rows.push_back(Asked(i, "x", R"([{"id": "punctuation:no_comma"}])"));
  }
  EvalRecord record;
  REQUIRE(AddConstraintAccuracy(model, tokenizer, input, record).ok());
  CHECK(record.metrics[0].items == std::vector<double>(100, 1.0));
}

}  // namespace
}  // namespace sft::eval
