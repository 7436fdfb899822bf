// A sweep as a user runs it: killed and continued, its records are those of an
// undisturbed one.
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "harness/analysis/report.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"
#include "tests/support/subprocess.h"

namespace sft::experiments::sweep_test {
namespace {
namespace fs = std::filesystem;

constexpr char kSpec[] =
    "question: is a killed sweep the same sweep?\n"
    "model: glassllm\n"
    "train: [rotten_tomatoes, bbc_headlines]\n"
    "evaluate: {tasks: [rotten_tomatoes], retain: [wiki_demo]}\n"
    "budget: {steps: 12}\n"
    "set: {batch_size: 4, max_length: 96, test_limit: 12,\n"
    "      validation_limit: 6, heldout_tokens: 192, heldout_window: 96,\n"
    "      learning_rate: 1.0e-3, threads: 1, lora.dropout: 0.1}\n"
    "grid: {method: [full, lora, qlora, hft], batching: [packed], seed: [0]}\n"
    "baseline: {method: full}\n";

std::set<std::string> Records(const std::string& out) {
  std::set<std::string> names;
  if (!fs::exists(out + "/runs")) return names;
  for (const auto& entry : fs::directory_iterator(out + "/runs")) {
    if (entry.path().extension() == ".h5") {
      names.insert(entry.path().filename());
    }
  }
  return names;
}

bool HasCheckpoint(const std::string& out) {
  std::error_code none;
  for (const auto& work : fs::directory_iterator(out + "/work", none)) {
    for (const auto& execution : fs::directory_iterator(work.path(), none)) {
      if (fs::exists(execution.path() / "checkpoint/state.json")) return true;
    }
  }
  return false;
}

std::vector<std::string> RunWords(const std::string& spec,
                                  const std::string& out) {
  return {SFTBENCH_BINARY,      "run", spec, "--out", out,
          "--checkpoint_every", "0s"};
}

// The main table as it is written, without the columns of clock and memory.
std::string WithoutMeasured(const analysis::Report& report) {
  std::istringstream lines(
      analysis::RenderReport(report, analysis::TableFormat::kTsv));
  std::vector<bool> keep;  // by the header, which comes first
  std::string out;
  for (std::string line; std::getline(lines, line); out += "\n") {
    std::istringstream cells(line);
    size_t i = 0;
    for (std::string cell; std::getline(cells, cell, '\t'); ++i) {
      if (i == keep.size()) {
        keep.push_back(!cell.starts_with("peak_memory_mib") &&
                       !cell.starts_with("tokens_per_second"));
      }
      if (keep[i]) out += cell + "\t";
    }
  }
  return out;
}

// What a process still does is over within seconds.
bool StatusSays(const std::string& out, const std::string& part) {
  for (int tries = 0; tries < 50; ++tries) {
    const support::Finished status =
        support::RunProgram({SFTBENCH_BINARY, "status", out});
    if (status.error.find(part) != std::string::npos) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  return false;
}

TEST_CASE("a sweep killed again and again ends as one never killed",
          "[experiments][resume]") {
  support::RequireAssets("models/glassllm/config.json");
  const support::TempDir folder;
  const std::string spec = folder.path().string() + "/spec.yaml";
  std::ofstream(spec) << kSpec;
  const std::string calm = folder.path().string() + "/calm";
  const std::string wild = folder.path().string() + "/wild";
  const support::Finished undisturbed =
      support::RunProgram(RunWords(spec, calm));
  INFO(undisturbed.error);
  REQUIRE(undisturbed.exit_status == 0);
  REQUIRE(Records(calm).size() == 5);

  int kills = 0;
  bool saw_checkpoint = false;
  for (int i = 0; i < 12 && Records(wild).size() < 5; ++i) {
    support::RunningProgram sweep(RunWords(spec, wild));
    // The first kill waits for a checkpoint; the others come at any moment.
    while (i == 0 && !sweep.Ended() && !HasCheckpoint(wild)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    saw_checkpoint |= HasCheckpoint(wild);
    if (i > 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(500 + 370 * i));
    }
    if (i == 0 && !sweep.Ended()) CHECK(StatusSays(wild, " 1 running"));
    if (!sweep.Ended()) {
      sweep.Kill(SIGKILL);
      ++kills;
    }
    sweep.Wait();
    // The worker ends with its launcher, and its lock with the worker.
    if (i == 0) CHECK(StatusSays(wild, " 0 running, 1 interrupted"));
  }
  CHECK(kills > 0);
  CHECK(saw_checkpoint);
  const std::set<std::string> before = Records(wild);
  const support::Finished last = support::RunProgram(RunWords(spec, wild));
  INFO(last.error);
  REQUIRE(last.exit_status == 0);
  CHECK(last.error.find(std::to_string(before.size()) +
                        " were there already") != std::string::npos);
  REQUIRE(Records(wild) == Records(calm));
  for (const auto& entry : fs::directory_iterator(wild + "/runs")) {
    CHECK(entry.path().extension() == ".h5");  // nothing half-written is left
  }
  for (const std::string& name : Records(calm)) {
    const support::Finished same =
        support::RunProgram({SFTBENCH_BINARY, "verify", "--same",
                             calm + "/runs/" + name, wild + "/runs/" + name});
    INFO(name << ": " << same.out << same.error);
    CHECK(same.exit_status == 0);
  }
  CHECK(support::RunProgram({SFTBENCH_BINARY, "verify", wild}).exit_status ==
        0);
  const support::Finished a =
      support::RunProgram({SFTBENCH_BINARY, "report", calm});
  const support::Finished b =
      support::RunProgram({SFTBENCH_BINARY, "report", calm});
  CHECK(a.exit_status == 0);
  CHECK(a.out == b.out);
  CHECK(a.out.find("untuned") != std::string::npos);
  // The killed sweep's says the same.
  const auto of_calm = analysis::BuildReport(calm);
  const auto of_wild = analysis::BuildReport(wild);
  REQUIRE(of_calm.ok());
  REQUIRE(of_wild.ok());
  CHECK(of_wild->main.rows.size() == 5);
  CHECK(WithoutMeasured(*of_wild) == WithoutMeasured(*of_calm));
  CHECK(
      analysis::RenderTable(of_wild->comparisons,
                            analysis::TableFormat::kTsv) ==
      analysis::RenderTable(of_calm->comparisons, analysis::TableFormat::kTsv));
  const support::Finished killed =
      support::RunProgram({SFTBENCH_BINARY, "report", wild});
  CHECK(killed.exit_status == 0);
  CHECK(killed.out.find("Paired comparisons") != std::string::npos);
}

}  // namespace
}  // namespace sft::experiments::sweep_test
