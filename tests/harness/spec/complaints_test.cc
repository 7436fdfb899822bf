// A spec with many faults is told all of them at once, and none that only
// follows from another.
#include "harness/spec/complaints.h"

#include <catch2/catch.hpp>

#include "absl/strings/str_split.h"
#include "harness/core/status.h"
#include "tests/harness/spec/spec_tables.h"

namespace sft::spec::complaints_test {
namespace {

using Lines = std::vector<std::string>;

// All that is wrong up to the plan, a line each.
Lines ComplaintsOf(const std::string& text, const CellCheck& check = {}) {
  const auto spec = ReadSpecText("spec.yaml", text, TestTables());
  const absl::Status status =
      !spec.ok() ? spec.status()
                 : ExpandPlan(
                       *spec, TestTables(),
                       [](const RunConfig&) { return Lines{"digest"}; }, check)
                       .status();
  if (status.ok()) return {};
  return absl::StrSplit(status.message(), '\n');
}

void CheckLines(
    const Lines& lines,
    const std::vector<std::pair<std::string, std::string>>& wanted) {
  std::string all;
  for (const std::string& line : lines) absl::StrAppend(&all, line, "\n");
  INFO(all);
  REQUIRE(lines.size() == wanted.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    CHECK(lines[i].rfind(absl::StrCat("spec.yaml", wanted[i].first, ": "), 0) ==
          0);
    CHECK(lines[i].find(wanted[i].second) != std::string::npos);
  }
}

TEST_CASE("complaints keep their order, once each", "[spec][complaints]") {
  Complaints complaints;
  CHECK(complaints.ToStatus().ok());
  complaints.Add(absl::OkStatus());
  CHECK(complaints.empty());
  complaints.Add("a:2", "second");
  complaints.Add(absl::InvalidArgumentError("a:1: first\na:2: second"));
  CHECK(complaints.lines() == Lines{"a:2: second", "a:1: first"});
  CHECK(complaints.ToStatus().message() == "a:2: second\na:1: first");
  for (int i = 0; i < 2000; ++i) complaints.Add("b", absl::StrCat(i));
  const std::string text(complaints.ToStatus().message());
  CHECK(text.find("\nand 1002 more") != std::string::npos);
}

TEST_CASE("every fault of a spec as written is a line", "[spec][complaints]") {
  CheckLines(ComplaintsOf("train: [rotten_tomatos]\n"
                          "budget: {steps: many}\n"
                          "question: [what]\n"
                          "set:\n"
                          "  batch_size: 0\n"
                          "  lerning_rate: 1\n"
                          "  dtype: fp16\n"
                          "grid:\n"
                          "  method: [full, lroa]\n"
                          "  seed: {range: [3, 0]}\n"
                          "  threads: [1, 1]\n"
                          "exclude: [{method: huge}]\n"
                          "select: {by: loss, per: [methd]}\n"),
             {{":1", "rotten_tomatoes"},
              {":2", "whole number"},
              {":3", "wanted a single value"},
              {":5", "at least 1"},
              {":6", "learning_rate"},
              {":7", "bf16"},
              {":9", "did you mean 'lora'"},
              {":10", "holds no number"},
              {":11", "'1' twice"},
              {":12", "huge"},
              {":13", "method"},
              {":13", "validation_loss"}});
}

TEST_CASE("faults of a data block are all told", "[spec][complaints]") {
  CheckLines(ComplaintsOf("budget: {steps: 1}\n"
                          "data:\n"
                          "- {path: a.csv, tsk: classification, labels: x}\n"
                          "- {path: b.csv}\n"
                          "train: [a]\n"
                          "evaluate: {tasks: [b]}\n"),
             {{":3", "'task'"}, {":3", "wanted a list"}});
}

TEST_CASE("what the cells are refused for stands beside it",
          "[spec][complaints]") {
  CheckLines(ComplaintsOf("train: [rotten_tomatoes]\n"
                          "budget: {steps: 1}\n"
                          "set:\n"
                          "  threads: none\n"
                          "  hft.trainable_ratio: 0.5\n"
                          "grid: {method: [full, lora]}\n"
                          "cases:\n"
                          "  - {when: {method: qlora}, set: {seed: 1}}\n"
                          "exclude:\n"
                          "  - {method: lora, seed: 7}\n"),
             {{":4", "whole number"},
              {":8", "no cell of the spec matches this case"},
              {":5", "belongs to no method"},
              {":10", "no cell of the spec matches this entry"}});
}

TEST_CASE("every reason against a cell is a line where none can be run",
          "[spec][complaints]") {
  int asked = 0;
  const CellCheck check =
      [&asked](const RunConfig& config,
               bool is_refused) -> absl::StatusOr<std::vector<Finding>> {
    CHECK(is_refused);  // by beta1
    ++asked;
    if (config.method == "full") {
      return std::vector<Finding>{{"method", "too large"},
                                  {"max_length", "too long"}};
    }
    return std::vector<Finding>{{"max_length", "too long"}};
  };
  CheckLines(ComplaintsOf("train: [rotten_tomatoes]\n"
                          "budget: {steps: 1}\n"
                          "set: {max_length: 64, beta1: 1}\n"
                          "grid: {method: [full, lora], seed: [0, 1]}\n",
                          check),
             {{":3", "beta1 = '1': wanted a value below 1 (no cell"},
              {":4", "method = 'full'"},
              {":3", "max_length = '64'"}});
  // Cells that differ in their seed are asked once.
  CHECK(asked == 2);
}

TEST_CASE("nothing is said that only follows from another fault",
          "[spec][complaints]") {
  const CellCheck too_long = [](const RunConfig& config,
                                bool) -> absl::StatusOr<std::vector<Finding>> {
    if (config.max_length <= 64) return std::vector<Finding>();
    return std::vector<Finding>{{"max_length", "too long"}};
  };
  // The default in its place would be too long.
  for (const char* set : {"max_length: x", "max_lenght: 64"}) {
    CheckLines(ComplaintsOf(absl::StrCat("train: [rotten_tomatoes]\n"
                                         "budget: {steps: 1}\n"
                                         "set: {",
                                         set, "}\n"),
                            too_long),
               {{":3", "max_length"}});
  }
  // Of data that was not meant nothing is known.
  const CellCheck never = [](const RunConfig&,
                             bool) -> absl::StatusOr<std::vector<Finding>> {
    FAIL("asked");
    return absl::InternalError("");
  };
  CheckLines(
      ComplaintsOf("train: [rotten_tomatos]\nbudget: {steps: 1}\n", never),
      {{":1", "rotten_tomatoes"}});
  // The method that matches, the baseline, or the option's was misspelt.
  CheckLines(ComplaintsOf("train: [rotten_tomatoes]\n"
                          "budget: {steps: 1}\n"
                          "grid: {method: [full, lroa], lora.rank: [8]}\n"
                          "cases: [{when: {method: lora}, set: {seed: 1}}]\n"
                          "exclude: [{method: lora}]\n"
                          "baseline: {method: lora}\n"),
             {{":3", "'lora'"}});
  // A block that was lost says nothing of the others.
  CheckLines(ComplaintsOf("train: [rotten_tomatoes]\n"
                          "budget: {steps: 1}\n"
                          "gird: {method: [lora]}\n"
                          "set: {lora.rank: 8}\n"),
             {{":3", "'grid'"}});
}

TEST_CASE("an error of one shape of cells does not hide another's",
          "[spec][complaints]") {
  const auto spec = ReadSpecText("spec.yaml",
                                 "train: [rotten_tomatoes]\n"
                                 "budget: {steps: 1}\n"
                                 "grid: {model: [glassllm, "
                                 "smollm2-135m-instruct], seed: [0, 1, 2]}\n",
                                 TestTables());
  REQUIRE(spec.ok());
  int asked = 0;
  const auto plan =
      ExpandPlan(*spec, TestTables(),
                 [&asked](const RunConfig& config) -> absl::StatusOr<Lines> {
                   ++asked;
                   return InputError(config.model, "is not here");
                 });
  CHECK(plan.status().message() ==
        "glassllm: is not here\nsmollm2-135m-instruct: is not here");
  // Once a shape, for its runs and for their untuned twin.
  CHECK(asked == 4);
}

}  // namespace
}  // namespace sft::spec::complaints_test
