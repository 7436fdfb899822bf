// A user's own file becomes a task through the spec alone.
#include <filesystem>
#include <fstream>

#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"
#include "tests/support/subprocess.h"

namespace sft::experiments::user_data_test {
namespace {
namespace fs = std::filesystem;

TEST_CASE("a CSV file is trained on, measured and reported",
          "[experiments][user_data]") {
  support::RequireAssets("models/glassllm/config.json");
  const support::TempDir folder;
  const std::string base = folder.path().string();
  {
    std::ofstream csv(base + "/moods.csv");
    csv << "mood,sentence\n";
    for (int i = 0; i < 40; ++i) {
      csv << (i % 2 == 0 ? "glad,The queen smiled at number "
                         : "sad,The turtle wept over number ")
          << i << "\n";
    }
    csv << "glad,one field,too many\n";
  }
  std::ofstream(base + "/spec.yaml")
      << "model: glassllm\n"
         "data:\n"
         "  path: "
      << base
      << "/moods.csv\n"
         "  task: classification\n"
         "  columns: {text: sentence, label: mood}\n"
         "  template: \"{sentence}\\nMood:\"\n"
         "  split: [0.6, 0.2, 0.2]\n"
         "  on_bad_row: skip\n"
         "  prepare: {clean: true, near_duplicate_similarity: 1}\n"
         "train: [moods]\n"
         "evaluate: {tasks: [moods]}\n"
         "budget: {steps: 2}\n"
         "set: {batch_size: 4, max_length: 64, threads: 1}\n"
         "grid: {method: [lora], batching: [packed]}\n";
  const std::string out = base + "/out";
  const support::Finished run = support::RunProgram(
      {SFTBENCH_BINARY, "run", base + "/spec.yaml", "--out", out});
  INFO(run.error);
  REQUIRE(run.exit_status == 0);
  const support::Finished report =
      support::RunProgram({SFTBENCH_BINARY, "report", out});
  CHECK(report.exit_status == 0);
  CHECK(report.out.find("moods") != std::string::npos);
  // The skipped row is counted in every record.
  int records = 0;
  for (const auto& entry : fs::directory_iterator(out + "/runs")) {
    const support::Finished shown =
        support::RunProgram({"/usr/bin/env", "h5dump", "-d",
                             "/facts/data.moods.refused_rows", entry.path()});
    INFO(shown.out << shown.error);
    CHECK(shown.out.find("(0): 1") != std::string::npos);
    ++records;
  }
  CHECK(records == 2);

  const support::Finished broken = [&] {
    std::string text;
    std::ifstream in(base + "/spec.yaml");
    for (std::string line; std::getline(in, line);) {
      if (line.find("on_bad_row") == std::string::npos) text += line + "\n";
    }
    std::ofstream(base + "/strict.yaml") << text;
    return support::RunProgram({SFTBENCH_BINARY, "run", base + "/strict.yaml",
                                "--out", base + "/strict"});
  }();
  CHECK(broken.exit_status == 2);
  CHECK(broken.error.find("moods.csv:42") != std::string::npos);
}

// Specs of one file of rows, `set` and further lines.
class OwnRows {
 public:
  OwnRows(const std::string& task, const std::string& rows)
      : task_(task), base_(folder_.path().string()) {
    std::ofstream(base_ + "/train.jsonl") << rows;
  }
  void Write(const std::string& name, const std::string& rows) const {
    std::ofstream(base_ + "/" + name) << rows;
  }
  // What `run --dry-run` says on standard error.
  support::Finished Plan(const std::string& data,
                         const std::string& rest) const {
    std::ofstream(base_ + "/spec.yaml")
        << "model: glassllm\n"
           "data: {name: own, path: train.jsonl, task: "
        << task_ << data
        << "}\n"
           "budget: {steps: 1}\n"
        << rest;
    return support::RunProgram(
        {SFTBENCH_BINARY, "run", base_ + "/spec.yaml", "--dry-run"});
  }

