// Likelihood measures against the plain computation, one sequence at a time.
#include "harness/eval/evaluator.h"

#include <c10/core/GradMode.h>

#include <cmath>
#include <limits>

#include "harness/data/collator.h"
#include "harness/metrics/label_metrics.h"
#include "tests/harness/data/fake_tokenizer.h"
#include "tests/harness/eval/fake_model.h"
#include "tests/support/catch_torch.h"

namespace sft::eval::evaluator_test {
namespace {

using Ids = std::vector<int32_t>;

data::Task Labels(std::vector<std::string> labels) {
  data::Task task;
  task.name = "toy";
  task.kind = "classification";
  task.labels = std::move(labels);
  task.metrics = {"accuracy", "f1_macro"};
  task.default_form = "chat";
  return task;
}
std::vector<data::Row> Rows(const data::Task& task, int64_t count) {
  std::vector<data::Row> rows;
  for (int64_t i = 0; i < count; ++i) {
    data::Row row;
    row.id = 100 + i;
    row.label = i % static_cast<int64_t>(task.labels.size());
    row.turns = {{"user", "text " + std::string(1 + i * 7 % 11, 'a' + i % 26)},
                 {"assistant", task.labels[row.label]}};
    rows.push_back(row);
  }
  return rows;
}
// The oracle: one sequence, whole logits.
double LogProbability(FakeModel& model, const Ids& prompt, const Ids& answer) {
  Example example;
  example.input_ids = prompt;
  example.input_ids.insert(example.input_ids.end(), answer.begin(),
                           answer.end());
  example.labels.assign(example.input_ids.size(), kNoLoss);
  const int64_t length = static_cast<int64_t>(example.input_ids.size());
  const Batch batch = data::FlatBatch({example}, {{0, 0, length}});
  const at::Tensor logits_TV =
      model.HiddenStates(batch)[0].matmul(model.weight_VD.t());
  const at::Tensor log_TV = at::log_softmax(logits_TV.to(at::kDouble), 1);
  double sum = 0;
  for (size_t j = 0; j < answer.size(); ++j) {
    sum += log_TV[static_cast<int64_t>(prompt.size() + j) - 1][answer[j]]
               .item<double>();
  }
  return sum;
}

TEST_CASE("label scores equal the plain computation, shared beginnings or not",
          "[eval][classification]") {
  const data::FakeTokenizer tokenizer;
  FakeModel model(1);
  for (const data::Task& task :
       {Labels({"a", "b"}), Labels({"abc", "abd", "x", "ab", "axyz"}),
        Labels({"sport", "tech", "spot"})}) {
    const std::vector<data::Row> rows = Rows(task, 9);
    int64_t tokens = 0;
    const auto scores =
        LabelLogProbabilities(model, tokenizer, task, rows, {}, {}, &tokens);
    REQUIRE(scores.ok());
    for (size_t r = 0; r < rows.size(); ++r) {
      const Ids prompt = *data::RenderPrompt(rows[r], task, tokenizer, {});
      for (size_t k = 0; k < task.labels.size(); ++k) {
        CHECK((*scores)[r][k] ==
              Approx(LogProbability(model, prompt,
                                    tokenizer.Encode(task.labels[k])))
                  .margin(2e-5));
      }
    }
  }
}

TEST_CASE("with its end of turn a label is told from one that goes on",
          "[eval][classification][end_of_turn]") {
  const data::FakeTokenizer tokenizer;
  FakeModel model(1);
  const data::Task task = Labels({"1", "10", "2"});
  const std::vector<data::Row> rows = Rows(task, 9);
  data::RenderOptions render;
  render.score_end_of_turn = true;
  const auto scores =
      LabelLogProbabilities(model, tokenizer, task, rows, render, {}, nullptr);
  REQUIRE(scores.ok());
  for (size_t r = 0; r < rows.size(); ++r) {
    const Ids prompt = *data::RenderPrompt(rows[r], task, tokenizer, {});
    for (size_t k = 0; k < task.labels.size(); ++k) {
      Ids answer = tokenizer.Encode(task.labels[k]);
      answer.push_back(data::FakeTokenizer::kEndOfTurn);
      CHECK((*scores)[r][k] ==
            Approx(LogProbability(model, prompt, answer)).margin(2e-5));
    }
  }
  const auto scored =
      EvaluateClassification(model, tokenizer, task, rows, render, {});
  const auto plain =
      EvaluateClassification(model, tokenizer, task, rows, {}, {});
  REQUIRE(scored.ok());
  REQUIRE(plain.ok());
  CHECK(scored->metrics[0].signature ==
        plain->metrics[0].signature + "|end_of_turn:scored");
  // Without it the shorter label holds all of the longer one's probability.
  const auto without =
      LabelLogProbabilities(model, tokenizer, task, rows, {}, {}, nullptr);
  for (size_t r = 0; r < rows.size(); ++r) {
    CHECK((*without)[r][0] > (*without)[r][1]);
  }
}

TEST_CASE("labels of one token cost one pass over the prompt and one head row",
          "[eval][classification]") {
  const data::FakeTokenizer tokenizer;
  FakeModel model(1);
  const data::Task task = Labels({"a", "b", "c"});
  const std::vector<data::Row> rows = Rows(task, 10);
  const auto record =
      EvaluateClassification(model, tokenizer, task, rows, {}, {});
  REQUIRE(record.ok());
  int64_t prompt_tokens = 0;
  for (const data::Row& row : rows) {
    prompt_tokens += static_cast<int64_t>(
        data::RenderPrompt(row, task, tokenizer, {})->size());
  }
  CHECK(record->tokens == prompt_tokens);
  CHECK(model.head_rows == 10);
  CHECK(model.passes == 1);
}

TEST_CASE("the result does not depend on the batches",
          "[eval][classification]") {
  const data::FakeTokenizer tokenizer;
  FakeModel model(2);
  const data::Task task = Labels({"ab", "ac", "d"});
  const std::vector<data::Row> rows = Rows(task, 40);
  const auto whole =
      LabelLogProbabilities(model, tokenizer, task, rows, {},
                            {.max_tokens_a_batch = 1 << 20}, nullptr);
  const auto single = LabelLogProbabilities(model, tokenizer, task, rows, {},
                                            {.max_tokens_a_batch = 1}, nullptr);
  REQUIRE(whole.ok());
  REQUIRE(single.ok());
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t k = 0; k < 3; ++k) {
      CHECK((*whole)[r][k] == Approx((*single)[r][k]).margin(1e-5));
    }
  }
}

