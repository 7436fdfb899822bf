// check, init and run --filter, as a user types them.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"
#include "tests/support/subprocess.h"

namespace sft::experiments::check_test {
namespace {
namespace fs = std::filesystem;
using Catch::Matchers::Contains;

class SpecFolder {
 public:
  SpecFolder() { support::RequireAssets("models/glassllm/config.json"); }
  std::string Write(const std::string& text) const {
    const std::string path = folder_.path().string() + "/spec.yaml";
    std::ofstream(path) << text;
    return path;
  }
  std::string out() const { return folder_.path().string() + "/out"; }

 private:
  support::TempDir folder_;
};

support::Finished Program(const std::vector<std::string>& words) {
  std::vector<std::string> all = {SFTBENCH_BINARY};
  all.insert(all.end(), words.begin(), words.end());
  return support::RunProgram(all);
}

// Line 2 is the model, line 6 set:, line 7 grid:.
constexpr char kGood[] =
    "question: does it hold?\n"
    "model: glassllm\n"
    "train: [rotten_tomatoes]\n"
    "evaluate: {tasks: [rotten_tomatoes], retain: [wiki_demo]}\n"
    "budget: {steps: 1}\n"
    "set: {max_length: 128, batch_size: 2, test_limit: 4, validation_limit: 4, "
    "heldout_tokens: 128, heldout_window: 128, threads: 1}\n"
    "grid: {method: [full, lora], seed: {range: [0, 2]}}\n";

TEST_CASE("a good spec is told its cells, a bad one all its faults",
          "[experiments][check]") {
  const SpecFolder folder;
  const support::Finished good = Program({"check", folder.Write(kGood)});
  INFO(good.error);
  CHECK(good.exit_status == 0);
  CHECK(good.out == "4 cells, no error\n");

  const std::string path =
      folder.Write(std::string(kGood) +
                   "cases:\n"
                   "  - {when: {method: qlora}, set: {lora.rank: 4}}\n"
                   "exclude:\n"
                   "  - {seed: 9}\n"
                   "  - {thread: 1}\n"
                   "select: {by: accuracy}\n");
  // `run` says the same before it runs anything.
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"check", path},
        std::vector<std::string>{"run", path, "--out", folder.out()}}) {
    const support::Finished bad = Program(words);
    INFO(bad.error);
    CHECK(bad.exit_status == 2);
    CHECK(bad.out.empty());
    std::istringstream lines(bad.error);
    std::vector<std::string> said;
    for (std::string line; std::getline(lines, line);) said.push_back(line);
    REQUIRE(said.size() == 4);
    for (const std::string& line : said) {
      CHECK(line.rfind("error: " + path + ":", 0) == 0);
    }
    CHECK_THAT(said[0], Contains(":12: ") && Contains("'threads'"));
    CHECK_THAT(said[1], Contains(":13: ") && Contains("validation_loss"));
    CHECK_THAT(said[2], Contains(":9: ") && Contains("matches this case"));
    CHECK_THAT(said[3], Contains("matches this entry") && Contains(":11: "));
  }
  CHECK_FALSE(fs::exists(folder.out()));
}

TEST_CASE("check asks the rules of the plan", "[experiments][check]") {
  const SpecFolder folder;
  std::string text = kGood;
  text.replace(text.find("threads: 1"), 10, "threads: 1, prompt_form: chat");
  const support::Finished chat = Program({"check", folder.Write(text)});
  INFO(chat.error);
  CHECK(chat.exit_status == 2);
  CHECK_THAT(chat.error, Contains(":6: prompt_form = 'chat'"));

  // One of two cells: told, and left out.
  text = kGood;
  text.replace(text.find("method: [full, lora]"), 20,
               "method: [lora], lora.rank: [8, 200]");
  const support::Finished some = Program({"check", folder.Write(text)});
  INFO(some.error);
  CHECK(some.exit_status == 0);
  CHECK(some.out == "2 cells, no error\n");
  CHECK_THAT(some.error, Contains("warning: 2 cells cannot be run: ") &&
                             Contains("lora.rank = '200'"));
}

TEST_CASE("check reads no weight", "[experiments][check]") {
  const SpecFolder folder;
  const support::TempDir models;
  const std::string model = models.path().string() + "/model";
  fs::copy(support::AssetsDir() / "models/glassllm", model,
           fs::copy_options::recursive);
  // The header stands, the numbers behind it are gone.
  const std::string weights = model + "/model.safetensors";
  fs::permissions(weights, fs::perms::owner_all);
  std::fstream file(weights, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-4, std::ios::end);
  file.write("\xff\xff\xff\xff", 4);  // not a number
  file.close();
  std::string text = kGood;
  text.replace(text.find("glassllm"), 8, model);
  const support::Finished check = Program({"check", folder.Write(text)});
  INFO(check.error);
  CHECK(check.exit_status == 0);
}