 private:
  std::string task_;
  support::TempDir folder_;
  std::string base_;
};

std::string Rows(int first, int last, const std::string& before,
                 const std::string& after, int classes = 0) {
  std::string rows;
  for (int i = first; i < last; ++i) {
    rows += before + std::to_string(i) + after;
    if (classes > 0) rows += std::to_string(i % classes) + "\"}";
    rows += "\n";
  }
  return rows;
}

void RequireGlass() { support::RequireAssets("models/glassllm/config.json"); }

constexpr char kTrainOwn[] = "train: [own]\nevaluate: {tasks: [own]}\n";

TEST_CASE("what a run would lose of its rows is said in the plan",
          "[experiments][user_data]") {
  using Catch::Matchers::Contains;
  RequireGlass();
  const std::string start = "{\"text\": \"row ", end = "\", \"label\": \"c";
  const OwnRows own("classification", Rows(0, 60, start, end, 3));
  std::string words;
  for (int i = 0; i < 200; ++i) words += " word";
  own.Write("test.jsonl", Rows(100, 110, start, words + end, 3));
  own.Write("validation.jsonl", Rows(0, 6, start, end, 3));
  const std::string files = ", test: test.jsonl, validation: validation.jsonl";
  const support::Finished plan =
      own.Plan(files, std::string(kTrainOwn) +
                          "set: {max_length: 64, train_limit: 2}\n"
                          "grid: {method: [lora]}\n");
  INFO(plan.error << plan.out);
  CHECK(plan.exit_status == 0);
  CHECK_THAT(plan.error, Contains("10 of 10 test rows are cut to max_length"));
  CHECK_THAT(plan.error, Contains("train_limit 2 leaves 1 of 3 classes "
                                  "without a train row"));
  const support::Finished leaked =
      own.Plan(files, std::string(kTrainOwn) +
                          "set: {max_length: 64}\ngrid: {method: [lora]}\n");
  CHECK_THAT(leaked.error, Contains("6 of 60 training rows have the prompt of "
                                    "a validation row of own (6 its answer"));
}

TEST_CASE("references that no answer can equal are counted",
          "[experiments][user_data]") {
  using Catch::Matchers::Contains;
  RequireGlass();
  const OwnRows own("generation", Rows(0, 20, "{\"source\": \"row ",
                                       "\", \"target\": \"one. two\"}"));
  const std::string rest = std::string(kTrainOwn) +
                           "set: {max_length: 96}\ngrid: {method: [lora]}\n";
  const support::Finished stop = own.Plan(", stop: [\".\"]", rest);
  INFO(stop.error << stop.out);
  CHECK(stop.exit_status == 0);
  CHECK_THAT(stop.error, Contains("2 of 2 test rows have references that no "
                                  "answer can equal"));
  CHECK_THAT(own.Plan(", max_new_tokens: 2", rest).error,
             Contains("max_new_tokens 2"));
  CHECK_THAT(own.Plan("", rest).error, !Contains("no answer can equal"));
}

TEST_CASE("specs of a user's file that measure nothing are refused",
          "[experiments][user_data]") {
  using Catch::Matchers::Contains;
  RequireGlass();
  const OwnRows text("language_modeling",
                     Rows(0, 9, "{\"text\": \"some words ", "\"}"));
  const support::Finished asked =
      text.Plan("",
                "train: [rotten_tomatoes]\nevaluate: {tasks: [own]}\n"
                "set: {max_length: 64}\ngrid: {method: [lora]}\n");
  INFO(asked.error);
  CHECK(asked.exit_status == 2);
  CHECK_THAT(asked.error, Contains("spec.yaml:5: evaluate") &&
                              Contains("evaluate: {retain: [own]}"));
  const support::Finished listed =
      text.Plan("",
                "train: [wiki_demo]\nevaluate: {retain: [own]}\n"
                "set: {max_length: 64}\ngrid: {method: [lora]}\n");
  CHECK(listed.exit_status == 2);
  CHECK_THAT(listed.error, Contains("spec.yaml:4: 'wiki_demo' is held-out"));

  const OwnRows rows("classification",
                     Rows(0, 40, "{\"text\": \"row ", "\", \"label\": \"c", 2));
  const support::Finished chosen =
      rows.Plan(", split: [0.7, 0, 0.3]",
                std::string(kTrainOwn) +
                    "set: {max_length: 64}\ngrid: {method: [lora, full]}\n"
                    "select: {by: validation_loss, per: [method]}\n");
  INFO(chosen.error);
  CHECK(chosen.exit_status == 2);
  CHECK_THAT(chosen.error, Contains("spec.yaml:8: select") &&
                               Contains("own has no validation row"));
}

TEST_CASE("pack.overflow: split trains on the whole of long rows",
          "[experiments][user_data]") {
  using Catch::Matchers::Contains;
  RequireGlass();
  std::string words;
  for (int i = 0; i < 80; ++i) words += " word";
  const OwnRows own("generation",
                    Rows(0, 20, "{\"source\": \"row ",
                         "\", \"target\": \"an answer of" + words + "\"}"));
  const auto plan = [&](const std::string& overflow) {
    return own
        .Plan(", max_new_tokens: 16",
              std::string(kTrainOwn) + "set: {max_length: 64, pack.overflow: " +
                  overflow + "}\ngrid: {method: [lora], batching: [packed]}\n")
        .error;
  };
  CHECK_THAT(plan("truncate"), Contains("train rows are cut to max_length"));
  CHECK_THAT(plan("split"), !Contains("train rows are cut to max_length"));
}

}  // namespace
}  // namespace sft::experiments::user_data_test