TEST_CASE("the record holds items, predictions and references in row order",
          "[eval][classification]") {
  const data::FakeTokenizer tokenizer;
  FakeModel model(3);
  const data::Task task = Labels({"a", "b"});
  const std::vector<data::Row> rows = Rows(task, 12);
  const auto record = EvaluateClassification(model, tokenizer, task, rows, {},
                                             {.split = "test", .round = 2});
  REQUIRE(record.ok());
  CHECK(record->task == "toy");
  CHECK(record->round == 2);
  REQUIRE(record->metrics.size() == 2);
  CHECK(record->metrics[0].name == "accuracy");
  CHECK(record->metrics[1].name == "f1_macro");
  double right = 0;
  for (size_t r = 0; r < rows.size(); ++r) {
    CHECK(record->row_ids[r] == rows[r].id);
    CHECK(record->references[r] == rows[r].label);
    const double item = record->predictions[r] == rows[r].label;
    CHECK(record->metrics[0].items[r] == item);
    right += item;
  }
  CHECK(record->metrics[0].value == Approx(right / 12));
}

TEST_CASE("labels are measured by the task's metrics, the primary one first",
          "[eval][classification]") {
  const data::FakeTokenizer tokenizer;
  FakeModel model(3);
  data::Task task = Labels({"a", "b"});
  const std::vector<data::Row> rows = Rows(task, 12);
  task.metrics = {"mcc", "f1_micro", "accuracy"};
  const auto record =
      EvaluateClassification(model, tokenizer, task, rows, {}, {});
  REQUIRE(record.ok());
  REQUIRE(record->metrics.size() == 3);
  for (size_t m = 0; m < 3; ++m) {
    CHECK(record->metrics[m].name == task.metrics[m]);
  }
  CHECK(record->metrics[0].value ==
        metrics::MatthewsCorrelation(record->predictions, record->references)
            .value);
  CHECK(record->metrics[0].signature.find("score:sum-logprob-label") !=
        std::string::npos);

  task.metrics = {"bleu"};
  const auto refused =
      EvaluateClassification(model, tokenizer, task, rows, {}, {});
  CHECK(refused.status().message() == "toy: metric 'bleu' is none of classes");
}

