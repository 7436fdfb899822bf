#include "harness/spec/run_config.h"

#include <catch2/catch.hpp>

namespace sft::spec::run_config_test {
namespace {

RunConfig OddConfig() {
  RunConfig config;
  config.train = {"a", "b"};
  config.learning_rate = 0.1 + 0.2;
  config.budget_steps = 20;
  config.activation_checkpointing = true;
  config.method = "lora";
  config.method_options = {{"lora.rank", "8"}, {"lora.targets", ""}};
  return config;
}

TEST_CASE("a config reads back from its canonical text bit for bit",
          "[spec][run_config]") {
  const std::string text = OddConfig().CanonicalConfigText();
  const auto back = RunConfig::FromCanonicalText(text);
  REQUIRE(back.ok());
  CHECK(back->CanonicalConfigText() == text);
  CHECK(back->learning_rate == 0.1 + 0.2);
  CHECK(back->train == std::vector<std::string>{"a", "b"});
  CHECK(back->method_options == OddConfig().method_options);
  CHECK(back->evaluate.empty());
}

TEST_CASE("the canonical text is in name order, one line a field",
          "[spec][run_config]") {
  const std::string text = OddConfig().CanonicalConfigText();
  std::string last;
  size_t lines = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    const std::string name = text.substr(at, text.find(" = ", at) - at);
    CHECK(last < name);
    last = name;
    at = end + 1;
    ++lines;
  }
  // Two options more, and what came after the first records left out.
  CHECK(lines == PrintFields(RunConfig()).size() + 2 - 13);
}

TEST_CASE("a field younger than the first records keeps their text and id",
          "[spec][run_config]") {
  RunConfig config = OddConfig();
  const std::string old = config.CanonicalConfigText();
  CHECK(old.find("optimizer") == std::string::npos);
  CHECK(ConfigFields(config).at("optimizer") ==
        "adamw");  // an axis like others
  CHECK(RunConfig::FromCanonicalText(old)->optimizer == "adamw");
  // Ids of revision efaef36, before the field was there.
  CHECK(MakeRunId(config, {"m", "d"}) == "337b8cbe1c43a5bc");
  CHECK(MakeRunId(RunConfig(), {}) == "3b53cb804fab6b39");
  config.optimizer = "adamw_8bit";
  const std::string text = config.CanonicalConfigText();
  CHECK(text.find("optimizer = adamw_8bit\n") != std::string::npos);
  CHECK(RunConfig::FromCanonicalText(text)->optimizer == "adamw_8bit");
  CHECK(MakeRunId(config, {"m", "d"}) != "337b8cbe1c43a5bc");

  RunConfig changed = OddConfig();
  changed.bos = "always";
  CHECK(changed.CanonicalConfigText().find("bos = always\n") !=
        std::string::npos);
  changed = OddConfig();
  changed.replay_from = {kEarlierRows, "a"};
  changed.replay_share = 0.05;
  const std::string replayed = changed.CanonicalConfigText();
  CHECK(replayed.find("replay.from = earlier,a\nreplay.share = 0.05\n") !=
        std::string::npos);
  const auto back = RunConfig::FromCanonicalText(replayed);
  REQUIRE(back.ok());
  CHECK(back->replay_from == changed.replay_from);
  CHECK(back->CanonicalConfigText() == replayed);
  // So does an option of a method, once its table's owner has said so.
  changed = OddConfig();
  const std::string before = changed.CanonicalConfigText();
  changed.method_options["lora.between_rounds"] = "go_on";
  CHECK(changed.CanonicalConfigText() != before);
  NoteLaterOptions(
      {{"lora.between_rounds", "go_on"}, {"hft.optimizer_state", "drop"}},
      changed);
  CHECK(changed.CanonicalConfigText() == before);
  CHECK(ConfigFields(changed).at("lora.between_rounds") == "go_on");
  CHECK_FALSE(ConfigFields(changed).contains("hft.optimizer_state"));
  changed.method_options["lora.between_rounds"] = "stack";
  CHECK(changed.CanonicalConfigText().find("lora.between_rounds = stack\n") !=
        std::string::npos);
  changed = OddConfig();
  changed.score_end_of_turn = {"a"};
  CHECK(changed.CanonicalConfigText().find("score_end_of_turn = ") !=
        std::string::npos);
}

TEST_CASE("a broken config text is refused with its line",
          "[spec][run_config]") {
  const auto message = [](const char* text) {
    const auto config = RunConfig::FromCanonicalText(text);
    REQUIRE_FALSE(config.ok());
    return std::string(config.status().message());
  };
  CHECK(message("seed = 1\nnonsense\n").find("config:2") == 0);
  CHECK(message("seed = 1\nseed = 2\n").find("twice") != std::string::npos);
  CHECK(message("sede = 1\n").find("'seed'") != std::string::npos);
  CHECK(message("seed = one\n").find("whole number") != std::string::npos);
  CHECK(message("budget.step = 1\n").find("budget.steps") != std::string::npos);
}

TEST_CASE("the run id depends on every field and on the inputs' digests",
          "[spec][run_config]") {
  const RunConfig config = OddConfig();
  const std::string id = MakeRunId(config, {"m", "d"});
  CHECK(id.size() == 16);
  CHECK(id == MakeRunId(config, {"m", "d"}));
  CHECK(id != MakeRunId(config, {"m", "e"}));
  CHECK(id != MakeRunId(config, {"md"}));
  RunConfig other = config;
  other.threads = 3;
  CHECK(id != MakeRunId(other, {"m", "d"}));
  other = config;
  other.method_options["lora.rank"] = std::string("9");
  CHECK(id != MakeRunId(other, {"m", "d"}));
}

TEST_CASE("a run id is of what files hold, not of where they lie",
          "[spec][run_config]") {
  const std::string by_content = std::string(kModelByContent) + "4f";
  const auto id_of_model = [&](const std::string& path,
                               const std::string& digest) {
    RunConfig config = OddConfig();
    config.model = path;
    return MakeRunId(config, {digest, "d"});
  };
  CHECK(id_of_model("./m", by_content) == id_of_model("/home/m/", by_content));
  CHECK(id_of_model("./m", by_content) !=
        id_of_model("./m", std::string(kModelByContent) + "50"));
  // A listed name is a part of its id, as it was in the first records.
  CHECK(id_of_model("glassllm", "m") != id_of_model("minilm-l6", "m"));

  const auto id_of_data = [](const std::string& json) {
    RunConfig config = OddConfig();
    config.user_data["own"] = json;
    return MakeRunId(config, {"m", "d"});
  };
  const std::string id =
      id_of_data(R"({"path":"a/rows.csv.gz","task":"generation"})");
  CHECK(id == id_of_data(R"({"path":"/b/x.csv.gz","task":"generation"})"));
  // The name's ending says how a file is read, unless its format is stated.
  CHECK(id != id_of_data(R"({"path":"a/rows.jsonl","task":"generation"})"));
  CHECK(id != id_of_data(R"({"path":"a/rows.csv","task":"generation"})"));
  CHECK(id_of_data(R"({"format":"csv","path":"a.txt"})") ==
        id_of_data(R"({"format":"csv","path":"b.dat"})"));
  CHECK(id_of_data(R"({"format":"csv","path":"a.txt"})") !=
        id_of_data(R"({"format":"csv","path":"a.txt.gz"})"));
  // Which splits have files of their own, and all else that is said of them.
  CHECK(id != id_of_data(R"({"path":"a/rows.csv.gz","task":"generation",)"
                         R"("test":"t.csv"})"));
  CHECK(id != id_of_data(R"({"path":"a/rows.csv.gz","task":"instruction"})"));
  CHECK(id_of_data(R"({"path":"a.csv","test":"t.csv"})") ==
        id_of_data(R"({"path":"b.csv","test":"u.csv"})"));
}

}  // namespace
}  // namespace sft::spec::run_config_test
