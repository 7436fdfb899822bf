// Which tokens of a conversation bear loss under templates that rewrite what
// came earlier, say themselves what the assistant wrote, or write calls.
#include <algorithm>

#include "harness/data/render/render.h"
#include "harness/data/row_text.h"
#include "harness/text/composed_tokenizer.h"
#include "harness/text/hf_tokenizer_json.h"
#include "tests/harness/text/golden.h"

namespace sft::data::chat_text_test {
namespace {

using nlohmann::json;
using Texts = std::vector<std::string>;

constexpr int32_t kBos = 2, kEos = 3;

// The byte-level tokenizer of tests/golden/in_place.json.
text::ComposedTokenizer Make(const std::string& source) {
  const json golden = text::ReadGolden("in_place.json");
  for (const json& variant : golden["variants"]) {
    if (variant["name"] != "byte_level") continue;
    json root = golden["bases"][variant["base"].get<std::string>()];
    root.update(variant["change"]);
    auto parts = text::ParseTokenizerJson(root, "test");
    REQUIRE(parts.ok());
    parts->bos_id = kBos;
    parts->eos_id = parts->end_of_turn_id = kEos;
    auto chat = text::ChatTemplate::Compile(source, "test", "<bos>", "<eos>");
    REQUIRE(chat.ok());
    parts->chat_template = *std::move(chat);
    return text::ComposedTokenizer(*std::move(parts));
  }
  FAIL("no byte-level tokenizer");
  return text::ComposedTokenizer({});
}

// Of each row its text through the last answer, '[' and ']' about each answer.
Texts Marked(const std::string& source, const std::vector<ChatTurn>& turns,
             bool all, const std::string& variables = "") {
  const text::ComposedTokenizer tokenizer = Make(source);
  const auto rows = ChatText(tokenizer).Whole(turns, all, variables);
  if (!rows.ok()) return {std::string(rows.status().message())};
  Texts out;
  for (const RowText& row : *rows) {
    std::string text = row.text;
    for (size_t i = row.answers.size(); i-- > 0;) {
      text.insert(row.answers[i].second, "]");
      text.insert(row.answers[i].first, "[");
    }
    out.push_back(std::move(text));
  }
  return out;
}

const std::vector<ChatTurn> kTalk = {{"user", "a"},
                                     {"assistant", "<think>t</think>b"},
                                     {"user", "c"},
                                     {"assistant", "<think>u</think>d"}};

// Thoughts of earlier turns are dropped, as Qwen 3 does.
constexpr char kForgets[] =
    "{% for m in messages %}{{ '<pad>' + m.role + ':' }}"
    "{{ m.content if loop.last else m.content.split('</think>')[-1] }}"
    "{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<pad>assistant:' }}{% endif %}";

TEST_CASE("an answer that later turns rewrite is trained on as it is the last",
          "[data][chat]") {
  CHECK(Marked(kForgets, kTalk, false) ==
        Texts{"<pad>user:a<eos><pad>assistant:b<eos><pad>user:c<eos>"
              "<pad>assistant:[<think>u</think>d<eos>]"});
  CHECK(Marked(kForgets, kTalk, true) ==
        Texts{"<pad>user:a<eos><pad>assistant:[<think>t</think>b<eos>]",
              "<pad>user:a<eos><pad>assistant:b<eos><pad>user:c<eos>"
              "<pad>assistant:[<think>u</think>d<eos>]"});
  // Nothing is rewritten: one row.
  CHECK(Marked(kForgets,
               {{"user", "a"},
                {"assistant", "b"},
                {"user", "c"},
                {"assistant", "d"}},
               true) ==
        Texts{"<pad>user:a<eos><pad>assistant:[b<eos>]<pad>user:c<eos>"
              "<pad>assistant:[d<eos>]"});
  // Examples, and how many rows came in parts.
  Task task;
  task.name = "toy";
  Row row;
  row.id = 5;
  row.turns = kTalk;
  RenderOptions options;
  options.loss_on = "all_assistant";
  const auto rendered = RenderRows({row}, task, Make(kForgets), options);
  REQUIRE(rendered.ok());
  CHECK(rendered->examples.size() == 2);
  CHECK(rendered->labels.size() == 2);
  CHECK(rendered->rows_in_parts == 1);
  CHECK(rendered->examples[0].row_id == 5);
}

// The system turn stands in the last user's turn, if that is the last.
constexpr char kMoves[] =
    "{% set s = messages[0].content if messages[0].role == 'system' else '' %}"
    "{% for m in messages if m.role != 'system' %}{% if m.role == 'user' %}"
    "{{ '(' + (s if loop.last else '') + m.content + ')' }}"
    "{% else %}{{ m.content + eos_token }}{% endif %}{% endfor %}";

TEST_CASE("an answer follows the prompt that it has in use", "[data][chat]") {
  const std::vector<ChatTurn> turns = {{"system", "S:"},
                                       {"user", "a"},
                                       {"assistant", "b"},
                                       {"user", "c"},
                                       {"assistant", "d"}};
  CHECK(Marked(kMoves, turns, false) == Texts{"(a)b<eos>(S:c)[d<eos>]"});
  CHECK(Marked(kMoves, turns, true) ==
        Texts{"(S:a)[b<eos>]", "(a)b<eos>(S:c)[d<eos>]"});
  CHECK(Marked(kMoves, {turns.begin() + 1, turns.end()}, true) ==
        Texts{"(a)[b<eos>](c)[d<eos>]"});
  const text::ComposedTokenizer tokenizer = Make(kMoves);
  const auto frame =
      ChatText(tokenizer).Frame({turns.begin(), turns.end() - 1});
  REQUIRE(frame.ok());
  CHECK(frame->before.text == "(a)b<eos>(S:c)");
}

TEST_CASE("what {% generation %} wrote bears loss, and the end of turn with it",
          "[data][chat]") {
  const auto source = [](const std::string& inside, const std::string& behind) {
    return "{% for m in messages %}{% if m.role == 'assistant' %}"
           "{{ '<pad>' }}{% generation %}{{ " +
           inside + " }}{% endgeneration %}{{ " + behind +
           " }}{% else %}{{ '(' + m.content + ')' }}{% endif %}{% endfor %}";
  };
  const std::vector<ChatTurn> turns = {
      {"user", "a"}, {"assistant", "b"}, {"user", "c"}, {"assistant", "d"}};
  for (const auto& [inside, behind, one, two] : std::vector<
           std::tuple<std::string, std::string, std::string, std::string>>{
           {"'A:' + m.content + eos_token", "'\\n'", "[A:b<eos>]\n",
            "[A:d<eos>]"},
           {"m.content + eos_token + '\\n'", "''", "[b<eos>\n]", "[d<eos>\n]"},
           // A block may leave out the end of turn.
           {"m.content", "eos_token + '\\n'", "[b<eos>]\n", "[d<eos>]"},
       }) {
    CAPTURE(inside);
    std::string unmarked = one;
    unmarked.erase(std::remove_if(unmarked.begin(), unmarked.end(),
                                  [](char c) { return c == '[' || c == ']'; }),
                   unmarked.end());
    CHECK(Marked(source(inside, behind), turns, true) ==
          Texts{"(a)<pad>" + one + "(c)<pad>" + two});
    CHECK(Marked(source(inside, behind), turns, false) ==
          Texts{"(a)<pad>" + unmarked + "(c)<pad>" + two});
  }
  const Texts none = Marked(source("m.content", "'!'"), turns, false);
  CHECK(none[0].find("no token in or right behind its {% generation %}") !=
        std::string::npos);
}

constexpr char kCalls[] =
    "{% if tools %}{{ 'T' + tools[0].name }}{% endif %}{% for m in messages %}"
    "{% if m.tool_calls %}{{ '<pad>A:' }}{% for c in m.tool_calls %}"
    "{{ c.function.arguments | tojson }}{% endfor %}{{ '<eos>' }}"
    "{% else %}{{ '<pad>' + m.role[0] | upper + ':' + m.content + '<eos>' }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<pad>A:' }}{% endif %}";

TEST_CASE("calls are answers, and what tools gave is none", "[data][chat]") {
  const ChatTurn call = {
      "assistant", "",
      R"({"role":"assistant","tool_calls":[{"function":{"arguments":{"z":1,)"
      R"("a":2}}}]})"};
  const std::vector<ChatTurn> turns = {
      {"user", "a"}, call, {"tool", "7"}, {"assistant", "b"}};
  CHECK(Marked(kCalls, turns, true, R"({"tools":[{"name":"f"}]})") ==
        Texts{"Tf<pad>U:a<eos><pad>A:[{\"z\": 1, \"a\": 2}<eos>]<pad>T:7<eos>"
              "<pad>A:[b<eos>]"});
  CHECK(Marked(kCalls, {turns[0], call}, false) ==
        Texts{"<pad>U:a<eos><pad>A:[{\"z\": 1, \"a\": 2}<eos>]"});
  // A row that ends with a call has something to learn; in plain form none.
  Task task;
  task.name = "toy";
  Row row;
  row.turns = {turns[0], call};
  RenderOptions options;
  CHECK(RenderRows({row}, task, Make(kCalls), options).ok());
  options.form = "plain";
  CHECK_FALSE(RenderRows({row}, task, Make(kCalls), options).ok());
}

TEST_CASE("a template that leaves out an answer is refused with the reason",
          "[data][chat]") {
  const Texts why =
      Marked("{{ messages[0].content + eos_token }}", kTalk, true);
  CHECK(why[0].find("leaves out turn 4") != std::string::npos);
}

}  // namespace
}  // namespace sft::data::chat_text_test
