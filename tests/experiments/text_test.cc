// How text is read, through the whole program: BOS that a tokenizer prescribes,
// and chat templates of the families' structure. Models are glassllm with
// another tokenizer.json or chat template.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_replace.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"
#include "tests/support/subprocess.h"

namespace sft::experiments::text_test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

json ReadJson(const std::string& path) {
  std::ifstream file(path);
  return json::parse(file);
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return lines;
}

class OwnModel {
 public:
  OwnModel() : glass_(support::RequireAssets("models/glassllm").string()) {}
  void Make(bool writes_bos, const std::string& chat_template) const {
    fs::remove_all(model());
    fs::create_directories(model());
    for (const char* file : {"config.json", "model.safetensors"}) {
      fs::create_symlink(glass_ + "/" + file, model() + "/" + file);
    }
    json tokenizer = ReadJson(glass_ + "/tokenizer.json");
    json config = ReadJson(glass_ + "/tokenizer_config.json");
    if (writes_bos) {
      const json bos = {{"SpecialToken", {{"id", "<bos>"}, {"type_id", 0}}}};
      const json a = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
      const json b = {{"Sequence", {{"id", "B"}, {"type_id", 0}}}};
      tokenizer["post_processor"] = {
          {"type", "TemplateProcessing"},
          {"single", {bos, a}},
          {"pair", {bos, a, bos, b}},
          {"special_tokens",
           {{"<bos>",
             {{"id", "<bos>"}, {"ids", {2}}, {"tokens", {"<bos>"}}}}}}};
    }
    if (!chat_template.empty()) config["chat_template"] = chat_template;
    Write("model/tokenizer.json", tokenizer.dump());
    Write("model/tokenizer_config.json", config.dump());
  }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  std::string path(const std::string& name) const {
    return folder_.path().string() + "/" + name;
  }
  std::string model() const { return path("model"); }
  support::Finished Run(std::vector<std::string> words,
                        const std::string& input = "") const {
    words.insert(words.begin(), SFTBENCH_BINARY);
    return support::RunProgram(words, input);
  }
  // The rows that a one-step run of `spec` trained on, or its error.
  std::vector<json> Trained(const std::string& spec,
                            support::Finished* run) const {
    Write("spec.yaml", spec);
    fs::remove_all(path("out"));
    *run = Run({"run", path("spec.yaml"), "--out", path("out")});
    std::vector<json> rows;
    if (run->exit_status != 0) return rows;
    for (const auto& entry : fs::directory_iterator(path("out/runs"))) {
      for (const std::string& line :
           Lines(Run({"batches", entry.path().string()}).out)) {
        rows.push_back(json::parse(line));
      }
    }
    return rows;
  }

 private:
  const support::TempDir folder_;
  std::string glass_;
};

TEST_CASE("the BOS that a tokenizer prescribes is written once everywhere",
          "[experiments][bos]") {
  const OwnModel own;
  own.Make(/*writes_bos=*/true, "");
  own.Write("text.txt", "A short text to measure.");
  std::string rows = "text,label\n";
  for (int i = 0; i < 24; ++i) {
    rows += "row " + std::to_string(i) + (i % 2 ? ",good\n" : ",bad\n");
  }
  own.Write("rows.csv", rows);

  const std::string bare = own.Run({"tokenize", own.model()}, "a text\n").out;
  CHECK(own.Run({"tokenize", own.model(), "--special"}, "a text\n").out ==
        "2 " + bare);
  CHECK(own.Run({"tokenize", own.model(), "--special", "--bos", "never"},
                "a text\n")
            .out == bare);
  const auto tokens = [&](const std::string& bos) {
    const auto run =
        own.Run({"eval", own.model(), "--task", "perplexity", "--file",
                 own.path("text.txt"), "--json", "--bos", bos});
    INFO(run.error);
    REQUIRE(run.exit_status == 0);
    const json scores = json::parse(run.out);
    for (const json& metric : scores["metrics"]) {
      if (metric["metric"] == "cross_entropy_tokens") {
        return metric["value"].get<double>();
      }
    }
    return -1.0;
  };
  CHECK(tokens("auto") == tokens("never") + 1);

  const std::string spec = "model: " + own.model() +
                           "\ndata: {name: d, path: " + own.path("rows.csv") +
                           ", task: classification, split: [0.5, 0.25, 0.25], "
                           "template: \"Row: {text}\"}\n"
                           "train: [d]\nevaluate: {tasks: [d]}\n"
                           "budget: {steps: 1}\n"
                           "set: {method: full, max_length: 64, batch_size: 4";
  support::Finished run;
  for (const json& row : own.Trained(spec + "}\n", &run)) {
    CHECK(row["input_ids"][0] == 2);
    CHECK(row["input_ids"][1] != 2);
    CHECK(row["labels"][0] == -100);
  }
  INFO(run.error);
  REQUIRE(run.exit_status == 0);
  for (const json& row : own.Trained(spec + ", bos: never}\n", &run)) {
    CHECK(row["input_ids"][0] != 2);
  }
}