TEST_CASE("every starter spec is one that check accepts",
          "[experiments][init]") {
  support::RequireAssets("models/smollm2-135m-instruct");
  const SpecFolder folder;
  const support::Finished list = Program({"init"});
  REQUIRE(list.exit_status == 0);
  std::istringstream lines(list.out);
  std::string line;
  REQUIRE(std::getline(lines, line));
  CHECK(line == "task\tsummary");
  int kinds = 0;
  for (; std::getline(lines, line); ++kinds) {
    const std::string task = line.substr(0, line.find('\t'));
    CAPTURE(task);
    const support::Finished spec = Program({"init", task});
    REQUIRE(spec.exit_status == 0);
    std::istringstream words(spec.out);
    for (std::string one; std::getline(words, one);) CHECK(one.size() <= 80);
    const std::string path = folder.Write(spec.out);
    const support::Finished check = Program({"check", path});
    INFO(spec.out << check.error);
    CHECK(check.exit_status == 0);
    // Full and LoRA at three rates and three seeds each.
    CHECK(check.out == "18 cells, no error\n");
    // What it says of exclusions holds.
    std::string with = spec.out;
    for (const char* comment : {"# exclude:", "#   - {method: full"}) {
      const size_t at = with.find(comment);
      REQUIRE(at != std::string::npos);
      with.erase(at, 2);
    }
    const support::Finished without = Program({"check", folder.Write(with)});
    INFO(without.error);
    CHECK(without.out == "15 cells, no error\n");
  }
  CHECK(kinds >= 6);
  const support::Finished unknown = Program({"init", "clasification"});
  CHECK(unknown.exit_status == 2);
  CHECK_THAT(unknown.error, Contains("'classification'"));
}

TEST_CASE("a filter runs its cells, and the report says what is missing",
          "[experiments][filter]") {
  const SpecFolder folder;
  const std::string path =
      folder.Write(std::string(kGood) + "baseline: {method: full}\n");
  const support::Finished refused =
      Program({"run", path, "--out", folder.out(), "--filter", "method=lroa"});
  CHECK(refused.exit_status == 2);
  CHECK_THAT(refused.error, Contains("no cell has method=lroa") &&
                                Contains("did you mean 'lora'?"));
  CHECK_FALSE(fs::exists(folder.out()));

  const support::Finished run = Program(
      {"run", path, "--out", folder.out(), "--filter", "method=lora,seed=1"});
  INFO(run.error);
  REQUIRE(run.exit_status == 0);
  const auto records = [&] {
    return std::count_if(fs::directory_iterator(folder.out() + "/runs"),
                         fs::directory_iterator(), [](const auto& entry) {
                           return entry.path().extension() == ".h5";
                         });
  };
  CHECK(records() == 2);  // and the untuned run
  const support::Finished status = Program({"status", folder.out()});
  INFO(status.error);
  CHECK_THAT(status.error, Contains("3 waiting"));
  // The rest is what another run of the same folder has left to do.
  const support::Finished rest = Program({"run", path, "--out", folder.out()});
  INFO(rest.error);
  CHECK(rest.exit_status == 0);
  CHECK_THAT(rest.error, Contains("2 were there already"));
  CHECK(records() == 5);
}

TEST_CASE("plan --diff says what a changed spec runs anew, and writes nothing",
          "[experiments][plan]") {
  const SpecFolder folder;
  const std::string path = folder.Write(kGood);
  const support::Finished first =
      Program({"plan", path, "--out", folder.out()});
  INFO(first.error);
  REQUIRE(first.exit_status == 0);
  const auto count = [&] {
    return std::distance(fs::directory_iterator(folder.out() + "/manifests"),
                         fs::directory_iterator());
  };
  REQUIRE(count() == 1);
  const support::Finished same =
      Program({"plan", path, "--diff", folder.out()});
  CHECK(same.exit_status == 0);
  CHECK(same.out.empty());
  CHECK(same.error == "5 the same (0 done), 0 changed, 0 new, 0 gone\n");

  std::string text = kGood;
  text.replace(text.find("batch_size: 2"), 13, "batch_size: 4");
  text.replace(text.find("[0, 2]"), 6, "[1, 3]");
  const support::Finished changed =
      Program({"plan", folder.Write(text), "--diff", folder.out()});
  INFO(changed.out << changed.error);
  CHECK(changed.exit_status == 0);
  CHECK(changed.error == "1 the same (0 done), 2 changed, 2 new, 2 gone\n");
  CHECK_THAT(changed.out,
             Contains("change\trun\taxes\twhat\n") &&
                 Contains("\tmethod=lora seed=1\tbatch_size 2 -> 4\n") &&
                 Contains("\tmethod=full seed=2\t\n"));
  CHECK(count() == 1);
  CHECK(Program({"plan", path, "--diff", folder.out() + "/none"}).exit_status ==
        2);
}

TEST_CASE("the ids of a committed spec stay what they were",
          "[experiments][id]") {
  support::RequireAssets("models/glassllm/config.json");
  const support::Finished plan = Program(
      {"run", (support::SourceDir() / "experiments/smoke.yaml").string(),
       "--dry-run"});
  INFO(plan.error);
  REQUIRE(plan.exit_status == 0);
  size_t at = 0;
  for (const char* id :
       {"9776fb5ceb3bc2bc", "daea71f0e8c4793d", "f857328207ed3209",
        "e6e540ec6e135b81", "6e89b0b52f9269d3", "15205abc0805cdde",
        "4f81c57bea5e0aae", "0ffffbd0a4ebe577", "50bd7ba856ba1045",
        "ced5c9da446c0732", "c2c7a6b3d1c499be", "e009898c9890090a",
        "e0654ff3c25299a4", "581258e77b597908", "bc06a16f4796d229",
        "d1a9a54a285056e4", "5b3f673f9f9bae22", "e23ef21424f5d26b",
        "6ff96b6e37de4c16", "b747008cecd544b2", "685ea5c9bb49444b",
        "1541c98bb0101f07", "80c438f3be72c2b8", "bca8330e23f1544d",
        "e32126f9b4eccf05"}) {
    CAPTURE(id);
    const size_t found = plan.out.find(id, at);
    CHECK(found != std::string::npos);
    if (found != std::string::npos) at = found;
  }
}

}  // namespace
}  // namespace sft::experiments::check_test
