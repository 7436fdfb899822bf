// What a newcomer reads when a spec is refused: the line, the value and the
// remedy, for what people bring from other tools and for slips of YAML.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>

#include "harness/spec/experiment_spec.h"
#include "harness/spec/foreign_names.h"
#include "tests/harness/spec/spec_tables.h"

namespace sft::spec::spec_messages_test {
namespace {

constexpr char kHead[] =
    "train: [rotten_tomatoes]\n"
    "budget: {steps: 5}\n";

struct Refused {
  std::string text, where, what;  // of the first line
  int lines = 1;
};

void Check(const Refused& refused) {
  const auto spec = ParseSpecText("spec.yaml", refused.text, TestTables());
  INFO(refused.text);
  REQUIRE_FALSE(spec.ok());
  const std::string message(spec.status().message());
  INFO(message);
  // For whoever changes the words: all of them, to be read.
  if (std::getenv("SPEC_MESSAGES") != nullptr) printf("%s\n", message.c_str());
  CHECK(message.rfind(refused.where + ":", 0) == 0);
  CHECK(message.find(refused.what) != std::string::npos);
  CHECK(std::count(message.begin(), message.end(), '\n') + 1 == refused.lines);
}

TEST_CASE("names of other tools get the name they have here",
          "[spec][messages]") {
  const std::string head = kHead;
  for (const auto& [key, remedy] :
       std::vector<std::pair<std::string, std::string>>{
           {"lora_r: 8", "lora.rank"},
           {"r: 8", "lora.rank"},
           {"lora.r: 8", "lora.rank"},
           {"template: llama3", "prompt_form"},
           {"score_end_of_turn: [zzz]", "unknown task"},
           {"lora_alpha: 16", "lora.alpha"},
           {"lora_dropout: 0.1", "lora.dropout"},
           {"target_modules: [q_proj]", "lora.targets"},
           {"per_device_train_batch_size: 4", "batch_size"},
           {"per_device_eval_batch_size: 4", "leave it out"},
           {"num_train_epochs: 3", "budget: {epochs: 3}"},
           {"max_steps: 100", "budget: {steps: 100}"},
           {"max_seq_length: 512", "max_length"},
           {"lr: 1e-4", "learning_rate"},
           {"lr_scheduler_type: cosine", "schedule"},
           {"warmup_steps: 10", "warmup_ratio"},
           {"fp16: true", "dtype: bf16"},
           {"bf16: true", "dtype: bf16"},
           {"gradient_checkpointing: true", "activation_checkpointing"},
           {"packing: true", "batching: packed"},
           {"load_in_4bit: true", "qlora"},
           {"load_in_8bit: true", "not there"},
           {"optim: adamw_torch", "optimizer"},
           {"neftune_noise_alpha: 5", "neftune_alpha"},
           {"train_on_inputs: true", "loss_on_prompt"},
           {"deepspeed: ds.json", "one process"},
           {"use_dora: true", "lora.dora: true"},
           {"Per-Device-Train-Batch-Size: 4", "batch_size"},
           {"learning-rate: 1", "learning_rate"},
           {"lora: {rank: 8}", "one word, such as lora.rank"},
           {"batch_size:8", "a space is missing"},
           {"zzzzqqqqxxxx: 8", "list fields"}}) {
    Check({head + "set: {" + key + "}\n", "spec.yaml:3", remedy});
    Check({head + "set:\n  seed: 1\n  " + key + "\n", "spec.yaml:5", ""});
  }
  for (const auto& [key, remedy] :
       std::vector<std::pair<std::string, std::string>>{
           {"model_name_or_path: x", "model:"},
           {"dataset: squad", "train: [NAME]"},
           {"datasets: [squad]", "train: [NAME]"},
           {"output_dir: out", "--out DIR"},
           {"epochs: 3", "budget: {epochs"},
           {"seeds: [0, 1]", "seed: [0, 1, 2]"},
           {"metrics: [accuracy]", "select"},
           {"learning_rate: 1e-4", "is it indented?"},
           {"methods: [full]", "method: [full, lora]"},
           {"training: {lr: 1}", "set:"},
           {"sweep: {lr: [1]}", "grid:"},
           {"trainer: {}", "set:"}}) {
    Check({head + key + "\n", "spec.yaml:3", remedy});
  }
}

TEST_CASE("values of other tools get what they are here", "[spec][messages]") {
  const std::string head = kHead;
  for (const auto& [field, value, remedy] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"method", "dora", "method: lora with lora.dora: true"},
           {"method", "pissa", "method: lora with lora.init: pissa"},
           {"method", "rslora", "lora.rslora: true"},
           {"method", "sft", "method: full"},
           {"method", "full-finetuning", "method: full"},
           {"method", "adalora", "not there"},
           {"method", "qdora", "method: qlora with lora.dora: true"},
           {"method", "dpo", "no supervised"},
           {"method", "full lora", "separated by commas"},
           {"batching", "packing", "batching: packed"},
           {"batching", "padding-free", "padding_free"},
           {"optimizer", "adamw_torch", "optimizer: adamw"},
           {"optimizer", "sgd", "AdamW"},
           {"optimizer", "lars", "one of adamw, adamw_8bit, adamw_paged"},
           {"dtype", "fp16", "bf16"},
           {"dtype", "bfloat16", "dtype: bf16"},
           {"device", "gpu", "device: cuda"},
           {"device", "mps", "not there"},
           {"schedule", "constant_with_warmup", "warmup_ratio"},
           {"prompt_form", "chatml", "prompt_form: chat"},
           {"loss_on", "all", "all_assistant"},
           {"loss_on", "first", "one of last, all_assistant"},
           {"loss_on_prompt", "0.5", "one of 0, 1 (0 = loss on answers only"},
           {"learning_rate", "-1e-4", "at least 0"},
           {"learning_rate", "'1e-4 '", "a number"},
           {"learning_rate", "fast", "a number"},
           {"warmup_ratio", "10%", "10% is 0.1"},
           {"batch_size", "0", "at least 1"},
           {"batch_size", "2.5", "a whole number"},
           {"max_length", "\"1,024\"", "without separators"},
           {"max_length", "1_024", "without separators"},
           {"max_length", "2k", "1e3 for a thousand"},
           {"seed", "a", "a whole number"},
           {"seed", "-1", "at least 0"},
           {"activation_checkpointing", "maybe", "true or false"},
           {"model", "meta-llama/Llama-3.1-8B",
            "huggingface-cli download meta-llama/Llama-3.1-8B --local-dir "
            "Llama-3.1-8B"},
           {"model", "./no/such/folder", "working directory"},
           {"model", "~/models/llama", "write the path out"},
           {"model", "model.safetensors", "the folder that holds it"},
           {"model", "https://huggingface.co/a/b", "nothing is downloaded"},
           {"model", "glasllm", "did you mean 'glassllm'"},
           {"model", "llama", "listed are"},
           {"train", "tatsu-lab/alpaca", "data:"},
           {"train", "data/my.csv", "data:"},
           {"lora.rank", "0", "at least 1"}}) {
    const std::string spec =
        field == "train"
            ? "budget: {steps: 1}\nquestion: a\ntrain: [" + value + "]\n"
            : head + "grid: {" + field + ": [" + value + "]}\n";
    Check({spec, "spec.yaml:3", remedy});
  }
}

