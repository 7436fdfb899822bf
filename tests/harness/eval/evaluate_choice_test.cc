// Multiple choice and last words against plain loops: a choice at a time, whole
// logits.
#include "harness/eval/evaluate_choice.h"

#include <c10/core/GradMode.h>

#include <cmath>
#include <limits>

#include "harness/data/collator.h"
#include "harness/eval/continuations.h"
#include "tests/harness/data/fake_tokenizer.h"
#include "tests/harness/eval/fake_model.h"
#include "tests/support/catch_torch.h"

namespace sft::eval::evaluate_choice_test {
namespace {

using Ids = std::vector<int32_t>;

struct Plain {
  double sum = 0;
  bool likeliest = true;
};
Plain ScorePlainly(FakeModel& model, const Ids& prompt, const Ids& answer) {
  const c10::AutoGradMode no_grad(false);
  Example example;
  example.input_ids = prompt;
  example.input_ids.insert(example.input_ids.end(), answer.begin(),
                           answer.end());
  example.labels.assign(example.input_ids.size(), kNoLoss);
  const Batch batch =
      data::FlatBatch({example}, {{0, 0, std::ssize(example.input_ids)}});
  const at::Tensor log_TV = at::log_softmax(
      model.HiddenStates(batch)[0].matmul(model.weight_VD.t()).to(at::kDouble),
      1);
  Plain out;
  for (size_t j = 0; j < answer.size(); ++j) {
    const at::Tensor row = log_TV[std::ssize(prompt) + j - 1];
    out.sum += row[answer[j]].item<double>();
    out.likeliest = out.likeliest && row.argmax().item<int64_t>() == answer[j];
  }
  return out;
}

data::Task Choosing(const std::string& kind,
                    std::vector<std::string> metrics = {}) {
  data::Task task;
  task.name = "choosing";
  task.kind = kind;
  task.metrics = std::move(metrics);
  task.default_form = "plain";
  return task;
}

data::Row Choice(int64_t id, const std::string& prompt,
                 std::vector<std::string> choices, int64_t label) {
  data::Row row;
  row.id = id;
  row.label = label;
  row.choices = std::move(choices);
  row.turns = {{"user", prompt}, {"assistant", row.choices[label]}};
  return row;
}

std::vector<data::Row> ChoiceRows() {
  std::vector<data::Row> rows;
  const std::vector<std::vector<std::string>> choices = {
      {"a", "b"},
      {"a", "b"},
      {"a long way to say yes", "no"},
      {"ab", "abc", "abcd", "x"},
      {"once", "twice", "never"},
      {"one two", "one three", "four"},
  };
  for (int64_t i = 0; i < 24; ++i) {
    const auto& of_row = choices[i % choices.size()];
    rows.push_back(Choice(200 + i,
                          "question " + std::string(1 + i * 5 % 13, 'a' + i),
                          of_row, i % std::ssize(of_row)));
  }
  return rows;
}

EvalInput Input(const data::Task& task, std::vector<data::Row> rows) {
  EvalInput input;
  input.name = "set";
  input.task = &task;
  input.rows = std::move(rows);
  return input;
}

TEST_CASE("choices are ranked as the plain computation ranks them",
          "[eval][choice]") {
  const data::FakeTokenizer tokenizer;
  const data::Task task = Choosing("multiple_choice");
  const EvalInput input = Input(task, ChoiceRows());
  int64_t differ = 0;
  for (int64_t seed : {1, 2, 3}) {
    FakeModel model(seed);
    EvalOptions options;
    options.max_tokens_a_batch = seed == 1 ? 1 : 300;
    const auto record = EvaluateTask(model, tokenizer, input, options);
    REQUIRE(record.ok());
    REQUIRE(record->metrics.size() == 2);
    CHECK(record->metrics[0].name == "accuracy");
    CHECK(record->metrics[1].name == "accuracy_norm");
    double right = 0, right_norm = 0;
    for (size_t r = 0; r < input.rows.size(); ++r) {
      const data::Row& row = input.rows[r];
      const Ids prompt = *data::RenderPrompt(row, task, tokenizer, {});
      int64_t best = 0, best_norm = 0;
      std::vector<double> sums, norms;
      for (const std::string& choice : row.choices) {
        sums.push_back(
            ScorePlainly(model, prompt, tokenizer.Encode(" " + choice)).sum);
        norms.push_back(sums.back() / static_cast<double>(choice.size()));
        if (sums.back() > sums[best]) best = std::ssize(sums) - 1;
        if (norms.back() > norms[best_norm]) best_norm = std::ssize(sums) - 1;
      }
      CHECK(record->row_ids[r] == row.id);
      CHECK(record->references[r] == row.label);
      CHECK(record->predictions[r] == best);
      CHECK(record->metrics[0].items[r] == (best == row.label));
      CHECK(record->metrics[1].items[r] == (best_norm == row.label));
      right += best == row.label;
      right_norm += best_norm == row.label;
      differ += best != best_norm;
    }
    CHECK(record->metrics[0].value == Approx(right / 24));
    CHECK(record->metrics[1].value == Approx(right_norm / 24));
  }
  CHECK(differ > 0);
}

TEST_CASE("choices of one token cost one pass over their prompt",
          "[eval][choice]") {
  const data::FakeTokenizer tokenizer;
  FakeModel model(1);
  std::vector<Continuations> prompts;
  for (int32_t i = 0; i < 5; ++i) {
    prompts.push_back({i, {1, 2, i}, {{3}, {4}, {5 + i}}});
  }
  prompts.push_back({9, {1}, {{2, 3}, {2, 4}, {2}}});
  int64_t tokens = 0;
  const auto scores = ScoreContinuations(model, prompts, 1000, &tokens);
  CHECK(tokens == 5 * 3 + 2);
  CHECK(model.passes == 1);
  CHECK(model.head_rows == 5 + 2);
  for (size_t p = 0; p < prompts.size(); ++p) {
    for (size_t k = 0; k < prompts[p].answers.size(); ++k) {
      const Plain plain =
          ScorePlainly(model, prompts[p].prompt, prompts[p].answers[k]);
      CHECK(scores[p][k].log_probability == Approx(plain.sum).margin(2e-5));
      CHECK(scores[p][k].likeliest == plain.likeliest);
    }
  }
  CHECK(ScoreContinuations(model, {}, 10, nullptr).empty());
}

TEST_CASE("the choice that the task names first comes first",
          "[eval][choice]") {
  const data::FakeTokenizer tokenizer;
  FakeModel model(2);
  const data::Task task =
      Choosing("multiple_choice", {"accuracy_norm", "accuracy"});
  const auto record =
      EvaluateTask(model, tokenizer, Input(task, ChoiceRows()), {});
  REQUIRE(record.ok());
  CHECK(record->metrics[0].name == "accuracy_norm");
  CHECK(record->metrics[0].signature ==
        "accuracy_norm|log-probability/characters|ties:lower-choice-index|"
        "score:sum-logprob-choice|form:plain|max_length:512");
}

TEST_CASE("a tie between choices goes to the lower index", "[eval][choice]") {
  const data::FakeTokenizer tokenizer;
  FakeModel model(1, /*scale=*/0.0);
  const data::Task task = Choosing("multiple_choice");
  const auto record = EvaluateChoice(
      model, tokenizer, Input(task, {Choice(1, "q", {"a", "b", "c"}, 2)}), {});
  REQUIRE(record.ok());
  CHECK(record->predictions == std::vector<int64_t>{0});
}

TEST_CASE("a prompt keeps room for its longest choice", "[eval][choice]") {
  const data::FakeTokenizer tokenizer;
  const data::Task task = Choosing("multiple_choice");
  data::RenderOptions render;
  render.max_length = 30;
  const std::string prompt(100, 'q');
  const data::Row row = Choice(1, prompt, {"a", "longer"}, 0);
  // " longer" and the end of turn.
  CHECK(data::RenderPrompt(row, task, tokenizer, render)->size() == 30 - 8);
  const auto rendered = data::RenderRows({row}, task, tokenizer, render);
  REQUIRE(rendered.ok());
  CHECK(rendered->examples[0].input_ids.size() == 30 - 8 + 3);
  const data::Row too_long = Choice(2, prompt, {"a", std::string(40, 'b')}, 0);
  CHECK(data::RenderPrompt(too_long, task, tokenizer, render)
            .status()
            .message() ==
        "max_length: 30 tokens leave -12 for the prompts of choosing, whose "
        "answers take up to 42");
}

// What the model would say next.
int32_t Next(FakeModel& model, const Ids& ids) {
  int32_t best = 0;
  for (int32_t id = 0; id < 257; ++id) {
    if (ScorePlainly(model, ids, {id}).likeliest) best = id;
  }
  return best;
}

TEST_CASE("a last word is right if each of its tokens is the likeliest",
          "[eval][choice]") {
  const data::FakeTokenizer tokenizer;
  data::Task task = Choosing("last_word");
  task.default_form = "chat";
  FakeModel model(4);
  std::vector<data::Row> rows;
  double nats = 0, tokens = 0, right = 0;
  std::vector<double> items;
  for (int64_t i = 0; i < 12; ++i) {
    data::Row row;
    row.id = i;
    row.turns = {{"user", "passage " + std::string(i, 'p')}};
    Ids ids = *data::RenderPrompt(row, task, tokenizer, {});
    const Ids prompt = ids;
    ids.push_back(Next(model, ids));
    // In every third row the second token is another than the model's.
    ids.push_back(Next(model, ids) + (i % 3 == 0 ? 1 : 0));
    const Ids answer(ids.end() - 2, ids.end());
    REQUIRE(std::max(answer[0], answer[1]) < data::FakeTokenizer::kEndOfTurn);
    row.turns.push_back({"assistant", tokenizer.Decode(answer, true)});
    const Plain plain = ScorePlainly(model, prompt, answer);
    CHECK(plain.likeliest == (i % 3 != 0));
    nats -= plain.sum;
    tokens += 2;
    items.push_back(plain.likeliest);
    right += plain.likeliest;
    rows.push_back(row);
  }
  const auto record = EvaluateTask(model, tokenizer, Input(task, rows), {});
  REQUIRE(record.ok());
  REQUIRE(record->metrics.size() == 2);
  CHECK(record->metrics[0].items == items);
  CHECK(record->metrics[0].value == Approx(right / 12));
  CHECK(record->metrics[1].name == "perplexity");
  CHECK(record->metrics[1].value == Approx(std::exp(nats / tokens)));
}

TEST_CASE("bad rows and a diverged model are errors", "[eval][choice]") {
  const data::FakeTokenizer tokenizer;
  FakeModel model(1);
  const data::Task task = Choosing("multiple_choice");
  const data::Task last = Choosing("last_word");
  CHECK_FALSE(EvaluateChoice(model, tokenizer, Input(task, {}), {}).ok());
  CHECK_FALSE(EvaluateLastWord(model, tokenizer, Input(last, {}), {}).ok());
  data::Row row = Choice(7, "q", {"a", "b"}, 1);
  row.label = 2;
  CHECK(EvaluateChoice(model, tokenizer, Input(task, {row}), {})
            .status()
            .message() == "set: row 7: label 2 of 2 choices");
  row.label = 1;
  row.choices[0] = "";
  CHECK(EvaluateChoice(model, tokenizer, Input(task, {row}), {})
            .status()
            .message() == "set: row 7: the answer '' has no token");
  row.choices[0] = "a";
  {
    const c10::AutoGradMode no_grad(false);
    model.weight_VD.fill_(std::numeric_limits<float>::quiet_NaN());
  }
  CHECK(EvaluateChoice(model, tokenizer, Input(task, {row}), {})
            .status()
            .code() == absl::StatusCode::kOutOfRange);
  CHECK(EvaluateLastWord(model, tokenizer, Input(last, {row}), {})
            .status()
            .code() == absl::StatusCode::kOutOfRange);
  row.turns.pop_back();
  CHECK_FALSE(EvaluateLastWord(model, tokenizer, Input(last, {row}), {}).ok());
}

}  // namespace
}  // namespace sft::eval::evaluate_choice_test
