// Encoders through the program: a user's own file tuned, measured and exported,
// and what commands for decoders say.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"
#include "tests/support/subprocess.h"
#include "tests/support/tiny_encoder.h"

namespace sft::experiments::encoder_commands_test {
namespace {
namespace fs = std::filesystem;

support::Finished Sftbench(const std::vector<std::string>& words) {
  std::vector<std::string> all = {SFTBENCH_BINARY};
  all.insert(all.end(), words.begin(), words.end());
  return support::RunProgram(all);
}

TEST_CASE("a CSV file tunes an encoder, which is exported with its labels",
          "[experiments][encoders]") {
  const support::TempDir dir("encoder-commands");
  const std::string base = dir.path().string();
  const std::string model = support::MakeTinyEncoder(base + "/model");
  {
    std::ofstream csv(base + "/moods.csv");
    csv << "mood,sentence\n";
    const std::vector<std::string> words = {"story", "river", "days",
                                            "names", "class", "months"};
    for (size_t i = 0; i < 72; ++i) {
      csv << (i % 2 == 0 ? "glad,the fox " : "sad,the dog ") << words[i / 2 % 6]
          << " " << words[i / 12] << "\n";
    }
  }
  std::ofstream(base + "/spec.yaml")
      << "model: " << model
      << "\n"
         "data:\n"
         "  path: "
      << base
      << "/moods.csv\n"
         "  task: classification\n"
         "  columns: {text: sentence, label: mood}\n"
         "  split: [0.6, 0.2, 0.2]\n"
         "train: [moods]\n"
         "evaluate: {tasks: [moods]}\n"
         "budget: {steps: 60}\n"
         "set: {batch_size: 8, max_length: 32, threads: 1, "
         "learning_rate: 3.0e-3, lora.rank: 4}\n"
         "grid: {method: [full, lora], batching: [packed]}\n";
  const std::string out = base + "/out";
  const support::Finished run = Sftbench(
      {"run", base + "/spec.yaml", "--out", out, "--keep-weights", "all"});
  INFO(run.error);
  REQUIRE(run.exit_status == 0);
  const support::Finished report = Sftbench({"report", out});
  CHECK(report.exit_status == 0);
  CHECK(report.out.find("| lora ") != std::string::npos);

  int merged = 0, adapters = 0;
  for (const auto& entry : fs::directory_iterator(out + "/weights")) {
    const std::string id = entry.path().filename().string();
    const std::string record = out + "/runs/" + id + ".h5";
    const std::string to = base + "/export-" + id;
    const support::Finished exported =
        Sftbench({"export", record, "--merged", "--out", to});
    INFO(exported.error);
    REQUIRE(exported.exit_status == 0);
    std::ifstream file(to + "/config.json");
    const nlohmann::json config = nlohmann::json::parse(file);
    CHECK(config["architectures"][0] == "BertForSequenceClassification");
    std::vector<std::string> labels = {config["id2label"]["0"],
                                       config["id2label"]["1"]};
    std::sort(labels.begin(), labels.end());
    CHECK(labels == std::vector<std::string>{"glad", "sad"});
    CHECK(fs::exists(to + "/tokenizer.json"));
    ++merged;
    adapters += Sftbench({"export", record, "--adapter=yes", "--out",
                          base + "/adapter-" + id})
                    .exit_status == 0;
    // Neither form leaves the other's files where others would find them.
    const auto over = [&](const char* form) {
      return Sftbench({"export", record, form, "--out", to, "--force"})
                 .exit_status == 0;
    };
    if (over("--adapter=yes")) {
      CHECK(fs::exists(to + "/adapter_config.json"));
      CHECK_FALSE(fs::exists(to + "/config.json"));
      CHECK_FALSE(fs::exists(to + "/tokenizer.json"));
      CHECK(over("--merged"));
    }
    CHECK(fs::exists(to + "/config.json"));
    CHECK_FALSE(fs::exists(to + "/adapter_config.json"));
  }
  CHECK(merged == 2);
  CHECK(adapters == 1);  // full fine-tuning has none
}

TEST_CASE("what wants a decoder says so of an encoder",
          "[experiments][encoders]") {
  const support::TempDir dir("encoder-commands");
  const std::string model =
      support::MakeTinyEncoder((dir.path() / "model").string());
  const std::string text = dir.path().string() + "/text.txt";
  std::ofstream(text) << "a story\n";
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{
           {"generate", model, "--prompt", "the story"},
           {"eval", model, "--task", "perplexity", "--file", text}}) {
    const support::Finished run = Sftbench(words);
    INFO(run.error);
    CHECK(run.exit_status == 2);
    CHECK(std::count(run.error.begin(), run.error.end(), '\n') == 1);
    CHECK(run.error.find("is an encoder") != std::string::npos);
  }
}

TEST_CASE("an encoder without a head is measured with a word of warning",
          "[experiments][encoders]") {
  support::RequireAssets("data/movie_reviews");
  const support::TempDir dir("encoder-commands");
  const std::string model =
      support::MakeTinyEncoder((dir.path() / "model").string());
  const support::Finished run =
      Sftbench({"eval", model, "--task", "rotten_tomatoes", "--limit", "20"});
  INFO(run.error);
  CHECK(run.exit_status == 0);
  CHECK(run.error.find("has no head") != std::string::npos);
  CHECK(run.out.find("accuracy") != std::string::npos);
}

}  // namespace
}  // namespace sft::experiments::encoder_commands_test
