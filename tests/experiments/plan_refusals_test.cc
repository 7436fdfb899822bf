// Specs that are well written and cannot work: refused by the plan, before a
// weight is read, with the spec's line, the value and the remedy.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"
#include "tests/support/subprocess.h"
#include "tests/support/tiny_encoder.h"

namespace sft::experiments::plan_refusals_test {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;

std::string Slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}
void Spill(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// A folder with models and a spec beside each other.
class Bench {
 public:
  Bench() { support::RequireAssets("models/glassllm/config.json"); }

  fs::path path() const { return folder_.path(); }
  // glassllm's files under another config.json; the weights are never read.
  std::string Model(const std::string& name, const json& changes) const {
    const fs::path to = path() / name;
    fs::copy(Glass(), to, fs::copy_options::recursive);
    for (const auto& entry : fs::directory_iterator(to)) {
      fs::permissions(entry.path(), fs::perms::owner_all);
    }
    json config = json::parse(Slurp(to / "config.json"));
    config.update(changes);
    Spill(to / "config.json", config.dump());
    return to.string();
  }
  std::string Gpt2(const std::string& name) const {
    return Model(name, {{"architectures", json::array({"GPT2LMHeadModel"})},
                        {"model_type", "gpt2"},
                        {"activation_function", "gelu_new"},
                        {"n_layer", 2},
                        {"n_embd", 64},
                        {"n_head", 4},
                        {"n_positions", 32},
                        {"layer_norm_epsilon", 1e-5}});
  }
  // Exit status 2 and a line for each fault, this one first, from `run` as from
  // `run --dry-run`; nothing is written. (Weights of glassllm under another
  // config are a fault of their own.)
  void CheckRefused(const std::string& spec, const std::string& where,
                    const std::vector<std::string>& parts) const {
    Spill(path() / "spec.yaml", spec);
    const std::string name = (path() / "spec.yaml").string();
    const std::string out = (path() / "out").string();
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"run", name, "--dry-run"},
          std::vector<std::string>{"run", name, "--out", out}}) {
      std::vector<std::string> all = {SFTBENCH_BINARY};
      all.insert(all.end(), words.begin(), words.end());
      const support::Finished run = support::RunProgram(all);
      INFO(spec << run.error << run.out);
      CHECK(run.exit_status == 2);
      CHECK(run.error.rfind("error: " + name + where, 0) == 0);
      std::istringstream lines(run.error);
      for (std::string line; std::getline(lines, line);) {
        CHECK(line.rfind("error: " + name, 0) == 0);
      }
      const std::string first = run.error.substr(0, run.error.find('\n'));
      for (const std::string& part : parts) {
        CAPTURE(part);
        CHECK(first.find(part) != std::string::npos);
      }
      CHECK_FALSE(fs::exists(out));
    }
  }

 private:
  static fs::path Glass() { return support::AssetsDir() / "models/glassllm"; }
  support::TempDir folder_;
};

// Line 2 is the model, line 5 the budget, line 6 set:, line 7 grid:.
std::string Spec(const std::string& model, const std::string& set,
                 const std::string& grid = "method: [lora]",
                 const std::string& tasks = "rotten_tomatoes",
                 const std::string& retain = "") {
  return "question: does it hold?\nmodel: " + model + "\ntrain: [" + tasks +
         "]\nevaluate: {tasks: [" + tasks + "], retain: [" + retain +
         "]}\nbudget: {steps: 1}\nset: {" + set + "}\ngrid: {" + grid + "}\n";
}

TEST_CASE(
    "positions beyond a model's table are refused, beyond a rotary "
    "model's range are said",
    "[experiments][plan]") {
  const Bench bench;
  const std::string gpt2 = bench.Gpt2("gpt2");
  bench.CheckRefused(Spec(gpt2, "max_length: 64"), ":6: max_length = '64'",
                     {"32 positions", "at most 32"});
  bench.CheckRefused(Spec(gpt2, "max_length: 64", "method: [full, lora]"),
                     ":6: max_length = '64'", {"at most 32", "no cell"});
  bench.CheckRefused(Spec(gpt2, "seed: 1"), ": max_length = '512'",
                     {"at most 32"});
  bench.CheckRefused(Spec(gpt2, "max_length: 32", "method: [full]",
                          "rotten_tomatoes", "wiki_demo"),
                     ": heldout_window = '512'",
                     {"heldout_window to at most 32"});
  const std::string encoder =
      support::MakeTinyEncoder((bench.path() / "bert").string());
  bench.CheckRefused(Spec(encoder, "max_length: 41"), ":6: max_length = '41'",
                     {"40 positions"});
  // One cell of two can be run: the other is told, with its line.
  const support::Finished some = support::RunProgram([&] {
    Spill(bench.path() / "spec.yaml",
          Spec(encoder, "test_limit: 2, validation_limit: 2, train_limit: 2",
               "max_length: [40, 41]"));
    return std::vector<std::string>{SFTBENCH_BINARY, "run",
                                    (bench.path() / "spec.yaml").string(),
                                    "--dry-run"};
  }());
  INFO(some.out << some.error);
  CHECK(some.exit_status == 0);
  CHECK(some.out.find("spec.yaml:7: max_length = '41': above the 40") !=
        std::string::npos);
  const support::Finished rotary = support::RunProgram([&] {
    Spill(bench.path() / "spec.yaml",
          Spec("glassllm",
               "max_length: 160, test_limit: 2, validation_limit: 2"));
    return std::vector<std::string>{SFTBENCH_BINARY, "run",
                                    (bench.path() / "spec.yaml").string(),
                                    "--dry-run"};
  }());
  INFO(rotary.out << rotary.error);
  CHECK(rotary.exit_status == 0);
  CHECK(rotary.error.find("spec.yaml:6: max_length = '160': above the 128 "
                          "positions") != std::string::npos);
}

