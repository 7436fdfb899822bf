// What a user gets for broken input: one clear line on standard error, exit
// status 2, nothing half-written, no crash.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"
#include "tests/support/subprocess.h"

namespace sft::experiments::broken_inputs_test {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;

std::string Slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}
void Spill(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// Exit status 2, one line that begins with "error: " and holds `part`.
void CheckRefused(const std::vector<std::string>& arguments,
                  const std::string& part) {
  std::vector<std::string> words = {SFTBENCH_BINARY};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const support::Finished run = support::RunProgram(words);
  INFO(arguments[0] << " said: " << run.error << run.out);
  CHECK(run.exit_status == 2);
  CHECK(run.error.rfind("error: ", 0) == 0);
  CHECK(std::count(run.error.begin(), run.error.end(), '\n') == 1);
  CHECK(run.error.find(part) != std::string::npos);
}

constexpr char kGoodSpec[] =
    "question: does it hold?\n"
    "model: glassllm\n"
    "train: [rotten_tomatoes]\n"
    "evaluate: {tasks: [rotten_tomatoes], retain: [wiki_demo]}\n"
    "budget: {steps: 1}\n"
    "grid: {method: [lora], batching: [padded], seed: [0]}\n";

void CheckSpecRefused(const std::string& from, const std::string& to,
                      const std::string& part) {
  const support::TempDir folder;
  std::string spec = kGoodSpec;
  const size_t at = spec.find(from);
  REQUIRE(at != std::string::npos);
  spec.replace(at, from.size(), to);
  Spill(folder.path().string() + "/spec.yaml", spec);
  CheckRefused({"run", folder.path().string() + "/spec.yaml", "--dry-run"},
               part);
}

void RequireGlass() { support::RequireAssets("models/glassllm/config.json"); }

// A copy of glassllm's folder with one file changed.
class BrokenModel {
 public:
  BrokenModel(const std::string& file,
              const std::function<std::string(std::string)>& change) {
    const std::string from = support::AssetsDir().string() + "/models/glassllm";
    fs::copy(from, path(), fs::copy_options::recursive);
    const std::string target = path() + "/" + file;
    fs::permissions(target, fs::perms::owner_all);
    Spill(target, change(Slurp(target)));
  }
  std::string path() const { return folder_.path().string() + "/model"; }

 private:
  support::TempDir folder_;
};

void CheckModelRefused(const std::string& file,
                       const std::function<std::string(std::string)>& change,
                       const std::string& part) {
  const BrokenModel model(file, change);
  CheckRefused({"generate", model.path(), "--prompt", "hello"}, part);
}

uint64_t HeaderSize(const std::string& bytes) {
  uint64_t size = 0;
  std::memcpy(&size, bytes.data(), sizeof(size));
  return size;
}
std::string WithHeader(const std::string& bytes, const std::string& header) {
  const uint64_t size = header.size();
  std::string out(reinterpret_cast<const char*>(&size), sizeof(size));
  return out + header + bytes.substr(8 + HeaderSize(bytes));
}

TEST_CASE("broken specs are refused with their line", "[experiments][broken]") {
  RequireGlass();
  CheckSpecRefused("budget:", "budgett:", "budget");
  CheckSpecRefused("steps: 1", "steps: many", "many");
  CheckSpecRefused("steps: 1", "steps: 1, epochs: 1", "budget");
  CheckSpecRefused("method: [lora]", "method: [lorra]", "lora");
  CheckSpecRefused("seed: [0]", "seed: [0], lora.rank: [0]", "lora.rank");
  CheckSpecRefused("seed: [0]", "seed: [0], lora.rank: [1000000]", "lora.rank");
  CheckSpecRefused("seed: [0]", "seed: []", "seed");
  CheckSpecRefused("retain: [wiki_demo]",
                   "retain: [wiki_demo], at_points: [bbc_headlines]",
                   "measured neither before nor after");
  CheckSpecRefused("retain: [wiki_demo]", "retain: [wiki_demo], curve: [1, 2]",
                   "step 2 is never reached");
  CheckSpecRefused("retain: [wiki_demo]", "retain: [wiki_demo], rewind: [1]",
                   "scored anyway");
  CheckSpecRefused("train: [rotten_tomatoes]", "train: [rotten_tomatos]",
                   "rotten_tomatoes");
  CheckSpecRefused("glassllm", "glasllm", "glassllm");
  CheckSpecRefused("grid: {", "grid: {{", "spec.yaml");
  CheckSpecRefused("seed: [0]", "seed: [0], seed: [1]", "seed");
  CheckSpecRefused("steps: 1", "steps: -1", "-1");
  CheckSpecRefused("question", "\xff\xfequestion", "UTF-8");
}

TEST_CASE("broken command lines are refused", "[experiments][broken]") {
  CheckRefused({"rum"}, "run");
  CheckRefused({"train", "spec.yaml"}, "did you mean 'run'");
  CheckRefused({"predict"}, "did you mean 'generate'");
  CheckRefused({"run", "x.yaml", "--output", "o"}, "--out");
  CheckRefused({"list", "field"}, "did you mean 'fields'");
  CheckRefused({"run"}, "usage");
  CheckRefused({"run", "no_such_spec.yaml"}, "no_such_spec.yaml");
  CheckRefused({"run", "x.yaml", "--job", "2"}, "--jobs");
  CheckRefused({"run", "x.yaml", "--jobs", "two"}, "two");
  CheckRefused({"run", "x.yaml", "--jobs", "0"}, "or auto");
  CheckRefused({"run", "x.yaml", "--run-limit", "0s"}, "30m");
  CheckRefused({"run", "x.yaml", "--run-limit", "soon"}, "soon");
  CheckRefused({"list", "metods"}, "methods");
  CheckRefused({"report", "/no/such/folder"}, "/no/such/folder");
  CheckRefused({"eval", "no_such_model", "--task", "perplexity"}, "");
  CheckRefused({"verify", "/no/such/folder"}, "/no/such/folder");
}

TEST_CASE("broken model folders are refused", "[experiments][broken]") {
  RequireGlass();
  const std::string weights = "model.safetensors";
  CheckModelRefused(
      weights, [](std::string s) { return s.substr(0, s.size() / 2); },
      weights);
  CheckModelRefused(
      weights, [](std::string) { return std::string("abc"); }, weights);
  CheckModelRefused(
      weights,
      [](std::string s) {
        const uint64_t huge = uint64_t{1} << 60;
        std::memcpy(s.data(), &huge, sizeof(huge));
        return s;
      },
      weights);
  CheckModelRefused(
      weights,
      [](std::string s) {
        const float nan = std::numeric_limits<float>::quiet_NaN();
        std::memcpy(s.data() + s.size() - 4, &nan, sizeof(nan));
        return s;
      },
      "finite");
  CheckModelRefused(
      weights,
      [](std::string s) {
        json header = json::parse(s.substr(8, HeaderSize(s)));
        header["model.norm.wait"] = header["model.norm.weight"];
        header.erase("model.norm.weight");
        return WithHeader(s, header.dump());
      },
      "model.norm.weight");
  CheckModelRefused(
      weights,
      [](std::string s) {
        json header = json::parse(s.substr(8, HeaderSize(s)));
        header["model.norm.weight"]["shape"] = {int64_t{1} << 40, 1 << 20};
        return WithHeader(s, header.dump());
      },
      "model.norm.weight");
  CheckModelRefused(
      "config.json", [](std::string) { return "{"; }, "config.json");
  CheckModelRefused(
      "config.json",
      [](std::string s) {
        json config = json::parse(s);
        config["num_hidden_layers"] = 1000000000;
        return config.dump();
      },
      "config.json");
  CheckModelRefused(
      "config.json",
      [](std::string s) {
        json config = json::parse(s);
        config["num_attention_heads"] = 0;
        return config.dump();
      },
      "config.json");
  CheckModelRefused(
      "tokenizer.json", [](std::string s) { return s.substr(0, s.size() / 2); },
      "tokenizer.json");
  CheckModelRefused(
      "tokenizer.json", [](std::string) { return std::string(100000, '['); },
      "tokenizer.json");
  const BrokenModel no_tokenizer("config.json",
                                 [](std::string s) { return s; });
  fs::remove(no_tokenizer.path() + "/tokenizer.json");
  CheckRefused({"generate", no_tokenizer.path(), "--prompt", "hello"},
               "tokenizer.json");
}

TEST_CASE("broken GGUF files are refused", "[experiments][broken]") {
  const std::string good = support::RequireAssets(
      "models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf");
  std::string head(1 << 20, '\0');
  std::ifstream(good, std::ios::binary)
      .read(head.data(), static_cast<std::streamsize>(head.size()));
  const support::TempDir folder;
  const std::string path = folder.path().string() + "/m.gguf";
  auto check = [&path](const std::string& bytes) {
    Spill(path, bytes);
    CheckRefused({"generate", path, "--prompt", "hello"}, "m.gguf");
  };
  check("");
  check("GGUF");
  check(head.substr(0, 1000));
  check(head);
  std::string many = head;
  const uint64_t huge = uint64_t{1} << 60;
  std::memcpy(many.data() + 8, &huge, sizeof(huge));  // tensors
  check(many);
  many = head;
  std::memcpy(many.data() + 16, &huge, sizeof(huge));  // metadata
  check(many);
  check(std::string(4096, '\x5a'));
}

TEST_CASE("broken length histograms are refused", "[experiments][broken]") {
  const support::TempDir folder;
  const std::string path = folder.path().string() + "/h.csv";
  for (const std::string& text :
       {std::string(), std::string("length,count\n"),
        std::string("length,count\n\"1,2\n"), std::string("1,2\n"),
        std::string("length,count\n9223372036854775807,1\n"),
        std::string("length,count\n1,1\n1,1\n"), std::string(4096, '\x5a'),
        std::string("length,count\n1,\xff\n")}) {
    Spill(path, text);
    CheckRefused({"pack", "--histogram", path}, "h.csv");
  }
  CheckRefused({"pack", "--histogram", folder.path().string()}, "");
}

TEST_CASE("broken texts, adapters and records are refused",
          "[experiments][broken]") {
  RequireGlass();
  const support::TempDir folder;
  Spill(folder.path().string() + "/empty.txt", "");
  CheckRefused({"eval", "glassllm", "--task", "perplexity", "--file",
                folder.path().string() + "/empty.txt"},
               "");
  CheckRefused({"eval", "glassllm", "--task", "perplexity", "--file",
                folder.path().string() + "/none.txt"},
               "none.txt");
  CheckRefused({"generate", "glassllm", "--prompt", "a", "--adapter",
                folder.path().string() + "/none"},
               "none");
  fs::create_directories(folder.path().string() + "/adapter");
  Spill(folder.path().string() + "/adapter/adapter_config.json", "{\"r\": -1}");
  CheckRefused({"generate", "glassllm", "--prompt", "a", "--adapter",
                folder.path().string() + "/adapter"},
               "adapter");
  fs::create_directories(folder.path().string() + "/runs");
  Spill(folder.path().string() + "/runs/0123456789abcdef.h5",
        std::string(5000, 'x'));
  const support::Finished run =
      support::RunProgram({SFTBENCH_BINARY, "verify", folder.path().string()});
  CHECK(run.exit_status == 2);
  CHECK(run.error.find("0123456789abcdef.h5") != std::string::npos);
  CheckRefused({"export", folder.path().string() + "/runs/0123456789abcdef.h5",
                "--merged", "--out", folder.path().string() + "/out"},
               "0123456789abcdef.h5");
  CHECK_FALSE(fs::exists(folder.path().string() + "/out"));
}

}  // namespace
}  // namespace sft::experiments::broken_inputs_test