TEST_CASE("booleans and numbers are read as YAML writes them",
          "[spec][messages]") {
  for (const auto& [text, value] :
       std::vector<std::pair<std::string, std::string>>{{"yes", "true"},
                                                        {"Yes", "true"},
                                                        {"on", "true"},
                                                        {"TRUE", "true"},
                                                        {"no", "false"},
                                                        {"No", "false"},
                                                        {"off", "false"},
                                                        {"'no'", "false"}}) {
    const auto spec = ParseSpecText(
        "spec.yaml",
        std::string(kHead) + "set: {activation_checkpointing: " + text + "}\n",
        TestTables());
    REQUIRE(spec.ok());
    CHECK(spec->set.at("activation_checkpointing").text == value);
  }
  for (const char* text : {"1e-4", "1.0e-4", "0.0001", "\"1e-4\"", "1E-4"}) {
    const auto spec = ParseSpecText(
        "spec.yaml",
        std::string(kHead) + "set: {learning_rate: " + text + "}\n",
        TestTables());
    REQUIRE(spec.ok());
    CHECK(spec->set.at("learning_rate").text == "1e-04");
  }
}

TEST_CASE("slips of YAML are named where they are", "[spec][messages]") {
  const std::string head = kHead;
  for (const Refused& refused : std::vector<Refused>{
           {head + "grid:\n\tmethod: [full]\n", "spec.yaml:4:1", "a tab"},
           {head + "set:\n  seed: 1\n\t batch_size: 4\n", "spec.yaml:5:1",
            "a tab"},
           {head + "set:\n  seed: 1\n    batch_size: 4\n", "spec.yaml:5:5",
            "indented by 4 spaces, line 4 by 2"},
           {head + "grid:\n  method: [full]\n seed: [0]\n", "spec.yaml:5:2",
            "indented by 1 space, line 4 by 2"},
           {head + " set: {seed: 1}\n", "spec.yaml:3:2", "indented by 1"},
           {head + "question: does it hold: yes or no\n", "spec.yaml:3:11",
            "wants quotes: \"does it hold: yes or no\""},
           {head + "question: {text} or not\n", "spec.yaml:3:11",
            "wants quotes"},
           {head + "question: 'it's so'\n", "spec.yaml:3:15", "closing quote"},
           {head + "question: \"open\nset: {seed: 1}\n", "spec.yaml:3:11",
            "is opened and not closed"},
           {head + "question: 'ä ö \xe2\x82\xac'\nset: {system_prompt: 'x}\n",
            "spec.yaml:4:22", "is opened and not closed"},
           {head + "grid: {seed: [0, 1}\n", "spec.yaml:3:19",
            "'[' of line 3 is closed by '}'"},
           {head + "grid: {seed: [0, 1]\nset: {threads: 1}\n", "spec.yaml:3:7",
            "'{' is opened and not closed"},
           {head + "grid\n  seed: [0]\n", "spec.yaml:3:1", "':' is missing"},
           {head + "question:what\n", "spec.yaml:3", "space is missing"},
           {head + "set: {seed:1}\n", "spec.yaml:3", "a space is missing"},
           {head + "set: {seed: 1}\nset: {threads: 1}\n", "spec.yaml:4",
            "'set' stands already on line 3"},
           {head + "set:\n  seed: 1\n  seed: 2\n", "spec.yaml:5",
            "stands already on line 4"},
           {head + "set:\n", "spec.yaml:3", "indented by two spaces"},
           {head + "set:\nseed: 1\n", "spec.yaml:3", "set: wanted a map", 2},
           {head + "set: [seed: 1]\n", "spec.yaml:3", "wanted a map"},
           {head + "set:\n  - seed: 1\n", "spec.yaml:4", "wanted a map"},
           {head + "grid: {seed: 0}\n", "spec.yaml:3", "write [0]"},
           {head + "evaluate: [bbcnews]\n", "spec.yaml:3",
            "write evaluate: {tasks: [NAME], retain: [NAME]}"},
           {head + "baseline: full\n", "spec.yaml:3",
            "write baseline: {method: full}"},
           {head + "select: validation_loss\n", "spec.yaml:3",
            "write select: {by: validation_loss"},
           {head + "cases: {when: {seed: 1}}\n", "spec.yaml:3", "write cases:"},
           {head + "model: [glassllm, smollm2-135m-instruct]\n", "spec.yaml:3",
            "under grid:"},
           {"train: {name: bbcnews}\nbudget: {steps: 1}\n", "spec.yaml:1",
            "write train: [NAME]"},
           {"train: [bbcnews]\nbudget: 100\n", "spec.yaml:2",
            "write budget: {steps: 100}"},
           {"train: [bbcnews]\nbudget: {epochs: 1, steps: 2}\n", "spec.yaml:2",
            "exactly one of"},
           {"train: [bbcnews]\nbudget: {max_steps: 2}\n", "spec.yaml:2",
            "steps"},
           {"train: bbcnews rotten_tomatoes\nbudget: {steps: 1}\n",
            "spec.yaml:1", "separated by commas"},
           {"- train: [bbcnews]\n- budget: {steps: 1}\n", "spec.yaml:1",
            "a spec: wanted a map"},
           {head + "question: @home\n", "spec.yaml:3", "wants quotes"},
           {head + "question: *star\n", "spec.yaml:3", "wants quotes"}}) {
    Check(refused);
  }
}

}  // namespace
}  // namespace sft::spec::spec_messages_test
