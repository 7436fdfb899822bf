#include "harness/launch/config_parts.h"

#include <catch2/catch.hpp>
#include <functional>

namespace sft::launch::config_parts_test {
namespace {

using Change = std::function<void(spec::RunConfig&)>;

FieldSpec Option(const std::string& name) {
  FieldSpec option;
  option.name = name;
  return option;
}

// Which parts a change of the config changes: "r" reading, "b" batching, "m"
// model, "v" what rules look at.
std::string ChangedBy(const Change& change) {
  Workbench bench;
  bench.methods.update = {{"lora", "", {Option("lora.rank")}, {}}};
  bench.methods.batching = {{"packed",
                             "",
                             {Option("pack.strategy"), Option("pack.overflow")},
                             {},
                             [](const spec::RunConfig& config) {
                               return config.method_options.at(
                                          "pack.overflow") == "split";
                             }}};
  spec::RunConfig config;
  config.method = "lora";
  config.batching = "packed";
  config.method_options = {{"lora.rank", "8"},
                           {"pack.strategy", "spfhp"},
                           {"pack.overflow", "truncate"}};
  spec::RunConfig other = config;
  change(other);
  std::string parts;
  if (ReadingPart(bench, config) != ReadingPart(bench, other)) parts += "r";
  if (BatchingPart(bench, config) != BatchingPart(bench, other)) parts += "b";
  if (ModelPart(bench, config) != ModelPart(bench, other)) parts += "m";
  if (RulesPart(config) != RulesPart(other)) parts += "v";
  return parts;
}

TEST_CASE("cells share what their differences leave the same",
          "[launch][plan]") {
  CHECK(ChangedBy([](auto&) {}).empty());
  CHECK(ChangedBy([](auto& c) { c.learning_rate = 0.5; }).empty());
  CHECK(ChangedBy([](auto& c) { c.schedule = "linear"; }).empty());
  CHECK(ChangedBy([](auto& c) { c.seed = 3; }) == "bm");
  CHECK(ChangedBy([](auto& c) { c.budget_steps = 3; }) == "bv");
  CHECK(ChangedBy([](auto& c) { c.batch_size = 3; }) == "bv");
  CHECK(ChangedBy([](auto& c) { c.dtype = "bf16"; }) == "mv");
  CHECK(ChangedBy([](auto& c) { c.method_options["lora.rank"] = "9"; }) ==
        "mv");
  CHECK(ChangedBy([](auto& c) { c.method_options["pack.strategy"] = "ffd"; }) ==
        "bv");
  // Rows are then read whole.
  CHECK(ChangedBy([](auto& c) {
          c.method_options["pack.overflow"] = "split";
        }) == "rbv");
  CHECK(ChangedBy([](auto& c) { c.max_length = 64; }) == "rbv");
  CHECK(ChangedBy([](auto& c) { c.bos = "never"; }) == "rbv");
  CHECK(ChangedBy([](auto& c) { c.train_limit = 5; }) == "rbv");
  CHECK(ChangedBy([](auto& c) { c.sample_seed = 5; }) == "rbv");
  CHECK(ChangedBy([](auto& c) { c.model = "other"; }) == "rbmv");
  CHECK(ChangedBy([](auto& c) { c.evaluate = {"other"}; }) == "rbmv");
  CHECK(ChangedBy([](auto& c) { c.user_data["own"] = "{}"; }) == "rbmv");
}

}  // namespace
}  // namespace sft::launch::config_parts_test