std::string Messages() {
  std::string out;
  for (int i = 0; i < 20; ++i) {
    const std::string n = std::to_string(i);
    const json row = {{"messages",
                       {{{"role", "user"}, {"content", "one " + n}},
                        {{"role", "assistant"}, {"content", "alpha " + n}},
                        {{"role", "user"}, {"content", "two"}},
                        {{"role", "assistant"},
                         {"content", "beta " + n + (i % 2 ? " \n" : "")}}}}};
    out += row.dump() + "\n";
  }
  return out;
}

std::string ChatSpec(const OwnModel& own, const std::string& loss_on) {
  return "model: " + own.model() +
         "\ndata: {name: d, path: " + own.path("chat.jsonl") +
         ", task: instruction, columns: {messages: messages}, "
         "split: [0.8, 0.1, 0.1]}\n"
         "train: [d]\nevaluate: {tasks: [d]}\nbudget: {steps: 1}\n"
         "set: {method: full, max_length: 200, batch_size: 16, "
         "gradient_accumulation_steps: 1, loss_on: " +
         loss_on + "}\n";
}

TEST_CASE("chats train in the form of every family, answers white space or not",
          "[experiments][chat][slow]") {
  const OwnModel own;
  own.Write("chat.jsonl", Messages());
  const json families = ReadJson(
      (support::SourceDir() / "tests/golden/chat_families.json").string());
  for (const auto& [name, family] : families["families"].items()) {
    CAPTURE(name);
    // A special token that glassllm has, and that is not its eos.
    const std::string source = absl::StrReplaceAll(
        family["template"].get<std::string>(), {{"<end_of_turn>", "<unk>"}});
    own.Make(/*writes_bos=*/false, source);
    const int end = name == "Gemma" || name == "Phi 3" ? 1 : 3;
    // It writes an answer otherwise once another turn follows.
    const bool is_one_each = name == "Qwen 3";
    for (const std::string loss_on : {"last", "all_assistant"}) {
      support::Finished run;
      const std::vector<json> rows = own.Trained(ChatSpec(own, loss_on), &run);
      INFO(run.error);
      REQUIRE(run.exit_status == 0);
      CHECK(rows.size() == 16);
      for (const json& row : rows) {
        CHECK(row["labels"].back() == end);
        CHECK(row["input_ids"].back() == end);
        CHECK(std::count(row["labels"].begin(), row["labels"].end(), end) ==
              (loss_on == "last" || is_one_each ? 1 : 2));
      }
      CHECK((run.error.find("an example an answer") != std::string::npos) ==
            (is_one_each && loss_on == "all_assistant"));
    }
  }
}

TEST_CASE("a chat template that ends no answer is refused in the plan",
          "[experiments][chat]") {
  const OwnModel own;
  own.Write("chat.jsonl", Messages());
  own.Make(/*writes_bos=*/false,
           "{% for m in messages %}{{ m['content'] + '\n' }}{% endfor %}");
  support::Finished run;
  own.Trained(ChatSpec(own, "last"), &run);
  CHECK(run.exit_status == 2);
  CHECK(run.error.find("no token right behind an answer") != std::string::npos);
  CHECK(run.error.find("none of the 16 rows") != std::string::npos);
}

}  // namespace
}  // namespace sft::experiments::text_test