TEST_CASE("a tie goes to the lower label index", "[eval][classification]") {
  const data::FakeTokenizer tokenizer;
  FakeModel model(1, /*scale=*/0.0);
  const data::Task task = Labels({"a", "b"});
  const auto record =
      EvaluateClassification(model, tokenizer, task, Rows(task, 4), {}, {});
  REQUIRE(record.ok());
  CHECK(record->predictions == std::vector<int64_t>{0, 0, 0, 0});
}

TEST_CASE("a diverged model, no rows and bad labels are errors",
          "[eval][classification]") {
  const data::FakeTokenizer tokenizer;
  FakeModel model(1);
  const data::Task task = Labels({"a", "b"});
  std::vector<data::Row> rows = Rows(task, 2);
  CHECK_FALSE(EvaluateClassification(model, tokenizer, task, {}, {}, {}).ok());
  rows[1].label = 2;
  CHECK_FALSE(
      EvaluateClassification(model, tokenizer, task, rows, {}, {}).ok());
  rows[1].label = 1;
  {
    const c10::AutoGradMode no_grad(false);
    model.weight_VD.fill_(std::numeric_limits<float>::quiet_NaN());
  }
  const auto diverged =
      EvaluateClassification(model, tokenizer, task, rows, {}, {});
  CHECK(diverged.status().code() == absl::StatusCode::kOutOfRange);
}

TEST_CASE("validation loss equals the model's own sum over its targets",
          "[eval][loss]") {
  const data::FakeTokenizer tokenizer;
  FakeModel model(4);
  const data::Task task = Labels({"good", "poor"});
  const auto rendered = data::RenderRows(Rows(task, 7), task, tokenizer, {});
  REQUIRE(rendered.ok());
  const auto record =
      EvaluateLoss(model, rendered->examples, "toy",
                   {.max_tokens_a_batch = 64, .split = "validation"});
  REQUIRE(record.ok());
  REQUIRE(record->metrics[0].items.size() == 7);
  double sum = 0;
  size_t i = 0;
  for (const Batch& batch : data::FlatBatches(rendered->examples, 1)) {
    const model::LossOutput loss = model.SumLoss(batch);
    sum += loss.loss_sum.item<double>();
    CHECK(record->metrics[0].items[i++] ==
          Approx(loss.loss_sum.item<double>() / 5).epsilon(1e-5));
  }
  CHECK(record->metrics[0].name == "validation_loss");
  CHECK(record->metrics[0].value == Approx(sum / 35).epsilon(1e-5));
  // Five targets each: the label's four bytes and the end of turn.
  CHECK(record->metrics[1].items == std::vector<double>(7, 5.0));
  CHECK_FALSE(EvaluateLoss(model, {}, "toy", {}).ok());
}

TEST_CASE("held-out windows do not overlap, and spread over the documents",
          "[eval][heldout]") {
  const data::FakeTokenizer tokenizer;
  FakeModel model(5);
  const std::vector<std::string> documents = {"abcdefghij", "x", "klmno"};
  const auto record =
      EvaluateHeldout(model, tokenizer, documents, 4, 0, "text", {});
  REQUIRE(record.ok());
  // abcd, klmn, efgh, ij; the "o" left over predicts nothing.
  CHECK(record->row_ids == std::vector<int64_t>{0, 2 << 20, 1, 2});
  CHECK(record->metrics[2].items == std::vector<double>{3, 3, 3, 1});
  CHECK(record->tokens == 14);
  CHECK(record->split == "heldout");
  const double expected = -(LogProbability(model, {'a'}, {'b', 'c', 'd'}) +
                            LogProbability(model, {'k'}, {'l', 'm', 'n'}) +
                            LogProbability(model, {'e'}, {'f', 'g', 'h'}) +
                            LogProbability(model, {'i'}, {'j'})) /
                          10;
  CHECK(record->metrics[0].value == Approx(expected).epsilon(1e-5));
  CHECK(record->metrics[1].value == Approx(std::exp(expected)).epsilon(1e-5));

  const auto capped =
      EvaluateHeldout(model, tokenizer, documents, 4, 7, "text", {});
  REQUIRE(capped.ok());
  CHECK(capped->tokens == 7);
  CHECK_FALSE(EvaluateHeldout(model, tokenizer, {}, 4, 0, "text", {}).ok());
  CHECK_FALSE(
      EvaluateHeldout(model, tokenizer, documents, 1, 0, "text", {}).ok());
}

