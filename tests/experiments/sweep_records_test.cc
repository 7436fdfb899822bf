// What a sweep leaves, and what is asked of it afterwards: progress in a pipe,
// kept weights, status, show, query, a merged file.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"
#include "tests/support/subprocess.h"

namespace sft::experiments::sweep_records_test {
namespace {
namespace fs = std::filesystem;

constexpr char kSpec[] =
    "question: what is left?\n"
    "model: glassllm\n"
    "train: [rotten_tomatoes, bbc_headlines]\n"
    "evaluate: {tasks: [rotten_tomatoes]}\n"
    "budget: {steps: 3}\n"
    "set: {batch_size: 2, max_length: 64, test_limit: 8,\n"
    "      validation_limit: 4, threads: 1}\n"
    "grid: {method: [full, lora], batching: [packed], seed: [0]}\n";

support::Finished Program(std::vector<std::string> words) {
  words.insert(words.begin(), SFTBENCH_BINARY);
  return support::RunProgram(words);
}

std::vector<std::vector<std::string>> TabRows(const std::string& text) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    rows.emplace_back(1);
    for (const char c : line) {
      if (c == '\t') {
        rows.back().emplace_back();
      } else {
        rows.back().back() += c;
      }
    }
  }
  return rows;
}

bool Says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void CheckProgressInAPipe(const std::string& text) {
  CHECK_FALSE(Says(text, "\033"));
  CHECK_FALSE(Says(text, "\r"));
  CHECK(Says(text, "untuned seed=0: load"));
  // Steps are counted over both rounds, and the score stands with the end.
  CHECK(Says(text, "full packed seed=0: train step "));
  CHECK(Says(text, "/6 loss "));
  CHECK_FALSE(Says(text, "/3 loss"));
  CHECK(Says(text, ", accuracy 0."));
  CHECK(Says(text, " (untuned 0."));
}

void CheckStatus(const std::string& out) {
  const support::Finished status = Program({"status", out});
  CHECK(status.exit_status == 0);
  const auto rows = TabRows(status.out);
  REQUIRE(rows.size() == 4);
  for (const auto& row : rows) CHECK(row.size() == 8);
  CHECK(rows[0][1] == "state");
  for (size_t i = 1; i < rows.size(); ++i) CHECK(rows[i][1] == "done");
  CHECK(Says(status.error, "3 done, 0 failed"));
  const support::Finished json = Program({"status", out, "--json"});
  const nlohmann::json table = nlohmann::json::parse(json.out);
  CHECK(table["done"] == 3);
  CHECK(table["runs"].size() == 3);
  // Nothing is left to wait for.
  const support::Finished watched = Program({"status", out, "--watch"});
  CHECK(watched.exit_status == 0);
  CHECK(watched.out ==
        "3 done, 0 failed, 0 running, 0 interrupted, 0 waiting, 3 in all\n");
  CHECK(Program({"status", out, "--watch", "--json"}).exit_status == 2);
}

void CheckShow(const std::string& out, const std::string& full_id,
               const std::string& lora_id) {
  const support::Finished shown = Program({"show", full_id, out});
  CHECK(shown.exit_status == 0);
  for (const char* part :
       {"status\tdone, ok\n", "method=full", "weights\tnone\n", "/log.txt\n",
        "rotten_tomatoes\ttest\t2\taccuracy\t", "max_length = 64\n"}) {
    INFO(part);
    CHECK(Says(shown.out, part));
  }
  const std::string record = out + "/runs/" + lora_id + ".h5";
  const support::Finished json = Program({"show", record, "--json"});
  INFO(json.error);
  REQUIRE(json.exit_status == 0);
  const nlohmann::json run = nlohmann::json::parse(json.out);
  CHECK(run["run_id"] == lora_id);
  CHECK(run["state"] == "done");
  CHECK(run["record"] == record);
  CHECK(run["weights"] == out + "/weights/" + lora_id);
  CHECK(run["config"]["method"] == "lora");
  CHECK(run["scores"].size() > 3);
  CHECK(run["attempts"].empty());
  // As much of an id as no other run begins with.
  CHECK(Program({"show", lora_id.substr(0, 12), out}).exit_status == 0);
  const std::string prefix = lora_id.substr(0, 15);
  const std::string twin =
      out + "/runs/" + prefix + (lora_id[15] == '0' ? "1" : "0") + ".h5";
  std::ofstream(twin) << "another run";
  CHECK(Says(Program({"show", prefix, out}).error, "begins 2 runs"));
  fs::remove(twin);
  CHECK(Says(Program({"show", "no-such-run", out}).error, "has no run"));
  CHECK(Program({"show", "a", out + "/none"}).exit_status == 2);
}

