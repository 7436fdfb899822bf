#include "harness/spec/user_data.h"

#include <catch2/catch.hpp>

#include "harness/spec/experiment_spec.h"
#include "harness/spec/run_config.h"
#include "tests/harness/spec/spec_tables.h"

namespace sft::spec::user_data_test {
namespace {

constexpr char kHead[] = "budget: {steps: 1}\n";

std::string ErrorOf(const std::string& text) {
  return ParseSpecText("s.yaml", kHead + text, TestTables())
      .status()
      .ToString();
}
bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("a data block makes names that the spec can train on",
          "[spec][user_data]") {
  const auto spec =
      ParseSpecText("s.yaml",
                    std::string(kHead) +
                        "train: [reviews]\nevaluate: {tasks: [reviews]}\n"
                        "data:\n"
                        "  path: data/reviews.csv.gz\n"
                        "  task: classification\n"
                        "  columns: {text: review}\n"
                        "  labels: [bad, good]\n"
                        "  split: [0.5, 0.25, 0.25]\n"
                        "  on_bad_row: skip\n"
                        "  prepare: {clean: true}\n",
                    TestTables());
  INFO(spec.status().ToString());
  REQUIRE(spec.ok());
  REQUIRE(spec->data.size() == 1);
  const UserData& data = spec->data[0];
  CHECK(data.name == "reviews");
  CHECK(data.columns.at("text") == "review");
  CHECK(data.prepare.at("clean") == "true");
  CHECK(data.prepare.at("on_bad_row") == "skip");
  CHECK(data.prepare.at("split") == "0.5,0.25,0.25");

  RunConfig config;
  config.user_data["reviews"] = UserDataToJson(data);
  const auto back = RunConfig::FromCanonicalText(config.CanonicalConfigText());
  REQUIRE(back.ok());
  const auto again = UserDataFromJson("reviews", back->user_data.at("reviews"));
  REQUIRE(again.ok());
  CHECK(UserDataToJson(*again) == UserDataToJson(data));
}

TEST_CASE("a value that reads like a data set's name names none",
          "[spec][user_data]") {
  SpecTables tables = TestTables();
  const FieldSpec from{"careful.from", FieldType::kString, "own", {}, "rows"};
  const FieldSpec by{"careful.by", FieldType::kString, "kaiming", {}, "how"};
  tables.update_methods.push_back({"careful", "", {from, by}, from.name});
  const auto spec = ParseSpecText(
      "s.yaml",
      std::string(kHead) +
          "train: [rotten_tomatoes]\nevaluate: {tasks: [rotten_tomatoes]}\n"
          "data:\n"
          "  - {name: kaiming, path: a.csv, task: classification}\n"
          "  - {name: own, path: b.csv, task: classification}\n"
          "grid: {method: [lora, careful]}\n",
      tables);
  INFO(spec.status().ToString());
  REQUIRE(spec.ok());
  const auto plan = ExpandPlan(*spec, tables, [](const RunConfig& config) {
    return absl::StatusOr<std::vector<std::string>>({config.model});
  });
  INFO(plan.status().ToString());
  REQUIRE(plan.ok());
  REQUIRE(plan->runs.size() == 3);
  const RunConfig& lora = plan->runs[1].config;
  CHECK(lora.method_options.at("lora.init") == "kaiming");
  CHECK(lora.user_data.empty());
  const RunConfig& careful = plan->runs[2].config;
  CHECK(careful.user_data.size() == 1);
  CHECK(careful.user_data.contains("own"));
}

TEST_CASE("where an answer ends is part of a data block", "[spec][user_data]") {
  const auto stops = [](const std::string& keys) {
    const auto spec =
        ParseSpecText("s.yaml",
                      std::string(kHead) +
                          "train: [a]\nevaluate: {tasks: [a]}\n"
                          "data:\n  path: a.jsonl\n  task: generation\n" +
                          keys,
                      TestTables());
    INFO(spec.status().ToString());
    REQUIRE(spec.ok());
    return spec->data[0];
  };
  const UserData stated =
      stops("  stop: [\"\\n\", \"END\"]\n  max_new_tokens: 20\n");
  CHECK(stated.stop == std::vector<std::string>{"\n", "END"});
  CHECK(stated.max_new_tokens == "20");
  const auto again = UserDataFromJson("a", UserDataToJson(stated));
  REQUIRE(again.ok());
  CHECK(again->stop == stated.stop);
  CHECK(again->max_new_tokens == "20");
  // An empty list is stated too.
  CHECK(stops("  stop: []\n").stop == std::vector<std::string>{""});
  CHECK(stops("").stop.empty());
  CHECK(UserDataToJson(stops("")).find("stop") == std::string::npos);
  for (const std::string number : {"0", "-1", "many"}) {
    CHECK(Has(ErrorOf("train: [a]\nevaluate: {tasks: [a]}\ndata:\n"
                      "  path: a.jsonl\n  task: generation\n"
                      "  max_new_tokens: " +
                      number + "\n"),
              "max_new_tokens '" + number + "': wanted a number"));
  }
}

// Which tasks there are, harness/data knows: it refuses none, and strange ones.
TEST_CASE("the task of a data block is not the spec's to judge",
          "[spec][user_data]") {
  const auto spec = ParseSpecText("s.yaml",
                                  std::string(kHead) +
                                      "train: [a]\nevaluate: {tasks: [a]}\n"
                                      "data: {path: a.csv}\n",
                                  TestTables());
  INFO(spec.status().ToString());
  REQUIRE(spec.ok());
  CHECK(spec->data[0].task.empty());
  CHECK(Has(spec->data[0].Where("task"), "s.yaml:"));
}

TEST_CASE("faults in a data block are named by line", "[spec][user_data]") {
  CHECK(Has(ErrorOf("train: [a]\ndata:\n  pth: a.csv\n"), "s.yaml:4"));
  CHECK(Has(ErrorOf("train: [a]\ndata:\n  pth: a.csv\n"),
            "did you mean 'path'?"));
  CHECK(Has(ErrorOf("train: [a]\ndata:\n- {path: a.csv, task: generation}\n"
                    "- {path: b/a.csv, task: generation}\n"),
            "'a' stands twice"));
  const std::string taken = TestTables().retained.at(0);
  CHECK(Has(ErrorOf("train: [a]\ndata: {name: " + taken +
                    ", path: a.csv, task: generation}\n"),
            "built-in"));
}

}  // namespace
}  // namespace sft::spec::user_data_test
