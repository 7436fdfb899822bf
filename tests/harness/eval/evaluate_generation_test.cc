// Generated answers, from prompts to metrics, with a model that says what it
// is told to.
#include "harness/eval/evaluate_generation.h"

#include "harness/eval/answers.h"
#include "tests/harness/eval/scripted_model.h"
#include "tests/support/catch_torch.h"

namespace sft::eval::evaluate_generation_test {
namespace {

// Answers a prompt "...say X!" with X, and talks on behind the end of turn.
std::string Obey(const std::string& prompt) {
  const size_t begin = prompt.find("say ") + 4;
  return " " + prompt.substr(begin, prompt.find('!', begin) - begin) +
         "<eot>more";
}

data::Row Told(int64_t id, const std::string& answer,
               const std::string& reference, const std::string& filler = "") {
  data::Row row;
  row.id = id;
  row.turns = {{"user", filler + "say " + answer + "!"},
               {"assistant", reference}};
  row.references = {reference};
  return row;
}

data::Task Writing(std::vector<std::string> metrics,
                   int64_t max_new_tokens = 20) {
  data::Task task;
  task.name = "writing";
  task.kind = "generation";
  task.metrics = std::move(metrics);
  task.max_new_tokens = max_new_tokens;
  return task;
}

EvalInput Input(const data::Task& task, std::vector<data::Row> rows) {
  EvalInput input;
  input.name = "set";
  input.task = &task;
  input.rows = std::move(rows);
  input.render.max_length = 200;
  return input;
}

TEST_CASE("answers are scored against references, in order of the rows",
          "[eval][generation]") {
  const data::FakeTokenizer tokenizer;
  ScriptedModel model(Obey);
  const data::Task task = Writing({"final_number", "rougeL"});
  const EvalInput input = Input(task, {
                                          Told(5, "one 1", "1"),
                                          Told(6, "2", "3", "a longer one: "),
                                          Told(7, "4 4", "4", "short "),
                                      });
  EvalOptions options;
  options.round = 3;
  const auto record = EvaluateTask(model, tokenizer, input, options);
  REQUIRE(record.ok());
  CHECK(record->task == "set");
  CHECK(record->split == "test");
  CHECK(record->round == 3);
  CHECK(record->row_ids == std::vector<int64_t>{5, 6, 7});
  REQUIRE(record->metrics.size() == 2);
  CHECK(record->metrics[0].name == "final_number");
  CHECK(record->metrics[0].items == std::vector<double>{1, 0, 1});
  CHECK(record->metrics[1].items[0] == Approx(2.0 / 3));
  const std::string detail =
      "|generate:greedy|max_new_tokens:20|form:chat|max_length:200|stop:end";
  for (const MetricRecord& metric : record->metrics) {
    CHECK(metric.signature.find(detail) ==
          metric.signature.size() - detail.size());
  }
  int64_t prompt_tokens = 0;
  for (const data::Row& row : input.rows) {
    prompt_tokens += std::ssize(*data::RenderPrompt(row, task, tokenizer, {}));
  }
  CHECK(record->tokens == prompt_tokens + model.written);
}

TEST_CASE("prompts of like length share a batch, within its bounds",
          "[eval][generation]") {
  const data::FakeTokenizer tokenizer;
  const data::Task task = Writing({"exact_match"}, 10);
  std::vector<data::Row> rows;
  for (int64_t i = 0; i < 30; ++i) {
    const std::string word(1 + i % 7, static_cast<char>('a' + i % 26));
    rows.push_back(Told(i, word, word, std::string(i * 11 % 30, '.')));
  }
  std::vector<std::string> wanted;
  for (const AnswerBatches& limits :
       std::vector<AnswerBatches>{{.rows = 4, .slots = 1 << 20},
                                  {.rows = 100, .slots = 200},
                                  {.rows = 1, .slots = 1}}) {
    ScriptedModel model(Obey);
    const auto answers =
        AnswerRows(model, tokenizer, task, rows, {}, 10, limits);
    REQUIRE(answers.ok());
    if (wanted.empty()) wanted = answers->texts;
    CHECK(answers->texts == wanted);
    int64_t last = INT64_MAX, count = 0;
    for (const auto& batch : model.batches) {
      CHECK(std::ssize(batch) <= limits.rows);
      if (batch.size() > 1) {
        CHECK(std::ssize(batch) * (batch[0] + 10) <= limits.slots);
      }
      for (int64_t length : batch) {
        CHECK(length <= last);
        last = length;
      }
      count += std::ssize(batch);
    }
    CHECK(count == 30);
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    CHECK(wanted[i] == rows[i].references[0]);
  }
}

TEST_CASE("an answer ends at its first stop string, and takes no more tokens",
          "[eval][generation]") {
  const data::FakeTokenizer tokenizer;
  ScriptedModel model([](const std::string&) {
    return " yes it is\nQuestion: no\nQuestion: again";
  });
  data::Task task = Writing({"exact_match"}, 40);
  task.stop_strings = {"\nQuestion", "is\n"};
  const auto answers =
      AnswerRows(model, tokenizer, task, {Told(1, "", "x")}, {}, 40);
  REQUIRE(answers.ok());
  CHECK(answers->texts[0] == "yes it");
  CHECK(model.written == 11);  // through "is\n"
  CHECK(CutAtStop("", {"x"}) == "");
  CHECK(CutAtStop("ab\nc", {"\n"}) == "ab");
  CHECK(CutAtStop(" a bc", {"c", "b"}) == " a ");
  CHECK(CutAtStop("a b ", {}) == "a b ");
  CHECK_FALSE(StopAt(tokenizer, {}));
}

TEST_CASE("an answer that begins on a new line does not end there",
          "[eval][generation]") {
  const data::FakeTokenizer tokenizer;
  ScriptedModel model([](const std::string& prompt) {
    const std::string spaces(prompt.find("far") == std::string::npos ? 2 : 30,
                             '\n');
    return spaces + " yes it is\nQuestion";
  });
  data::Task task = Writing({"exact_match"}, 60);
  task.stop_strings = {"\n"};
  const auto answers = AnswerRows(
      model, tokenizer, task, {Told(1, "", "x"), Told(2, "far", "x")}, {}, 60);
  REQUIRE(answers.ok());
  CHECK(answers->texts == std::vector<std::string>{"yes it is", "yes it is"});
  CHECK(model.written == 2 + 30 + 2 * 11);
  CHECK(CutAtStop("\n\n ", {"\n"}) == "\n\n ");
  CHECK(CutAtStop("\nQ: a\n", {"\nQ", "\n"}) == "");
  CHECK(CutAtStop("\n a \n\nb", {"\n\n"}) == "\n a ");
}

TEST_CASE("a prompt that leaves no room for its answer loses its middle",
          "[eval][generation]") {
  const data::FakeTokenizer tokenizer;
  ScriptedModel model(Obey);
  const data::Task task = Writing({"exact_match"}, 20);
  EvalInput input = Input(task, {Told(1, "yes", "yes", std::string(100, '.')),
                                 Told(2, "no", "no")});
  input.render.max_length = 80;
  const auto record = EvaluateGeneration(model, tokenizer, input, {});
  REQUIRE(record.ok());
  CHECK(record->metrics[0].value == 100);
  CHECK(model.batches[0][0] == 60);
  CHECK(record->metrics[0].signature.find("|cut_prompts:1") !=
        std::string::npos);
  // Training sees the same prompt.
  const auto rendered =
      data::RenderRows(input.rows, task, tokenizer, input.render);
  REQUIRE(rendered.ok());
  const auto prompt =
      *data::RenderPrompt(input.rows[0], task, tokenizer, input.render);
  CHECK(std::equal(prompt.begin(), prompt.end(),
                   rendered->examples[0].input_ids.begin()));
  CHECK(rendered->truncated_rows == 1);
  input.render.max_length = 21;
  const auto none = EvaluateGeneration(model, tokenizer, input, {});
  CHECK(std::string(none.status().message()).find("21 tokens leave 1") !=
        std::string::npos);
}

TEST_CASE("answers to questions are scored as SQuAD's", "[eval][generation]") {
  const data::FakeTokenizer tokenizer;
  ScriptedModel model(Obey);
  data::Task task = Writing({"squad_f1", "exact_match"});
  task.kind = "question_answering";
  data::Row row = Told(1, "The red house", "a house");
  row.references = {"house", "red house"};
  const auto record = EvaluateTask(model, tokenizer, Input(task, {row}), {});
  REQUIRE(record.ok());
  CHECK(record->metrics[0].value == 100);
  CHECK(record->metrics[1].value == 100);
}

TEST_CASE("named entities that an answer names are scored as tags",
          "[eval][generation]") {
  const data::FakeTokenizer tokenizer;
  ScriptedModel model(Obey);
  data::Task task = Writing({"span_f1", "span_f1_strict"}, 60);
  task.kind = "token_labels";
  task.labels = {"person", "place"};
  data::Row right = Told(1, "person: Ada Byron; place: London", "-");
  right.words = {"Ada", "Byron", "left", "London"};
  right.tags = {"B-person", "I-person", "O", "B-place"};
  data::Row half = Told(2, "person: Bob", "-");
  half.words = {"Bob", "saw", "Rome"};
  half.tags = {"B-person", "O", "B-place"};
  data::Row none = Told(3, "none", "none");
  none.words = {"Nothing", "here"};
  none.tags = {"O", "O"};
  const auto record =
      EvaluateTask(model, tokenizer, Input(task, {right, half, none}), {});
  REQUIRE(record.ok());
  // 3 right of 3 named and 4 there.
  CHECK(record->metrics[0].value == Approx(2.0 * 3 / (3 + 4)));
  CHECK(record->metrics[0].items[0] == 1);
  half.tags.pop_back();
  const auto bad = EvaluateTask(model, tokenizer, Input(task, {half}), {});
  CHECK(bad.status().message() == "set: row 2: 3 words with 2 tags");
}

TEST_CASE("generation without rows or references is refused",
          "[eval][generation]") {
  const data::FakeTokenizer tokenizer;
  ScriptedModel model(Obey);
  data::Task task = Writing({"exact_match"});
  CHECK_FALSE(EvaluateGeneration(model, tokenizer, Input(task, {}), {}).ok());
  data::Row row = Told(4, "x", "x");
  row.turns.pop_back();
  row.references.clear();
  const auto bad = EvaluateGeneration(model, tokenizer, Input(task, {row}), {});
  CHECK(bad.status().message() == "set: row 4: has no reference");
  CHECK(model.batches.empty());
  task.metrics = {"blue"};
  CHECK_FALSE(
      EvaluateGeneration(model, tokenizer, Input(task, {Told(1, "a", "a")}), {})
          .ok());
}

}  // namespace
}  // namespace sft::eval::evaluate_generation_test