void CheckQuery(const std::string& path, const std::string& lora_id) {
  const auto rows =
      TabRows(Program({"query", path, "--where", "method=lora", "--columns",
                       "run_id,method,fact.optimizer_steps"})
                  .out);
  REQUIRE(rows.size() == 2);
  CHECK(rows[1] == std::vector<std::string>{lora_id, "lora", "6"});
  const nlohmann::json all =
      nlohmann::json::parse(Program({"query", path, "--format", "json"}).out);
  REQUIRE(all.size() == 3);
  CHECK(all[0]["rotten_tomatoes/test/accuracy"].is_number());
  CHECK(all[0]["run_id"].is_string());
  const support::Finished csv = Program(
      {"query", path, "--format=csv", "--columns=status", "--where=status=ok"});
  CHECK(csv.out == "status\nok\nok\nok\n");
  CHECK(
      Program({"query", path, "--columns", "steps_of_optimizer"}).exit_status ==
      2);
  CHECK(Program({"query", path, "--where", "method"}).exit_status == 2);
}

TEST_CASE("a sweep can be watched, shown, queried, and keeps what was asked",
          "[experiments][store]") {
  support::RequireAssets("models/glassllm/config.json");
  const support::TempDir folder;
  const std::string base = folder.path().string();
  std::ofstream(base + "/spec.yaml") << kSpec;
  const std::string out = base + "/out";
  const support::Finished run =
      Program({"run", base + "/spec.yaml", "--out", out});
  INFO(run.error);
  REQUIRE(run.exit_status == 0);
  CheckProgressInAPipe(run.error);
  CheckStatus(out);

  // By default the adapter is kept, and the whole model is not.
  std::vector<std::string> kept;
  for (const auto& entry : fs::directory_iterator(out + "/weights")) {
    kept.push_back(entry.path().filename().string());
  }
  REQUIRE(kept.size() == 1);
  const auto ids = TabRows(
      Program({"query", out, "--where", "method=full", "--columns", "run_id"})
          .out);
  REQUIRE(ids.size() == 2);
  const std::string full_id = ids[1][0], lora_id = kept[0];
  CHECK(lora_id != full_id);
  const support::Finished refused =
      Program({"export", out + "/runs/" + full_id + ".h5", "--merged", "--out",
               base + "/exported"});
  CHECK(refused.exit_status == 2);
  CHECK(Says(refused.error, "--keep-weights all"));

  CheckShow(out, full_id, lora_id);
  CheckQuery(out, lora_id);
  const std::string merged = base + "/merged.h5";
  REQUIRE(Program({"merge-records", out, merged}).exit_status == 0);
  CheckQuery(merged, lora_id);
  CHECK(Program({"verify", merged}).exit_status == 0);
  CHECK(Program({"report", merged}).out == Program({"report", out}).out);

  // A record that is damaged is a run that failed.
  std::ofstream(out + "/runs/" + full_id + ".h5") << "broken";
  const support::Finished broken = Program({"status", out});
  CHECK(broken.exit_status == 1);
  CHECK(Says(broken.error, "2 done, 1 failed"));
  CHECK(Program({"query", out}).exit_status == 0);
}

TEST_CASE("weights are kept as old and new flags say", "[experiments][store]") {
  support::RequireAssets("models/glassllm/config.json");
  const support::TempDir folder;
  const std::string base = folder.path().string();
  std::ofstream(base + "/spec.yaml")
      << "model: glassllm\n"
         "train: [rotten_tomatoes]\n"
         "evaluate: {tasks: [rotten_tomatoes]}\n"
         "budget: {steps: 1}\n"
         "set: {batch_size: 1, max_length: 32, test_limit: 2,\n"
         "      validation_limit: 2, threads: 1}\n"
         "grid: {method: [full, lora], batching: [packed], seed: [0]}\n";
  struct Asked {
    std::string flag;
    std::ptrdiff_t kept;
  };
  int n = 0;
  for (const Asked& asked :
       {Asked{"--keep-weights=all", 2}, Asked{"--keep-weights=none", 0},
        Asked{"--save-weights", 2}, Asked{"--no-save-weights", 0},
        Asked{"--save_weights=false", 0}}) {
    INFO(asked.flag);
    const std::string out = base + "/out" + std::to_string(n++);
    const support::Finished run =
        Program({"run", base + "/spec.yaml", "--out", out, asked.flag});
    INFO(run.error);
    REQUIRE(run.exit_status == 0);
    std::error_code none;
    const fs::directory_iterator weights(out + "/weights", none);
    CHECK(std::distance(fs::begin(weights), fs::end(weights)) == asked.kept);
  }
  CHECK(Program({"run", base + "/spec.yaml", "--keep-weights", "some"})
            .exit_status == 2);
}

}  // namespace
}  // namespace sft::experiments::sweep_records_test
