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
  CHECK(lines == PrintFields(RunConfig()).size() + 2 - 6);
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

}  // namespace
}  // namespace sft::spec::run_config_test
