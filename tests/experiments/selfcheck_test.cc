// `sftbench selfcheck` and `version` as a user runs them.
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"
#include "tests/support/subprocess.h"

namespace sft::experiments::selfcheck_test {
namespace {

using nlohmann::json;

support::Finished Program(const std::vector<std::string>& more) {
  std::vector<std::string> words = {SFTBENCH_BINARY};
  words.insert(words.end(), more.begin(), more.end());
  return support::RunProgram(words);
}

TEST_CASE("selfcheck prints a line each check, and its status says if all hold",
          "[experiments][selfcheck]") {
  support::RequireAssets("models/glassllm");
  const support::Finished run = Program({"selfcheck", "glassllm"});
  INFO(run.error << run.out);
  CHECK(run.exit_status == 0);
  CHECK(run.out.rfind("setting\tcheck\tresult\tfound\n", 0) == 0);
  CHECK_THAT(run.out, Catch::Contains("\nfull, padded, f32\tresume\tpass\t"));
  CHECK_THAT(run.out, Catch::Contains("\nfull, padded, f32\tchat\t-\t"));
  CHECK(run.out.find("FAIL") == std::string::npos);
}

TEST_CASE(
    "selfcheck of a spec takes its methods and rows, and fails on packs "
    "that see across rows",
    "[experiments][selfcheck]") {
  support::RequireAssets("models/glassllm");
  const support::TempDir dir;
  const std::string data = (dir.path() / "rows.jsonl").string();
  const std::string spec = (dir.path() / "spec.yaml").string();
  std::ofstream rows(data);
  for (int i = 0; i < 40; ++i) {
    rows << R"({"instruction": "say )" << i << R"(", "output": "so )"
         << std::string(static_cast<size_t>(1 + i % 7), 'a') << "\"}\n";
  }
  rows.close();
  const auto write = [&](const std::string& strategy) {
    std::ofstream(spec) << "model: glassllm\ntrain: [mine]\n"
                           "data: {name: mine, task: instruction, path: "
                        << data
                        << "}\nbudget: {steps: 1}\n"
                           "set: {max_length: 64, pack.strategy: "
                        << strategy
                        << "}\ngrid:\n  method: [lora]\n"
                           "  batching: [packed]\n";
  };
  write("ffd");
  const support::Finished good =
      Program({"selfcheck", "glassllm", spec, "--json"});
  INFO(good.error << good.out);
  REQUIRE(good.exit_status == 0);
  const json table = json::parse(good.out);
  CHECK(table.at("all_hold") == true);
  CHECK(table.at("model_sha256").get<std::string>().size() == 64);
  REQUIRE(table.at("settings").size() == 1);
  const json& setting = table.at("settings")[0];
  CHECK(setting.at("rows_of") == "mine");
  CHECK(setting.at("method") == "lora");
  CHECK(setting.at("batching") == "packed");
  CHECK(setting.at("checks").size() >= 11);
  write("wrapped");
  const support::Finished bad = Program({"selfcheck", "glassllm", spec});
  INFO(bad.error << bad.out);
  CHECK(bad.exit_status == 1);
  CHECK_THAT(bad.out, Catch::Contains("packing\tFAIL\t"));
}

TEST_CASE("version --full names compiler, kernels and every library",
          "[experiments][selfcheck]") {
  const support::Finished brief = Program({"version"});
  CHECK(brief.exit_status == 0);
  CHECK(brief.out == Program({"--version"}).out);
  const support::Finished full = Program({"version", "--full"});
  CHECK(full.exit_status == 0);
  CHECK_THAT(full.out, Catch::Contains("\nflags\t-O"));
  CHECK_THAT(full.out, Catch::Contains("\nlibrary\tversion\tlicence\t"));
  const json out = json::parse(Program({"version", "--full", "--json"}).out);
  CHECK_FALSE(out.at("kernels").get<std::string>().empty());
  CHECK_FALSE(out.at("instruction_set").get<std::string>().empty());
  CHECK(out.at("libraries").size() >= 15);
  for (const json& library : out.at("libraries")) {
    INFO(library.dump());
    CHECK_FALSE(library.at("version").get<std::string>().empty());
    CHECK_FALSE(library.at("licence").get<std::string>().empty());
  }
}

}  // namespace
}  // namespace sft::experiments::selfcheck_test