TEST_CASE("rows of two uses are refused, and a method without its rows",
          "[experiments][plan][replay]") {
  const Bench bench;
  const std::string limits =
      "max_length: 64, test_limit: 4, validation_limit: 4, train_limit: 8, "
      "heldout_window: 64, ";
  bench.CheckRefused(
      Spec("glassllm", limits + "replay.from: [wiki_demo]", "method: [full]",
           "rotten_tomatoes", "wiki_demo"),
      ":6: replay.from = 'wiki_demo'",
      {"rows of replay wiki_demo are also measured wiki_demo", "disjoint"});
  bench.CheckRefused(
      Spec("glassllm",
           "max_length: 64, test_limit: 4, validation_limit: 4, "
           "replay.from: [rotten_tomatoes]",
           "method: [full]"),
      ":6: replay.from = 'rotten_tomatoes'",
      {"of replay rotten_tomatoes", "also trained rotten_tomatoes"});
  bench.CheckRefused(Spec("glassllm",
                          limits + "replay.from: [wiki_demo], "
                                   "ssu.calibration_from: wiki_demo",
                          "method: [ssu]"),
                     ":6: ", {"wiki_demo are also", "disjoint"});
  bench.CheckRefused(Spec("glassllm", limits + "seed: 1", "method: [ssu]"),
                     ": ssu.calibration_from = ''",
                     {"names no data set", "list datasets"});
  bench.CheckRefused(Spec("glassllm", limits + "ssu.calibration_from: no_such",
                          "method: [ssu]"),
                     ":6: ssu.calibration_from = 'no_such'",
                     {"names no data set"});
  bench.CheckRefused(
      Spec("glassllm", limits + "lisa.layers: 400", "method: [lisa]"),
      ":6: lisa.layers = '400'", {"blocks that the model has"});
  bench.CheckRefused(
      Spec("glassllm", limits + "oft.targets: [kproj]", "method: [oft]"),
      ":6: oft.targets = 'kproj'", {"names no linear map"});
}

TEST_CASE(
    "a form, a device, a head or adapters that a model cannot have are "
    "refused",
    "[experiments][plan]") {
  const Bench bench;
  bench.CheckRefused(Spec("glassllm", "max_length: 64, prompt_form: chat"),
                     ":6: prompt_form = 'chat'", {"no chat template"});
  bench.CheckRefused(Spec("glassllm", "max_length: 64, loss_on_prompt: 0.5"),
                     ":6: loss_on_prompt = '0.5'", {"one of 0, 1"});
  bench.CheckRefused(Spec("glassllm", "max_length: 64, loss_on: first"),
                     ":6: loss_on = 'first'", {"last, all_assistant"});
  std::string rows = "text,label\n", label;
  for (int i = 0; i < 20; ++i) label += "quite good ";
  for (int i = 0; i < 30; ++i) {
    rows +=
        "row " + std::to_string(i) + "," + label + (i % 2 ? "a" : "b") + "\n";
  }
  Spill(bench.path() / "long.csv", rows);
  bench.CheckRefused(
      "question: long labels?\nmodel: glassllm\ndata: {path: " +
          (bench.path() / "long.csv").string() +
          ", task: classification, template: \"{text}:\"}\n"
          "train: [long]\nbudget: {steps: 1}\nset: {max_length: 16}\n",
      ":6: max_length = '16'", {"answers take up to"});
  bench.CheckRefused(Spec("glassllm", "max_length: 64, device: cuda:0"),
                     ":6: device = 'cuda:0'", {"device: cuda"});
  bench.CheckRefused(Spec("glassllm", "max_length: 64, lora.rank: 200"),
                     ":6: lora.rank = '200'", {"at most 64"});
  bench.CheckRefused(
      Spec("glassllm", "max_length: 64, lora.targets: [q_proj, c_attn]"),
      ":6: lora.targets", {"'c_attn'", "q_proj"});
  bench.CheckRefused(Spec("glassllm",
                          "max_length: 64, pack.strategy: wrapped, "
                          "pack.max_per_pack: 3",
                          "batching: [packed]"),
                     ":6: pack.max_per_pack = '3'", {"wanted 0"});
  bench.CheckRefused(Spec("glassllm", "max_length: 64, beta2: 1"),
                     ":6: beta2 = '1'", {"below 1"});
  bench.CheckRefused(
      Spec("glassllm", "max_length: 64, min_row_tokens: 9, max_row_tokens: 8"),
      ":6: max_row_tokens = '8'", {"min_row_tokens = 9"});
  bench.CheckRefused(Spec("glassllm", "max_length: 64, hft.balanced: true"),
                     ":6: option hft.balanced", {"no method of this spec"});
  bench.CheckRefused(Spec("glassllm",
                          "max_length: 64, dtype: f64, "
                          "optimizer: adamw_8bit"),
                     ":6: optimizer = 'adamw_8bit'", {"f32 or bf16"});
  const std::string encoder =
      support::MakeTinyEncoder((bench.path() / "bert").string());
  bench.CheckRefused(Spec(encoder, "max_length: 40", "method: [full]",
                          "rotten_tomatoes, bbc_headlines"),
                     ":3: train", {"one head", "two specs"});
  const std::string small = bench.Model("small", {{"vocab_size", 100}});
  bench.CheckRefused(Spec(small, "max_length: 64"), ":2: model",
                     {"1024 ids", "100 rows"});
  bench.CheckRefused(
      "train: [rotten_tomatoes]\nmodel: glassllm\n"
      "set: {max_length: 64}\n"
      "grid: {budget.steps: [1], budget.epochs: [1]}\n",
      ": budget", {"exactly one", "found 2"});
}

