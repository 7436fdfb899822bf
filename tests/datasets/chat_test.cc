// Instructions and conversations in their makers' layouts.
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "datasets/stated_constraints.h"
#include "tests/datasets/data_folder.h"

namespace sft::datasets::chat_test {
namespace {

std::string Conversation(const std::string& turns) {
  return R"({"messages": [)" + turns + "]}\n";
}
std::string Turn(const std::string& role, const std::string& text) {
  return R"({"role": ")" + role + R"(", "content": ")" + text + R"("})";
}

TEST_CASE(
    "ChatML conversations alternate, are cut to the last answer, or are "
    "refused with the turn that is wrong",
    "[datasets][chat]") {
  DataFolder folder("instruct");
  std::string lines;
  for (int i = 0; i < 20; ++i) {  // lines 1 to 20
    const std::string n = std::to_string(i);
    lines += Conversation(Turn("user", "ask " + n) + "," +
                          Turn("assistant", "answer " + n));
  }
  lines += Conversation(Turn("system", "Be kind.") + "," + Turn("user", "one") +
                        "," + Turn("assistant", "1") + "," +
                        Turn("user", "two") + "," + Turn("assistant", " 2 ") +
                        "," + Turn("user", "three"));
  lines += Conversation(Turn("user", "a") + "," + Turn("user", "b"));
  lines += Conversation(Turn("assistant", "hello"));
  lines += Conversation(Turn("user", "no answer"));
  lines += Conversation(Turn("user", "x") + "," + Turn("tool", "y"));
  lines += Conversation(Turn("user", "x") + "," + Turn("assistant", " "));
  lines +=
      Conversation(Turn("user", "ask 3") + "," + Turn("assistant", "answer 3"));
  lines += R"({"messages": "none"})";
  folder.Write("chatml.jsonl", lines);
  const data::Splits splits = folder.Load("chatml");
  CHECK(splits.train.size() + splits.validation.size() + splits.test.size() ==
        21);
  CHECK(splits.test.size() == 2);
  CHECK(splits.validation.size() == 2);

  const data::Row* row = Find(splits, "one");
  REQUIRE(row != nullptr);
  CHECK(row->id == 21);
  REQUIRE(row->turns.size() == 5);
  CHECK(row->turns[0].role == "system");
  CHECK(row->turns[4].role == "assistant");
  CHECK(row->turns[4].content == "2");

  REQUIRE(splits.refused.size() == 7);
  CHECK(ReasonAt(splits, ":22") ==
        "turn 2 is by user, wanted one by assistant");
  CHECK(ReasonAt(splits, ":23") ==
        "turn 1 is by assistant, wanted one by user");
  CHECK(ReasonAt(splits, ":24") == "no turn by assistant");
  CHECK(ReasonAt(splits, ":25") ==
        "a turn of 'tool', wanted user, assistant, system");
  CHECK(ReasonAt(splits, ":26") == "turn 2 is empty");
  CHECK(ReasonAt(splits, ":27").find("duplicate of") == 0);
  CHECK(ReasonAt(splits, ":28") == "no array 'messages'");
}

TEST_CASE("ShareGPT's names of roles are read", "[datasets][chat]") {
  DataFolder folder("instruct");
  nlohmann::json all = nlohmann::json::array();
  for (int i = 0; i < 1600; ++i) {
    all.push_back({{"id", std::to_string(i)},
                   {"conversations",
                    {{{"from", "human"}, {"value", absl::StrCat("q", i)}},
                     {{"from", "gpt"}, {"value", "a"}},
                     {{"from", "user"}, {"value", "more"}},
                     {{"from", "chatgpt"}, {"value", "b"}}}}});
  }
  all.push_back({{"id", "x"}, {"conversations", nlohmann::json::array()}});
  folder.Write("ShareGPT_V3_unfiltered_cleaned_split.json", all.dump());
  const data::Splits splits = folder.Load("sharegpt");
  CHECK(splits.train.size() == 100);
  CHECK(splits.validation.size() == 500);
  CHECK(splits.test.size() == 1000);
  CHECK(splits.refused.size() == 1);
  CHECK(splits.test[0].turns.size() == 4);
  CHECK(splits.test[0].turns[3].role == "assistant");
  CHECK(splits.test[0].turns[3].content == "b");
}

TEST_CASE("of a conversation tree the best-ranked path is taken",
          "[datasets][chat]") {
  DataFolder folder("instruct");
  std::string lines;
  for (int i = 0; i < 1600; ++i) {
    nlohmann::json best = {
        {"text", "best"}, {"role", "assistant"}, {"rank", 0}};
    best["replies"] = {{{"text", "and?"},
                        {"role", "prompter"},
                        {"rank", nullptr},
                        {"replies", nlohmann::json::array()}}};
    const nlohmann::json worse = {
        {"text", "worse"}, {"role", "assistant"}, {"rank", 1}};
    const nlohmann::json deleted = {{"text", "gone"},
                                    {"role", "assistant"},
                                    {"rank", 0},
                                    {"deleted", true}};
    const nlohmann::json unranked = {{"text", "unranked"},
                                     {"role", "assistant"}};
    const nlohmann::json tree = {
        {"message_tree_id", "t"},
        {"prompt",
         {{"text", absl::StrCat("q", i)},
          {"role", "prompter"},
          {"replies", {deleted, unranked, worse, best}}}}};
    lines += tree.dump() + "\n";
  }
  lines += R"({"message_tree_id": "t", "prompt": {"text": "alone",)"
           R"( "role": "prompter", "replies": []}})";
  folder.Write("2023-04-12_oasst_ready.trees.jsonl.gz", lines);
  // Not compressed, whatever its name: zlib reads plain bytes too.
  const data::Splits splits = folder.Load("oasst1");
  CHECK(splits.test.size() == 1000);
  REQUIRE(splits.refused.size() == 1);
  CHECK(splits.refused[0].reason == "no turn by assistant");
  for (const data::Row& row : splits.test) {
    REQUIRE(row.turns.size() == 2);
    CHECK(row.turns[1].content == "best");
  }
}

TEST_CASE("instruction sets are read in their makers' fields",
          "[datasets][chat]") {
  DataFolder folder("instruct");
  std::string dolly, gpt4all;
  nlohmann::json cleaned = nlohmann::json::array();
  for (int i = 0; i < 1600; ++i) {
    const std::string n = std::to_string(i);
    dolly += nlohmann::json({{"instruction", "do " + n},
                             {"context", i == 7 ? "this" : ""},
                             {"response", "done"},
                             {"category", "open_qa"}})
                 .dump() +
             "\n";
    gpt4all +=
        nlohmann::json(
            {{"prompt", "do " + n}, {"response", "done"}, {"source", "x"}})
            .dump() +
        "\n";
    cleaned.push_back(
        {{"instruction", "do " + n}, {"input", ""}, {"output", "done"}});
  }
  dolly += R"({"instruction": "x", "context": "", "response": ""})";
  folder.Write("databricks-dolly-15k.jsonl", dolly);
  folder.Write("gpt4all_prompt_generations.jsonl", gpt4all);
  folder.Write("alpaca_data_cleaned.json", cleaned.dump());
  const data::Splits read = folder.Load("dolly");
  CHECK(read.train.size() == 100);
  REQUIRE(read.refused.size() == 1);
  CHECK(read.refused[0].reason == "empty 'response'");
  CHECK(Find(read, "do 7\n\nthis") != nullptr);
  CHECK(Find(read, "do 8") != nullptr);
  CHECK(folder.Load("gpt4all").test.size() == 1000);
  CHECK(folder.Load("alpaca_cleaned").test.size() == 1000);
}

TEST_CASE("every instance of a Self-Instruct task is a row",
          "[datasets][chat]") {
  DataFolder folder("instruct");
  folder.Write(
      "user_oriented_instructions.jsonl",
      R"({"id": "a", "instruction": "Add.", "instances": [)"
      R"({"input": "1 1", "output": "2"}, {"input": "", "output": "0"}]})"
      "\n"
      R"({"id": "b", "instruction": "Add.", "instances": []})");
  const data::Splits splits = folder.Load("user_oriented_instructions");
  REQUIRE(splits.test.size() == 2);
  const data::Row* nested = Find(splits, "Add.\n\n1 1");
  REQUIRE(nested != nullptr);
  CHECK(nested->id == 1);
  CHECK(Find(splits, "Add.")->id == (1 << 20) + 1);
  REQUIRE(splits.refused.size() == 1);
}

TEST_CASE(
    "IFEval's constraints come from the official file, its responses "
    "by prompt",
    "[datasets][chat]") {
  DataFolder folder("instruct");
  folder.Write("ifeval_prompts_gpt4.jsonl.gz",
               R"({"prompt": "No commas.", "response": "Fine"})"
               "\n");
  folder.Write(
      "ifeval_input_data.jsonl",
      R"({"key": 5, "prompt": "No commas.", "instruction_id_list": )"
      R"(["punctuation:no_comma", "length_constraints:number_words"], )"
      R"("kwargs": [{"num_words": null}, {"num_words": 9}]})"
      "\n"
      R"({"key": 6, "prompt": "Other.", "instruction_id_list": ["a:b"], )"
      R"("kwargs": [{}]})"
      "\n"
      R"({"key": 7, "prompt": "No commas.", "instruction_id_list": ["a:b"], )"
      R"("kwargs": []})");
  const data::Splits splits = folder.Load("ifeval");
  REQUIRE(splits.test.size() == 1);
  CHECK(splits.test[0].turns[1].content == "Fine");
  CHECK(
      nlohmann::json::parse(splits.test[0].constraints) ==
      nlohmann::json::parse(R"([{"id": "punctuation:no_comma", "kwargs": {}},)"
                            R"( {"id": "length_constraints:number_words",)"
                            R"(  "kwargs": {"num_words": 9}}])"));
  REQUIRE(splits.refused.size() == 2);
  CHECK(ReasonAt(splits, ":2") == "its prompt has no response");
  CHECK(ReasonAt(splits, ":3") == "1 instruction ids with 0 sets of arguments");
}

TEST_CASE("constraints are read off the words of a prompt",
          "[datasets][chat]") {
  const auto stated = [](const std::string& prompt) {
    return StatedConstraints(prompt);
  };
  const auto one = [](const std::string& id, const nlohmann::json& kwargs) {
    return nlohmann::json::array({{{"id", id}, {"kwargs", kwargs}}});
  };
  const nlohmann::json none = nlohmann::json::object();
  const std::vector<std::pair<std::string, std::string>> without_arguments = {
      {"You must not use any commas.", "punctuation:no_comma"},
      {"Answer in all lowercase letters.", "change_case:english_lowercase"},
      {"Your entire response should be in all capital letters.",
       "change_case:english_capital"},
      {"It has a title, i.e. <<title>>.", "detectable_format:title"},
      {"Wrap it in JSON format.", "detectable_format:json_format"},
      {"Two ads separated by 6 asterisk symbols.", "combination:two_responses"},
      {"Wrap your response with double quotation marks.",
       "startend:quotation"}};
  for (const auto& [prompt, id] : without_arguments) {
    INFO(prompt);
    CHECK(stated(prompt) == one(id, none));
  }
  for (const char* prompt :
       {"Tell me a joke about commas.",
        "Have 4 words be in all capital letters.", "Write a JSON schema.",
        "At least 15 words in all capital letters.", "In five words.",
        "exactly two paragraphs"}) {
    INFO(prompt);
    CHECK(stated(prompt).empty());
  }
  const auto words = [&](const std::string& relation, int count) {
    return one("length_constraints:number_words",
               {{"relation", relation}, {"num_words", count}});
  };
  CHECK(stated("Use at least 1,200 words.") == words("at least", 1200));
  CHECK(stated("A 300+ word summary.") == words("at least", 300));
  CHECK(stated("More than ten words.") == words("at least", 11));
  CHECK(stated("Fewer than 50 words.") == words("less than", 50));
  CHECK(stated("At most 150 words.") == words("less than", 151));
  CHECK(stated("45 or less words.") == words("less than", 46));
  CHECK(stated("less than 7 sentences") ==
        one("length_constraints:number_sentences",
            {{"relation", "less than"}, {"num_sentences", 7}}));
  CHECK(stated("Add a postscript that starts with P.P.S") ==
        one("detectable_content:postscript", {{"postscript_marker", "P.P.S"}}));
  CHECK(stated("A postscript starting with P.S.") ==
        one("detectable_content:postscript", {{"postscript_marker", "P.S."}}));
  CHECK(stated("at least 12 placeholders, such as [name]") ==
        one("detectable_content:number_placeholders",
            {{"num_placeholders", 12}}));
  CHECK(stated("Highlight at least 2 text sections.") ==
        one("detectable_format:number_highlighted_sections",
            {{"num_highlights", 2}}));
  CHECK(stated("exactly 3 bullet points") ==
        one("detectable_format:number_bullet_lists", {{"num_bullets", 3}}));
  CHECK(stated("exactly two paragraphs, separated by ***") ==
        one("length_constraints:number_paragraphs", {{"num_paragraphs", 2}}));
  CHECK(stated("Write a letter.\nFirst repeat the request word for word "
               "without change.") ==
        one("combination:repeat_prompt",
            {{"prompt_to_repeat", "Write a letter."}}));
  CHECK(stated("No commas, and at most 9 words.").size() == 2);

  DataFolder folder("instruct");
  folder.Write("ifeval_prompts_gpt4.jsonl.gz",
               R"({"prompt": "No commas.", "response": "Fine"})"
               "\n"
               R"({"prompt": "A joke.", "response": "Fine"})");
  const data::Splits splits = folder.Load("ifeval_stated");
  REQUIRE(splits.test.size() == 1);
  CHECK(nlohmann::json::parse(splits.test[0].constraints) ==
        one("punctuation:no_comma", none));
  CHECK(ReasonAt(splits, ":2") == "no constraint can be read off its wording");
}

TEST_CASE("MT-bench questions without a reference answer are refused",
          "[datasets][chat]") {
  DataFolder folder("instruct");
  folder.Write("mt_bench_question.jsonl",
               R"({"question_id": 1, "turns": ["a", "b"]})"
               "\n"
               R"({"question_id": 2, "turns": ["c", "d"]})"
               "\n"
               R"({"question_id": 3, "turns": ["e", "f"]})");
  folder.Write("mt_bench_reference_gpt4.jsonl",
               R"({"question_id": 1, "choices": [{"turns": ["A", "B"]}]})"
               "\n"
               R"({"question_id": 3, "choices": [{"turns": ["E"]}]})");
  const data::Splits splits = folder.Load("mt_bench");
  REQUIRE(splits.test.size() == 1);
  REQUIRE(splits.test[0].turns.size() == 4);
  CHECK(splits.test[0].turns[2].content == "b");
  CHECK(splits.test[0].turns[3].content == "B");
  CHECK(splits.refused.size() == 2);
  CHECK(ReasonAt(splits, ":3") == "question 3 has 2 turns and 1 answers");
}

}  // namespace
}  // namespace sft::datasets::chat_test
