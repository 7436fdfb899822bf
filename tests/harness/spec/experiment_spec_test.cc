#include "harness/spec/experiment_spec.h"

#include <catch2/catch.hpp>

#include "tests/harness/spec/spec_tables.h"

namespace sft::spec::experiment_spec_test {
namespace {

constexpr char kHead[] =
    "train: [rotten_tomatoes]\n"
    "budget: {steps: 5}\n";

std::string ErrorOf(const std::string& text) {
  const auto spec = ParseSpecText("spec.yaml", text, TestTables());
  if (spec.ok()) return "accepted";
  const std::string message(spec.status().message());
  CHECK(message.find('\n') == std::string::npos);
  return message;
}

TEST_CASE("the design's spec is read as written", "[spec][yaml]") {
  const auto spec = ParseSpecText("spec.yaml", kDesignSpec, TestTables());
  REQUIRE(spec.ok());
  CHECK(spec->set.at("max_length").text == "256");
  CHECK(spec->set.at("budget.target_tokens").text == "1000");
  CHECK(spec->set.at("evaluate").text == "rotten_tomatoes");
  REQUIRE(spec->grid.size() == 3);
  CHECK(spec->grid[0].name == "method");
  CHECK(spec->grid[0].line == 8);
  CHECK(spec->grid[2].values.size() == 3);
  REQUIRE(spec->cases.size() == 2);
  CHECK(spec->cases[1].when.at("method") ==
        std::vector<std::string>{"lora", "qlora"});
  CHECK(spec->cases[0].grid[0].values[0].text == "1e-05");
  CHECK(spec->baseline.at("method") == "full");
  CHECK(spec->select_by == "validation_loss");
}

TEST_CASE("what is replayed is a block, or fields like others",
          "[spec][yaml][replay]") {
  const std::string head = kHead;
  auto spec = ParseSpecText(
      "spec.yaml",
      head + "replay: {from: [earlier, wiki_demo, bbcnews], share: 0.05}\n",
      TestTables());
  INFO(spec.status());
  REQUIRE(spec.ok());
  CHECK(spec->set.at("replay.from").text == "earlier,wiki_demo,bbcnews");
  CHECK(spec->set.at("replay.share").text == "0.05");
  spec = ParseSpecText("spec.yaml",
                       head +
                           "set: {replay.from: [earlier]}\n"
                           "grid: {replay.share: [0, 0.01, 0.25]}\n",
                       TestTables());
  INFO(spec.status());
  REQUIRE(spec.ok());
  CHECK(spec->grid[0].values.size() == 3);
}

TEST_CASE("a broken spec gives one line with file, line and what was wanted",
          "[spec][yaml]") {
  struct Broken {
    std::string text, where, what;
  };
  const std::string head = kHead;
  const auto broken = GENERATE_COPY(values<Broken>({
      {head + "gird: {seed: [0]}\n", "spec.yaml:3", "'grid'"},
      {head + "grid: {lerning_rate: [1]}\n", "spec.yaml:3", "learning_rate"},
      {head + "learning_rate: 1\n", "spec.yaml:3", "set:"},
      {head + "set:\n  batch_size: many\n", "spec.yaml:4", "whole number"},
      {head + "set:\n  batch_size: [1, 2]\n", "spec.yaml:4", "grid"},
      {head + "set:\n  lora.rank: 5000\n", "spec.yaml:4", "4096"},
      {head + "grid: {lora.rank: [8, 0]}\n", "spec.yaml:3", "at least 1"},
      {head + "grid: {method: [fulll]}\n", "spec.yaml:3", "'full'"},
      {head + "grid: {method: [untuned]}\n", "spec.yaml:3", "by itself"},
      {head + "grid: {seed: []}\n", "spec.yaml:3", "empty"},
      {head + "grid: {seed: [0, 0]}\n", "spec.yaml:3", "twice"},
      {head + "grid: {seed: 0}\n", "spec.yaml:3", "wanted a list"},
      {head + "grid: [seed]\n", "spec.yaml:3", "wanted a map"},
      {head + "train: [bbcnews]\n", "spec.yaml:3", "line 1"},
      {head + "set: {train: [bbcnews]}\n", "spec.yaml:3", "line 1"},
      {head + "set: {seed: 1}\ngrid: {seed: [1]}\n", "spec.yaml:4", "line 3"},
      {head + "cases: [{grid: {seed: [1]}}]\n", "spec.yaml:3", "when"},
      {head + "cases: [{when: {seed: 0}, gird: {seed: [1]}}]\n", "spec.yaml:3",
       "grid"},
      {head + "zip: [{seed: [1, 2], threads: [1]}]\n", "spec.yaml:3",
       "2 values"},
      {head + "select: {per: [method]}\n", "spec.yaml:3", "by:"},
      {head + "select: {by: validation_loss, per: [methd]}\n", "spec.yaml:3",
       "method"},
      {head + "model: smollm\n", "spec.yaml:3", "unknown model"},
      {head + "evaluate: {tasks: [wiki]}\n", "spec.yaml:3", "unknown task"},
      {head + "evaluate: {task: [bbcnews]}\n", "spec.yaml:3", "'tasks'"},
      {head + "set: &a {seed: 1}\n", "spec.yaml:3", "anchors"},
      {head + "set: *a\n", "spec.yaml:3", ""},
      {head + "set: {dtype: bf17}\n", "spec.yaml:3", "f32, bf16, f64"},
      {head + "set: {learning_rate: .nan}\n", "spec.yaml:3", "a number"},
      {head + "---\nset: {}\n", "spec.yaml", "more than one"},
      {head + "set: {seed: \n", "spec.yaml", "YAML"},
      {head + "question: \"\xff\"\n", "spec.yaml:3", "UTF-8"},
      {"budget: {steps: 1}\n", "spec.yaml", "train"},
      {"train: [bbcnews]\n", "spec.yaml", "budget"},
      {"train: [bbcnews]\nbudget: {steps: 1, epochs: 1}\n", "spec.yaml:2",
       "exactly one"},
      {"train: [bbcnews]\nbudget: {steps: 0}\n", "spec.yaml:2", "more than 0"},
      {head + "replay: {of: [earlier]}\n", "spec.yaml:3", "'from'"},
      {head + "replay: {from: [erlier]}\n", "spec.yaml:3", "'earlier'"},
      {head + "replay: {from: [earlier], share: 1}\n", "spec.yaml:3", "0.95"},
      {head + "replay: [earlier]\n", "spec.yaml:3", "{from: [earlier]"},
      {head + "grid: {method: [full+lora]}\n", "spec.yaml:3", "do not combine"},
      {"train: [bbcnews]\nbudget: {step: 1}\n", "spec.yaml:2", "'steps'"},
      {"train: [no_such]\nbudget: {steps: 1}\n", "spec.yaml:1", "data set"},
      {"", "spec.yaml", "empty"},
      {"just text\n", "spec.yaml:1", "wanted a map"},
  }));
  CAPTURE(broken.text);
  const std::string message = ErrorOf(broken.text);
  CAPTURE(message);
  CHECK(message.rfind(broken.where, 0) == 0);
  CHECK(message.find(broken.what) != std::string::npos);
}

TEST_CASE("deep, large and endless specs are refused at once", "[spec][yaml]") {
  const size_t n = 1 << 20;
  const auto repeated = [&](std::string_view part) {
    std::string text;
    while (text.size() + part.size() <= n) text += part;
    return text;
  };
  for (const char* part : {"[",   "{",   "- ",   "? ",          "{a: ", "&a [",
                           "!a ", "a: ", "\"",   "'",           "| ",   "*a ",
                           "%",   "#",   "\t",   "- -\n",       "? - ", "[]",
                           "a\n", ": ",  "--- ", "\xef\xbb\xbf"}) {
    CAPTURE(part);
    CHECK(ErrorOf(repeated(part)) != "accepted");
  }
  std::string indented;
  for (int depth = 0; depth < 1000; ++depth) {
    indented += std::string(depth, ' ') + "a:\n";
  }
  CHECK(ErrorOf(indented).find("32 levels") != std::string::npos);
  CHECK(ErrorOf(repeated("a") + "a").find("at most") != std::string::npos);
}

TEST_CASE("lists, quotes and comments of YAML mean what they should",
          "[spec][yaml]") {
  const auto spec = ParseSpecText("spec.yaml",
                                  "# a comment with [ brackets\n"
                                  "train:\n"
                                  "  - rotten_tomatoes\n"
                                  "  - 'bbcnews'\n"
                                  "budget: {target_tokens: 1e3}\n"
                                  "set: {activation_checkpointing: yes}\n"
                                  "model: .\n",
                                  TestTables());
  REQUIRE(spec.ok());
  CHECK(spec->set.at("train").text == "rotten_tomatoes,bbcnews");
  CHECK(spec->set.at("budget.target_tokens").text == "1000");
  CHECK(spec->set.at("activation_checkpointing").text == "true");
  CHECK(spec->set.at("model").text == ".");
}

}  // namespace
}  // namespace sft::spec::experiment_spec_test
