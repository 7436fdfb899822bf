// A user's own file becomes a task through the spec alone.
#include <filesystem>
#include <fstream>

#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/subprocess.h"

namespace sft {
namespace {
namespace fs = std::filesystem;

TEST_CASE("a CSV file is trained on, measured and reported",
          "[experiments][user_data]") {
  if (!fs::exists(AssetsDir().string() + "/models/glassllm/config.json")) {
    WARN("SKIPPED: the assets are not here; run ./setup.sh");
    return;
  }
  const TempDir folder;
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
  const Finished run =
      RunProgram({SFTBENCH_BINARY, "run", base + "/spec.yaml", "--out", out});
  INFO(run.error);
  REQUIRE(run.exit_status == 0);
  const Finished report = RunProgram({SFTBENCH_BINARY, "report", out});
  CHECK(report.exit_status == 0);
  CHECK(report.out.find("moods") != std::string::npos);
  // The skipped row is counted in every record.
  int records = 0;
  for (const auto& entry : fs::directory_iterator(out + "/runs")) {
    const Finished shown =
        RunProgram({"/usr/bin/env", "h5dump", "-d",
                    "/facts/data.moods.refused_rows", entry.path()});
    INFO(shown.out << shown.error);
    CHECK(shown.out.find("(0): 1") != std::string::npos);
    ++records;
  }
  CHECK(records == 2);

  const Finished broken = [&] {
    std::string text;
    std::ifstream in(base + "/spec.yaml");
    for (std::string line; std::getline(in, line);) {
      if (line.find("on_bad_row") == std::string::npos) text += line + "\n";
    }
    std::ofstream(base + "/strict.yaml") << text;
    return RunProgram({SFTBENCH_BINARY, "run", base + "/strict.yaml", "--out",
                       base + "/strict"});
  }();
  CHECK(broken.exit_status == 2);
  CHECK(broken.error.find("moods.csv:42") != std::string::npos);
}

}  // namespace
}  // namespace sft
