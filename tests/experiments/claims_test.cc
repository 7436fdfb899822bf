// power and claims as a user types them.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"
#include "tests/support/subprocess.h"

namespace sft::experiments::claims_test {
namespace {
using Catch::Matchers::Contains;
using nlohmann::json;

support::Finished Typed(const std::vector<std::string>& words) {
  std::vector<std::string> all = {SFTBENCH_BINARY};
  all.insert(all.end(), words.begin(), words.end());
  return support::RunProgram(all);
}

TEST_CASE("claims about memory, parameters and operations need no record",
          "[experiments][claims]") {
  const support::TempDir empty;
  const support::Finished done =
      Typed({"claims", "--records", empty.path().string(), "--json"});
  INFO(done.error);
  REQUIRE(done.exit_status == 0);
  std::map<std::string, json> claims;
  for (const json& claim : json::parse(done.out)) {
    claims[claim["name"]] = claim;
  }
  CHECK(claims.size() >= 14);
  const auto value = [&](const char* name) {
    return claims.at(name)["tests"][0]["value"].get<double>();
  };
  // 4 + 8/64 + 32/(64 x 256), and a mean of 32 bits for all of the map.
  CHECK(value("qlora_bits") == Approx(4.126953).margin(1e-5));
  // 2 x 96 x 2 x 4 x 12288 of 96 x 12 x 12288^2 and embeddings.
  CHECK(value("lora_share") ==
        Approx((96 * 12 * 12288. * 12288 + 2 * 50257. * 12288) /
               (2 * 96 * 2 * 4 * 12288.))
            .epsilon(1e-3));
  // A third is gradients of weights, about half of which is left out.
  CHECK(value("hft_flops") > 14);
  CHECK(value("hft_flops") < 17.5);
  // 65.3e9 weights at 4.127 bits, and what is trained.
  CHECK(value("qlora_65b") > 34);
  CHECK(value("qlora_65b") < 48);
  for (const char* name : {"qlora_bits", "lora_share", "qlora_65b"}) {
    CHECK(claims.at(name)["verdict"] == "reproduced");
  }
  CHECK(claims.at("hft_flops")["verdict"] == "not reproduced");
  CHECK(claims.at("hft_forgets_less")["verdict"] == "not tested here");
  CHECK_THAT(claims.at("hft_forgets_less")["why"].get<std::string>(),
             Contains("forgetting.h5 is not there yet"));
  for (const char* format : {"md", "tsv", "latex"}) {
    const support::Finished table = Typed(
        {"claims", "--records", empty.path().string(), "--format", format});
    CHECK(table.exit_status == 0);
    CHECK_THAT(table.out, Contains("4.127"));
  }
  CHECK(Typed({"claims", "none.yaml"}).exit_status == 2);
}

TEST_CASE("power says what a spec could find", "[experiments][power]") {
  support::RequireAssets("models/glassllm/config.json");
  const support::TempDir folder;
  const std::string spec = folder.path().string() + "/spec.yaml";
  std::ofstream(spec)
      << "question: does it hold?\n"
         "model: glassllm\n"
         "train: [rotten_tomatoes]\n"
         "evaluate: {tasks: [rotten_tomatoes], retain: [wiki_demo]}\n"
         "budget: {steps: 1}\n"
         "set: {max_length: 128, batch_size: 2, test_limit: 200,\n"
         "      validation_limit: 4, heldout_tokens: 1280,\n"
         "      heldout_window: 128, threads: 1}\n"
         "grid: {method: [full, lora], seed: [0, 1]}\n"
         "baseline: {method: full}\n";
  const support::Finished done =
      Typed({"power", spec, "--seed-sd", "0.01", "--item-sd", "0.3", "--effect",
             "0.1", "--json"});
  INFO(done.error);
  REQUIRE(done.exit_status == 0);
  CHECK_THAT(done.error, Contains("two seeds are not tested"));
  int rows = 0;
  double last = 1e9;
  for (const json& row : json::parse(done.out)) {
    if (row["task"] != "rotten_tomatoes") {
      CHECK(row["items"] == 10);
      continue;
    }
    ++rows;
    CHECK(row["items"] == 200);
    CHECK(row["comparisons"] == 3);
    if (row["seeds"] == 2) {
      CHECK(row["detectable"].is_null());
      continue;
    }
    CHECK(row["detectable"].get<double>() < last);
    last = row["detectable"];
    CHECK(row["power"].get<double>() > 0);
  }
  CHECK(rows == 4);  // 2, 3, 5 and 8 seeds
  // Without variances the unit is a standard deviation between seeds.
  const support::Finished bare = Typed({"power", spec, "--seeds", "5"});
  CHECK(bare.exit_status == 0);
  CHECK_THAT(bare.out, Contains("sd between seeds"));
  CHECK_THAT(Typed({"power", spec, "--seeds", "few"}).error,
             Contains("--seeds: wants whole numbers"));
  const support::Finished plan = Typed(
      {"run", spec, "--out", folder.path().string() + "/out", "--dry-run"});
  CHECK_THAT(plan.error, Contains("this plan can decide nothing"));
}

}  // namespace
}  // namespace sft::experiments::claims_test
