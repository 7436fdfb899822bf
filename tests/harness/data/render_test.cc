// Rows as token ids: what is in the loss, what continues what.
#include "harness/data/render/render.h"

#include "absl/strings/str_cat.h"
#include "tests/harness/data/fake_tokenizer.h"
#include "tests/support/catch_torch.h"

namespace sft::data::render_test {
namespace {

using Ids = std::vector<int32_t>;

Task Instructions() {
  Task task;
  task.name = "toy";
  return task;
}
Task Sentiment() {
  Task task;
  task.name = "sentiment";
  task.kind = "classification";
  task.labels = {"bad", "excellent"};
  task.default_form = "plain";
  return task;
}
RenderOptions Form(const std::string& form) {
  RenderOptions options;
  options.form = form;
  return options;
}
Row Chat(std::vector<ChatTurn> turns, int64_t id = 7) {
  Row row;
  row.id = id;
  row.turns = std::move(turns);
  return row;
}
Row Sentence(const std::string& text, int64_t label) {
  Row row = Chat({{"user", "Review: " + text + "\nSentiment:"},
                  {"assistant", Sentiment().labels[label]}});
  row.label = label;
  return row;
}
// The targets as text, and "_" where there is no loss.
std::string Mask(const Example& example) {
  std::string out;
  for (int32_t label : example.labels) {
    out += label == kNoLoss ? "_" : FakeTokenizer().Decode({label}, false);
  }
  return out;
}
Ids Concat(Ids a, const Ids& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST_CASE("training ids are prompt ids, answer ids and the end of turn",
          "[data][render]") {
  const FakeTokenizer tokenizer;
  for (const std::string form : {"plain", "chat"}) {
    for (const std::string loss_on : {"last", "all_assistant"}) {
      RenderOptions options = Form(form);
      options.loss_on = loss_on;
      for (const Row& row : {
               Chat({{"user", "Hi there "}, {"assistant", "yes"}}),
               Chat({{"system", "s"},
                     {"user", "a"},
                     {"assistant", "b"},
                     {"user", "c"},
                     {"assistant", "\n d"}}),
           }) {
        const auto rendered =
            RenderRows({row}, Instructions(), tokenizer, options);
        const auto prompt =
            RenderPrompt(row, Instructions(), tokenizer, options);
        REQUIRE(rendered.ok());
        REQUIRE(prompt.ok());
        options.score_end_of_turn = true;
        const auto answers = RenderAnswers(row, {row.turns.back().content},
                                           Instructions(), tokenizer, options);
        REQUIRE(answers.ok());
        CHECK(answers->prompts[0] == *prompt);
        REQUIRE(rendered->examples.size() == 1);
        CHECK(rendered->examples[0].input_ids ==
              Concat(*prompt, answers->answers[0]));
        CHECK(answers->answers[0].back() == FakeTokenizer::kEndOfTurn);
        CHECK(rendered->examples[0].row_id == 7);
      }
    }
  }
}

TEST_CASE("the plain form has one space between prompt and answer",
          "[data][render]") {
  const FakeTokenizer tokenizer;
  const auto rendered =
      RenderRows({Chat({{"user", "Q: "}, {"assistant", "yes"}})},
                 Instructions(), tokenizer, Form("plain"));
  REQUIRE(rendered.ok());
  CHECK(tokenizer.Decode(rendered->examples[0].input_ids, false) ==
        "Q: yes<eot>");
  CHECK(Mask(rendered->examples[0]) == "__ yes<eot>");
}

TEST_CASE("the loss is on the last answer and its end of turn only",
          "[data][render]") {
  const FakeTokenizer tokenizer;
  const Row row = Chat(
      {{"user", "a"}, {"assistant", "bc"}, {"user", "d"}, {"assistant", "ef"}});
  const auto last = RenderRows({row}, Instructions(), tokenizer, Form("chat"));
  REQUIRE(last.ok());
  CHECK(tokenizer.Decode(last->examples[0].input_ids, false) ==
        "[user]a<eot>\n[assistant]bc<eot>\n[user]d<eot>\n[assistant]ef<eot>");
  CHECK(Mask(last->examples[0]) ==
        absl::StrCat(std::string(44, '_'), "ef<eot>"));

  RenderOptions all = Form("chat");
  all.loss_on = "all_assistant";
  const auto every = RenderRows({row}, Instructions(), tokenizer, all);
  REQUIRE(every.ok());
  CHECK(every->examples[0].input_ids == last->examples[0].input_ids);
  CHECK(Mask(every->examples[0]) ==
        absl::StrCat(std::string(20, '_'), "bc<eot>", std::string(21, '_'),
                     "ef<eot>"));
}

TEST_CASE("loss_on_prompt = 1 puts the loss on every token but the first",
          "[data][render]") {
  const FakeTokenizer tokenizer;
  RenderOptions options = Form("plain");
  options.loss_on_prompt = 1;
  const auto rendered = RenderRows({Chat({{"user", "Q:"}, {"assistant", "a"}})},
                                   Instructions(), tokenizer, options);
  REQUIRE(rendered.ok());
  CHECK(Mask(rendered->examples[0]) == "_: a<eot>");
  options.loss_on_prompt = 0.5;
  CHECK_FALSE(RenderRows({}, Instructions(), tokenizer, options).ok());
}

TEST_CASE("an answer that is too long loses its end, and it is counted",
          "[data][render]") {
  const FakeTokenizer tokenizer;
  RenderOptions options = Form("plain");
  options.max_length = 6;
  const auto rendered =
      RenderRows({Chat({{"user", "Q:"}, {"assistant", "abcdef"}}),
                  Chat({{"user", "Q:"}, {"assistant", "ab"}})},
                 Instructions(), tokenizer, options);
  REQUIRE(rendered.ok());
  CHECK(Mask(rendered->examples[0]) == "__ abc");
  CHECK(rendered->truncated_rows == 1);
  CHECK(rendered->truncated_tokens == 4);
}

TEST_CASE("a row that keeps no target is refused by name and counted",
          "[data][render]") {
  const FakeTokenizer tokenizer;
  RenderOptions options = Form("plain");
  options.max_length = 8;
  const auto rendered = RenderRows(
      {Chat({{"user", "a long prompt"}, {"assistant", "x"}}, 3),
       Chat({{"user", "Q:"}, {"assistant", ""}}, 4), Chat({{"user", "Q:"}}, 5),
       Chat({{"user", "Q:"}, {"assistant", "x"}}, 6)},
      Instructions(), tokenizer, options);
  REQUIRE(rendered.ok());
  CHECK(rendered->examples.size() == 1);
  REQUIRE(rendered->refused.size() == 3);
  CHECK(rendered->refused[0].where == "toy: row 3");
  CHECK(rendered->refused[0].reason ==
        "no target token is left: a prompt of 13 tokens, max_length 8");
  CHECK(rendered->refused[1].reason == "empty answer");
  CHECK(rendered->truncated_rows == 0);
}

TEST_CASE("rows of which none is usable are an error", "[data][render]") {
  const FakeTokenizer tokenizer;
  const auto rendered = RenderRows({Chat({{"user", "Q:"}}, 5)}, Instructions(),
                                   tokenizer, Form("plain"));
  REQUIRE_FALSE(rendered.ok());
  CHECK(std::string(rendered.status().message()).find("toy: row 5") == 0);
}

TEST_CASE("in classification the prompt's middle is cut, never the label",
          "[data][render]") {
  const FakeTokenizer tokenizer;
  RenderOptions options = Form("auto");
  options.max_length = 40;
  Ids prompts[2];
  for (int64_t label : {0, 1}) {
    const Row row = Sentence(std::string(100, 'x'), label);
    const auto rendered = RenderRows({row}, Sentiment(), tokenizer, options);
    REQUIRE(rendered.ok());
    const Example& example = rendered->examples[0];
    const std::string text = tokenizer.Decode(example.input_ids, false);
    CHECK(example.input_ids.size() <= 40);
    CHECK(text.find("Review: xx") == 0);
    CHECK(text.find("x\nSentiment: " + row.turns[1].content + "<eot>") !=
          std::string::npos);
    CHECK(rendered->truncated_rows == 1);
    CHECK(rendered->labels == std::vector<int64_t>{label});
    prompts[label] = *RenderPrompt(row, Sentiment(), tokenizer, options);
    options.score_end_of_turn = true;
    const auto answers =
        RenderAnswers(row, Sentiment().labels, Sentiment(), tokenizer, options);
    REQUIRE(answers.ok());
    CHECK(answers->prompts == std::vector<Ids>(2, prompts[label]));
    CHECK(example.input_ids == Concat(prompts[label], answers->answers[label]));
    options.score_end_of_turn = false;
  }
  // Scoring must not learn the label from the length of the prompt.
  CHECK(prompts[0] == prompts[1]);
}

TEST_CASE("a label that is not the task's is refused", "[data][render]") {
  const FakeTokenizer tokenizer;
  Row wrong = Sentence("x", 0);
  wrong.label = 1;
  Row outside = Sentence("x", 0);
  outside.label = 2;
  const auto rendered = RenderRows({wrong, outside, Sentence("x", 1)},
                                   Sentiment(), tokenizer, Form("plain"));
  REQUIRE(rendered.ok());
  CHECK(rendered->refused.size() == 2);
}

TEST_CASE("a chat template that writes on behind an answer is noticed",
          "[data][render]") {
  FakeTokenizer tokenizer;
  tokenizer.after_content = "!";
  const auto rendered = RenderRows({Chat({{"user", "a"}, {"assistant", "b"}})},
                                   Instructions(), tokenizer, Form("chat"));
  REQUIRE_FALSE(rendered.ok());
  CHECK(std::string(rendered.status().message()).find("chat template") !=
        std::string::npos);
}

TEST_CASE("auto falls back to plain without a template, chat is an error",
          "[data][render]") {
  FakeTokenizer tokenizer;
  CHECK(*EffectiveForm(Instructions(), tokenizer, Form("auto")) == "chat");
  CHECK(*EffectiveForm(Sentiment(), tokenizer, Form("auto")) == "plain");
  tokenizer.chat_template = false;
  CHECK(*EffectiveForm(Instructions(), tokenizer, Form("auto")) == "plain");
  CHECK_FALSE(EffectiveForm(Instructions(), tokenizer, Form("chat")).ok());
  CHECK_FALSE(EffectiveForm(Instructions(), tokenizer, Form("haiku")).ok());
}

}  // namespace
}  // namespace sft::data::render_test
