// A plan costs headers and one reading of the rows, foretells what the run
// records, refuses what a worker would fail on, and names runs by what their
// files hold.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "harness/record/run_record.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"
#include "tests/support/subprocess.h"

namespace sft::experiments::plan_cost_test {
namespace {
namespace fs = std::filesystem;

std::string BytesOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}
void PutBytes(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// A folder to work in, with copies of the tiny model.
class PlanFolder {
 public:
  PlanFolder() { support::RequireAssets("models/glassllm/config.json"); }
  fs::path path() const { return folder_.path(); }
  std::string Copy(const std::string& name) const {
    const fs::path to = path() / name;
    fs::copy(support::AssetsDir() / "models/glassllm", to,
             fs::copy_options::recursive);
    for (const auto& entry : fs::directory_iterator(to)) {
      fs::permissions(entry.path(), fs::perms::owner_all);
    }
    return to.string();
  }
  support::Finished Run(const std::string& spec,
                        const std::string& words) const {
    PutBytes(path() / "spec.yaml", spec);
    return support::RunProgram(
        {"/bin/sh", "-c",
         absl::StrCat("cd '", path().string(),
                      "' && '" SFTBENCH_BINARY "' run spec.yaml ", words)});
  }
  // The lines of runs in the plan's table: cells by the columns' names.
  std::vector<std::map<std::string, std::string>> Plan(
      const std::string& spec, const std::string& more = "") const {
    const support::Finished plan =
        Run(spec, absl::StrCat("--out out --dry-run ", more));
    INFO(spec << plan.out << plan.error);
    REQUIRE(plan.exit_status == 0);
    std::istringstream lines(plan.out);
    std::vector<std::string> names;
    std::vector<std::map<std::string, std::string>> runs;
    for (std::string line; std::getline(lines, line);) {
      std::istringstream cells(line);
      std::vector<std::string> texts;
      for (std::string cell; std::getline(cells, cell, '\t');) {
        texts.push_back(cell);
      }
      if (names.empty()) {
        names = texts;
      } else if (texts.size() == names.size()) {
        auto& run = runs.emplace_back();
        for (size_t i = 0; i < names.size(); ++i) run[names[i]] = texts[i];
      }
    }
    return runs;
  }
  // Of the spec's one tuned run.
  std::string IdOf(const std::string& spec) const {
    const auto runs = Plan(spec);
    REQUIRE(runs.size() == 2);
    return runs[1].at("run");
  }

 private:
  support::TempDir folder_;
};

std::string TinySpec(const std::string& model, const std::string& set = "",
                     const std::string& grid = "method: [lora]") {
  return absl::StrCat(
      model.empty() ? "" : absl::StrCat("model: ", model, "\n"),
      "train: [rotten_tomatoes]\n"
      "evaluate: {tasks: [rotten_tomatoes], retain: [wiki_demo]}\n"
      "budget: {steps: 3}\nset: {",
      set, set.empty() ? "" : ", ",
      "batch_size: 4, max_length: 64, train_limit: 40, test_limit: 8,\n"
      "  validation_limit: 4, heldout_tokens: 64, heldout_window: 64,\n"
      "  threads: 1}\ngrid: {",
      grid, "}\n");
}

std::vector<std::map<std::string, std::string>> WithoutIds(
    std::vector<std::map<std::string, std::string>> runs) {
  for (auto& run : runs) {
    run.erase("run");
    run.erase("predicted time");  // of the machine at that moment
  }
  return runs;
}

TEST_CASE("weights that are not kept take no disk", "[experiments][plan]") {
  const PlanFolder folder;
  const std::string spec =
      TinySpec(folder.Copy("tiny"), "", "method: [full], batching: [padded]");
  const auto disk = [&](const std::string& more) {
    const auto runs = folder.Plan(spec, more);
    REQUIRE(runs.size() == 2);
    return std::stoll(runs[1].at("disk MiB"));
  };
  const int64_t without = disk("--keep-weights none");
  CHECK(disk("") == without);  // those of a whole model
  CHECK(disk("--keep-weights all") > without);
}

TEST_CASE("a plan's arithmetic counts what is scored between base and end",
          "[experiments][plan]") {
  const PlanFolder folder;
  const std::string model = folder.Copy("tiny");
  const auto flops = [&](const std::string& measured) {
    std::string spec = TinySpec(model, "", "method: [full]");
    const std::string retain = "retain: [wiki_demo]";
    spec.insert(spec.find(retain) + retain.size(), measured);
    const auto runs = folder.Plan(spec);
    REQUIRE(runs.size() == 2);
    return std::stod(runs[1].at("FLOPs"));
  };
  const double none = flops(""), two = flops(", curve: [1, 2]") - none;
  CHECK(two > 0);
  // Four digits are printed.
  const double error = 4e-3 * none;
  CHECK(two > 4 * error);
  CHECK(2 * (flops(", curve: [1]") - none) == Approx(two).margin(error));
  CHECK(flops(", rewind: [0.25, 0.5]") - none == Approx(two).margin(error));
  CHECK(flops(", distance: true") - none == Approx(two).margin(error));
}

TEST_CASE("a plan reads no weight", "[experiments][plan]") {
  const PlanFolder folder;
  const std::string grid =
      "method: [full, lora, qlora, hft], batching: [padded, packed], "
      "learning_rate: [1.0e-4, 2.0e-4, 3.0e-4], seed: [0, 1]";
  const auto whole = folder.Plan(TinySpec(folder.Copy("whole"), "", grid));
  REQUIRE(whole.size() == 1 + 4 * 2 * 3 * 2);
  // The same headers over weights that are no numbers: no run could load them.
  const fs::path void_model = folder.Copy("void");
  std::string bytes = BytesOf(void_model / "model.safetensors");
  uint64_t header = 0;
  std::copy_n(bytes.begin(), sizeof(header), reinterpret_cast<char*>(&header));
  std::fill(bytes.begin() + static_cast<int64_t>(sizeof(header) + header),
            bytes.end(), '\xff');
  PutBytes(void_model / "model.safetensors", bytes);
  const auto bare = folder.Plan(TinySpec(void_model.string(), "", grid));
  CHECK(WithoutIds(bare) == WithoutIds(whole));
  CHECK(bare[1].at("run") != whole[1].at("run"));
}

TEST_CASE("hundreds of cells are planned in seconds", "[experiments][plan]") {
  const PlanFolder folder;
  const std::string spec =
      "model: glassllm\ntrain: [rotten_tomatoes]\n"
      "evaluate: {tasks: [rotten_tomatoes]}\nbudget: {epochs: 1}\n"
      "set: {max_length: 64, threads: 1}\n"
      "grid: {method: [full, lora, qlora, hft],\n"
      "  learning_rate: [1.0e-5, 2.0e-5, 3.0e-5, 4.0e-5, 5.0e-5, 6.0e-5,\n"
      "    7.0e-5, 8.0e-5, 9.0e-5, 1.0e-4],\n"
      "  seed: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}\n";
  const auto start = std::chrono::steady_clock::now();
  const auto plan = folder.Plan(spec);
  const std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - start;
  CHECK(plan.size() == 401);
  // Whole rows of 400 cells, each read by itself, would take minutes.
  CHECK(taken.count() < 40);
  // What a seed draws is planned for each, what a rate steers for none.
  std::set<std::string> tokens;
  for (const auto& run : plan) {
    if (run.at("method") == "lora") tokens.insert(run.at("computed tokens"));
  }
  CHECK(tokens.size() > 3);
  CHECK(tokens.size() <= 10);
}

TEST_CASE("what a plan foretells is what the run records, which is then there",
          "[experiments][plan]") {
  const PlanFolder folder;
  const std::string spec = TinySpec(
      "glassllm", "", "method: [full, lora], batching: [padded, packed]");
  const auto plan = folder.Plan(spec);
  REQUIRE(plan.size() == 5);
  for (const auto& run : plan) CHECK(run.at("record") == "-");
  const support::Finished done = folder.Run(spec, "--out out");
  INFO(done.error);
  REQUIRE(done.exit_status == 0);
  for (const auto& run : folder.Plan(spec)) {
    INFO(run.at("method") << " " << run.at("batching"));
    CHECK(run.at("record") == "there");
    const fs::path path = folder.path() / "out/runs" / (run.at("run") + ".h5");
    const auto record = record::ReadRunRecord(path.string());
    REQUIRE(record.ok());
    if (run.at("method") == spec::kUntuned) continue;
    const auto fact = [&](const char* name) {
      return std::to_string(static_cast<int64_t>(record->facts.at(name)));
    };
    CHECK(run.at("steps") == fact("optimizer_steps"));
    CHECK(run.at("real tokens") == fact("real_tokens"));
    CHECK(run.at("target tokens") == fact("target_tokens"));
    int64_t predicted = 0;
    for (const auto& [use, bytes] : record->memory.predicted_bytes) {
      predicted += bytes;
    }
    CHECK(run.at("predicted MiB") == std::to_string(predicted >> 20));
  }
}

TEST_CASE("a run is named by what its files hold", "[experiments][plan]") {
  const PlanFolder folder;
  const fs::path model = folder.Copy("m");
  const std::string id = folder.IdOf(TinySpec("m"));
  CHECK(folder.IdOf(TinySpec("./m")) == id);
  CHECK(folder.IdOf(TinySpec("m/")) == id);
  CHECK(folder.IdOf(TinySpec(model.string())) == id);
  fs::create_directory_symlink(model, folder.path() / "link");
  CHECK(folder.IdOf(TinySpec("link")) == id);
  folder.Copy("copy");
  CHECK(folder.IdOf(TinySpec("copy")) == id);
  // Two names of one model are one run.
  CHECK(
      folder.Plan(TinySpec("", "", "method: [lora], model: [m, ./m]")).size() ==
      2);
  // Every file that decides the result is in the id.
  for (const char* file : {"config.json", "tokenizer.json"}) {
    INFO(file);
    const std::string name = std::string("other_") + file;
    const fs::path other = folder.Copy(name);
    PutBytes(other / file, BytesOf(other / file) + "\n");
    CHECK(folder.IdOf(TinySpec(name)) != id);
  }
  const fs::path framed = folder.Copy("framed");
  PutBytes(framed / "chat_template.jinja",
           "{% for m in messages %}{{ m.content }}{% endfor %}");
  CHECK(folder.IdOf(TinySpec("framed", "prompt_form: plain")) !=
        folder.IdOf(TinySpec("m", "prompt_form: plain")));
}

std::string OwnSpec(const std::string& data) {
  return absl::StrCat(
      "model: glassllm\ndata: {name: own, task: classification, ", data,
      "}\ntrain: [own]\nevaluate: {tasks: [own]}\nbudget: {steps: 1}\n"
      "set: {max_length: 64, threads: 1}\ngrid: {method: [lora]}\n");
}

std::string LabelledRows(int first, int last) {
  std::string rows = "text,label\n";
  for (int i = first; i < last; ++i) {
    absl::StrAppend(&rows, "row ", i, i % 2 ? ",good\n" : ",bad\n");
  }
  return rows;
}

TEST_CASE("rows are the same run under another path", "[experiments][plan]") {
  const PlanFolder folder;
  fs::create_directories(folder.path() / "deep/er");
  PutBytes(folder.path() / "a.csv", LabelledRows(0, 40));
  PutBytes(folder.path() / "deep/er/b.csv", LabelledRows(0, 40));
  PutBytes(folder.path() / "test.csv", LabelledRows(50, 60));
  const std::string id = folder.IdOf(OwnSpec("path: a.csv"));
  CHECK(folder.IdOf(OwnSpec("path: deep/er/b.csv")) == id);
  CHECK(folder.IdOf(OwnSpec(
            absl::StrCat("path: ", (folder.path() / "a.csv").string()))) == id);
  const std::string tested =
      folder.IdOf(OwnSpec("path: a.csv, test: test.csv"));
  CHECK(tested != id);
  PutBytes(folder.path() / "test.csv", LabelledRows(50, 61));
  CHECK(folder.IdOf(OwnSpec("path: a.csv, test: test.csv")) != tested);
  PutBytes(folder.path() / "a.csv", LabelledRows(0, 41));
  CHECK(folder.IdOf(OwnSpec("path: a.csv")) != id);
}

// Exit status 2 and one line, also from `run`, which starts nothing.
void CheckNotPlanned(const PlanFolder& folder, const std::string& spec,
                     const std::string& where, const std::string& part) {
  for (const char* words : {"--out none --dry-run", "--out none"}) {
    const support::Finished run = folder.Run(spec, words);
    INFO(spec << run.error << run.out);
    CHECK(run.exit_status == 2);
    CHECK(run.error.rfind(absl::StrCat("error: spec.yaml", where), 0) == 0);
    CHECK(run.error.find(part) != std::string::npos);
    CHECK(std::count(run.error.begin(), run.error.end(), '\n') == 1);
    CHECK_FALSE(fs::exists(folder.path() / "none"));
  }
}

TEST_CASE("what a worker would fail on is refused in the plan",
          "[experiments][plan]") {
  const PlanFolder folder;
  // Rows of which no length is left.
  CheckNotPlanned(folder, TinySpec("glassllm", "min_row_tokens: 5000"),
                  ":2: train", "no training row is left");
  // A tensor that the config asks for and the file lacks.
  const fs::path layers = folder.Copy("layers");
  nlohmann::json config =
      nlohmann::json::parse(BytesOf(layers / "config.json"));
  config["num_hidden_layers"] = config["num_hidden_layers"].get<int>() + 1;
  PutBytes(layers / "config.json", config.dump());
  CheckNotPlanned(folder, TinySpec("layers"), ":1: model", "is missing");
  // Tasks of one label.
  PutBytes(folder.path() / "a.csv", LabelledRows(0, 40));
  const support::Finished one = folder.Run(
      OwnSpec("path: a.csv, labels: [good], on_bad_row: skip"), "--dry-run");
  INFO(one.error << one.out);
  CHECK(one.exit_status == 2);
  // The cells that can be run are.
  const support::Finished some = folder.Run(
      TinySpec("glassllm", "", "method: [lora], min_row_tokens: [0, 5000]"),
      "--out none --dry-run");
  INFO(some.error << some.out);
  CHECK(some.exit_status == 0);
  CHECK(some.out.find("2 runs, 1 rejected") != std::string::npos);
  CHECK(some.out.find("no training row is left") != std::string::npos);
}

}  // namespace
}  // namespace sft::experiments::plan_cost_test
