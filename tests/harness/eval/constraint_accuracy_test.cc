// Instructions with verifiable constraints: what is generated for and scored.
#include "harness/eval/evaluate_generation.h"
#include "tests/harness/eval/scripted_model.h"
#include "tests/support/catch_torch.h"

namespace sft::eval::constraint_accuracy_test {
namespace {

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
  task.kind = "instruction";
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
  task.kind = "instruction";
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
}  // namespace sft::eval::constraint_accuracy_test
