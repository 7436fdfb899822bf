// `sftbench pack` as a user runs it.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"
#include "tests/support/subprocess.h"

namespace sft::experiments::pack_test {
namespace {

using nlohmann::json;

support::Finished Pack(const std::vector<std::string>& more) {
  std::vector<std::string> words = {SFTBENCH_BINARY, "pack"};
  words.insert(words.end(), more.begin(), more.end());
  return support::RunProgram(words);
}

class Histogram {
 public:
  explicit Histogram(const std::string& text) {
    std::ofstream(path(), std::ios::binary) << text;
  }
  std::string path() const { return (folder_.path() / "h.csv").string(); }

 private:
  support::TempDir folder_;
};

constexpr char kLengths[] = "length,count\n412,10\n200,20\n100,30\n";

void CheckRefused(const std::vector<std::string>& words,
                  const std::string& part) {
  const support::Finished run = Pack(words);
  INFO(run.error << run.out);
  CHECK(run.exit_status == 2);
  CHECK(run.out.empty());
  CHECK(std::count(run.error.begin(), run.error.end(), '\n') == 1);
  CHECK_THAT(run.error, Catch::Contains(part));
}

TEST_CASE("pack prints a line each strategy, tab-separated in a pipe",
          "[experiments][pack]") {
  const Histogram h(kLengths);
  const support::Finished run =
      Pack({"--histogram", h.path(), "--strategies", "ffd,padded_to_max",
            "--batch_size", "4"});
  INFO(run.error);
  CHECK(run.exit_status == 0);
  // 412 100 ten times, 200 200 100 ten times, 100 by five twice: 11,120 tokens.
  CHECK_THAT(run.out, Catch::StartsWith(
                          "strategy\tmax_per_pack\tpacks\tefficiency\t"
                          "truncated_rows\ttruncated_tokens\trows_per_pack\t"
                          "steps\tseconds\nffd\t-\t22\t0.987216\t0\t0\t2.727"
                          "\t6\t0.0"));
  CHECK_THAT(run.out, Catch::Contains(
                          "\npadded_to_max\t-\t60\t0.361979\t0\t0\t1.000\t15"));
}

TEST_CASE("pack without a list measures all that can be had",
          "[experiments][pack]") {
  const Histogram h(kLengths);
  support::Finished run = Pack({"--histogram", h.path(), "--json"});
  INFO(run.error);
  CHECK(run.exit_status == 0);
  CHECK(run.error.empty());
  json out = json::parse(run.out);
  CHECK(out["max_length"] == 512);
  REQUIRE(out["strategies"].size() == 10);
  for (const json& row : out["strategies"]) {
    CHECK(row["rows"] == 60);
    CHECK(row["tokens"] == 11120);
    CHECK(row["efficiency"] <= 1);
  }
  // Rows are cut at 150; nnlshp is for packs of at most 1024.
  run = Pack({"--histogram", h.path(), "--json", "--max_length", "150"});
  out = json::parse(run.out);
  CHECK(out["strategies"][0]["truncated_rows"] == 30);
  CHECK(out["strategies"][0]["truncated_tokens"] == 10 * 262 + 20 * 50);
  run = Pack({"--histogram", h.path(), "--json", "--max_length", "2048"});
  CHECK(run.exit_status == 0);
  CHECK_THAT(run.error, Catch::StartsWith("nnlshp is left out: max_length"));
  CHECK(json::parse(run.out)["strategies"].size() == 9);
}

TEST_CASE("pack reads the lengths of a data set with a model's tokenizer",
          "[experiments][pack]") {
  support::RequireAssets("models/glassllm/config.json");
  const support::Finished run =
      Pack({"--data", "rotten_tomatoes", "--model", "glassllm", "--max_length",
            "64", "--strategies", "bfd,lpfhp", "--json"});
  INFO(run.error);
  REQUIRE(run.exit_status == 0);
  const json out = json::parse(run.out)["strategies"];
  CHECK(out[0]["rows"] > 1000);
  CHECK(out[0]["packs"] == out[1]["packs"]);
  CHECK(out[0]["efficiency"] > 0.9);
  CHECK(out[0]["truncated_rows"] > 0);
  CHECK(out[0]["truncated_tokens"] > out[0]["truncated_rows"]);
}

TEST_CASE("pack names what is wrong with its input", "[experiments][pack]") {
  const Histogram good(kLengths), bad("length,count\n5,1\n6,many\n");
  CheckRefused({"--histogram", bad.path()},
               bad.path() + ":3: count is 'many', wanted a whole number");
  CheckRefused({"--histogram", "/nowhere.csv"}, "/nowhere.csv");
  CheckRefused({}, "wants --histogram FILE.csv, or --data NAME");
  CheckRefused({"--data", "rotten_tomatoes"}, "--model NAME");
  CheckRefused({"--data", "x", "--model", "y", "--histogram", good.path()},
               "wants --histogram FILE.csv, or");
  CheckRefused({"--histogram", good.path(), "--strategies", "ffd,lpfph"},
               "did you mean 'lpfhp'?");
  CheckRefused({"--histogram", good.path(), "--max_length", "0"},
               "--max-length wants a whole number, 1 to");
  CheckRefused({"--histogram", good.path(), "--max_per_pack", "-1"},
               "--max-per-pack wants");
  CheckRefused({"--histogram", good.path(), "--batch_size", "0"},
               "--batch-size wants");
  CheckRefused({"--histogram", good.path(), "--strategies", "nnlshp",
                "--max_length", "2048"},
               "wanted at most 1024, or lpfhp");
  const support::Finished help = Pack({"--help"});
  CHECK(help.exit_status == 0);
  CHECK_THAT(help.out, Catch::Contains("least-squares histogram packing"));
}

}  // namespace
}  // namespace sft::experiments::pack_test