TEST_CASE("a card that is not here is refused", "[experiments][plan]") {
  if (at::hasCUDA()) {
    support::Skip(support::Need::kMachine, "this machine has a card");
  }
  const Bench bench;
  bench.CheckRefused(Spec("glassllm", "max_length: 64, device: cuda"),
                     ":6: device = 'cuda'", {"device: cpu"});
  // Another machine, which the sweep is planned for, may have one.
  const std::string out = (bench.path() / "out").string();
  const support::Finished planned = support::RunProgram(
      {SFTBENCH_BINARY, "plan", (bench.path() / "spec.yaml").string(), "--out",
       out});
  INFO(planned.error);
  CHECK(planned.exit_status == 0);
  CHECK(planned.error.find("warning: ") == 0);
  CHECK(planned.error.find(":6: device = 'cuda'") != std::string::npos);
}

TEST_CASE("a folder that is no model says what it is instead",
          "[experiments][plan]") {
  const Bench bench;
  const auto check = [&](const std::string& model,
                         const std::vector<std::string>& parts) {
    bench.CheckRefused(Spec(model, "max_length: 64"), ":2: ", parts);
  };
  const std::string pickle = bench.Model("pickle", json::object());
  fs::rename(pickle + "/model.safetensors", pickle + "/pytorch_model.bin");
  check(pickle, {"pytorch_model.bin", "save_pretrained"});
  const std::string parts = bench.Model("parts", json::object());
  fs::rename(parts + "/model.safetensors",
             parts + "/model-00001-of-00002.safetensors");
  check(parts, {"model-00001-of-00002.safetensors", "index.json"});
  const std::string none = bench.Model("none", json::object());
  fs::remove(none + "/config.json");
  check(none, {"no config.json"});
  const std::string mute = bench.Model("mute", json::object());
  fs::remove(mute + "/tokenizer.json");
  check(mute, {"no tokenizer.json", "AutoTokenizer"});
  for (const auto& [name, file, part] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"adapter", "adapter_config.json", "--adapter"},
           {"gguf", "m.Q4_K.gguf", "gguf/m.Q4_K.gguf"},
           {"models--a--b", "snapshots", "below snapshots/"}}) {
    fs::create_directories(bench.path() / name);
    Spill(bench.path() / name / file, "");
    check((bench.path() / name).string(), {part});
  }
  check("meta-llama/Llama-3.1-8B", {"huggingface-cli download"});
  const support::Finished eval =
      support::RunProgram({SFTBENCH_BINARY, "eval", "meta-llama/Llama-3.1-8B",
                           "--task", "rotten_tomatoes"});
  CHECK(eval.exit_status == 2);
  CHECK(eval.error.find("huggingface-cli download") != std::string::npos);
}

TEST_CASE("a folder here is taken without a slash", "[experiments][plan]") {
  const Bench bench;
  bench.Model("base", json::object());
  Spill(bench.path() / "spec.yaml",
        Spec("base", "max_length: 64, test_limit: 2, validation_limit: 2"));
  const support::Finished run = support::RunProgram(
      {"/bin/sh", "-c",
       "cd '" + bench.path().string() +
           "' && '" SFTBENCH_BINARY "' run spec.yaml --dry-run"});
  INFO(run.error);
  CHECK(run.exit_status == 0);
  CHECK(run.out.find("2 runs, 0 rejected") != std::string::npos);
}

}  // namespace
}  // namespace sft::experiments::plan_refusals_test