TEST_CASE(
    "each held-out window begins with the tokenizer's BOS, which predicts",
    "[eval][heldout][bos]") {
  class WithBos : public data::FakeTokenizer {
   public:
    AddedIds added_ids() const override { return {{'^'}, {}}; }
    std::optional<int32_t> bos_id() const override { return '^'; }
  };
  const WithBos tokenizer;
  FakeModel model(5);
  const auto record =
      EvaluateHeldout(model, tokenizer, {"abcdef", "^x"}, 4, 0, "text", {});
  REQUIRE(record.ok());
  // ^abc, ^x (which brought its own), ^def.
  CHECK(record->row_ids == std::vector<int64_t>{0, 1 << 20, 1});
  CHECK(record->metrics[2].items == std::vector<double>{3, 1, 3});
  const double expected = -(LogProbability(model, {'^'}, {'a', 'b', 'c'}) +
                            LogProbability(model, {'^'}, {'x'}) +
                            LogProbability(model, {'^'}, {'d', 'e', 'f'})) /
                          7;
  CHECK(record->metrics[0].value == Approx(expected).epsilon(1e-5));
  CHECK(record->metrics[0].signature.find("bos:94 before each window") !=
        std::string::npos);
  // At most three tokens of text.
  const auto capped =
      EvaluateHeldout(model, tokenizer, {"abcdef"}, 512, 3, "text", {});
  REQUIRE(capped.ok());
  CHECK(capped->metrics[2].items == std::vector<double>{3});
  EvalOptions never;
  never.bos = "never";
  const auto bare =
      EvaluateHeldout(model, tokenizer, {"abcdef"}, 512, 0, "text", never);
  REQUIRE(bare.ok());
  CHECK(bare->metrics[2].items == std::vector<double>{5});
  CHECK(bare->metrics[0].signature.find("bos") == std::string::npos);
}

TEST_CASE("an evaluation changes no state of model, gradients or generator",
          "[eval][state]") {
  const data::FakeTokenizer tokenizer;
  FakeModel model(6);
  const data::Task task = Labels({"a", "b"});
  const std::vector<data::Row> rows = Rows(task, 3);
  model.pass_state().training = true;
  model.pass_state().dropout_seed = 42;
  const at::Tensor before = model.weight_VD.detach().clone();
  const at::Generator generator =
      at::globalContext().defaultGenerator(at::kCPU);
  const at::Tensor random_state = generator.get_state().clone();

  REQUIRE(EvaluateClassification(model, tokenizer, task, rows, {}, {}).ok());
  REQUIRE(EvaluateHeldout(model, tokenizer, {"abcdef"}, 4, 0, "t", {}).ok());
  REQUIRE(GenerateAnswers(model, tokenizer, task, rows, {}, 2, 3).ok());
  REQUIRE_FALSE(model.seen_training);

  CHECK(model.pass_state().training);
  CHECK(model.pass_state().dropout_seed == 42);
  CHECK(at::GradMode::is_enabled());
  CHECK(at::equal(before, model.weight_VD));
  CHECK(model.weight_VD.requires_grad());
  CHECK_FALSE(model.weight_VD.grad().defined());
  CHECK(at::equal(random_state, generator.get_state()));
}

TEST_CASE("greedy answers come with their prompt and reference",
          "[eval][generate]") {
  const data::FakeTokenizer tokenizer;
  FakeModel model(7);
  const data::Task task = Labels({"a", "b"});
  const auto answers =
      GenerateAnswers(model, tokenizer, task, Rows(task, 3), {}, 2, 4);
  REQUIRE(answers.ok());
  REQUIRE(answers->size() == 2);
  CHECK((*answers)[1].answer == "aaaa");
  CHECK((*answers)[1].prompt == "[user]text bbbbbbbb<eot>\n[assistant]");
  CHECK((*answers)[1].reference == "b");
  CHECK(model.stops == Ids{data::FakeTokenizer::kEndOfTurn});
  CHECK(GenerateAnswers(model, tokenizer, task, {}, {}, 5, 4)->empty());
}

}  // namespace
}  // namespace sft::eval::evaluator_test
