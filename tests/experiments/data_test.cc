// `sftbench data NAME` as a user runs it.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "datasets/manifest.h"
#include "harness/core/digest.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"
#include "tests/support/subprocess.h"

namespace sft::experiments::data_test {
namespace {

using nlohmann::json;

// Programs started within the scope see this SFTBENCH_DATA; "" unsets it.
class DataVariable {
 public:
  explicit DataVariable(const std::string& value) {
    if (const char* before = getenv("SFTBENCH_DATA")) before_ = before;
    Set(value);
  }
  ~DataVariable() { Set(before_); }

 private:
  static void Set(const std::string& value) {
    if (value.empty()) {
      unsetenv("SFTBENCH_DATA");
    } else {
      setenv("SFTBENCH_DATA", value.c_str(), 1);
    }
  }
  std::string before_;
};

support::Finished Data(const std::string& name,
                       const std::vector<std::string>& more = {}) {
  std::vector<std::string> words = {SFTBENCH_BINARY, "data", name};
  words.insert(words.end(), more.begin(), more.end());
  return support::RunProgram(words);
}

void Write(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

TEST_CASE("missing files are named with place, size, digest and origin",
          "[experiments][data]") {
  const support::TempDir folder;
  const DataVariable variable(folder.path().string());
  const support::Finished run = Data("cola");
  CHECK(run.exit_status == 2);
  const datasets::DataFile* known = datasets::FindDataFile("data:cola/dev.tsv");
  REQUIRE(known != nullptr);
  for (const std::string& part :
       {std::string("classification, plain form: no, yes"),
        std::string("mcc, accuracy"), std::string("licence"),
        "missing   " + (folder.path() / "cola/dev.tsv").string(),
        "wanted: 53718 bytes, sha256 " + std::string(known->sha256),
        std::string("from: github"), std::string("0 of 2 as they should be")}) {
    INFO(part << " in\n" << run.out);
    CHECK(run.out.find(part) != std::string::npos);
  }
  CHECK(run.out.find("refused") == std::string::npos);
}

TEST_CASE("an official file without a known digest says where it comes from",
          "[experiments][data]") {
  const DataVariable variable("");
  const support::Finished run = Data("dolly", {"--json"});
  CHECK(run.exit_status == 2);
  const json out = json::parse(run.out);
  REQUIRE(out["files"].size() == 1);
  CHECK(out["files"][0]["state"] == "missing");
  CHECK(out["files"][0]["path"] ==
        "$SFTBENCH_DATA/instruct/databricks-dolly-15k.jsonl");
  CHECK(out["files"][0]["origin"].get<std::string>().find("databricks") !=
        std::string::npos);
  CHECK_FALSE(out["files"][0].contains("wanted_sha256"));
}

TEST_CASE(
    "files of another digest are told from those that should be there, "
    "rows are counted",
    "[experiments][data]") {
  const support::TempDir folder;
  const DataVariable variable(folder.path().string());
  std::string train;
  for (int i = 0; i < 510; ++i) {
    train += "NUM:count How many " + std::to_string(i % 505) + " ?\n";
  }
  train += "HUM:ind Who ?\n";
  Write(folder.path() / "trec/train.txt", train);
  Write(folder.path() / "trec/test.txt", "HUM:ind Who ?\nODD:x y\n");
  const support::Finished run = Data("trec", {"--json"});
  INFO(run.error);
  CHECK(run.exit_status == 0);
  const json out = json::parse(run.out);
  CHECK(out["files"][0]["state"] == "differs");
  CHECK(out["files"][0]["sha256"] == Sha256Hex(train));
  CHECK(out["files"][0]["wanted_bytes"] == 335859);
  CHECK(out["rows"]["train"] == 5);
  CHECK(out["rows"]["validation"] == 500);
  CHECK(out["rows"]["test"] == 1);
  CHECK(out["refused"]["duplicate of an earlier row"] == 5);
  CHECK(out["refused"]["its text is in the test set"] == 1);
  CHECK(out["refused"].size() == 3);

  const support::Finished text = Data("trec");
  CHECK(text.out.find("train 5, validation 500, test 1\n") !=
        std::string::npos);
  CHECK(text.out.find("5: duplicate of an earlier row\n") != std::string::npos);
  CHECK(text.out.find("differs   " +
                      (folder.path() / "trec/train.txt").string()) !=
        std::string::npos);
}

TEST_CASE("a set that is there and cannot be read is an error",
          "[experiments][data]") {
  const support::TempDir folder;
  const DataVariable variable(folder.path().string());
  Write(folder.path() / "trec/train.txt", "ODD\n");
  Write(folder.path() / "trec/test.txt", "ODD\n");
  const support::Finished run = Data("trec");
  CHECK(run.exit_status == 2);
  CHECK(run.error.find("test.txt:1: no 'COARSE:fine question'") !=
        std::string::npos);
}

TEST_CASE(
    "an unknown name is answered with the nearest data set, a missing "
    "file with its name",
    "[experiments][data]") {
  const support::Finished name = Data("collla");
  CHECK(name.exit_status == 2);
  CHECK(name.error.find("'cola'") != std::string::npos);
  const support::Finished file = Data("nothing.csv");
  CHECK(file.exit_status == 2);
  CHECK(file.error.find("nothing.csv") != std::string::npos);
}

TEST_CASE("a set of the data folder is whole", "[experiments][data]") {
  const auto data = support::RequireData();
  const support::Finished run = Data("cola", {"--json"});
  CHECK(run.exit_status == 0);
  const json out = json::parse(run.out);
  CHECK(out["rows"]["test"] == 1043);
  for (const json& file : out["files"]) CHECK(file["state"] == "there");
}

}  // namespace
}  // namespace sft::experiments::data_test
